from odoo import fields, models

from .inside import is_inside
from .tie_out import RELEASED


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
        waiting = self.filtered(lambda lote: lote.copayment_ids and not lote.invoice_id)
        rows = waiting._reverse_copayments()
        moves = super()._create_invoices(date)
        waiting._book_copayments(rows)
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
        own._book_copayments(rows)
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
        """Take co-payments of these lotes off what the operadora has to process."""
        entries = [
            {
                "line": line,
                "kind": "copay",
                "from_bucket": "to_process",
                "to_bucket": "copaid",
                "cents": cents,
                "date": line.guia_id.lote_id._get_copayment_date(),
            }
            for line in rows.guia_id.line_ids
            if (cents := line._get_copaid_cents())
        ]
        moves = self._post_copayments(entries)
        for entry in entries:
            entry["move"] = moves.get(entry["line"].guia_id.lote_id)
        self.env["tiss.movement"]._record(entries, fields.Date.context_today(self))
        touched = {entry["line"].guia_id for entry in entries}
        booked = rows.filtered(lambda row: row.guia_id in touched).sudo()
        for lote, batch in booked.grouped("lote_id").items():
            batch.credit_note_id = moves.get(lote)
        rows.lote_id._check_tie_out()

    def _post_copayments(self, entries):
        """{lote: posted credit note} of what patients pay of invoices."""
        totals = {}
        for entry in entries:
            lote = entry["line"].guia_id.lote_id
            # Where only what was released is invoiced, patients' money never was on an invoice.
            if lote.invoice_id and lote.invoice_moment != RELEASED:
                totals[lote] = totals.get(lote, 0) + entry["cents"]
        notes = {}
        for lote, cents in totals.items():
            label = self.env._("Co-payments · Protocolo %s", lote.protocol_number)
            account = lote.contract_id.revenue_account_id
            notes[lote] = (lote._get_copayment_date(), label, {label: cents}, account)
        return self._book_credit_notes(notes)

    def _get_copayment_date(self):
        self.ensure_one()
        return max(filter(None, [self.protocol_date, self.invoice_id.invoice_date]))

    def _reverse_copayments(self):
        """Take the co-payments of these lotes out of the ledger and the books.

        :return: `tiss.copayment`, those that were booked
        """
        rows = self.copayment_ids.filtered(lambda row: not row.is_cancelled)
        Movement = self.env["tiss.movement"]
        done = Movement.search([("lote_id", "in", self.ids), ("kind", "=", "copay")])
        undone = Movement.search([("reverses_id", "in", done.ids)]).reverses_id
        rows.credit_note_id._tiss_cancel()
        (done - undone)._undo()
        rows.sudo().credit_note_id = False
        return rows
