from odoo import api, fields, models
from odoo.exceptions import UserError

BR_CHART = "br"
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
    tiss_patient_account_id = fields.Many2one(
        "account.account",
        "Patients Receivable",
        check_company=True,
        domain=[("account_type", "=", "asset_receivable")],
        help="What patients owe themselves: the co-payments that the clinic collects.",
    )
    tiss_repasse_account_id = fields.Many2one(
        "account.account",
        "Repasse to Professionals",
        check_company=True,
        help="The cost of what professionals earn, on the bills of their companies.",
    )
    tiss_repasse_journal_id = fields.Many2one(
        "account.journal",
        "Repasse Journal",
        check_company=True,
        domain=[("type", "=", "purchase")],
    )
    tiss_adjustment_account_ids = fields.One2many(
        "tiss.adjustment.account",
        "company_id",
        "Débitos and Créditos",
        groups="l10n_br_tiss.group_tiss_billing",
    )

    # ------------------------------------------------------------------
    # Proposals
    # ------------------------------------------------------------------

    def _tiss_setup_accounting(self):
        """Fill in the accounts and journals that are still empty, creating what is absent.

        Codes are those of Odoo's Brazilian chart: a company on another one maps its own accounts,
        and only gets the journals. Nothing that was chosen changes, so it is safe to repeat.
        """
        for company in self:
            chart = company.root_id.sudo().chart_template
            if not chart:
                continue
            company = company.with_company(company)
            if chart == BR_CHART:
                for field, code, name, account_type in company._tiss_get_own_accounts():
                    if not company[field]:
                        company[field] = company._tiss_find_account(
                            code
                        ) or company._tiss_create_account(code, name, account_type)
                company._tiss_setup_adjustment_accounts()
            company._tiss_setup_journals()

    def _tiss_get_own_accounts(self):
        """(field, code, name, type) of what the br chart is asked for; absent ones are created.

        They stand beside their neighbours of the referential plan (accounting.md §1.9 in short).
        """
        receivable = self.env._("Receivables - Convênios")
        patients = self.env._("Receivables - Patients")
        transit = self.env._("Convênio Receipts to Match")
        revenue = self.env._("Revenue from Services")
        glosa = self.env._("(-) Accepted Glosas")
        repasse = self.env._("Cost of Services - Repasse")
        return [
            ("tiss_receivable_account_id", "1.01.02.02.10", receivable, "asset_receivable"),
            ("tiss_patient_account_id", "1.01.02.02.11", patients, "asset_receivable"),
            ("tiss_transit_account_id", "1.01.02.02.12", transit, "asset_current"),
            ("tiss_revenue_account_id", "3.01.01.01.01.06", revenue, "income"),
            ("tiss_glosa_account_id", "3.01.01.01.02.11", glosa, "income"),
            ("tiss_repasse_account_id", "3.01.01.03.01.03", repasse, "expense_direct_cost"),
        ]

    @api.model
    def _tiss_get_accounting_fields(self):
        """Names of our accounts and journals."""
        return [
            name
            for name, field in self._fields.items()
            if name.startswith("tiss_")
            and field.comodel_name in ("account.account", "account.journal")
        ]

    def _tiss_get_missing_accounting(self):
        """Labels of our accounts and journals that are empty, and the T27 kinds without one."""
        self.ensure_one()
        missing = [
            self._fields[name]._description_string(self.env)
            for name in self._tiss_get_accounting_fields()
            if not self[name]
        ]
        known = self.sudo().tiss_adjustment_account_ids.kind_id
        kinds = (
            self.env["tiss.term"]
            .sudo()
            .union(*(self.env["tiss.term"].sudo()._get("27", code) for code in T27_CODES))
        )
        return missing + [
            self.env._("account of the débito “%s”", kind.name) for kind in kinds - known
        ]

    def _tiss_check_accounts(self, *names):
        """Raise, naming them, when accounts or journals of the company are missing.

        A clinic that was set up before they existed gets them now.
        """
        self.ensure_one()
        if not all(self[name] for name in names):
            self.sudo()._tiss_setup_accounting()
        missing = [
            self._fields[name]._description_string(self.env) for name in names if not self[name]
        ]
        if missing:
            raise UserError(
                self.env._(
                    "%(company)s has no %(missing)s yet: fill it in under Configuration, Accounts.",
                    company=self.name,
                    missing=", ".join(missing),
                )
            )

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
                "reconcile": account_type.startswith("asset"),
                # Branches share the accounts of the company that they belong to.
                "company_ids": [fields.Command.set(self.root_id.ids)],
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
        if not self.tiss_repasse_journal_id:
            self.tiss_repasse_journal_id = Journal.search(
                [*company_domain, ("type", "=", "purchase")], limit=1
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
