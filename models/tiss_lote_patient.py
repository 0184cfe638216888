from odoo import fields, models

from .inside import is_inside


class TissLote(models.Model):
    """What of a protocolo the clinic collects from its patients (COPARTICIPAR of the ledger)."""

    _inherit = "tiss.lote"

    copayment_ids = fields.One2many("tiss.copayment", "lote_id", "Co-payments")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_copayments(self):
        return self.copayment_ids._get_records_action(name=self.env._("Co-payments"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _follow_protocol(self):
        result = super()._follow_protocol()
        if not is_inside(self, "tiss_books_later"):
            self._charge_copayments()
        return result

    def _create_invoices(self, date=None):
        """What patients pay is in the invoice first, and leaves it by a credit note."""
        booked = {
            lote: lote._reverse_copayments()
            for lote in self.filtered(lambda lote: lote.copayment_ids and not lote.invoice_id)
        }
        moves = super()._create_invoices(date)
        for lote, rows in booked.items():
            lote._book_copayments(rows)
        self.browse().union(*booked)._check_tie_out()
        return moves

    def _charge_copayments(self):
        """Open a co-payment for each guia of which the clinic collects something itself."""
        # What came from another system was collected there.
        own = self.filtered(lambda lote: not lote.is_imported)
        by_guia = own._get_collected_lines().grouped("guia_id")
        rows = self.env["tiss.copayment"]
        vals_list = []
        for guia, lines in by_guia.items():
            cents = sum(line._get_collected_cents() for line in lines)
            if cents:
                vals_list.append(rows._prepare_vals(guia.lote_id, guia, cents))
        rows = rows.sudo().create(vals_list).with_env(self.env)
        rows._follow_visits()
        for lote, batch in rows.grouped("lote_id").items():
            lote._book_copayments(batch)
        rows.lote_id._check_tie_out()
        return rows

    def _get_collected_lines(self):
        """Items that the patient pays in part, here."""
        return self.env["tiss.guia.line"].search(
            [
                ("guia_id.lote_id", "in", self.ids),
                ("guia_id.state", "!=", "cancelled"),
                ("guia_id.copayment_ids", "=", False),
                "|",
                ("encounter_line_id.is_collected_here", "=", True),
                ("amount_patient", ">", 0),
            ]
        )

    def _book_copayments(self, rows):
        """Take co-payments of one protocolo off what the operadora has to process."""
        self.ensure_one()
        lines = rows.guia_id.line_ids
        entries = [
            {
                "line": line,
                "kind": "copay",
                "from_bucket": "to_process",
                "to_bucket": "copaid",
                "cents": cents,
            }
            for line in lines
            if (cents := line._get_copaid_cents())
        ]
        total = sum(entry["cents"] for entry in entries)
        date = max(filter(None, [self.protocol_date, self.invoice_id.invoice_date]))
        move = None
        if total and self.invoice_id:
            label = self.env._("Co-payments · Protocolo %s", self.protocol_number)
            account = self.contract_id.revenue_account_id
            move = self._post_credit_note(date, label, {label: total}, account)
        self.env["tiss.movement"]._record(entries, date, move)
        touched = {entry["line"].guia_id for entry in entries}
        rows.filtered(lambda row: row.guia_id in touched).sudo().credit_note_id = move

    def _reverse_copayments(self):
        """Take the co-payments of one protocolo out of the ledger and the books.

        :return: `tiss.copayment`, those that were booked
        """
        self.ensure_one()
        rows = self.copayment_ids.filtered(lambda row: not row.is_cancelled)
        Movement = self.env["tiss.movement"]
        done = Movement.search([("lote_id", "=", self.id), ("kind", "=", "copay")])
        undone = Movement.search([("reverses_id", "in", done.ids)]).reverses_id
        rows.credit_note_id._tiss_cancel()
        (done - undone)._undo()
        rows.sudo().credit_note_id = False
        return rows
