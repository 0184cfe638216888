"""Who paid, out of the text that a bank writes beside a deposit.

Banks cut names short, leave accents out and put numbers between the words; most of them give the
CNPJ of who sent the money, with or without mask. What is learned of a text are its words without
what only says how the money came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .identifiers import compact, valid_cnpj
from .text import to_ascii

PARTNER, CNPJ, ALIAS, NAME = "partner", "cnpj", "alias", "name"
_CNPJ = re.compile(
    r"(?<![0-9A-Z])0{0,2}([0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?[0-9]{2})(?![0-9A-Z])"
)
_OTHER = re.compile(r"[^A-Z0-9]+")
# How money comes, and what every name has.
_NOISE = frozenset(
    "TED DOC PIX TEF TRANSF TRANSFER TRANSFERENCIA TRANSFERENCIAS RECEBIDO RECEBIDA RECEBIMENTO"
    " RECEBIMENTOS RECEB REC CREDITO CREDITOS CRED CR DEP DEPOSITO DEPOSITOS PAGAMENTO PAGAMENTOS"
    " PAGTO PGTO PAG PGT FORNECEDOR FORNECEDORES FORNEC REMET REMETENTE REM LIQ LIQUIDACAO COBRANCA"
    " CONTA CORRENTE CC CTA AG AGENCIA STR SPB BANCO BCO INTERNET ELETRONICA ELETRONICO DISP"
    " DISPONIVEL CNPJ CPF MESMA TITULARIDADE TIT OUTRA IF DINHEIRO VALOR REF NR NUM DOCTO".split()
)
_LINKS = frozenset("A E O DE DA DO DAS DOS EM POR PARA COM".split())
_FORMS = frozenset("S SA LTDA ME EPP EIRELI CIA SS".split())
_SHORTEST = 4  # letters of a text that can stand for somebody
_SHORTEST_CUT = 8  # of a name that the bank cut


def normalise(text: str | None) -> str:
    """Capitals, digits and single blanks."""
    return _OTHER.sub(" ", to_ascii(text or "")).strip()


def find_cnpjs(text: str | None) -> list[str]:
    """The valid CNPJs in a text, without mask."""
    found = map(compact, _CNPJ.findall(to_ascii(text or "")))
    return list(dict.fromkeys(code for code in found if valid_cnpj(code)))


def payer_words(text: str | None) -> str:
    """What of a label can be a name: without numbers and without how the money came."""
    words = [
        word
        for word in normalise(text).split()
        if word not in _NOISE and not any(letter.isdigit() for letter in word)
    ]
    while words and words[0] in _LINKS:
        words.pop(0)
    while words and words[-1] in _LINKS:
        words.pop()
    name = " ".join(words)
    return name if len(name.replace(" ", "")) >= _SHORTEST else ""


def name_words(name: str | None) -> str:
    """A company's name without its legal form, as labels have it."""
    words = payer_words(name).split()
    while len(words) > 1 and words[-1] in _FORMS | _LINKS:
        words.pop()
    return " ".join(words)


@dataclass(frozen=True)
class Payer:
    """An operadora as it may be called in a label."""

    id: int
    cnpj: str = ""
    names: tuple[str, ...] = ()


@dataclass
class Payers:
    """All who may have paid; ``aliases`` maps a text or CNPJ to the id of a payer."""

    payers: list[Payer]
    aliases: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_cnpj: dict[str, set[int]] = {}
        for payer in self.payers:
            code = compact(payer.cnpj or "")
            if valid_cnpj(code):
                # Branches of an operadora pay as well: the first eight name the company.
                self._by_cnpj.setdefault(code[:8], set()).add(payer.id)
        self._names = [
            (payer.id, words)
            for payer in self.payers
            for words in {name_words(name) for name in payer.names}
            if len(words.replace(" ", "")) >= _SHORTEST
        ]
        # The longest text says most.
        self._aliases = sorted(self.aliases.items(), key=lambda item: -len(item[0]))

    def recognise(self, *texts: str | None) -> tuple[int, str] | None:
        """(id, evidence) of who paid, by all the texts of a line; None if nobody or several."""
        text = " ".join(filter(None, texts))
        return self._by_code(text) or self._by_alias(text) or self._by_name(text)

    def _by_code(self, text: str) -> tuple[int, str] | None:
        codes = find_cnpjs(text)
        known = {self.aliases[code] for code in codes if code in self.aliases}
        found = known or {payer for code in codes for payer in self._by_cnpj.get(code[:8], ())}
        return (found.pop(), CNPJ) if len(found) == 1 else None

    def _by_alias(self, text: str) -> tuple[int, str] | None:
        places = (f" {normalise(text)} ", f" {payer_words(text)} ")
        for alias, payer in self._aliases:
            if any(f" {alias} " in place for place in places):
                return payer, ALIAS
        return None

    def _by_name(self, text: str) -> tuple[int, str] | None:
        words = payer_words(text)
        whole = {payer: name for payer, name in self._names if f" {name} " in f" {words} "}
        if whole:
            longest = max(map(len, whole.values()))
            found = {payer for payer, name in whole.items() if len(name) == longest}
        elif len(words) >= _SHORTEST_CUT:
            found = {payer for payer, name in self._names if name.startswith(words)}
        else:
            found = set()
        return (found.pop(), NAME) if len(found) == 1 else None
