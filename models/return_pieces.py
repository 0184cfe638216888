"""A demonstrativo piece by piece, from the innermost out (guide §5.3, §5.4).

What a file of the standard streams and what a dict holds already (a table, something typed) come
as the same pieces, so that everything after exists once.
"""

from typing import Any, NamedTuple

from ..standard.money import from_cents, to_cents

ANALYSIS, PAYMENT = "demonstrativoAnaliseConta", "demonstrativoPagamento"
DENTAL = "demonstrativoPagamentoOdonto"
# Steps from a demonstrativo to what repeats in it, and in that; the last one is its finest row.
STEPS = {
    ANALYSIS: (("dadosConta", "dadosProtocolo"), ("relacaoGuias",), ("detalhesGuia",)),
    PAYMENT: (
        ("pagamentos", "pagamentosPorData"),
        ("dadosResumo", "relacaoProtocolos"),
        ("guiasDoLote",),
    ),
    DENTAL: (("dadosPagamentoPorData",), ("protocolos",), ("dadosPagamentoGuia",)),
}
AMOUNTS = ("valorInformado", "valorProcessado", "valorLiberado")


class Piece(NamedTuple):
    """One element with its values, and those of the elements around it, by their names."""

    name: str
    values: dict[str, Any]
    context: dict[str, dict[str, Any]]


def get_paths(body, prefix):
    """The paths of all that repeats in a demonstrativo, below the root of its file."""
    path, paths = prefix, [prefix]
    for step in STEPS[body]:
        path = "/".join((path, *step))
        paths.append(path)
    return paths


def get_pieces(body, part):
    """The pieces of one demonstrativo that is there as a dict; KeyError for what it lacks."""
    yield from _walk(body, part, STEPS[body], {})


def _walk(name, values, steps, context):
    inner = {**context, name: values}
    if steps:
        first, *rest = steps
        for child in _get_children(values, first):
            yield from _walk(first[-1], child, rest, inner)
    yield Piece(name, values, context)


def _get_children(values, path):
    *outer, last = path
    for name in outer:
        values = values.get(name) or {}
    return values.get(last) or []


class Sum:
    """What the parts of a level add up to, as far as they were read."""

    def __init__(self):
        self.count = 0
        self.cents = dict.fromkeys(AMOUNTS, 0)

    def add(self, values, suffix):
        self.count += 1
        for name in AMOUNTS:
            self.cents[name] += to_cents(values.get(f"{name}{suffix}") or 0)

    def take(self, suffix):
        """The sum in the shape of one part, for a comparison; starts anew."""
        parts = [{f"{name}{suffix}": from_cents(cents) for name, cents in self.cents.items()}]
        count, self.count = self.count, 0
        self.cents = dict.fromkeys(AMOUNTS, 0)
        return parts if count else []
