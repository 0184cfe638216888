from odoo import api, fields, models

from .tiss_term import term_field


class TissAuthorizationReason(models.Model):
    """Why the operadora denied a request, or an item of it (T38, guide §5.6)."""

    _name = "tiss.authorization.reason"
    _description = "Reason of a Denial"
    _order = "authorization_id, id"

    authorization_id = fields.Many2one(
        "tiss.authorization", required=True, index=True, ondelete="cascade", readonly=True
    )
    line_id = fields.Many2one(
        "tiss.authorization.line", index="btree_not_null", ondelete="cascade", readonly=True
    )
    company_id = fields.Many2one(related="authorization_id.company_id", store=True, index=True)
    term_id = term_field("38", "Reason", readonly=True)
    code = fields.Char(required=True, readonly=True)
    text = fields.Char(readonly=True)

    @api.depends("code", "text", "term_id")
    def _compute_display_name(self):
        for reason in self:
            words = reason.text or reason.term_id.name
            reason.display_name = " ".join(filter(None, [reason.code, words]))
