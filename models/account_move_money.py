from odoo import api, fields, models
from odoo.tools import format_date

BILLING = "l10n_br_tiss.group_tiss_billing"


class AccountMove(models.Model):
    """What became of the guias of an invoice, for whoever looks at it from the accounting."""

    _inherit = "account.move"

    tiss_guia_count = fields.Integer("Guias", compute="_compute_tiss_counts", groups=BILLING)
    tiss_demonstrativo_count = fields.Integer(
        "Demonstrativos", compute="_compute_tiss_counts", groups=BILLING
    )
    tiss_glosa_count = fields.Integer("Glosas", compute="_compute_tiss_counts", groups=BILLING)
    tiss_recurso_count = fields.Integer("Recursos", compute="_compute_tiss_counts", groups=BILLING)
    tiss_contest_text = fields.Char(
        "In Recurso", compute="_compute_tiss_contest_text", groups=BILLING
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("tiss_lote_id")
    def _compute_tiss_counts(self):
        """Of all protocolos of an invoice."""
        for move in self:
            lotes = move._tiss_get_lotes()
            move.tiss_guia_count = len(lotes.guia_ids)
            move.tiss_demonstrativo_count = len(lotes._get_demonstrativos()) if lotes else 0
            move.tiss_glosa_count = len(lotes.glosa_ids)
            move.tiss_recurso_count = len(move._tiss_get_recursos())

    @api.depends("tiss_lote_id", "amount_residual")
    def _compute_tiss_contest_text(self):
        for move in self:
            glosas = move._tiss_get_lotes().glosa_ids
            money = move.currency_id.format
            words = []
            appealed = sum(glosas.mapped("amount_appealed"))
            if appealed:
                words.append(self.env._("%s in recurso", money(appealed)) + move._tiss_get_until())
            denied = glosas.filtered("amount_open")
            if denied:
                dates = [date for date in denied.mapped("deadline_date") if date]
                text = self.env._(
                    "%s denied and not decided", money(sum(denied.mapped("amount_open")))
                )
                if dates:
                    text = self.env._(
                        "%(text)s, to be contested until %(date)s",
                        text=text,
                        date=format_date(self.env, min(dates)),
                    )
                words.append(text)
            move.tiss_contest_text = " · ".join(words) or False

    def _tiss_get_until(self):
        """Until when the operadora has to answer."""
        recursos = self._tiss_get_recursos().filtered(lambda recurso: recurso.state == "received")
        dates = [date for date in recursos.mapped("answer_deadline_date") if date]
        if not dates:
            return ""
        return self.env._(", to be answered until %s", format_date(self.env, max(dates)))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_tiss_guias(self):
        return self._tiss_get_lotes().action_view_guias()

    def action_view_tiss_demonstrativos(self):
        return self._tiss_get_lotes().action_view_demonstrativos()

    def action_view_tiss_glosas(self):
        return self._tiss_get_lotes().action_view_glosas()

    def action_view_tiss_recursos(self):
        return self._tiss_get_recursos()._get_records_action(name=self.env._("Recursos"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _creation_subtype(self):
        """They are made by the hundred, from guias: logged at once, and announced to nobody."""
        if self.tiss_contract_id:
            return self.env["mail.message.subtype"]
        return super()._creation_subtype()

    def _tiss_get_lotes(self):
        """The protocolos that an entry is about: its own, or those of its receivable lines."""
        return self.tiss_lote_id | self.line_ids.tiss_lote_id

    def _tiss_get_recursos(self):
        lotes = self._tiss_get_lotes()
        if not lotes:
            return self.env["tiss.recurso"]
        return self.env["tiss.recurso"].search(
            [("lote_id", "in", lotes.ids), ("state", "!=", "cancelled")]
        )
