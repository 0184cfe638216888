"""Versions, strategies and sample messages that the tests share."""

from __future__ import annotations

import datetime
import os
import random
import string
import tempfile
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .. import Schema, load, register, versions
from ..message import TRANSACTIONS
from ..plan import Complex, Field, Group
from ..simple import Base64, Boolean, Date, Domain, Integer, Leaf, Number, Text, Time

PACKAGED = ("4.02.00", "4.03.00")
NAMESPACE = "http://www.ans.gov.br/padroes/tiss/schemas"
MOMENT = datetime.datetime(2026, 11, 21, 10, 30)
GUIAS_PATH = "prestadorParaOperadora/loteGuias/guiasTISS/guiaConsulta"

_ZIPS = Path(
    os.environ.get("TISS_ANS_ZIPS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "tiss" / "ans"
)
ZIP_401 = _ZIPS / "tiss-comunicacao-4.01.00.zip"
ZIP_403 = _ZIPS / "tiss-comunicacao-4.03.00.zip"
NO_ZIPS = f"no ANS zips in the folder of TISS_ANS_ZIPS ({_ZIPS.name})"
_folder = tempfile.TemporaryDirectory(prefix="tiss-tests-")


def profile(examples: int) -> settings:
    """Deterministic settings: a failure on one machine is a failure on all."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@cache
def schemas() -> list[Schema]:
    """The packaged versions, and 4.01.00 when its zip is at hand."""
    if ZIP_401.exists() and "4.01.00" not in versions():
        register(ZIP_401, _folder.name)
    return [load(version) for version in versions()]


def consulta(number: int = 1, nome: str = "MARIA SOUZA") -> dict[str, Any]:
    """The guia of Appendix C."""
    return {
        "cabecalhoConsulta": {"registroANS": "326305", "numeroGuiaPrestador": str(number)},
        "dadosBeneficiario": {"numeroCarteira": "0123456789", "atendimentoRN": "N"},
        "contratadoExecutante": {"codigoPrestadorNaOperadora": "12345", "CNES": "9999999"},
        "profissionalExecutante": {
            "nomeProfissional": nome,
            "conselhoProfissional": "06",
            "numeroConselhoProfissional": "123456",
            "UF": "35",
            "CBOS": "225125",
        },
        "indicacaoAcidente": "9",
        "dadosAtendimento": {
            "regimeAtendimento": "01",
            "dataAtendimento": datetime.date(2026, 11, 20),
            "tipoConsulta": "1",
            "procedimento": {
                "codigoTabela": "22",
                "codigoProcedimento": "10101012",
                "valorProcedimento": Decimal("150"),
            },
        },
    }


def lote(*guias: dict[str, Any], version: str = "4.03.00") -> dict[str, Any]:
    """The message of Appendix C around some guias de consulta."""
    return {
        "cabecalho": {
            "identificacaoTransacao": {
                "tipoTransacao": "ENVIO_LOTE_GUIAS",
                "sequencialTransacao": "1",
                "dataRegistroTransacao": MOMENT.date(),
                "horaRegistroTransacao": MOMENT.time(),
            },
            "origem": {"identificacaoPrestador": {"codigoPrestadorNaOperadora": "12345"}},
            "destino": {"registroANS": "326305"},
            "Padrao": version,
        },
        "prestadorParaOperadora": {
            "loteGuias": {
                "numeroLote": "1",
                "guiasTISS": {"guiaConsulta": list(guias or [consulta()])},
            }
        },
    }


# ---------------------------------------------------------------------------
# Messages made from a plan
# ---------------------------------------------------------------------------

_CHARACTERS = st.characters(codec="iso-8859-1", exclude_categories=("Cc",))
_TEXT_CHARACTERS = st.one_of(
    st.sampled_from(string.ascii_uppercase + " &<>\"'"), _CHARACTERS, st.sampled_from("\n\t")
)


def leaf_values(leaf: Leaf) -> st.SearchStrategy:
    """Values that a simple type takes, its limits included."""
    if isinstance(leaf, Domain):
        return st.sampled_from(leaf.enumeration)
    if isinstance(leaf, Text):
        return _texts(leaf)
    if isinstance(leaf, Number):
        limit = Decimal(10) ** (leaf.total_digits - leaf.fraction_digits)
        step = Decimal(1).scaleb(-leaf.fraction_digits)
        return st.decimals(step - limit, limit - step, places=leaf.fraction_digits)
    if isinstance(leaf, Integer):
        limit = 10**leaf.total_digits - 1
        return st.integers(-limit, limit)
    return {
        Date: st.dates(),
        Time: st.times().map(lambda value: value.replace(microsecond=0)),
        Boolean: st.booleans(),
        Base64: st.binary(min_size=1, max_size=20),
    }[type(leaf)]


def _texts(leaf: Text) -> st.SearchStrategy:
    if leaf.patterns:
        (pattern,) = leaf.patterns
        longest = leaf.max_length or 100
        return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= longest)
    longest = 20 if leaf.max_length is None else leaf.max_length
    short = st.text(_TEXT_CHARACTERS, min_size=leaf.min_length, max_size=min(longest, 12))
    return st.one_of(short, st.sampled_from("AÇ ").map(lambda each: each * longest))


_pools: dict[str, list[Any]] = {}


def pool(leaf: Leaf) -> list[Any]:
    """Values of a leaf that Hypothesis chose; drawn once, as a message has hundreds of leaves."""
    key = repr((leaf.name, {name: value for name, value in vars(leaf).items() if name[0] != "_"}))
    if key not in _pools:
        found: list[Any] = []

        @profile(30)
        @given(leaf_values(leaf))
        def collect(value: Any) -> None:
            found.append(value)

        collect()
        _pools[key] = found
    return _pools[key]


class Generator:
    """Random values of a type: which optionals, choices and repeats there are comes from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        # From nearly nothing optional to nearly everything.
        self._density = self._random.choice((0.1, 0.4, 0.9))

    def value(self, field: Field) -> Any:
        """One value of a field."""
        if isinstance(field.type, Leaf):
            return self._random.choice(pool(field.type))
        values = self._group(field.type.model)
        # The order of the keys is no business of the caller: the XSD has it.
        return dict(reversed(values.items())) if self._random.random() < 0.5 else values

    def _group(self, group: Group) -> dict[str, Any]:
        if group.choice:
            item = self._random.choice(group.items)
            return self._group(item) if isinstance(item, Group) else self._item(item)
        values: dict[str, Any] = {}
        for item in group.items:
            if isinstance(item, Group):
                values.update(self._group(item))
            elif item.least or self._random.random() < self._density:
                values.update(self._item(item))
        return values

    def _item(self, field: Field) -> dict[str, Any]:
        if not isinstance(field.type, (Leaf, Complex)):
            return {}
        if not field.many:
            return {field.name: self.value(field)}
        least = max(field.least, 1)
        count = self._random.randint(least, min(field.most or least + 2, least + 2))
        return {field.name: [self.value(field) for _ in range(count)]}


SEEDS = st.integers(0, 2**32 - 1)


def file_message(schema: Schema, transaction: str, seed: int) -> dict[str, Any]:
    """A mensagemTISS of one transaction, with a header that agrees with it."""
    generator = Generator(seed)
    direction, path = TRANSACTIONS[transaction]
    field = schema.field("/".join((direction, *path)))
    body = [generator.value(field)] if field.many else generator.value(field)
    for name in reversed((direction, *path)):
        body = {name: body}
    return {"cabecalho": _header(schema, transaction, generator), **body}


def _header(schema: Schema, transaction: str, generator: Generator) -> dict[str, Any]:
    cabecalho = generator.value(schema.field("cabecalho"))
    cabecalho["identificacaoTransacao"]["tipoTransacao"] = transaction
    cabecalho["Padrao"] = schema.version
    prestador = generator.value(schema.field("cabecalho/origem/identificacaoPrestador"))
    parties = [{"identificacaoPrestador": prestador}, {"registroANS": "326305"}]
    if TRANSACTIONS[transaction].direction == "operadoraParaPrestador":
        parties.reverse()
    cabecalho["origem"], cabecalho["destino"] = parties
    return cabecalho


def soap_message(schema: Schema, element: str, seed: int) -> dict[str, Any]:
    """Values of a SOAP body element, without its hash."""
    values = Generator(seed).value(schema.plan.elements[element])
    values.pop("hash", None)
    return values
