"""What the accountant of the demo's clinic does after the returns: repasse and the month."""

from odoo.fields import Date


class Books:
    """Two rules of repasse, the drafts of today, what patients paid at the desk, and the closing
    of this month, still open, with a provision of which the first part is posted.
    """

    def __init__(self, job):
        # The biller of the job may not see what professionals earn.
        self.env = job.clinic.env
        self.contracts = job.clinic.contracts
        self.today = job.clinic.today

    def keep(self):
        first = self.contracts[0]
        self.env["tiss.repasse.rule"].create(
            [
                {"percent": 60, "basis": "receipt"},
                {"percent": 70, "basis": "production", "contract_id": first.id},
            ]
        )
        self.repasses = self.env["tiss.repasse"].generate(self.today)
        self.receipts = self.collect_copayments()
        self.closing = self.env["tiss.closing"].create({"date": self.today})
        month_end = Date.end_of(self.today, "month")
        Provision = self.env["tiss.provision"]
        self.provisions = Provision._propose_missing(first.company_id, month_end)
        self.provisions.filtered(lambda row: row.contract_id == first).post()
        return self

    def collect_copayments(self):
        """Some patients are invoiced; half of them pay at once."""
        rows = self.env["tiss.copayment"].search([("state", "=", "to_invoice")], limit=4)
        invoices = rows.create_invoices()
        for invoice in invoices[: len(invoices) // 2]:
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoice.ids
            ).create({})._create_payments()
        return invoices
