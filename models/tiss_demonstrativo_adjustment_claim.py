from odoo import api, models

from ..standard.money import to_cents
from .tiss_demonstrativo_adjustment import EARLIER_PAYMENT


class TissDemonstrativoAdjustment(models.Model):
    """A crédito that pays back a tax that was withheld wrongly before."""

    _inherit = "tiss.demonstrativo.adjustment"

    @api.depends("kind_id", "company_id")
    def _compute_account_id(self):
        paying = self.filtered(lambda row: not row.account_id and row._pays_claim())
        for row in paying:
            row.account_id = row.company_id.tiss_claim_account_id
        return super(TissDemonstrativoAdjustment, self - paying)._compute_account_id()

    def _pays_claim(self):
        """Whether the operadora owes as much of this tax; of another kind exactly as much."""
        self.ensure_one()
        tax = self._get_tax_name()
        if self.direction != "credit" or not (tax or self.kind_id.code == EARLIER_PAYMENT):
            return False
        claims = self.contract_id._get_open_claims()
        if tax:
            claims = claims.filtered(lambda row: row.place == tax)
        owed = [to_cents(line.amount_residual) for line in claims._get_claim_lines()]
        amount = to_cents(self.amount)
        return 0 < amount <= sum(owed) if tax else amount in owed

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
