from odoo import models

from ..standard import paper
from .tiss_printed import boxes_from


class TissDental(models.AbstractModel):
    """The boxes of the GTO, which asks for a treatment and bills it (guide §11.2).

    The model is a `tiss.printed` and a `tiss.form`.
    """

    _inherit = "tiss.dental"

    def _prepare_print_treatment(self, requester, executor):
        """:param requester: the dentist who asks; :param executor: the one who treats"""
        card = self.card_id
        name, _council, cro, state, cbo = self._print_professional(requester)
        second = self._print_professional(self.second_professional_id or executor)
        return {
            **self._get_provider_boxes("odonto"),
            3: self.main_number or "",
            **boxes_from(4, self._print_authorization()),
            **boxes_from(8, [self.card_number, card.plan_id.name, self.employer_name]),
            11: paper.day(card.validity_date),
            13: self.patient_id.name or "",
            14: self.patient_id.phone or "",
            15: (card.holder_id.patient_id or self.patient_id).name or "",
            16: self._print_newborn(),
            **boxes_from(17, [name, cro, state, cbo]),
            **boxes_from(23, self._print_professional(executor)[2:4]),
            **boxes_from(26, [second[0], *second[2:]]),
            43: paper.day(self.treatment_end_date),
            44: self.dental_type_id.code or "",
            49: self.observation or "",
        }

    def _prepare_print_treatment_totals(self, gross):
        """The totals, which only the last sheet says"""
        return {
            46: paper.number(self.us_total) if self.us_total else "",
            47: paper.number(gross),
            48: paper.number(self.amount_patient),
        }
