from odoo import fields, models

from .tiss_term import term_field


class TissAuthorization(models.Model):
    """Request of a dental treatment (guide §5.6)."""

    _inherit = "tiss.authorization"

    plan_id = fields.Many2one(related="card_id.plan_id")
    employer_name = fields.Char("Employer", size=40)
    executor_id = fields.Many2one(
        "res.partner",
        "Dentist",
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    second_professional_id = fields.Many2one(
        "res.partner",
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    dental_type_id = term_field("51", "Kind of Treatment")
    treatment_end_date = fields.Date("Treatment Ended")
    tooth_ids = fields.One2many(
        "tiss.guia.tooth",
        "authorization_id",
        "Initial Condition",
        groups="l10n_br_tiss.group_tiss_clinical",
    )
    has_periodontal_disease = fields.Boolean(
        "Periodontal Disease", groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    has_soft_tissue_change = fields.Boolean(
        "Soft Tissue Change", groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    initial_note = fields.Char(
        "Note", size=500, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
