import io

import openpyxl
from openpyxl.styles import Font

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..standard.money import to_decimal
from ..standard.text import to_ascii


class TissRepasse(models.Model):
    """The list of persons for the RPA, and the statement of each professional."""

    _inherit = "tiss.repasse"

    def action_export_rpa(self):
        """A workbook of what is owed to persons, for whoever makes the RPA and the eSocial."""
        owed = self.filtered(
            lambda repasse: (
                repasse.state != "draft"
                and repasse.payee_kind == "person"
                and repasse.amount_total > 0
            )
        )
        if not owed:
            raise UserError(
                self.env._(
                    "Choose closed repasses to persons: companies are paid by a bill, and a"
                    " negative balance is carried over."
                )
            )
        name = to_ascii(self.env._("rpa-%s", max(owed.mapped("date")))) + ".xlsx"
        return self.env["tiss.file.export"]._get_file_action(name, owed._get_rpa_workbook())

    def _get_rpa_workbook(self):
        """One row per person; the amounts are gross, nothing is withheld here."""
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "RPA"
        sheet.append(
            [
                self.env._("Name"),
                "CPF",
                self.env._("Council"),
                "CBO",
                self.env._("Until"),
                self.env._("Gross"),
            ]
        )
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for repasse in self.sorted(lambda repasse: repasse.payee_id.name or ""):
            sheet.append(repasse._get_rpa_row())
            sheet.cell(sheet.max_row, 6).number_format = "#,##0.00"
        for column, width in zip("ABCDEF", (40, 18, 30, 10, 12, 14), strict=True):
            sheet.column_dimensions[column].width = width
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()

    def _get_rpa_row(self):
        """What whoever makes the RPA has to know of one person."""
        person = self.payee_id
        council = (
            person.tiss_council_id.name,
            person.tiss_council_number,
            person.tiss_council_state_id.name,
        )
        return [
            person.name,
            person.vat or None,
            " ".join(filter(None, council)) or None,
            person.tiss_cbo_id.code or None,
            self.date,
            to_decimal(self.amount_total),
        ]

    def _get_statement_rows(self):
        """Lines of one statement, grouped by convênio: [(name, rows, total)]."""
        self.ensure_one()
        labels = dict(self.env["tiss.movement"]._fields["kind"]._description_selection(self.env))
        groups = []
        for contract, lines in self.line_ids.grouped("contract_id").items():
            rows = [
                {
                    "date": format_date(self.env, line.date),
                    "guia": line.guia_id.name,
                    "patient": line.patient_id.name,
                    "item": line.guia_line_id.description,
                    "kind": labels[line.kind],
                    "base": line.base_amount,
                    "amount": line.amount,
                }
                for line in lines
            ]
            total = sum(to_decimal(line.amount) for line in lines)
            groups.append((contract.name, rows, float(total)))
        return groups
