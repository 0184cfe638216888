from odoo import fields, models


class ResCompany(models.Model):
    """Where a clinic books what it expects to lose by glosas (accounting §5.8)."""

    _inherit = "res.company"

    tiss_provision_account_id = fields.Many2one(
        "account.account",
        "Provision for Glosas",
        check_company=True,
        help="Credited at the end of a month, beside the receivable of the convênios.",
    )
    tiss_provision_result_account_id = fields.Many2one(
        "account.account",
        "Expected Glosas",
        check_company=True,
        help="Debited by the provision: a reduction of revenue, for what is expected to be denied.",
    )
    tiss_provision_journal_id = fields.Many2one(
        "account.journal",
        "Provision Journal",
        check_company=True,
        domain=[("type", "=", "general")],
    )

    def _tiss_get_own_accounts(self):
        """Beside the allowance for doubtful accounts and the variable consideration (CPC 47)."""
        return [
            *super()._tiss_get_own_accounts(),
            (
                "tiss_provision_account_id",
                "1.01.02.02.53",
                self.env._("(-) Provision for Glosas"),
                "asset_current",
            ),
            (
                "tiss_provision_result_account_id",
                "3.01.01.01.02.68",
                self.env._("(-) Expected Glosas"),
                "income",
            ),
        ]

    def _tiss_setup_journals(self):
        result = super()._tiss_setup_journals()
        if not self.tiss_provision_journal_id:
            Journal = self.env["account.journal"]
            self.tiss_provision_journal_id = Journal.search(
                [*Journal._check_company_domain(self), ("type", "=", "general")],
                order="sequence, id",
                limit=1,
            )
        return result
