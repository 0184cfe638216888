from odoo import fields, models


class TissContract(models.Model):
    """What was agreed on paper: validity, renewal, readjustment, clauses, network."""

    _inherit = "tiss.contract"

    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    start_date = fields.Date("In Force From", tracking=True)
    end_date = fields.Date("In Force Until", tracking=True)
    renewal = fields.Selection(
        [("automatic", "Renews by itself"), ("manual", "Has to be renewed")],
        default="automatic",
        required=True,
        tracking=True,
    )
    notice_days = fields.Integer(
        "Notice",
        default=60,
        tracking=True,
        help="Days before the end by which one of the parties must say that it leaves.",
    )
    base_date = fields.Date(
        "Base Date", tracking=True, help="Day of the next yearly readjustment (data-base)."
    )
    readjustment_index = fields.Selection(
        [
            ("ipca", "IPCA"),
            ("inpc", "INPC"),
            ("igpm", "IGP-M"),
            ("ans", "Index of ANS"),
            ("negotiated", "Free negotiation"),
        ],
        tracking=True,
    )
    readjustment_percent = fields.Float("Share of the Index", default=100.0, digits=(6, 2))
    network_level_id = fields.Many2one(
        "tiss.network.level",
        domain="[('operadora_id', '=', partner_id)]",
        ondelete="restrict",
        tracking=True,
    )
    accreditation_ids = fields.One2many("tiss.accreditation", "contract_id", "Professionals")
    clause_ids = fields.One2many("tiss.contract.clause", "contract_id", "Clauses")
    document_ids = fields.Many2many("ir.attachment", string="Signed Files", copy=False)
