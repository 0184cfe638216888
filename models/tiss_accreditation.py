from odoo import fields, models


class TissAccreditation(models.Model):
    """A professional's place in the network of a convênio, where it differs from the clinic's."""

    _name = "tiss.accreditation"
    _description = "Accredited Professional"
    _order = "contract_id, professional_id, start_date desc"
    _check_company_auto = True

    contract_id = fields.Many2one("tiss.contract", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    operadora_id = fields.Many2one(related="contract_id.partner_id")
    professional_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    network_status = fields.Selection(
        selection=lambda self: (
            self.env["tiss.contract"]._fields["network_status"]._description_selection(self.env)
        ),
        required=True,
        default="accredited",
    )
    network_level_id = fields.Many2one(
        "tiss.network.level",
        domain="[('operadora_id', '=', operadora_id)]",
        ondelete="restrict",
    )
    provider_code = fields.Char("Code at the Operadora", size=14)
    start_date = fields.Date("From")
    end_date = fields.Date("Until")
