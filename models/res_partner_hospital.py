from odoo import fields, models

from ..standard import identifiers
from ..standard.text import to_ascii


class ResPartner(models.Model):
    """A hospital where the clinic's professionals attend: the local of their honorários."""

    _inherit = "res.partner"

    tiss_is_hospital = fields.Boolean("Hospital", help="Professionals of the clinic attend there.")
    tiss_cnes = fields.Char("CNES", size=7, help="National registry of health establishments.")

    def _tiss_get_hospital_problems(self):
        """What is missing for this hospital to appear in a guia.

        :return: list of (sentence, partner, field)
        """
        self.ensure_one()
        missing = []
        if not to_ascii(self.name or ""):
            missing.append(self.env._("Name"))
        if not self.tiss_cnes:
            missing.append(self.env._("CNES"))
        cnpj = identifiers.compact(self.vat or "")
        if not self.tiss_provider_code and not identifiers.valid_cnpj(cnpj):
            missing.append(self.env._("CNPJ or code at the operadora"))
        return self._tiss_tell_missing(missing)

    def _tiss_tell_missing(self, missing):
        if not missing:
            return []
        sentence = self.env._(
            "%(person)s lacks: %(missing)s.", person=self.name, missing=", ".join(missing)
        )
        return [(sentence, self, None)]
