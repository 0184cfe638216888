from odoo import api, models

from .counted import counted

ACTIVITY = "l10n_br_tiss.mail_activity_type_accept"


class TissGlosa(models.Model):
    """Acceptance by silence: proposed to a person once a deadline has passed, never done alone."""

    _inherit = "tiss.glosa"

    @api.model
    def _propose_acceptance(self, today):
        """One activity per convênio about what can be given up, kept up to date."""
        groups = self._read_group(
            self._get_proposed_domain(today), ["contract_id"], ["__count", "amount_open:sum"]
        )
        for contract, count, amount in groups:
            contract._propose(
                ACTIVITY,
                self.env._(
                    "To accept: %(glosas)s, %(amount)s. The time to contest has passed, or it is"
                    " not worth a recurso",
                    glosas=counted(self.env, "glosa", count),
                    amount=contract.currency_id.format(amount),
                ),
                today,
            )
