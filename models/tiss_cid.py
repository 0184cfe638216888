import re

from odoo import fields, models

from ..standard.text import to_ascii

CID = re.compile("[A-Z][0-9]{2}[0-9A-Z]?")
CID_FIELDS = ("diagnosis_1", "diagnosis_2", "diagnosis_3", "diagnosis_4")


def clean_cid(text):
    """A CID as TISS has it: capitals without the dot, K80.2 → K802; "" when there is none."""
    return re.sub("[^0-9A-Z]", "", to_ascii(text or ""))


class TissCid(models.AbstractModel):
    """Up to four diagnoses, in codes of the CID."""

    _name = "tiss.cid"
    _description = "Diagnoses in CID"

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

    def _get_cids(self):
        """The diagnoses as the message has them; for whoever may see what is clinical."""
        return [clean_cid(self[name]) for name in CID_FIELDS if self[name]]

    def _get_cid_problems(self, *others):
        """Whether all codes can be codes, in words that do not tell them."""
        if all(map(CID.fullmatch, [*self.sudo()._get_cids(), *others])):
            return []
        sentence = self.env._("A CID is a letter and two or three characters, like A00.0.")
        return [(sentence, self, CID_FIELDS[0])]
