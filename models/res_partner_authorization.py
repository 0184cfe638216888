from odoo import api, fields, models

from ..standard import identifiers
from ..standard.text import to_ascii


class ResPartner(models.Model):
    """A patient with his requests, and a hospital as a request names it."""

    _inherit = "res.partner"

    tiss_authorization_ids = fields.One2many(
        "tiss.authorization",
        "patient_id",
        "Authorisations",
        groups="l10n_br_tiss.group_tiss_reception",
    )
    tiss_authorization_count = fields.Integer(
        compute="_compute_tiss_authorization_count", groups="l10n_br_tiss.group_tiss_reception"
    )

    @api.depends("tiss_authorization_ids")
    def _compute_tiss_authorization_count(self):
        counts = dict(
            self.env["tiss.authorization"]._read_group(
                [("patient_id", "in", self.ids)], ["patient_id"], ["__count"]
            )
        )
        for partner in self:
            partner.tiss_authorization_count = counts.get(partner._origin, 0)

    def action_view_tiss_authorizations(self):
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "l10n_br_tiss.tiss_authorization_action"
            ),
            "domain": [("patient_id", "=", self.id)],
            "context": {"default_patient_id": self.id},
        }

    def _tiss_get_indicated_code(self):
        """codigoIndicadonaOperadora: the code at the operadora, else the CNPJ."""
        self.ensure_one()
        return self.tiss_provider_code or identifiers.compact(self.vat or "") or None

    def _tiss_get_indicated_problems(self):
        """What a hospital lacks to be asked for in a request.

        :return: list of (sentence, partner, field)
        """
        missing = []
        if not to_ascii(self.name or ""):
            missing.append(self.env._("Name"))
        if not self._tiss_get_indicated_code():
            missing.append(self.env._("CNPJ or code at the operadora"))
        return self._tiss_tell_missing(missing)
