from odoo import api, fields, models

from .. import standard


class TissContractCreate(models.TransientModel):
    """New convênio in one screen: find the operadora by name, say who we are to it, done."""

    _name = "tiss.contract.create"
    _description = "New Convênio"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    registry_id = fields.Many2one("tiss.operadora.registry", "Operadora", required=True)
    ans_code = fields.Char(related="registry_id.ans_code")
    cnpj = fields.Char(related="registry_id.cnpj")
    legal_name = fields.Char(related="registry_id.legal_name")
    modality = fields.Char(related="registry_id.modality")
    identification_kind = fields.Selection(
        selection="_selection_identification_kind",
        string="Registration Type",
        default="code",
        required=True,
    )
    provider_code = fields.Char(
        "Registration", help="The code, CNPJ or CPF by which the operadora knows the clinic."
    )
    next_guia_number = fields.Integer(default=1, required=True)
    next_lote_number = fields.Integer(default=1, required=True)
    version = fields.Selection(
        selection="_selection_version",
        string="TISS Version",
        default=lambda self: standard.versions()[-1],
        required=True,
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_identification_kind(self):
        Contract = self.env["tiss.contract"]
        return Contract._fields["identification_kind"]._description_selection(self.env)

    @api.model
    def _selection_version(self):
        return self.env["tiss.contract"]._selection_version()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_create(self):
        """Create the convênio and open it, with its price list to fill in."""
        self.ensure_one()
        contract = self.env["tiss.contract"].create(
            {
                "company_id": self.company_id.id,
                "partner_id": self.registry_id.create_operadora().id,
                "identification_kind": self.identification_kind,
                "provider_code": self.provider_code,
                "next_guia_number": self.next_guia_number,
                "next_lote_number": self.next_lote_number,
                "version": self.version,
            }
        )
        return contract._get_records_action()
