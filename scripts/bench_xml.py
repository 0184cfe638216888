"""Speed of ``standard``: run ``python scripts/bench_xml.py``; prints one table.

Candidates of a comparison are timed in turn inside one process, so that the ratio means something
on a busy machine. Times are medians in milliseconds.
"""

from __future__ import annotations

import datetime
import gc
import hashlib
import importlib.util
import io
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import ModuleType

import xml_peers
from lxml import etree

ROOT = Path(__file__).resolve().parent.parent
VERSION = "4.03.00"
NAMESPACE = "http://www.ans.gov.br/padroes/tiss/schemas"
GUIAS = 100
ROUNDS = 15
OURS, FLOOR = "encode + digest", "lxml SubElement + digest"
GOALS = {FLOOR: 2, "pytiss": 2.5, "tiss.build_lote": 15}  # how many times as fast we want to be
MISSED: list[str] = []
RECORDS_PATH = (
    "operadoraParaPrestador/demonstrativosRetorno/demonstrativoAnaliseConta/dadosConta/"
    "dadosProtocolo/relacaoGuias"
)


def load_standard() -> ModuleType:
    """The package ``standard`` of this checkout, whatever the checkout's folder is called."""
    folder = ROOT / "standard"
    spec = importlib.util.spec_from_file_location(
        "standard", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = sys.modules["standard"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def procedure(number: int) -> dict:
    return {
        "sequencialItem": number,
        "dataExecucao": datetime.date(2026, 11, 20),
        "horaInicial": datetime.time(10, 0),
        "horaFinal": datetime.time(10, 30),
        "procedimento": {
            "codigoTabela": "22",
            "codigoProcedimento": "40304361",
            "descricaoProcedimento": "HEMOGRAMA COM CONTAGEM DE PLAQUETAS OU FRACOES",
        },
        "quantidadeExecutada": 1,
        "reducaoAcrescimo": Decimal("1.00"),
        "valorUnitario": Decimal("12.34"),
        "valorTotal": Decimal("12.34"),
    }


def guia(number: int, items: int) -> dict:
    professional = {
        "nomeProfissional": "MEDICO INVENTADO",
        "conselhoProfissional": "06",
        "numeroConselhoProfissional": "123456",
        "UF": "35",
        "CBOS": "225125",
    }
    return {
        "cabecalhoGuia": {"registroANS": "326305", "numeroGuiaPrestador": f"{number:08d}"},
        "dadosBeneficiario": {"numeroCarteira": "01234567890123456", "atendimentoRN": "N"},
        "dadosSolicitante": {
            "contratadoSolicitante": {"codigoPrestadorNaOperadora": "12345"},
            "nomeContratadoSolicitante": "CLINICA INVENTADA LTDA",
            "profissionalSolicitante": professional,
        },
        "dadosSolicitacao": {"caraterAtendimento": "1"},
        "dadosExecutante": {
            "contratadoExecutante": {"codigoPrestadorNaOperadora": "12345"},
            "CNES": "9999999",
        },
        "dadosAtendimento": {
            "tipoAtendimento": "23",
            "indicacaoAcidente": "9",
            "regimeAtendimento": "01",
        },
        "procedimentosExecutados": {
            "procedimentoExecutado": [procedure(each) for each in range(1, items + 1)]
        },
        "valorTotal": {"valorTotalGeral": Decimal("12.34") * items},
    }


def lote(items: int) -> dict:
    """A lote of SP/SADT guias, as the addon builds it."""
    return {
        "cabecalho": {
            "identificacaoTransacao": {
                "tipoTransacao": "ENVIO_LOTE_GUIAS",
                "sequencialTransacao": "1",
                "dataRegistroTransacao": datetime.date(2026, 11, 21),
                "horaRegistroTransacao": datetime.time(10, 30),
            },
            "origem": {"identificacaoPrestador": {"codigoPrestadorNaOperadora": "12345"}},
            "destino": {"registroANS": "326305"},
            "Padrao": VERSION,
        },
        "prestadorParaOperadora": {
            "loteGuias": {
                "numeroLote": "1",
                "guiasTISS": {"guiaSP-SADT": [guia(each, items) for each in range(GUIAS)]},
            }
        },
    }


def with_subelement(values: dict) -> bytes:
    """The same message by plain lxml; like most code, it trusts its values and their order."""
    root = etree.Element(f"{{{NAMESPACE}}}mensagemTISS", nsmap={"ans": NAMESPACE})
    texts: list[str] = []
    _add_children(root, values, texts)
    epilogo = etree.SubElement(root, f"{{{NAMESPACE}}}epilogo")
    hash_element = etree.SubElement(epilogo, f"{{{NAMESPACE}}}hash")
    hash_element.text = hashlib.md5("".join(texts).encode("iso-8859-1")).hexdigest()
    return etree.tostring(root, encoding="iso-8859-1", xml_declaration=True)


def _add_children(parent: etree._Element, values: dict, texts: list[str]) -> None:
    for name, value in values.items():
        tag = f"{{{NAMESPACE}}}{name}"
        for each in value if isinstance(value, list) else [value]:
            child = etree.SubElement(parent, tag)
            if isinstance(each, dict):
                _add_children(child, each, texts)
            else:
                child.text = str(each)
                texts.append(child.text)


def demonstrativo(guias: int, items: int) -> Iterator[bytes]:
    """A large demonstrativo de análise, in pieces."""
    item = (
        "<ans:detalhesGuia><ans:sequencialItem>{}</ans:sequencialItem>"
        "<ans:dataRealizacao>2026-11-20</ans:dataRealizacao><ans:procedimento>"
        "<ans:codigoTabela>22</ans:codigoTabela>"
        "<ans:codigoProcedimento>40304361</ans:codigoProcedimento>"
        "<ans:descricaoProcedimento>HEMOGRAMA</ans:descricaoProcedimento></ans:procedimento>"
        "<ans:valorInformado>12.34</ans:valorInformado><ans:qtdExecutada>1</ans:qtdExecutada>"
        "<ans:valorProcessado>12.34</ans:valorProcessado>"
        "<ans:valorLiberado>12.34</ans:valorLiberado></ans:detalhesGuia>"
    )
    details = "".join(item.format(each) for each in range(1, items + 1))
    path = RECORDS_PATH.split("/")[:-1]
    yield f'<ans:mensagemTISS xmlns:ans="{NAMESPACE}">'.encode()
    yield "".join(f"<ans:{name}>" for name in path).encode()
    for number in range(guias):
        yield (
            f"<ans:relacaoGuias><ans:numeroGuiaPrestador>{number}</ans:numeroGuiaPrestador>"
            "<ans:numeroCarteira>1</ans:numeroCarteira>"
            "<ans:dataInicioFat>2026-11-20</ans:dataInicioFat>"
            f"<ans:situacaoGuia>3</ans:situacaoGuia>{details}"
            "<ans:valorInformadoGuia>123.40</ans:valorInformadoGuia>"
            "<ans:valorProcessadoGuia>123.40</ans:valorProcessadoGuia>"
            "<ans:valorLiberadoGuia>123.40</ans:valorLiberadoGuia></ans:relacaoGuias>"
        ).encode()
    yield "".join(f"</ans:{name}>" for name in reversed(path)).encode()
    yield b"</ans:mensagemTISS>"


def interleaved(candidates: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median milliseconds of each candidate, timed in turn."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, run in candidates.items():
            gc.collect()
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


def report_messages(standard: ModuleType) -> None:
    schema = standard.load(VERSION)
    for items in (1, 10):
        values = lote(items)
        xml = schema.encode(values)
        if not schema.validate(xml) or schema.digest(with_subelement(values)) not in xml.decode():
            raise SystemExit("the candidates do not write the same valid message")
        peers = xml_peers.writers(values, xml)
        for name, write in peers.items():
            if schema.digest(write()) != schema.digest(xml):
                raise SystemExit(f"{name} does not write the same message")
        times = interleaved(
            {
                OURS: lambda values=values: schema.encode(values),
                FLOOR: lambda values=values: with_subelement(values),
                **peers,
                "validate": lambda xml=xml: schema.validate(xml),
                "decode strict": lambda xml=xml: schema.decode(xml),
                "decode lenient": lambda xml=xml: schema.decode(xml, strict=False),
                "digest of a file": lambda xml=xml: schema.digest(xml),
            }
        )
        print(f"\n{GUIAS} guias SP/SADT of {items} items, {len(xml):,} bytes")
        for name, each in times.items():
            print(f"  {name:<26}{each:9.2f} ms   {times[FLOOR] / each:6.2f} times lxml's speed")
        for name, goal in GOALS.items():
            if name in times:
                ratio = times[name] / times[OURS]
                judge(f"{goal} times as fast as {name} ({ratio:.1f} now)", ratio >= goal)


def judge(goal: str, reached: bool) -> None:
    print(f"  goal: {goal}: {'reached' if reached else 'MISSED'}")
    if not reached:
        MISSED.append(goal)


def report_streaming(standard: ModuleType) -> None:
    schema = standard.load(VERSION)
    print("\nstreaming a demonstrativo de análise, 10 items a guia")
    for guias in (1_000, 10_000):
        data = b"".join(demonstrativo(guias, 10))
        read = partial(count_records, schema, data)
        start = time.perf_counter()
        count, growth = with_peak(read)
        seconds = time.perf_counter() - start
        print(
            f"  {count:>6} guias, {len(data) / 1e6:5.1f} MB: {seconds:6.2f} s,"
            f" {growth:6.2f} MiB more at the peak"
        )


def count_records(schema: object, data: bytes) -> int:
    return sum(1 for _ in schema.iterate(io.BytesIO(data), RECORDS_PATH))


def with_peak(run: Callable[[], int]) -> tuple[int, float]:
    """Result, and growth of memory at the peak in MiB (elsewhere than Linux: of Python's share)."""
    gc.collect()
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        tracemalloc.start()
        return run(), tracemalloc.get_traced_memory()[1] / 2**20
    reset.write_text("5")
    before = _status(status, "VmRSS")
    result = run()
    return result, (_status(status, "VmHWM") - before) / 1024


def _status(path: Path, key: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if key in line)


def report_loading(standard: ModuleType) -> None:
    start = time.perf_counter()
    schema = standard.load(VERSION)
    elements = len(schema.plan.elements)
    plan = time.perf_counter()
    schema.validate(b"<x/>")
    print(
        f"plan of {elements} root elements {plan - start:.2f} s, validator "
        f"{(time.perf_counter() - plan) * 1000:.0f} ms, once per process"
    )


def main() -> None:
    standard = load_standard()
    report_loading(standard)
    report_messages(standard)
    report_streaming(standard)
    if MISSED:
        raise SystemExit("missed: " + "; ".join(MISSED))


if __name__ == "__main__":
    main()
