from odoo import fields, models

from .tiss_term import term_field


class TissAuthorization(models.Model):
    """Request of a hospitalisation, and of more days of one (guide §5.6)."""

    _inherit = "tiss.authorization"

    hospital_id = fields.Many2one(
        "res.partner", domain=[("tiss_is_hospital", "=", True)], ondelete="restrict"
    )
    suggested_date = fields.Date("Suggested Admission")
    hospitalization_type_id = term_field("57", "Hospitalisation")
    hospitalization_regime_id = term_field("41", "Hospitalisation Regime")
    days_requested = fields.Integer("Daily Rates Requested")
    accommodation_id = term_field(
        "49", "Requested Accommodation", help="Only when it changes with the extension."
    )
    accident_id = term_field("36", "Accident")
    has_opme = fields.Boolean("OPME", compute="_compute_annex_kinds")
    has_quimio = fields.Boolean("Chemotherapy", compute="_compute_annex_kinds")
    diagnosis_1 = fields.Char("CID", size=6, groups="l10n_br_tiss.group_tiss_clinical", copy=False)
    diagnosis_2 = fields.Char(
        "CID (2)", size=6, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    diagnosis_3 = fields.Char(
        "CID (3)", size=6, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    diagnosis_4 = fields.Char(
        "CID (4)", size=6, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )

    # ---- Answer
    admission_date = fields.Date("Probable Admission", readonly=True, copy=False)
    days_authorized = fields.Integer("Daily Rates Authorised", readonly=True, copy=False)
    authorized_accommodation_id = term_field(
        "49", "Authorised Accommodation", readonly=True, copy=False
    )

    def _compute_annex_kinds(self):
        for request in self:
            kinds = request._get_annex_kinds()
            request.has_opme = "opme" in kinds
            request.has_quimio = "quimio" in kinds
