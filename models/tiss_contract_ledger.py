from odoo import api, models

from .tie_out import TieOut


class TissContract(models.Model):
    """Check of the ledger: every invariant of the money that a convênio owes."""

    _inherit = "tiss.contract"

    # ------------------------------------------------------------------
    # Ledger check
    # ------------------------------------------------------------------

    def check_ledger(self):
        """Every invariant of the money on the contracts in self.

        :return: list of sentences, one per breach; empty when all is sound
        """
        self.check_access("read")
        breaches = [breach.words for breach in self._get_ledger_breaches()]
        return breaches + self.env["tiss.message"]._get_integrity_breaches(self)

    @api.model
    def _get_all(self, company):
        """The convênios of a company, archived ones too: their money is still there."""
        everything = self.with_context(active_test=False)
        return everything.search([("company_id", "=", company.id)]).with_env(self.env)

    def _get_ledger_breaches(self):
        """What does not tie, as a list of `Breach`."""
        return self._get_tie_out().find() if self else []

    def _get_tie_out(self):
        # As superuser: lotes are counted here, not shown.
        lotes = self.env["tiss.lote"].sudo().search([("contract_id", "in", self.ids)])
        return TieOut(lotes, self)

    @api.model
    def _cron_tie_out(self):
        """Check every convênio, archived ones too, one transaction for each."""
        contracts = self.with_context(active_test=False).search([("company_id.active", "=", True)])
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(contracts))
        for contract in contracts:
            self.env["tiss.ledger.check"]._run(contract)
            cron._commit_progress(1)

    def action_check_ledger(self):
        """Check now, and show what was found."""
        checks = self.env["tiss.ledger.check"]._run(self)
        return checks._get_records_action(name=self.env._("Ledger Check"))
