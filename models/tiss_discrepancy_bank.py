from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

from .tiss_demonstrativo_request import PAYMENT


class TissDiscrepancy(models.Model):
    """What a person can do, with one click, about the bank and about taxes withheld."""

    _inherit = "tiss.discrepancy"

    # ------------------------------------------------------------------
    # Bank
    # ------------------------------------------------------------------

    def _get_matches(self):
        """The proposals that deposits with a difference are about."""
        matches = self.env["tiss.bank.match"].browse(self.mapped("res_id")).exists()
        if len(matches) < len(self) or any(match.state != "proposed" for match in matches):
            raise UserError(
                self.env._("The proposal is gone: somebody matched or undid a part of it.")
            )
        return matches

    def _resolve_bank_fee(self):
        """The deposit is the net: what is missing was kept by the bank."""
        matches = self._get_matches()
        for company, own in matches.grouped("company_id").items():
            company._tiss_check_accounts("tiss_bank_difference_account_id")
            own.sudo().write(
                {
                    "difference_account_id": company.tiss_bank_difference_account_id.id,
                    "note": self.env._("Difference kept by the bank"),
                }
            )
        matches.match()
        for row, match in zip(self, matches, strict=True):
            row.sudo().move_id = match.line_ids.move_id[:1]

    def _resolve_rest_later(self):
        """The deposit is a part of the net: the rest stays on the transit account."""
        matches = self._get_matches()
        matches.sudo().write({"rule": "manual", "difference_account_id": False, "note": False})
        matches.match()

    def _resolve_other_deposit(self):
        """It is not this deposit: it is not proposed again."""
        self._get_matches().reject()

    def _resolve_not_convenio(self):
        """The deposit is of nobody who sends demonstrativos: back to where the bank put it."""
        lines = self.env["account.bank.statement.line"].browse(self.mapped("res_id")).exists()
        lines.action_tiss_unmatch()
        lines.filtered(lambda line: not line.tiss_is_ignored).action_tiss_ignore()

    def _resolve_request(self):
        """Ask by a TISS message what the operadora paid on the day of a deposit (guide §5.2)."""
        Request = self.env["tiss.demonstrativo.request"]
        kind = self.env["tiss.term"]._get("53", PAYMENT)
        lines = self.env["account.bank.statement.line"]
        requests = Request._ask(
            [
                {
                    "company_id": row.company_id.id,
                    "contract_id": row.contract_id.id,
                    "kind_id": kind.id,
                    "payment_date": lines.browse(row.res_id).date,
                    "lote_ids": [Command.clear()],
                }
                for row in self.filtered("contract_id")
            ],
            by_hand=True,
        )
        if len(requests) == 1 and not requests.goes_by_service:
            return requests.action_download()
        return requests._get_records_action(name=self.env._("Requests for Demonstrativos"))

    def _resolve_undo(self):
        """It was announced and never paid: say what undoing the demonstrativo does."""
        payments = self.env["account.payment"].browse(self[:1].res_id).exists()
        demonstrativo = payments.tiss_demonstrativo_payment_ids.demonstrativo_id[:1]
        return demonstrativo.action_undo() if demonstrativo else None

    # ------------------------------------------------------------------
    # Taxes withheld, and who pays
    # ------------------------------------------------------------------

    def _resolve_adopt(self):
        """What was withheld is what the convênio is expected to withhold from now on."""
        for row in self:
            row.payment_id._adopt_retention(row.place)

    def _resolve_pays_too(self):
        """The other CNPJ pays for this operadora: deposits that name it are recognised."""
        Alias = self.env["tiss.bank.alias"]
        for company, rows in self.grouped("company_id").items():
            known = Alias._get_aliases(company)
            for row in rows:
                if row.place and row.place not in known:
                    known[row.place] = row.contract_id.partner_id.id
                    Alias.create(
                        {
                            "company_id": company.id,
                            "text": row.place,
                            "partner_id": row.contract_id.partner_id.id,
                        }
                    )
