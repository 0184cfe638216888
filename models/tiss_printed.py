from odoo import models
from odoo.exceptions import UserError
from odoo.tools.image import image_data_uri

from ..standard import paper

# Procedures, and members of teams, that a sheet of each guia has lines for.
LINES = {
    "consulta": (1, 0),
    "sp_sadt": (5, 4),
    "resumo_internacao": (8, 7),
    "honorarios": (10, 8),
    "odonto": (20, 0),
}
REQUESTED = 5
# Registro ANS, code, name and CNES of the clinic: what a blank form has.
PROVIDER_BOXES = {
    "consulta": (1, 9, 10, 11),
    "sp_sadt": (1, 29, 30, 31),
    "resumo_internacao": (1, 13, 14, 15),
    "honorarios": (1, 12, 13, 14),
    "odonto": (1, 21, 22, 25),
    "expenses": (1, 3, 4, 5),
    "sessions": (1, 29, 30, 31),
    "solicitacao_internacao": (1, 12, 13),
    "prorrogacao": (1, 9, 10),
    "opme": (1,),
    "quimio": (1,),
    "radio": (1,),
    "situacao_inicial": (1,),
}
# Items that a sheet of each request and annex has lines for.
ITEMS = {"solicitacao_internacao": 12, "prorrogacao": 9, "opme": 6, "quimio": 8}


def pad(rows, count):
    """Rows of a table with empty ones up to `count`: the paper has as many lines as always."""
    return [*rows, *({} for _row in range(count - len(rows)))]


def numbered(rows):
    """Rows with their place in the first column."""
    return [{0: str(place), **row} for place, row in enumerate(rows, start=1)]


def boxes_from(first, values):
    """{number of the box: text} for boxes that are numbered one after the other."""
    return {number: value or "" for number, value in enumerate(values, start=first)}


class TissPrinted(models.AbstractModel):
    """What is printed in a layout of the ANS (guide §11), or beside it.

    A model says which report prints it and what stands on its sheets; the templates in report/
    draw them, and a clinic inherits those to change them.
    """

    _name = "tiss.printed"
    _description = "Printed Form"

    # What is stamped on a record that was given up, in the gender of its Portuguese noun.
    _cancelled_mark = "CANCELADA"

    def get_pdf(self):
        """One PDF of all records, in their order, made by one call of the engine.

        :return: bytes
        """
        self.check_access("read")
        if not self:
            raise UserError(self.env._("There is nothing to print."))
        # In tests Odoo would give the HTML.
        report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        content, _kind = report._render_qweb_pdf(self._get_print_report(), self.ids)
        return content

    def _get_print_report(self):
        """The XML id of the report action."""
        raise NotImplementedError

    def _get_sheets(self):
        """What is printed of all records in self.

        :return: list of `standard.paper.Sheet`
        """
        raise NotImplementedError

    def _make_sheets(self, contract, form, pages, number="", version=""):
        """The sheets of one form.

        :param form: name of the template in report/, without the module
        :param pages: (boxes, tables) of each sheet
        :return: list of `standard.paper.Sheet`
        """
        payer = contract.partner_id
        logo = payer.image_256
        rest = {}
        return [
            paper.Sheet(
                form=f"l10n_br_tiss.{form}",
                boxes=boxes,
                tables=tables,
                number=number,
                payer=payer.name or "",
                logo=logo and image_data_uri(logo) or "",
                footer=f"Padrão TISS {version or contract.version}",
                page=page,
                pages=len(pages),
                rest=rest,
                closes=page == len(pages),
            )
            for page, (boxes, tables) in enumerate(pages, start=1)
        ]

    def _make_own_sheets(self, form, pages):
        """The sheets of a form that this record is, marked when it was given up."""
        sheets = self._make_sheets(
            self.contract_id, form, pages, number=self.name, version=self._get_print_version()
        )
        for sheet in sheets:
            sheet.mark = self._cancelled_mark if self.state == "cancelled" else ""
        return sheets

    def _get_print_version(self):
        """The version of the standard in the foot of a sheet; none: that of the convênio."""
        return self.version

    # ------------------------------------------------------------------
    # How the standard writes things on paper
    # ------------------------------------------------------------------

    def _print_provider(self, contract):
        """Registro ANS, and the clinic's code at the operadora, name and CNES"""
        company = contract.company_id
        return [
            contract.ans_code,
            contract._get_provider_code(),
            company.name,
            company.tiss_cnes,
        ]

    def _get_provider_boxes(self, form):
        """{number of the box: text} of what a form says of the clinic

        :param form: a key of `PROVIDER_BOXES`
        """
        return dict(zip(PROVIDER_BOXES[form], self._print_provider(self.contract_id), strict=False))

    def _print_professional(self, person):
        """Name, council, number, UF and CBO; the state by its letters (guide §11.3)"""
        state = person.tiss_council_state_id
        return [
            person.name,
            person.tiss_council_id.code,
            person.tiss_council_number,
            state.description or state.code,
            person.tiss_cbo_id.code,
        ]

    def _print_requester(self, person):
        """Code and name of whoever asks: the clinic, or where the referrer works (guide §3.10)"""
        [code] = self._prepare_tiss_requester(person)["contratadoSolicitante"].values()
        if person.tiss_is_professional:
            return [code, self.company_id.name]
        return [code, person.parent_id.name or person.name]

    def _print_card(self):
        """Number and validity of the card"""
        return [self.card_number, paper.day(self.card_id.validity_date)]

    def _print_newborn(self):
        return "S" if self.is_newborn else "N"

    def _print_authorization(self):
        """Date, password, its validity, and the number that the operadora gave"""
        return [
            paper.day(self.authorization_date),
            self.authorization_password,
            paper.day(self.authorization_validity_date),
            self.operadora_number,
        ]

    def _print_value(self, name):
        """The value of a field as it stands in a box; nothing where it is not filled in."""
        value, kind = self[name], self._fields[name].type
        if not value:
            return ""
        if kind == "many2one":
            return value.code
        if kind == "date":
            return paper.day(value)
        return paper.number(value) if kind == "float" else str(value)

    def _print_clinical(self, *names):
        """The values of fields that only clinical people see; for others the boxes are blank."""
        if not self._may_see_clinical():
            return [""] * len(names)
        return [self._print_value(name) for name in names]
