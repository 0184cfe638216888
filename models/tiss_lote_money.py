from odoo import api, fields, models

from ..standard.money import from_cents, to_cents


class TissLote(models.Model):
    """Where the money of a protocolo is: presented = paid + accepted + in recurso + denied + …"""

    _inherit = "tiss.lote"

    amount_appealed = fields.Monetary("In Recurso", compute="_compute_buckets")
    amount_to_contest = fields.Monetary("Still Denied", compute="_compute_buckets")
    amount_to_process = fields.Monetary(
        "To Process",
        compute="_compute_buckets",
        help="Not analysed yet, or released and not paid yet.",
    )
    amount_copaid = fields.Monetary("Paid by Patients", compute="_compute_buckets")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "guia_ids.state",
        "guia_ids.line_ids.amount_to_process",
        "guia_ids.line_ids.amount_released",
        "guia_ids.line_ids.amount_denied",
        "guia_ids.line_ids.amount_appealed",
        "guia_ids.line_ids.amount_copaid",
    )
    def _compute_buckets(self):
        names = ("to_process", "released", "denied", "appealed", "copaid")
        sums = {
            lote: [to_cents(amount or 0) for amount in amounts]
            for lote, *amounts in self.env["tiss.guia.line"]._read_group(
                [("guia_id.lote_id", "in", self.ids), ("guia_id.state", "!=", "cancelled")],
                ["guia_id.lote_id"],
                [f"amount_{name}:sum" for name in names],
            )
        }
        for lote in self:
            waiting, released, denied, appealed, copaid = sums.get(lote._origin, [0] * 5)
            lote.amount_to_process = float(from_cents(waiting + released))
            lote.amount_to_contest = float(from_cents(denied))
            lote.amount_appealed = float(from_cents(appealed))
            lote.amount_copaid = float(from_cents(copaid))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_payments(self):
        """What was paid of this protocolo, as the payments that booked it."""
        payments = self._get_entries("entry").origin_payment_id
        return payments._get_records_action(name=self.env._("Payments"))

    def action_view_credit_notes(self):
        return self._get_entries("out_refund")._get_records_action(name=self.env._("Credit Notes"))

    def action_view_recursos(self):
        recursos = self.env["tiss.recurso"].search([("lote_id", "in", self.ids)])
        return recursos._get_records_action(name=self.env._("Recursos"))

    def action_view_open_guias(self):
        waiting = self.guia_ids.filtered(
            lambda guia: any(
                line.amount_to_process or line.amount_released for line in guia.line_ids
            )
        )
        return waiting._get_records_action(name=self.env._("Guias to Process"))

    def action_view_demonstrativos(self):
        return self._get_demonstrativos()._get_records_action(name=self.env._("Demonstrativos"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_entries(self, move_type):
        """Posted entries on the receivable account for these lotes."""
        lines = self.env["account.move.line"].search(
            [
                ("tiss_lote_id", "in", self.ids),
                ("parent_state", "=", "posted"),
                ("move_id.move_type", "=", move_type),
            ]
        )
        return lines.move_id

    def _get_demonstrativos(self):
        lines = self.env["tiss.demonstrativo.line"].search([("lote_id", "in", self.ids)])
        return lines.demonstrativo_id.filtered(lambda record: record.state != "undone")

    def _get_expected_date(self):
        """When the operadora should have paid this protocolo."""
        self.ensure_one()
        return self.due_date or self.contract_id._get_due_date(self.protocol_date)
