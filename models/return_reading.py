"""Demonstrativos as they are read: their rows go to the database in chunks, see `ReturnRows`."""

from odoo.fields import Command

from ..standard.money import from_cents, to_cents
from .counted import counted
from .return_pieces import ANALYSIS, PAYMENT, Sum

ROW_GLOSA = {"detalhesGuia": "relacaoGlosa", "guiasDoLote": "valorGlosaGuia"}


class ReturnReading:
    """What the pieces of a message say: values of demonstrativos, and of rows, which it passes on.

    Only the rows can be many, and of them it keeps none.

    :param env: environment of whoever imports
    :param contract: `tiss.contract` that the message is addressed to
    :param rows: `ReturnRows`
    :param first: number of its first demonstrativo among those of the message
    """

    def __init__(self, env, contract, rows, first=0):
        self.env = env
        self.contract = contract
        self.rows = rows
        self._first = first
        self._vals_list = []  # of demonstrativos; their payments stand apart
        self._takers = {
            "detalhesGuia": self._take_item,
            "relacaoGuias": self._take_guia,
            "dadosProtocolo": self._take_protocol,
            ANALYSIS: self._take_analysis,
            "guiasDoLote": self._take_paid_guia,
            "relacaoProtocolos": self._take_paid_protocol,
            "pagamentosPorData": self._take_day,
            PAYMENT: self._take_payment,
        }
        self._start()

    def _start(self):
        self.items, self.guias, self.protocols, self.days = Sum(), Sum(), Sum(), Sum()
        self.payments, self.discrepancies = [], []
        self.wrong_rows = [0, 0, 0]  # how many, cents by the row's own sum, cents released

    def take(self, piece):
        """Read one piece; KeyError names the element that it lacks."""
        self._takers[piece.name](piece.values, piece.context)

    @property
    def numbered(self):
        """(number in the message, values) of the demonstrativos that were read."""
        return list(enumerate(self._vals_list, self._first))

    @property
    def _number(self):
        """Of the demonstrativo that is being read."""
        return self._first + len(self._vals_list)

    def _compare(self, *args):
        self.discrepancies += self.env["tiss.discrepancy"]._compare_sums(*args)

    # ------------------------------------------------------------------
    # Analysis
    # ------------------------------------------------------------------

    def _take_item(self, item, context):
        Line = self.env["tiss.demonstrativo.line"]
        protocol, guia = context["dadosProtocolo"], context["relacaoGuias"]
        self.rows.add(Line._prepare_from_item(item, guia, protocol), self._number)
        self.items.add(item, "")
        glosas = [glosa["valorGlosa"] for glosa in item.get("relacaoGlosa") or []]
        if glosas and None not in glosas:
            self._check_row(item, "", sum(map(to_cents, glosas)))

    def _take_guia(self, guia, context):
        Line = self.env["tiss.demonstrativo.line"]
        if not self.items.count:
            self.rows.add(Line._prepare_from_guia(guia, context["dadosProtocolo"]), self._number)
        items = self.items.take("")
        self._compare(guia, "Guia", items, "", guia["numeroGuiaPrestador"])
        self.guias.add(guia, "Guia")

    def _take_protocol(self, protocol, _context):
        Line = self.env["tiss.demonstrativo.line"]
        if not self.guias.count:
            self.rows.add(Line._prepare_from_protocol(protocol), self._number)
        guias = self.guias.take("Guia")
        self._compare(protocol, "Protocolo", guias, "Guia", protocol["numeroProtocolo"])
        self.protocols.add(protocol, "Protocolo")

    def _take_analysis(self, part, _context):
        """ctm_demonstrativoAnaliseConta (guide §5.3)"""
        Demonstrativo = self.env["tiss.demonstrativo"]
        if not self.protocols.count:
            raise KeyError("dadosProtocolo" if "dadosConta" in part else "dadosConta")
        self._compare(part, "Geral", self.protocols.take("Protocolo"), "Protocolo")
        self._finish(
            {
                **Demonstrativo._prepare_header_vals("analysis", self.contract, part),
                "amount_informed": part.get("valorInformadoGeral"),
                "amount_released": part.get("valorLiberadoGeral"),
                "amount_denied_stated": part.get("valorGlosaGeral"),
            },
            part,
            part.get("dadosPrestador") or {},
        )

    # ------------------------------------------------------------------
    # Payment
    # ------------------------------------------------------------------

    def _take_paid_guia(self, guia, context):
        Line = self.env["tiss.demonstrativo.line"]
        vals = Line._prepare_from_paid_guia(context["relacaoProtocolos"], guia)
        self.rows.add(vals, self._number, len(self.payments))
        self.guias.add(guia, "Guia")
        if guia.get("valorGlosaGuia") is not None:
            self._check_row(guia, "Guia", to_cents(guia["valorGlosaGuia"]))

    def _take_paid_protocol(self, protocol, _context):
        if not self.guias.count:
            raise KeyError("guiasDoLote")
        released = self._take_released(self.guias)
        self.discrepancies += self.env["tiss.discrepancy"]._compare_cents(
            protocol["numeroProtocolo"], to_cents(protocol["valorLiberado"]), released
        )
        self.protocols.add(protocol, "")

    def _take_day(self, day, _context):
        Payment = self.env["tiss.demonstrativo.payment"]
        if not self.protocols.count:
            raise KeyError("dadosResumo" if "dadosResumo" not in day else "relacaoProtocolos")
        released = self._take_released(self.protocols)
        self.discrepancies += Payment._check_day_sums(day, released)
        self.payments.append(Payment._prepare_from_date(self.contract, day))
        self.days.cents["valorLiberado"] += to_cents(
            day["totaisBrutosPorData"]["totaLiberadoPorData"]
        )

    def _take_payment(self, part, _context):
        """ctm_demonstrativoPagamento (guide §5.4)"""
        Demonstrativo = self.env["tiss.demonstrativo"]
        Payment = self.env["tiss.demonstrativo.payment"]
        if not self.payments:
            raise KeyError("pagamentos" if "pagamentos" not in part else "pagamentosPorData")
        totals = part["totaisDemonstrativo"]
        gross = totals["totaisBrutosDemonstrativo"]
        if gross.get("valorLiberadoBruto") is not None:
            self.discrepancies += self.env["tiss.discrepancy"]._compare_cents(
                "valorLiberadoBruto",
                to_cents(gross["valorLiberadoBruto"]),
                self._take_released(self.days),
            )
        self.discrepancies += Payment._add_whole_file(self.payments, totals)
        contracted = part.get("dadosContratado") or {}
        self._finish(
            {
                **Demonstrativo._prepare_header_vals("payment", self.contract, part),
                "amount_informed": gross.get("valorInformadoBruto"),
                "amount_released": gross.get("valorLiberadoBruto"),
                "amount_denied_stated": gross.get("valorGlosaBruto"),
            },
            part,
            {**contracted, "dadosContratado": contracted.get("dadosPrestador")},
        )

    def _take_released(self, level):
        released = level.cents["valorLiberado"]
        level.take("")
        return released

    # ------------------------------------------------------------------
    # Both
    # ------------------------------------------------------------------

    def _check_row(self, values, suffix, glosa):
        """processado − glosa = liberado of one row (accounting.md §6 B9); counted, not listed."""
        expected = to_cents(values.get(f"valorProcessado{suffix}") or 0) - glosa
        released = to_cents(values.get(f"valorLiberado{suffix}") or 0)
        if expected != released:
            for index, amount in enumerate((1, expected, released)):
                self.wrong_rows[index] += amount

    def _finish(self, vals, part, provider):
        """Keep the values of a demonstrativo that was read to its end.

        :param provider: of dadosPrestador: dadosContratado and CNES
        """
        self.env["tiss.demonstrativo"]._check_establishment(self.contract, provider)
        count, ours, theirs = self.wrong_rows
        if count:
            self.discrepancies.append(
                {
                    "code": "row_differs",
                    "place": counted(self.env, "row", count),
                    "amount_ours": float(from_cents(ours)),
                    "amount_theirs": float(from_cents(theirs)),
                }
            )
        self.discrepancies += self.env["tiss.demonstrativo"]._check_header(self.contract, part)
        self._vals_list.append(
            {
                **vals,
                "payments": self.payments,
                "discrepancy_ids": [Command.create(row) for row in self.discrepancies],
            }
        )
        self._start()
