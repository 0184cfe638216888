from odoo import api, fields, models

from .tiss_term import term_field


class TissGuiaTooth(models.Model):
    """How a tooth was when the treatment began: situação inicial of a GTO (guide §3.9).

    All that it says is clinical; who may not see that sees that there is a row, and nothing in it.
    """

    _name = "tiss.guia.tooth"
    _inherit = "tiss.guia.part"
    _description = "Initial Condition of a Tooth"
    _order = "guia_id.id, id"

    guia_id = fields.Many2one("tiss.guia", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="guia_id.company_id", store=True, index=True)
    tooth_id = term_field("28", "Tooth", groups="l10n_br_tiss.group_tiss_clinical", required=True)
    condition_id = term_field(
        "44", "Condition", groups="l10n_br_tiss.group_tiss_clinical", required=True
    )

    @api.depends("guia_id")
    def _compute_display_name(self):
        for tooth in self:
            tooth.display_name = tooth.guia_id.name
