from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import period


class TissAccreditation(models.Model):
    """A professional's place in the network of a convênio, where it differs from the clinic's."""

    _name = "tiss.accreditation"
    _description = "Accredited Professional"
    _inherit = ["tiss.contract.log"]
    _order = "contract_id, professional_id, start_date desc"
    _check_company_auto = True
    _tiss_log_fields = (
        "network_status",
        "network_level_id",
        "provider_code",
        "start_date",
        "end_date",
    )

    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    operadora_id = fields.Many2one(related="contract_id.partner_id")
    professional_id = fields.Many2one(
        "res.partner",
        required=True,
        check_company=True,
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
        help="Empty: the level of the convênio.",
    )
    provider_code = fields.Char("Code at the Operadora", size=14)
    start_date = fields.Date("From")
    end_date = fields.Date("Until")

    _dates_ordered = models.Constraint(
        "CHECK(end_date >= start_date)", "An accreditation ends after it begins."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("professional_id")
    def _compute_display_name(self):
        for accreditation in self:
            accreditation.display_name = accreditation.professional_id.name

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("network_level_id", "contract_id")
    def _check_network_level(self):
        for accreditation in self:
            accreditation.contract_id._check_level(accreditation.network_level_id)

    @api.constrains("contract_id", "professional_id", "start_date", "end_date")
    def _check_overlap(self):
        """On one day a professional has one place in the network of a convênio."""
        everything = self.search(
            [
                ("contract_id", "in", self.contract_id.ids),
                ("professional_id", "in", self.professional_id.ids),
            ]
        )
        for group in everything.grouped(lambda a: (a.contract_id, a.professional_id)).values():
            if overlap := period.find_overlap(group):
                first = overlap[0]
                raise ValidationError(
                    self.env._(
                        "%(name)s already has a place in the network of %(contract)s"
                        " (%(dates)s): end that one first.",
                        name=first.professional_id.name,
                        contract=first.contract_id.name,
                        dates=period.describe(self.env, first.start_date, first.end_date),
                    )
                )
