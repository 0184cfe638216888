from odoo import fields, models

from ..standard.money import to_cents
from .tie_out import RELEASED, WRITTEN_OFF
from .tiss_contract_glosa import GLOSA_POLICIES


class TissLote(models.Model):
    """Lotes whose glosas are written off when they arrive (accounting.md §0, decision 5).

    What is owed of them is what was not denied: a credit note takes a glosa off as soon as it is
    booked, and what a recurso recovers is invoiced as new revenue.
    """

    _inherit = "tiss.lote"

    glosa_policy = fields.Selection(
        GLOSA_POLICIES,
        readonly=True,
        copy=False,
        help="What the convênio had when the protocolo arrived: it does not change any more.",
    )

    def _writes_off(self):
        """Whether a glosa leaves the receivable when it arrives."""
        self.ensure_one()
        return self.glosa_policy == WRITTEN_OFF and self.invoice_moment != RELEASED

    def _follows_release(self):
        return super()._follows_release() or bool(self._writes_off() and self.invoice_id)

    def _get_owed_buckets(self):
        """Of what was invoiced as a whole, also what nobody analysed yet is owed."""
        return (*super()._get_owed_buckets(), *(("to_process",) if self._writes_off() else ()))

    def _follow_invoice(self):
        """An invoice that is made after the analysis loses at once what that denied."""
        result = super()._follow_invoice()
        lotes = self.filtered(lambda lote: lote._writes_off() and lote.invoice_id)
        for date, batch in lotes.grouped(lambda lote: lote.invoice_id.date).items():
            batch._follow_release(date)
        return result

    def _get_release_label(self):
        if self._writes_off():
            return self.env._("Recovered glosa · Lote %s", self.name)
        return super()._get_release_label()

    def _get_release_account(self, cents):
        if self._writes_off() and cents < 0:
            return self.contract_id.glosa_account_id
        return super()._get_release_account(cents)

    # ------------------------------------------------------------------
    # Writing off, and taking it back
    # ------------------------------------------------------------------

    def _cancel_release_invoices(self, amounts):
        """The invoice of what is written off stays: credit notes take off what was denied."""
        followed = self.filtered(lambda lote: not lote._writes_off())
        return super(TissLote, followed)._cancel_release_invoices(amounts)

    def _prepare_release_note(self, cents, date):
        if not self._writes_off():
            return super()._prepare_release_note(cents, date)
        return (
            self._get_open_date(date),
            self.env._("Glosas written off · Protocolo %s", self.protocol_number),
            {self.env._("Glosas written off"): cents},
            self._get_release_account(-cents),
        )

    def _take_releases_back(self, amounts, date):
        notes = super()._take_releases_back(amounts, date)
        for lote, note in notes.items():
            note.tiss_is_write_off = lote._writes_off()
        return notes

    def _take_back_first(self, changes):
        """A demonstrativo that is undone takes its credit notes and invoices with it.

        Write-offs are cancelled where more is owed again, invoices over what was recovered where
        less is, the newest first and as long as they fit.
        """
        changes = super()._take_back_first(changes)
        lotes = self.filtered(lambda lote: lote._writes_off() and changes.get(lote.id))
        moves = self.env["account.move"].search(
            [
                ("tiss_lote_id", "in", lotes.ids),
                ("state", "=", "posted"),
                "|",
                ("move_type", "=", "out_invoice"),
                ("tiss_is_write_off", "=", True),
            ],
            order="id desc",
        )
        gone = moves.browse()
        for move in moves - lotes.invoice_id:
            id_, total = move.tiss_lote_id.id, to_cents(move.amount_total)
            sign, kind = (1, "out_refund") if changes[id_] > 0 else (-1, "out_invoice")
            fits = move.move_type == kind and total <= sign * changes[id_]
            if fits and not move._tiss_is_frozen() and not move.tiss_nfse_number:
                gone |= move
                changes[id_] -= sign * total
        gone._tiss_cancel()
        return changes
