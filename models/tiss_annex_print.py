from odoo import models
from odoo.tools import split_every

from ..standard import paper
from .bulk import read_children
from .tiss_cid import CID_FIELDS, clean_cid
from .tiss_printed import ITEMS, boxes_from, pad


class TissAnnex(models.Model):
    """The annexes on paper (guide §11.3).

    The numbers that the guide lacks were found in public layouts of the standard: OPME 1–29,
    quimio 1–52 and radio 1–38, of which the last is the social name.
    """

    _name = "tiss.annex"
    _inherit = ["tiss.annex", "tiss.printed"]

    _cancelled_mark = "CANCELADO"

    def _get_print_report(self):
        return "l10n_br_tiss.action_report_annex"

    def _get_sheets(self):
        self._read_print_content()
        return [sheet for annex in self for sheet in annex._get_own_sheets()]

    def _read_print_content(self):
        """Read what is printed, in a number of queries that does not grow with the annexes."""
        read_children(self, "line_ids")
        if self._may_see_clinical():
            read_children(self, "tooth_ids")
        (self.requester_id | self.patient_id).fetch()
        self.env["tiss.term"]._cache_domain_codes()

    def _get_own_sheets(self):
        self.ensure_one()
        boxes = getattr(self, f"_prepare_print_{self.annex_type}")()
        pages = [(boxes, tables) for tables in self._get_print_tables()]
        return self._make_own_sheets(f"report_sheet_{self.annex_type}", pages)

    def _get_print_tables(self):
        if self.annex_type == "situacao_inicial":
            return [self._get_initial_tables()]
        lines = list(enumerate(self.line_ids, start=1))
        if self.annex_type == "opme":
            rows = [line._prepare_print_material(place) for place, line in lines]
        else:
            shown = lines if self._may_see_clinical() else []
            rows = [line._prepare_print_drug(place) for place, line in shown]
        count = ITEMS.get(self.annex_type, 1)
        return [{"items": pad(batch, count)} for batch in split_every(count, rows or [{}], list)]

    # ------------------------------------------------------------------
    # Boxes
    # ------------------------------------------------------------------

    def _print_header(self):
        """Boxes 1–8, which OPME, quimio and radio share; the answer where there is one."""
        values = [
            self.authorization_id.name,
            self.answer_password or self.authorization_password,
            paper.day(self.answer_date or self.authorization_date),
            self.answer_number or self.operadora_number,
            self.card_number,
            self.patient_id.name,
        ]
        return {1: self.contract_id.ans_code or "", **boxes_from(3, values)}

    def _print_contact(self):
        """Name, phone and e-mail of whoever asks"""
        return [self.requester_id.name, self.requester_phone, self.requester_email]

    def _print_cids(self):
        names = CID_FIELDS if self._may_see_clinical() else ()
        return [clean_cid(self[name]) for name in names]

    def _prepare_print_opme(self):
        specification = self._print_clinical("material_specification", "observation")
        return {
            **self._print_header(),
            **boxes_from(9, self._print_contact()),
            12: self._print_clinical("technical_justification")[0],
            **boxes_from(24, [*specification, paper.day(self.date)]),
        }

    def _prepare_print_quimio(self):
        kind = ("staging_id", "chemotherapy_id", "purpose_id", "ecog_id")
        tumor = ("tumor_id", "node_id", "metastasis_id")
        texts = ("therapy_plan", "histology", "relevant_information")
        earlier = ("surgery", "surgery_date", "irradiated_area", "irradiation_date")
        cycles = ("cycle_count", "current_cycle", "cycle_days")
        is_planned = self._may_see_clinical() and self.cycle_count
        return {
            **self._print_header(),
            **boxes_from(9, self._print_clinical("weight", "height", "body_surface")),
            **boxes_from(12, [str(self.age), self.sex_id.code]),
            **boxes_from(14, self._print_contact()),
            17: self._print_clinical("diagnosis_date")[0],
            **boxes_from(18, self._print_cids()),
            **boxes_from(22, self._print_clinical(*kind, *tumor, *texts)),
            **boxes_from(40, self._print_clinical(*earlier, "observation", *cycles)),
            48: str(self.cycle_interval) if is_planned else "",  # which may be no day at all
            49: paper.day(self.date),
        }

    def _prepare_print_radio(self):
        kind = ("imaging_id", "staging_id", "ecog_id", "purpose_id")
        texts = ("histology", "relevant_information")
        earlier = ("surgery", "surgery_date", "chemotherapy", "chemotherapy_date")
        doses = ("field_count", "field_dose", "total_dose", "day_count", "expected_date")
        return {
            **self._print_header(),
            **boxes_from(9, [str(self.age), self.sex_id.code]),
            **boxes_from(11, self._print_contact()),
            14: self._print_clinical("diagnosis_date")[0],
            **boxes_from(15, self._print_cids()),
            **boxes_from(19, self._print_clinical(*kind, *texts, *earlier, *doses)),
            34: self._print_clinical("observation")[0],
            35: paper.day(self.date),
        }

    def _prepare_print_situacao_inicial(self):
        return self._prepare_print_initial(self.authorization_id.name)
