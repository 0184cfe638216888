from odoo import models

from ..standard.money import from_cents, to_cents


class TissDemonstrativo(models.Model):
    """What is worth a look after a demonstrativo was posted: nothing of it kept it from that."""

    _inherit = "tiss.demonstrativo"

    def _post_one(self, accounting_date=None, with_unidentified=False):
        payments = super()._post_one(accounting_date, with_unidentified)
        self._find_remarks()
        return payments

    def _find_remarks(self):
        """Queue what was denied without a reason, and items that no answer came for."""
        Discrepancy = self.env["tiss.discrepancy"]
        known = Discrepancy.search(
            [
                ("demonstrativo_id", "in", self.ids),
                ("code", "in", ("glosa_without_code", "item_missing")),
            ]
        )
        known._sync([*self._find_nameless_glosas(), *self._find_missing_items()])

    def _find_nameless_glosas(self):
        """One discrepancy per demonstrativo: its glosas have their own list."""
        return [
            {
                "demonstrativo_id": demonstrativo.id,
                "code": "glosa_without_code",
                "place": self.env._("%s glosas", count),
                "amount_ours": 0,
                "amount_theirs": amount,
            }
            for demonstrativo, count, amount in self.env["tiss.glosa"]._read_group(
                [("demonstrativo_id", "in", self.ids), ("code", "=", False)],
                ["demonstrativo_id"],
                ["__count", "amount:sum"],
            )
        ]

    def _find_missing_items(self):
        """Protocolos that an analysis answers only in part (guide §5.3)."""
        rows = []
        for demonstrativo in self.filtered(lambda record: record.kind == "analysis"):
            lotes = demonstrativo._get_all_lines().lote_id
            for lote, amount in self.env["tiss.guia.line"]._read_group(
                [("guia_id.lote_id", "in", lotes.ids), ("amount_to_process", ">", 0)],
                ["guia_id.lote_id"],
                ["amount_to_process:sum"],
            ):
                rows.append(
                    {
                        "demonstrativo_id": demonstrativo.id,
                        "code": "item_missing",
                        "place": lote.protocol_number or lote.name,
                        "res_model": lote._name,
                        "res_id": lote.id,
                        "amount_ours": float(from_cents(to_cents(amount))),
                    }
                )
        return rows
