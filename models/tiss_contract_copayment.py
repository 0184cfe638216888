from odoo import fields, models


class TissContract(models.Model):
    """Who collects what patients pay themselves."""

    _inherit = "tiss.contract"

    copayment_by = fields.Selection(
        [
            ("rule", "As each coverage rule says"),
            ("operadora", "The operadora, always"),
            ("clinic", "The clinic, always"),
        ],
        "Co-payments Collected By",
        default="rule",
        required=True,
        help="What the clinic collects leaves the operadora's invoice and is invoiced to the"
        " patient; in a GTO it is the franquia. What the operadora collects changes nothing here.",
    )
