from odoo import models
from odoo.tools import split_every

from ..standard import paper
from .bulk import read_children
from .tiss_cid import CID_FIELDS, clean_cid
from .tiss_printed import ITEMS, LINES, REQUESTED, boxes_from, pad

FORMS = {  # type of request → its form
    "sp_sadt": "sp_sadt",
    "internacao": "solicitacao_internacao",
    "prorrogacao": "prorrogacao",
    "odonto": "odonto",
}
FIRST_ITEM = {"sp_sadt": 24, "internacao": 34, "prorrogacao": 19}


class TissAuthorization(models.Model):
    """The requests on paper (guide §11.2).

    SP/SADT and odonto are asked for with the form that also bills them. The numbers of the
    internação (1–50) and of the prorrogação (1–31) were found in public layouts of the standard.
    """

    _name = "tiss.authorization"
    _inherit = ["tiss.authorization", "tiss.printed"]

    def _get_print_report(self):
        return "l10n_br_tiss.action_report_authorization"

    def _get_sheets(self):
        self._read_print_content()
        return [sheet for request in self for sheet in request._get_own_sheets()]

    def _read_print_content(self):
        """Read what is printed, in a number of queries that does not grow with the requests."""
        read_children(self, "line_ids")
        if self._may_see_clinical():
            read_children(self, "tooth_ids")
        people = self.professional_id | self.patient_id | self.hospital_id
        (people | self.executor_id | self.second_professional_id).fetch()
        self.env["tiss.term"]._cache_domain_codes()

    def _get_own_sheets(self):
        self.ensure_one()
        boxes = getattr(self, f"_prepare_print_{self.request_type}")()
        pages = [(boxes, tables) for tables in self._get_print_tables()]
        form = FORMS[self.request_type]
        if self.request_type == "odonto":
            totals = self._prepare_print_treatment_totals(self.amount_total)
            pages[-1] = (boxes | totals, pages[-1][1])
        sheets = self._make_own_sheets(f"report_sheet_{form}", pages)
        if self.request_type == "odonto":
            sheets += self._get_initial_sheets()
        return sheets

    def _get_print_tables(self):
        """The tables of each sheet: as many items as it has lines for."""
        max_lines, max_members = LINES.get(self.request_type, (0, 0))
        if self.request_type == "odonto":
            name, count = "procedures", max_lines
            rows = [line._prepare_print_dental() for line in self.line_ids]
        else:
            name, count = "items", ITEMS.get(FORMS[self.request_type])
            first = FIRST_ITEM[self.request_type]
            rows = [line._prepare_print_requested(first) for line in self.line_ids]
        others = {}
        if self.request_type == "sp_sadt":
            name, count = "requested", REQUESTED
            sizes = {"procedures": max_lines, "team": max_members, "series": 10}
            others = {table: pad([], size) for table, size in sizes.items()}
        return [
            {**others, name: pad(batch, count)} for batch in split_every(count, rows or [{}], list)
        ]

    # ------------------------------------------------------------------
    # Boxes
    # ------------------------------------------------------------------

    def _prepare_print_sp_sadt(self):
        executor = self._get_provider_boxes("sp_sadt") if self.executes_here else {}
        indication = self._print_clinical("clinical_indication")
        return {
            **executor,
            1: self.contract_id.ans_code or "",
            3: self.main_number or "",
            **boxes_from(4, self._print_authorization()),
            **boxes_from(8, [*self._print_card(), self.patient_id.name]),
            12: self._print_newborn(),
            **boxes_from(13, self._print_requester(self.professional_id)),
            **boxes_from(15, self._print_professional(self.professional_id)),
            **boxes_from(21, [self.care_character_id.code, paper.day(self.date), *indication]),
            58: self.observation or "",
            90: self.special_coverage_id.code or "",
        }

    def _prepare_print_internacao(self):
        hospital = self.hospital_id
        cids = CID_FIELDS if self._may_see_clinical() else ()
        code = hospital and hospital._tiss_get_indicated_code()
        executor = hospital.name if code and code == self.executor_code else ""
        date, password, validity, number = self._print_authorization()
        return {
            1: self.contract_id.ans_code or "",
            **boxes_from(3, [number, date, password, validity]),
            **boxes_from(7, [*self._print_card(), self._print_newborn(), self.patient_id.name]),
            **boxes_from(12, self._print_requester(self.professional_id)),
            **boxes_from(14, self._print_professional(self.professional_id)),
            **boxes_from(19, [code, hospital.name, paper.day(self.suggested_date)]),
            22: self.care_character_id.code or "",
            23: self.hospitalization_type_id.code or "",
            24: self.hospitalization_regime_id.code or "",
            25: str(self.days_requested),
            26: "S" if self.has_opme else "N",
            27: "S" if self.has_quimio else "N",
            28: self._print_clinical("clinical_indication")[0],
            **boxes_from(29, [clean_cid(self[name]) for name in cids]),
            33: self.accident_id.code or "",
            39: paper.day(self.admission_date),
            40: str(self.days_authorized or ""),
            41: self.authorized_accommodation_id.code or "",
            **boxes_from(42, [self.executor_code, executor, self.executor_cnes]),
            **boxes_from(45, [self.observation, paper.day(self.date)]),
        }

    def _prepare_print_prorrogacao(self):
        date, password, _validity, number = self._print_authorization()
        return {
            1: self.contract_id.ans_code or "",
            **boxes_from(3, [self.main_number, date, password, number]),
            **boxes_from(7, [self.card_number, self.patient_id.name]),
            **boxes_from(9, self._print_requester(self.professional_id)),
            **boxes_from(11, self._print_professional(self.professional_id)),
            16: str(self.days_requested or ""),
            17: self.accommodation_id.code or "",
            18: self._print_clinical("clinical_indication")[0],
            24: str(self.days_authorized or ""),
            25: self.authorized_accommodation_id.code or "",
            26: self.operadora_note or "",
            **boxes_from(27, [self.observation, paper.day(self.date)]),
        }

    def _prepare_print_odonto(self):
        return self._prepare_print_treatment(self.professional_id, self.executor_id)
