"""What of convênios is not settled in the books of one company, as lists of records.

Both the daily reconciliation and the closing of a month ask here, so that they never differ.
"""

from odoo import fields
from odoo.fields import Domain


class OpenWork:
    """Until a day, or all there is."""

    def __init__(self, company, date=None):
        """:param company: `res.company`, in the environment of who asks"""
        self.env = company.env
        self.company = company
        self.date = date
        self.contracts = self.env["tiss.contract"]._get_all(company)

    def search(self, *names, **options):
        """Records of a list, or of several of one model: "to_post", "no_invoice", "discrepancy"…"""
        found = []
        for name in names:
            model, domain = getattr(self, f"_get_{name}")()
            found.append(self.env[model].search(domain, **options))
        first, *others = found
        return first.union(*others)

    def _until(self, field):
        return Domain(field, "<=", self.date) if self.date else Domain.TRUE

    def _of_company(self):
        return Domain("company_id", "=", self.company.id)

    def _get_to_post(self):
        """Demonstrativos that came and are not booked.

        One that differs from a known one of its number waits only until somebody decided about it.
        """
        decided = [("code", "=", "same_number"), ("state", "=", "resolved")]
        held = Domain("state", "=", "held") & Domain("discrepancy_ids", "not any", decided)
        domain = self._of_company() & (Domain("state", "=", "imported") | held)
        return "tiss.demonstrativo", domain & self._until("issue_date")

    def _get_discrepancy(self):
        """What does not agree and nobody decided about."""
        domain = self._of_company() & Domain("state", "!=", "resolved")
        # An undone demonstrativo says nothing any more.
        domain &= Domain("demonstrativo_id.state", "!=", "undone") | Domain(
            "demonstrativo_id", "=", False
        )
        if self.date:
            day = Domain("demonstrativo_id.issue_date", "<=", self.date)
            domain &= day | Domain("demonstrativo_id", "=", False)
        return "tiss.discrepancy", domain

    def _get_to_decide(self):
        """Those of them that nobody asked the operadora about: the answers are its work."""
        model, domain = self._get_discrepancy()
        return model, domain & Domain("state", "=", "open")

    def _get_asked(self):
        model, domain = self._get_discrepancy()
        return model, domain & Domain("state", "=", "asked")

    def _get_blocking(self):
        """Those of them that keep something from being booked."""
        model, domain = self._get_discrepancy()
        return model, domain & Domain("is_blocking", "=", True)

    def _get_transit(self, sign):
        """Open lines of the transit accounts: what is expected, or came without being announced.

        :param sign: ">" payments that no bank line confirmed, "<" deposits without demonstrativo
        """
        return "account.move.line", (
            self._of_company()
            & Domain("account_id", "in", self.contracts.transit_account_id.ids)
            & Domain("parent_state", "=", "posted")
            & Domain("amount_residual", sign, 0)
            & self._until("date")
        )

    def _get_transit_debit(self):
        return self._get_transit(">")

    def _get_transit_due(self):
        """Those of them whose day has come, and that nobody asked the operadora about."""
        asked = self.env["tiss.discrepancy"].search(
            self._of_company()
            & Domain("code", "=", "deposit_missing")
            & Domain("state", "in", ("asked", "resolved"))
        )
        model, domain = self._get_transit_debit()
        today = fields.Date.context_today(asked)
        return model, (
            domain
            & Domain("date", "<=", today)
            & Domain("payment_id", "not in", asked.mapped("res_id"))
        )

    def _get_transit_later(self):
        model, domain = self._get_transit_debit()
        lines = self.env[model].search(domain) - self.search("transit_due")
        return model, Domain("id", "in", lines.ids)

    def _get_transit_credit(self):
        return self._get_transit("<")

    def _get_deposit(self):
        """Bank lines that nobody explained."""
        return "account.bank.statement.line", (
            self._of_company()
            & Domain("journal_id", "in", self.contracts.bank_journal_id.ids)
            & Domain("is_reconciled", "=", False)
            & Domain("tiss_is_ignored", "=", False)
            & Domain("amount", ">", 0)
            & self._until("date")
        )

    def _get_no_invoice(self):
        """Protocolos whose money is in no invoice though it should be."""
        return "tiss.lote", (
            self._of_company()
            & Domain("state", "in", ("received", "processed"))
            & Domain("invoice_id", "=", False)
            # What is invoiced by its release, or when somebody asks, may wait.
            & Domain("invoice_moment", "in", (False, "protocol", "month"))
            & Domain("guia_ids.amount_total", ">", 0)
            & self._until("protocol_date")
        )

    def _get_unanswered(self):
        """Protocolos that the operadora should have paid by then and did not even analyse."""
        late = self.env["tiss.lote"].search(
            self._of_company()
            & Domain("state", "=", "received")
            & Domain("guia_ids.amount_open", ">", 0)
            & self._until("protocol_date")
        )
        if self.date:
            late = late.filtered(lambda lote: lote._get_expected_date() <= self.date)
        return "tiss.lote", Domain("id", "in", late.ids)

    def _get_copayment(self):
        """What patients owe the clinic itself and nobody invoiced."""
        domain = self._of_company() & Domain("state", "=", "to_invoice")
        return "tiss.copayment", domain & self._until("date")

    def _get_repasse(self):
        domain = self._of_company() & Domain("state", "=", "draft")
        return "tiss.repasse", domain & self._until("date")

    def _get_late_glosa(self):
        """Denied amounts that can no longer be contested, and nobody gave up."""
        domain = self._of_company() & Domain("state", "in", ("open", "kept"))
        return "tiss.glosa", domain & self._until("deadline_date")
