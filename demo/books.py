"""What the accountant of the demo's clinic does after the returns: repasse and the month."""


class Books:
    """Two rules of repasse, the drafts of today, and the closing of this month, still open."""

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
        self.closing = self.env["tiss.closing"].create({"date": self.today})
        return self
