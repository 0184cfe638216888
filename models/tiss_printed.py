from odoo import models
from odoo.exceptions import UserError
from odoo.tools.image import image_data_uri

from ..standard import paper


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
