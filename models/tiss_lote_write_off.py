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
        for lote in self.filtered(lambda lote: lote._writes_off() and lote.invoice_id):
            lote._follow_release(lote.invoice_id.date)
        return result

    def _post_acceptance(self, date, label, amounts, account):
        """What was written off when it arrived is given up without another credit note."""
        if self._writes_off():
            return self.env["account.move"]
        return super()._post_acceptance(date, label, amounts, account)

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

    def _take_release_back(self, cents, date):
        if not self._writes_off():
            return super()._take_release_back(cents, date)
        note = self._book_credit_note(
            self._get_open_date(date),
            self.env._("Glosas written off · Protocolo %s", self.protocol_number),
            {self.env._("Glosas written off"): cents},
            self._get_release_account(-cents),
        )
        note.tiss_is_write_off = True
        return note

    def _take_back_first(self, changes):
        """A demonstrativo that is undone takes its credit notes and invoices with it."""
        changes = super()._take_back_first(changes)
        for lote in self.filtered(lambda lote: lote._writes_off() and changes.get(lote.id)):
            changes[lote.id] = lote._cancel_newest(changes[lote.id])
        return changes

    def _cancel_newest(self, cents):
        """Cancel write-offs, or invoices over what was recovered, as long as they fit.

        :param cents: above zero what is owed again, below zero what no longer is
        :return: what is left to be booked
        """
        if cents > 0:
            kind = [("move_type", "=", "out_refund"), ("tiss_is_write_off", "=", True)]
        else:
            kind = [("move_type", "=", "out_invoice"), ("id", "!=", self.invoice_id.id)]
        own = [("tiss_lote_id", "=", self.id), ("state", "=", "posted")]
        for move in self.env["account.move"].search([*own, *kind], order="id desc"):
            total = to_cents(move.amount_total)
            if total <= abs(cents) and not move._tiss_is_frozen() and not move.tiss_nfse_number:
                move._tiss_cancel()
                cents += -total if cents > 0 else total
        return cents
