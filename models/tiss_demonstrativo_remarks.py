from odoo import models
from odoo.fields import Domain

from ..standard.money import from_cents, to_cents
from .counted import counted


class TissDemonstrativo(models.Model):
    """What is worth a look after a demonstrativo was posted: nothing of it kept it from that."""

    _inherit = "tiss.demonstrativo"

    def _post_one(self, accounting_date=None, with_unidentified=False):
        payments = super()._post_one(accounting_date, with_unidentified)
        self._find_remarks()
        return payments

    def _undo_one(self, accounting_date, reason):
        result = super()._undo_one(accounting_date, reason)
        self._find_remarks()
        return result

    def _find_remarks(self):
        """Queue what was denied without a reason, and items that no answer came for."""
        self._queue_nameless_glosas()
        self._queue_missing_items(self._get_all_lines().lote_id)

    def _queue_nameless_glosas(self):
        """One discrepancy per demonstrativo, as long as any of its glosas waits for a decision."""
        known = self.env["tiss.discrepancy"].search(
            [("demonstrativo_id", "in", self.ids), ("code", "=", "glosa_without_code")]
        )
        Glosa = self.env["tiss.glosa"]
        known._sync(
            [
                {
                    "demonstrativo_id": demonstrativo.id,
                    "code": "glosa_without_code",
                    "place": counted(self.env, "glosa", count),
                    "amount_ours": 0,
                    "amount_theirs": amount,
                }
                for demonstrativo, count, amount in Glosa._read_group(
                    Glosa._get_decidable_domain()
                    & Domain("demonstrativo_id", "in", self.ids)
                    & Domain("code", "=", False),
                    ["demonstrativo_id"],
                    ["__count", "amount_open:sum"],
                )
            ]
        )

    def _queue_missing_items(self, lotes):
        """Protocolos that analyses answer only in part (guide §5.3): each once, with the last."""
        last = {}
        for lote, demonstrativo in self.env["tiss.demonstrativo.line"]._read_group(
            [
                ("lote_id", "in", lotes.ids),
                ("demonstrativo_id.kind", "=", "analysis"),
                ("demonstrativo_id.state", "=", "posted"),
            ],
            ["lote_id", "demonstrativo_id"],
        ):
            last[lote] = max(last.get(lote, 0), demonstrativo.id)
        known = self.env["tiss.discrepancy"].search(
            [
                ("code", "=", "item_missing"),
                ("res_model", "=", lotes._name),
                ("res_id", "in", lotes.ids),
            ]
        )
        known._sync(
            [
                {
                    "demonstrativo_id": last[lote],
                    "code": "item_missing",
                    "place": lote.protocol_number or lote.name,
                    "res_model": lote._name,
                    "res_id": lote.id,
                    "amount_ours": float(from_cents(to_cents(amount))),
                }
                for lote, amount in self.env["tiss.guia.line"]._read_group(
                    [("guia_id.lote_id", "in", lotes.ids), ("amount_to_process", ">", 0)],
                    ["guia_id.lote_id"],
                    ["amount_to_process:sum"],
                )
                if lote in last
            ]
        )
