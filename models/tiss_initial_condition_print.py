from odoo import models


class TissInitialCondition(models.AbstractModel):
    """The sheet of the situação inicial, for an annex, a request and a GTO (guide §3.9).

    The model is a `tiss.printed` and a `tiss.form`. Numbers 1–16 as a public layout of the
    standard has them.
    """

    _inherit = "tiss.initial.condition"

    def _get_initial_sheets(self):
        """The sheet behind a treatment; none where nothing is known of the teeth, or may be seen.

        :return: list of `standard.paper.Sheet`
        """
        if not self._may_see_clinical() or not self.tooth_ids:
            return []
        page = (self._prepare_print_initial(self.name), self._get_initial_tables())
        return self._make_own_sheets("report_sheet_situacao_inicial", [page])

    def _prepare_print_initial(self, referenced):
        """:param referenced: number of the treatment that the teeth are told for"""
        answers = ["", ""]
        if self._may_see_clinical():
            signs = (self.has_periodontal_disease, self.has_soft_tissue_change)
            answers = ["Sim" if sign else "Não" for sign in signs]
        return {
            1: self.contract_id.ans_code or "",
            3: referenced or "",
            4: self.operadora_number or "",
            5: self.patient_id.name or "",
            6: self.card_number or "",
            9: answers[0],
            10: answers[1],
            11: self._print_clinical("initial_note")[0],
        }

    def _get_initial_tables(self):
        """One row: what is said of each tooth, by its number."""
        teeth = {}
        for tooth in self.tooth_ids if self._may_see_clinical() else ():
            code, condition = tooth.tooth_id.code, tooth.condition_id.code
            teeth[code] = f"{teeth[code]}/{condition}" if code in teeth else condition
        return {"teeth": [teeth]}
