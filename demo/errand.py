"""What the people of the clinic do beside the everyday visits and their bill."""


class Errand:
    """Done for each convênio of a `Job`, by people who see what is clinical; a biller does not."""

    def __init__(self, job):
        self.job = job
        self.clinic = job.clinic
        self.env = job.clinic.env
        self.today = job.clinic.today

    def _get_convenios(self):
        """(contract, its cards) of each convênio"""
        for contract in self.job.contracts.with_env(self.env):
            yield (
                contract,
                self.clinic.cards.filtered(
                    lambda card, contract=contract: card.operadora_id == contract.partner_id
                ),
            )
