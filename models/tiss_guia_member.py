from odoo import api, fields, models

from .tiss_term import term_field


class TissGuiaMember(models.Model):
    """A professional who took part in a procedure of a guia (guide §3.4–3.6)."""

    _name = "tiss.guia.member"
    _inherit = "tiss.guia.part"
    _description = "Guia Team Member"
    _order = "line_id.id, id"
    _owner_field = "line_id"

    line_id = fields.Many2one("tiss.guia.line", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    professional_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    participation_id = term_field("35", "Participation")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("professional_id", "participation_id")
    def _compute_display_name(self):
        for member in self:
            member.display_name = " · ".join(
                filter(None, [member.professional_id.name, member.participation_id.name])
            )

    @api.depends("line_id")
    def _compute_company_id(self):
        for member in self:
            member.company_id = member.line_id.company_id

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_owner(self):
        return self.line_id._get_owner()

    def _prepare_tiss_member(self):
        """ct_identEquipeSADT, ct_identEquipe"""
        self.ensure_one()
        professional = self.professional_id._tiss_prepare_professional()
        return {
            "grauPart": self.participation_id.code or None,
            "codProfissional": self.professional_id._tiss_prepare_team_code(),
            "nomeProf": professional["nomeProfissional"],
            "conselho": professional["conselhoProfissional"],
            "numeroConselhoProfissional": professional["numeroConselhoProfissional"],
            "UF": professional["UF"],
            "CBOS": professional["CBOS"],
        }

    def _prepare_tiss_professional(self):
        """profissionais of the honorários, where most names differ (guide Appendix B 1)"""
        values = self._prepare_tiss_member()
        return {
            "grauParticipacao": values["grauPart"],
            "codProfissional": values["codProfissional"],
            "nomeProfissional": values["nomeProf"],
            "conselhoProfissional": values["conselho"],
            "numeroConselhoProfissional": values["numeroConselhoProfissional"],
            "UF": values["UF"],
            "CBO": values["CBOS"],
        }
