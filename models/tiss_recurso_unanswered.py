from odoo import api, fields, models
from odoo.fields import Domain

ACTIVITY = "l10n_br_tiss.mail_activity_type_unanswered"


class TissRecurso(models.Model):
    """An operadora that does not answer in time has kept the glosa; a person says so."""

    _inherit = "tiss.recurso"

    answer_deadline_date = fields.Date(
        "Answer Until", compute="_compute_answer_deadline_date", store=True, precompute=True
    )

    @api.depends("protocol_date", "contract_id.answer_days", "contract_id.appeal_days")
    def _compute_answer_deadline_date(self):
        for recurso in self:
            date = recurso.protocol_date
            recurso.answer_deadline_date = date and recurso.contract_id._get_answer_deadline(date)

    @api.model
    def _get_unanswered_domain(self, today=None):
        """Recursos that the operadora should have answered by now."""
        today = today or fields.Date.context_today(self)
        return Domain("state", "=", "received") & Domain("answer_deadline_date", "<", today)

    def action_keep_unanswered(self):
        """What was not answered in time is denied again, to be contested once more or accepted."""
        self.check_access("write")
        today = fields.Date.context_today(self)
        for recurso in self.filtered_domain(self._get_unanswered_domain(today)):
            waiting = recurso.line_ids.filtered(lambda line: not line.is_answered)
            recurso.register_answer({line: line.amount_recovered for line in waiting})
            recurso._message_log(
                body=self.env._("No answer in time: what was contested counts as denied.")
            )

    @api.model
    def _cron_deadlines(self):
        result = super()._cron_deadlines()
        today = fields.Date.context_today(self)
        self.env["tiss.glosa"]._propose_acceptance(today)
        for contract, count, amount in self._read_group(
            self._get_unanswered_domain(today), ["contract_id"], ["__count", "amount_total:sum"]
        ):
            contract._propose(
                ACTIVITY,
                self.env._(
                    "%(count)s recursos of %(amount)s should have been answered: ask for the"
                    " status, or take the silence for a no",
                    count=count,
                    amount=contract.currency_id.format(amount),
                ),
                today,
            )
        return result
