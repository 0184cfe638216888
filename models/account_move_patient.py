from odoo import fields, models


class AccountMove(models.Model):
    """Invoices that patients pay themselves: the DMED tells who paid and for whom."""

    _inherit = "account.move"

    tiss_beneficiary_id = fields.Many2one(
        "res.partner",
        "Beneficiary",
        index="btree_not_null",
        ondelete="restrict",
        help="The patient, where another person pays: the DMED names both.",
    )
