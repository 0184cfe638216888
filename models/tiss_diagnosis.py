from odoo import models

from .tiss_term import term_field


class TissDiagnosis(models.AbstractModel):
    """A hospitalisation, as it is, asked for or billed: its kind and diagnoses (guide §3.5)."""

    _name = "tiss.diagnosis"
    _inherit = "tiss.cid"
    _description = "Hospitalisation and Diagnoses"

    hospitalization_type_id = term_field("57", "Hospitalisation")
    hospitalization_regime_id = term_field("41", "Hospitalisation Regime")
