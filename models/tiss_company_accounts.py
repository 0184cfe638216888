from odoo import api, fields, models


class TissCompanyAccounts(models.AbstractModel):
    """The accounts and journals of convênios of one company, as a form shows them."""

    _name = "tiss.company.accounts"
    _description = "Accounts of Convênios"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    tiss_receivable_account_id = fields.Many2one(
        related="company_id.tiss_receivable_account_id", readonly=False
    )
    tiss_patient_account_id = fields.Many2one(
        related="company_id.tiss_patient_account_id", readonly=False
    )
    tiss_revenue_account_id = fields.Many2one(
        related="company_id.tiss_revenue_account_id", readonly=False
    )
    tiss_glosa_account_id = fields.Many2one(
        related="company_id.tiss_glosa_account_id", readonly=False
    )
    tiss_accrual_account_id = fields.Many2one(
        related="company_id.tiss_accrual_account_id", readonly=False
    )
    tiss_transit_account_id = fields.Many2one(
        related="company_id.tiss_transit_account_id", readonly=False
    )
    tiss_repasse_account_id = fields.Many2one(
        related="company_id.tiss_repasse_account_id", readonly=False
    )
    tiss_journal_id = fields.Many2one(related="company_id.tiss_journal_id", readonly=False)
    tiss_bank_journal_id = fields.Many2one(
        related="company_id.tiss_bank_journal_id", readonly=False
    )
    tiss_repasse_journal_id = fields.Many2one(
        related="company_id.tiss_repasse_journal_id", readonly=False
    )
    tiss_suspense_account_id = fields.Many2one(
        related="company_id.tiss_suspense_account_id", readonly=False
    )
    tiss_debt_account_id = fields.Many2one(
        related="company_id.tiss_debt_account_id", readonly=False
    )
    tiss_claim_account_id = fields.Many2one(
        related="company_id.tiss_claim_account_id", readonly=False
    )
    tiss_provision_account_id = fields.Many2one(
        related="company_id.tiss_provision_account_id", readonly=False
    )
    tiss_provision_result_account_id = fields.Many2one(
        related="company_id.tiss_provision_result_account_id", readonly=False
    )
    tiss_provision_journal_id = fields.Many2one(
        related="company_id.tiss_provision_journal_id", readonly=False
    )
    tiss_bank_difference_account_id = fields.Many2one(
        related="company_id.tiss_bank_difference_account_id", readonly=False
    )
    tiss_missing_accounting = fields.Char(
        "Still Missing", compute="_compute_tiss_missing_accounting"
    )

    @api.depends(
        lambda self: [
            name
            for name in self.env["res.company"]._tiss_get_accounting_fields()
            if name in self._fields
        ]
    )
    def _compute_tiss_missing_accounting(self):
        for form in self:
            form.tiss_missing_accounting = (
                " · ".join(form.company_id._tiss_get_missing_accounting()) or False
            )
