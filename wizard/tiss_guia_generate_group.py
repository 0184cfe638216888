from odoo import fields, models

from ..models.tiss_guia import GUIA_TYPES


class TissGuiaGenerateGroup(models.TransientModel):
    """How many guias of one type a convênio will get."""

    _name = "tiss.guia.generate.group"
    _description = "Guias To Be Made"

    generate_id = fields.Many2one("tiss.guia.generate", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="generate_id.currency_id")
    contract_id = fields.Many2one("tiss.contract", "Convênio", required=True)
    guia_type = fields.Selection(GUIA_TYPES, "Type", required=True)
    billable_count = fields.Integer("Encounters")
    guia_count = fields.Integer("Guias")
    amount_total = fields.Monetary("Total")
