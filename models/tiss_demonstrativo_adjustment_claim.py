from odoo import api, models

from ..standard.money import to_cents
from .tiss_demonstrativo_adjustment import EARLIER_PAYMENT


class TissDemonstrativoAdjustment(models.Model):
    """A crédito that pays back a tax that was withheld wrongly before."""

    _inherit = "tiss.demonstrativo.adjustment"

    @api.depends("kind_id", "company_id")
    def _compute_account_id(self):
        rows = self.filtered(lambda row: not row.account_id)
        # Drafts have no others beside them yet: the check of the whole file finds those.
        others = rows.filtered("id").demonstrativo_id.payment_ids.adjustment_ids - rows
        paying = (others.filtered(lambda row: row._is_on_claims()) | rows)._allot_claims()
        found = rows.filtered(lambda row: row in paying)
        for row in found:
            row.account_id = row.company_id.tiss_claim_account_id
        return super(TissDemonstrativoAdjustment, self - found)._compute_account_id()

    def _is_on_claims(self):
        """Whether this crédito is booked against what the operadora owes back."""
        account = self.company_id.tiss_claim_account_id
        return bool(account) and self.direction == "credit" and self.account_id == account

    def _allot_claims(self):
        """What each crédito settles of the claims that are open now; each cent of them once.

        A tax pays back claims of its own; kind 08 exactly one claim or all of them; of other kinds
        only what a person booked there does.

        :return: {adjustment: `account.move.line`}, without those for which less is owed
        """
        rows = self.filtered(
            lambda row: (
                row.direction == "credit"
                and (
                    row._get_tax_name()
                    or row.kind_id.code == EARLIER_PAYMENT
                    or row._is_on_claims()
                )
            )
        )
        claims = rows.contract_id._get_open_claims() if rows else []
        taxes = {line: claim for claim in claims for line in claim._get_claim_lines()}
        # As Odoo settles them: what is left after one row is what the next one finds.
        lines = sorted(taxes, key=lambda line: (line.date_maturity or line.date, line.balance))
        left = {line: to_cents(line.amount_residual) for line in lines}
        allotted = {}
        for row in rows:
            tax = row._get_tax_name()
            fitting = [
                line
                for line in lines
                if left[line] > 0
                and taxes[line].contract_id == row.contract_id
                and tax in (None, taxes[line].place)
            ]
            taken = row._take_claims(fitting, left)
            if taken:
                allotted[row] = taken
        return allotted

    def _take_claims(self, lines, left):
        """Take one crédito off claims: the one of its amount, else the oldest.

        :param left: {line: cents}, of which it is taken
        """
        amount = to_cents(self.amount)
        exact = [line for line in lines if left[line] == amount][:1]
        owed = sum(left[line] for line in lines)
        is_exact = not self._get_tax_name() and self.kind_id.code == EARLIER_PAYMENT
        taken = self.env["account.move.line"]
        if amount <= 0 or owed < amount or (is_exact and not exact and owed != amount):
            return taken
        for line in exact or lines:
            part = min(left[line], amount)
            if part:
                left[line] -= part
                amount -= part
                taken |= line
        return taken

    def _leave_claims(self):
        """Ask again about créditos for which nothing is owed any more: given up, paid otherwise."""
        rows = self.filtered(lambda row: row._is_on_claims())
        paying = rows._allot_claims()
        rows.filtered(lambda row: row not in paying).account_id = False

    def _get_tax_name(self):
        """IRRF, ISS…; nothing for what is no tax."""
        contract, code = self.contract_id, self.kind_id.code
        known = code in contract._get_retention_fields()
        return contract._get_retention_name(code) if known else None

    def _remember(self):
        """What pays a claim back says nothing about the next crédito of that tax."""
        claims = self.filtered(
            lambda row: row.account_id and row.account_id == row.company_id.tiss_claim_account_id
        )
        return super(TissDemonstrativoAdjustment, self - claims)._remember()
