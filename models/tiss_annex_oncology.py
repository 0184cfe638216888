from odoo import fields, models

from .tiss_annex import CLINICAL
from .tiss_cid import CID_FIELDS
from .tiss_term import term_field

DIAGNOSIS_FIELDS = (
    "diagnosis_date", "staging_id", "purpose_id", "ecog_id", "histology", "relevant_information",
    *CID_FIELDS,
)  # fmt: skip


class TissAnnex(models.Model):
    """The oncological diagnosis and earlier treatment that quimio and radio share (guide §3.9)."""

    _name = "tiss.annex"
    _inherit = ["tiss.annex", "tiss.cid"]

    diagnosis_date = fields.Date("Diagnosed On", groups=CLINICAL, copy=False)
    staging_id = term_field("31", "Staging", groups=CLINICAL, copy=False)
    purpose_id = term_field("33", "Purpose", groups=CLINICAL, copy=False)
    ecog_id = term_field("30", "ECOG", groups=CLINICAL, copy=False)
    histology = fields.Text("Histopathological Diagnosis", groups=CLINICAL, copy=False)
    relevant_information = fields.Text(groups=CLINICAL, copy=False)
    surgery = fields.Char(groups=CLINICAL, copy=False)
    surgery_date = fields.Date("Surgery On", groups=CLINICAL, copy=False)

    def _get_frozen_fields(self):
        names = {"surgery", "surgery_date", *DIAGNOSIS_FIELDS}
        return super()._get_frozen_fields() | names

    def _get_diagnosis_problems(self):
        return self._get_missing("staging_id", "purpose_id", "ecog_id") + self._get_cid_problems()

    def _get_bearer_problems(self):
        """Age and sex follow from the patient, whose record may lack them."""
        problems = self._get_missing("sex_id")
        if not self.age and not self.patient_id.tiss_birth_date:
            problems += self._get_missing("age")
        return problems

    def _get_diagnosis_texts(self):
        return {
            "histology": (1000, False),
            "relevant_information": (1000, False),
            "surgery": (40, False),
            "observation": (500, False),
        }

    def _prepare_tiss_diagnosis(self):
        """ct_diagnosticoOncologico; the standard itself spells Hispatologico"""
        return {
            "dataDiagnostico": self.diagnosis_date or None,
            "diagnosticoCID": self._get_cids() or None,
            "estadiamento": self.staging_id.code or None,
            "finalidade": self.purpose_id.code or None,
            "ecog": self.ecog_id.code or None,
            "diagnosticoHispatologico": self._prepare_tiss_text("histology"),
            "infoRelevantes": self._prepare_tiss_text("relevant_information"),
        }

    def _prepare_tiss_bearer(self):
        """What both types tell of the patient besides the card."""
        return {"idade": self.age, "sexo": self.sex_id.code or None}

    def _prepare_tiss_surgery(self):
        return {
            "cirurgia": self._prepare_tiss_text("surgery"),
            "datacirurgia": self.surgery_date or None,
        }
