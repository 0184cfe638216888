from odoo import models
from odoo.tools import split_every

from ..standard import paper
from .bulk import read_children
from .tiss_cid import CID_FIELDS, clean_cid
from .tiss_guia_line import to_time
from .tiss_printed import (
    ITEMS,
    LINES,
    PROVIDER_BOXES,
    REQUESTED,
    boxes_from,
    numbered,
    pad,
)

FIRST_PROCEDURE = {"sp_sadt": 36, "resumo_internacao": 34, "honorarios": 17}
FIRST_MEMBER = {"sp_sadt": 48, "resumo_internacao": 46, "honorarios": 29}
EXPENSES = 10
SESSIONS = 15
DECLARATIONS = 2
SERIES = "03"  # T50: therapies, which come in series


class TissGuia(models.Model):
    """The guias on paper, with the numbers that the ANS gives to the boxes (guide §11).

    Names, the validity of the card and signatures are on paper only. A guia with more items than
    its form has lines goes on over further sheets of the same number; totals stand on the last.
    The numbers that the guide lacks were found in public layouts of the standard: honorários
    1–40, GTO 1–56, and the social name (66 of the internação, 41 of the honorários).
    """

    _name = "tiss.guia"
    _inherit = ["tiss.guia", "tiss.printed"]

    def _get_print_report(self):
        return "l10n_br_tiss.action_report_guia"

    def _get_sheets(self):
        self._read_print_content()
        return [sheet for guia in self for sheet in guia._get_own_sheets()]

    def _get_session_sheets(self):
        """A line for each session of a series, to be signed when it took place."""
        self._read_print_content()
        sheets = []
        for guia in self:
            lines = guia._get_printed_procedures().sorted("date")
            rows = numbered(row for line in lines for row in line._prepare_print_sessions())
            boxes = guia._prepare_print_sessions()
            pages = [
                (boxes, {"sessions": pad(batch, SESSIONS)})
                for batch in split_every(SESSIONS, rows or [{}], list)
            ]
            sheets += guia._make_own_sheets("report_sheet_sessions", pages)
        return sheets

    def _read_print_content(self):
        """Read what is printed, in a number of queries that does not grow with the guias."""
        members = read_children(read_children(self, "line_ids"), "member_ids")
        read_children(self.authorization_id, "line_ids")
        people = members.professional_id | self.patient_id
        for guias in self.grouped("guia_type").values():
            people |= guias._read_particulars()
        people.fetch()
        self.env["tiss.term"]._cache_domain_codes()

    def _get_printed_procedures(self):
        return self.line_ids.filtered(lambda line: not line.expense_kind_id)

    def _get_own_sheets(self):
        """The sheets of this guia, and those of its outras despesas."""
        self.ensure_one()
        boxes = getattr(self, f"_prepare_print_{self.guia_type}")()
        totals = self._prepare_print_totals()
        pages = [(boxes, tables) for tables in self._get_print_tables()]
        pages[-1] = (boxes | totals, pages[-1][1])
        sheets = self._make_own_sheets(f"report_sheet_{self.guia_type}", pages)
        expenses = self.line_ids.filtered("expense_kind_id")
        if expenses:
            pages = self._get_expense_pages(expenses)
            sheets += self._make_own_sheets("report_sheet_expenses", pages)
        if self.guia_type == "odonto":
            sheets += self._get_initial_sheets()
        return sheets

    def _get_print_version(self):
        return self.lote_id.version

    # ------------------------------------------------------------------
    # Tables
    # ------------------------------------------------------------------

    def _get_print_tables(self):
        """The tables of each sheet: as many items as it has lines for, and their teams."""
        max_lines, max_members = LINES[self.guia_type]
        pages = []
        for lines, team in self._paginate(max_lines, max_members):
            tables = {
                "procedures": pad([self._prepare_print_line(line) for line in lines], max_lines),
                "team": pad(team, max_members),
            }
            if self.guia_type == "sp_sadt":
                series = lines if self.attendance_type_id.code == SERIES else ()
                tables["series"] = pad([{56: paper.day(line.date)} for line in series], 10)
            pages.append(tables)
        if self.guia_type == "resumo_internacao":
            rows = [each._prepare_print() for each in self._get_printed_declarations()]
            self._spread(pages, "declarations", rows, DECLARATIONS)
        elif self.guia_type == "sp_sadt":
            rows = [each._prepare_print_requested(24) for each in self.authorization_id.line_ids]
            self._spread(pages, "requested", rows, REQUESTED)
        return pages

    def _paginate(self, max_lines, max_members):
        """(items, rows of their team) of each sheet; a team stands with its item where it can."""
        first = FIRST_MEMBER.get(self.guia_type)
        pages = [([], [])]
        for line in self._get_printed_procedures():
            rows = line._prepare_print_team(first) if first else []
            lines, team = pages[-1]
            if len(lines) == max_lines or (lines and len(team) + len(rows) > max_members):
                pages.append(([], []))
            pages[-1][0].append(line)
            for row in rows:
                if len(pages[-1][1]) == max_members:
                    pages.append(([], []))
                pages[-1][1].append(row)
        return pages

    def _prepare_print_line(self, line):
        if self.guia_type == "odonto":
            return line._prepare_print_dental()
        if self.guia_type == "consulta":
            values = [line.table_code, line.code, paper.number(line.amount)]
            return boxes_from(20, values)
        return line._prepare_print_procedure(FIRST_PROCEDURE[self.guia_type])

    def _spread(self, pages, name, rows, count):
        """Put `count` rows on each sheet, on new ones where the procedures need fewer."""
        batches = list(split_every(count, rows, list))
        max_lines, max_members = LINES[self.guia_type]
        while len(pages) < len(batches):
            empty = {"procedures": max_lines, "team": max_members, "series": 10}
            pages.append({table: pad([], size) for table, size in empty.items()})
        for index, tables in enumerate(pages):
            tables[name] = pad(batches[index] if index < len(batches) else [], count)

    def _get_printed_declarations(self):
        return self.declaration_ids if self._may_see_clinical() else ()

    def _get_expense_pages(self, expenses):
        """Ten expenses on a sheet, the totals on the last one."""
        number, code, name, cnes = self._print_provider(self.contract_id)
        boxes = boxes_from(1, [number, self.name, code, name, cnes])
        pages = [
            (boxes, {"expenses": pad([line._prepare_print_expense() for line in batch], EXPENSES)})
            for batch in split_every(EXPENSES, expenses.ids, expenses.browse)
        ]
        amounts = [
            self.amount_gases, self.amount_medicines, self.amount_materials, self.amount_opme,
            self.amount_fees, self.amount_daily, self.amount_total - self.amount_procedures,
        ]  # fmt: skip
        pages[-1] = (boxes | boxes_from(21, map(paper.number, amounts)), pages[-1][1])
        return pages

    # ------------------------------------------------------------------
    # Boxes
    # ------------------------------------------------------------------

    def _prepare_print_consulta(self):
        card = self._print_card()
        line = self._get_printed_procedures()[:1]
        return {
            **self._get_provider_boxes("consulta"),
            2: self.name,
            3: self.operadora_number or "",
            **boxes_from(4, [*card, self._print_newborn(), self.patient_id.name]),
            **boxes_from(12, self._print_professional(self.professional_id)),
            17: self.accident_id.code or "",
            18: paper.day(self.date),
            19: self.consultation_type_id.code or "",
            23: self.observation or "",
            27: self.special_coverage_id.code or "",
            28: self.regime_id.code or "",
            29: self.occupational_health_id.code or "",
            **(self._prepare_print_line(line) if line else {}),
        }

    def _prepare_print_sp_sadt(self):
        requester = self.requester_id or self.professional_id
        clinical = self.clinical_indication if self._may_see_clinical() else ""
        consultation = self.consultation_type_id if self.attendance_type_id.code == "04" else None
        return {
            **self._get_provider_boxes("sp_sadt"),
            2: self.name,
            3: self.main_number or "",
            **boxes_from(4, self._print_authorization()),
            **boxes_from(8, [*self._print_card(), self.patient_id.name]),
            12: self._print_newborn(),
            **boxes_from(13, self._print_requester(requester)),
            **boxes_from(15, self._print_professional(requester)),
            **boxes_from(21, [self.care_character_id.code, paper.day(self.request_date), clinical]),
            32: self.attendance_type_id.code or "",
            33: self.accident_id.code or "",
            34: consultation and consultation.code or "",
            35: self.discharge_reason_id.code or "",
            58: self.observation or "",
            90: self.special_coverage_id.code or "",
            91: self.regime_id.code or "",
            92: self.occupational_health_id.code or "",
        }

    def _prepare_print_resumo_internacao(self):
        names = CID_FIELDS if self._may_see_clinical() else ()
        return {
            **self._get_provider_boxes("resumo_internacao"),
            2: self.name,
            3: self.main_number or "",
            **boxes_from(4, self._print_authorization()),
            **boxes_from(8, [*self._print_card(), self.patient_id.name]),
            12: self._print_newborn(),
            16: self.care_character_id.code or "",
            17: self.billing_type_id.code or "",
            18: paper.day(self.start_date),
            19: paper.hour(to_time(self.start_time)) if self.start_date else "",
            20: paper.day(self.end_date),
            21: paper.hour(to_time(self.end_time)) if self.end_date else "",
            22: self.hospitalization_type_id.code or "",
            23: self.hospitalization_regime_id.code or "",
            **boxes_from(24, [clean_cid(self[name]) for name in names]),
            28: self.accident_id.code or "",
            29: self.discharge_reason_id.code or "",
            65: self.observation or "",
        }

    def _prepare_print_honorarios(self):
        hospital = self.hospital_id
        [code] = self._prepare_tiss_hospital()["codigoContratado"].values()
        return {
            **self._get_provider_boxes("honorarios"),
            2: self.name,
            3: self.main_number or "",
            4: self.authorization_password or "",
            5: self.operadora_number or "",
            **boxes_from(6, [self.card_number, self.patient_id.name, self._print_newborn()]),
            **boxes_from(9, [code, hospital.name, hospital.tiss_cnes]),
            15: paper.day(self.start_date),
            16: paper.day(self.end_date),
            37: self.observation or "",
            39: paper.day(self.issue_date),
        }

    def _prepare_print_odonto(self):
        return {
            **self._prepare_print_treatment(self.requester_id, self.professional_id),
            2: self.name,
            45: self.billing_type_id.code or "",
        }

    def _prepare_print_sessions(self):
        return {
            **self._get_provider_boxes("sessions"),
            2: self.name,
            5: self.authorization_password or "",
            7: self.operadora_number or "",
            8: self.card_number or "",
            10: self.patient_id.name or "",
        }

    def _prepare_print_totals(self):
        """The totals, which only the last sheet of a guia says"""
        if self.guia_type == "consulta":
            return {}
        if self.guia_type == "honorarios":
            return {38: paper.number(self.amount_total)}
        if self.guia_type == "odonto":
            return self._prepare_print_treatment_totals(self.amount_gross)
        amounts = [
            self.amount_procedures, self.amount_fees, self.amount_materials, self.amount_opme,
            self.amount_medicines, self.amount_gases, self.amount_total,
        ]  # fmt: skip
        first = 59
        if self.guia_type == "resumo_internacao":
            amounts.insert(1, self.amount_daily)
            first = 54
        return boxes_from(first, map(paper.number, amounts))

    # ------------------------------------------------------------------
    # Blank forms
    # ------------------------------------------------------------------

    def _get_blank_sheets(self, contract, form):
        """A form for the days without a system: only whose it is is filled in.

        :param form: a key of `PROVIDER_BOXES`
        """
        boxes = dict(zip(PROVIDER_BOXES[form], self._print_provider(contract), strict=False))
        max_lines, max_members = LINES.get(form, (0, 0))
        tables = {
            "procedures": pad([], max_lines),
            "team": pad([], max_members),
            "series": pad([], 10),
            "requested": pad([], REQUESTED),
            "declarations": pad([], DECLARATIONS),
            "expenses": pad([], EXPENSES),
            "sessions": pad([], SESSIONS),
            "items": pad([], ITEMS.get(form, 0)),
            "teeth": [{}],
        }
        boxes = {number: value or "" for number, value in boxes.items()}
        return self._make_sheets(contract, f"report_sheet_{form}", [(boxes, tables)])
