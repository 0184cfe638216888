from odoo import fields, models

REVENUE_CODE = "3.01.01.01.01.06"
T27_CODES = {
    "01": "1.01.02.04.01",
    "02": "2.01.01.09.08",
    "03": "1.01.02.04.17",
    "04": "1.01.02.04.07",
    "05": "1.01.02.04.09",
    "06": "1.01.02.04.04",
    "07": "3.01.01.01.02.02",
    "09": "1.01.02.09.11",
}


class ResCompany(models.Model):
    """The provider's side of every contract: CNES and the accounts of the sub-ledger."""

    _inherit = "res.company"

    tiss_cnes = fields.Char(
        "CNES", size=7, default="9999999", help="Seven digits; 9999999 when there is none."
    )
    tiss_receivable_account_id = fields.Many2one(
        "account.account",
        "Convênios Receivable",
        check_company=True,
        domain=[("account_type", "=", "asset_receivable")],
    )
    tiss_revenue_account_id = fields.Many2one(
        "account.account", "Convênios Revenue", check_company=True
    )
    tiss_glosa_account_id = fields.Many2one(
        "account.account", "Accepted Glosas", check_company=True
    )
    tiss_transit_account_id = fields.Many2one(
        "account.account",
        "Receipts to Match",
        check_company=True,
        domain=[("reconcile", "=", True)],
        help="Debited by the demonstrativo and credited by the bank, whichever comes first.",
    )
    tiss_journal_id = fields.Many2one(
        "account.journal", "Convênios Journal", check_company=True, domain=[("type", "=", "sale")]
    )
    tiss_bank_journal_id = fields.Many2one(
        "account.journal",
        "Convênios Bank",
        check_company=True,
        domain=[("type", "in", ("bank", "cash"))],
    )
    tiss_adjustment_account_ids = fields.One2many(
        "tiss.adjustment.account",
        "company_id",
        "Débitos and Créditos",
        groups="l10n_br_tiss.group_tiss_billing",
    )

    def _tiss_setup_accounting(self):
        """Fill in the accounts and journals that are still empty, creating what is absent.

        Codes are those of Odoo's Brazilian chart; a company on another chart maps its own.
        """
        for company in self.filtered("chart_template"):
            company = company.with_company(company)
            for field, code, name, account_type in company._tiss_get_own_accounts():
                if not company[field]:
                    company[field] = company._tiss_find_account(
                        code
                    ) or company._tiss_create_account(code, name, account_type)
            if not company.tiss_revenue_account_id:
                company.tiss_revenue_account_id = company._tiss_find_account(REVENUE_CODE)
            company._tiss_setup_journals()
            company._tiss_setup_adjustment_accounts()

    def _tiss_get_own_accounts(self):
        """(field, code, name, type) of the accounts that the br chart has not.

        They stand beside their neighbours of the referential plan (accounting.md §1.9 in short).
        """
        receivable = self.env._("Receivables - Convênios")
        transit = self.env._("Convênio Receipts to Match")
        glosa = self.env._("(-) Accepted Glosas")
        return [
            ("tiss_receivable_account_id", "1.01.02.02.10", receivable, "asset_receivable"),
            ("tiss_transit_account_id", "1.01.02.02.12", transit, "asset_current"),
            ("tiss_glosa_account_id", "3.01.01.01.02.11", glosa, "income"),
        ]

    def _tiss_find_account(self, code):
        Account = self.env["account.account"]
        domain = [*Account._check_company_domain(self), ("code", "=", code)]
        # Accounts are ordered by a code of each company: a join that PostgreSQL plans badly.
        return Account.search(domain, limit=1, order="id")

    def _tiss_create_account(self, code, name, account_type):
        return self.env["account.account"].create(
            {
                "code": code,
                "name": name,
                "account_type": account_type,
                "reconcile": account_type != "income",
                "company_ids": [fields.Command.set(self.ids)],
            }
        )

    def _tiss_setup_journals(self):
        Journal = self.env["account.journal"]
        company_domain = Journal._check_company_domain(self)
        if not self.tiss_journal_id:
            # LATAM documents number invoices and credit notes as NF-e, which these are not.
            self.tiss_journal_id = Journal.search(
                [*company_domain, ("code", "=", "CONV"), ("type", "=", "sale")], limit=1
            ) or Journal.create(
                {
                    "name": self.env._("Convênios"),
                    "code": "CONV",
                    "type": "sale",
                    "company_id": self.id,
                    "l10n_latam_use_documents": False,
                    "refund_sequence": True,
                    "default_account_id": self.tiss_revenue_account_id.id,
                }
            )
        if not self.tiss_bank_journal_id:
            self.tiss_bank_journal_id = Journal.search(
                [*company_domain, ("type", "=", "bank")], limit=1
            )

    def _tiss_setup_adjustment_accounts(self):
        Term = self.env["tiss.term"]
        known = self.tiss_adjustment_account_ids.kind_id
        self.env["tiss.adjustment.account"].create(
            [
                {"company_id": self.id, "kind_id": kind.id, "account_id": account.id}
                for kind, account in (
                    (Term._get("27", code), self._tiss_find_account(account_code))
                    for code, account_code in T27_CODES.items()
                )
                if account and kind not in known
            ]
        )
