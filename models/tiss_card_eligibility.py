from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .tiss_delivery import AT_ONCE
from .tiss_eligibility import OPEN, STATES

HISTORY_DAYS = 366


class TissCard(models.Model):
    """What the operadora said last about a card, and asking it."""

    _inherit = "tiss.card"

    eligibility_ids = fields.One2many("tiss.eligibility", "card_id", "Checks of Eligibility")
    eligibility_state = fields.Selection(
        STATES, "Eligibility", compute="_compute_eligibility", compute_sudo=False
    )
    eligibility_text = fields.Char(
        "Last Check of Eligibility", compute="_compute_eligibility", compute_sudo=False
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("eligibility_ids.result", "eligibility_ids.state")
    def _compute_eligibility(self):
        today = fields.Date.context_today(self)
        told = self._get_eligibility_texts({(card, today) for card in self})
        for card in self:
            card.eligibility_state, card.eligibility_text = told[card, today]

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_verify_eligibility(self):
        """Ask; what a web service answers at once is shown by the form that asked.

        :return: an action that opens the questions, where a person has to do something with them
        """
        checks = self.verify_eligibility()
        if len(checks) <= AT_ONCE and set(checks.mapped("state")) == {"sending"}:
            return None
        return checks._get_records_action(name=self.env._("Checks of Eligibility"))

    def action_view_eligibilities(self):
        return self.eligibility_ids._get_records_action(name=self.env._("Checks of Eligibility"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def verify_eligibility(self):
        """Ask the operadora whether the bearers may be attended today; one question a card.

        A card about which a question of today is still open is not asked about again.

        :return: `tiss.eligibility`, one per card, in their order
        """
        Check = self.env["tiss.eligibility"]
        today = fields.Date.context_today(self)
        contracts = self.env["tiss.contract"]._get_by_card(self)
        for card in self:
            if not contracts[card]:
                raise UserError(
                    self.env._("The clinic has no convênio with %s.", card.operadora_id.name)
                )
        checks = {
            check.card_id: check
            for check in Check.search([("card_id", "in", self.ids), ("state", "in", OPEN)])
            if fields.Datetime.context_timestamp(check, check.create_date).date() == today
        }
        new = [card for card in self if card not in checks]
        created = Check.create([card._prepare_eligibility(contracts[card]) for card in new])
        checks.update(zip(new, created, strict=True))
        # What came back from the web service is sent once more by whoever asks again.
        came_back = [check for check in checks.values() if check.state in ("draft", "validated")]
        Check.union(created, *came_back)._send_by_service()
        # Whoever asks again does not wait for a queue that is paused.
        put_off = [check for check in checks.values() if check.may_try_now]
        if put_off:
            Check.union(*put_off).action_try_now()
        return Check.union(*(checks[card] for card in self))

    def _prepare_eligibility(self, contract):
        return {
            "company_id": self.company_id.id,
            "contract_id": contract.id,
            "patient_id": self.patient_id.id,
            "card_id": self.id,
        }

    @api.model
    def _get_eligibilities(self, pairs):
        """What the operadora had said last when a day came.

        :param pairs: (card, day)
        :return: {(card, day): `tiss.eligibility`, may be empty}; one query
        """
        Check = self.env["tiss.eligibility"]
        pairs = set(pairs)
        days = [day for _card, day in pairs if day]
        found = {}
        if days:
            answered = Check.search_fetch(
                [
                    ("card_id", "in", [card.id for card, _day in pairs]),
                    ("result", "!=", False),
                    ("answer_date", ">=", min(days) - timedelta(HISTORY_DAYS)),
                    ("answer_date", "<=", max(days)),
                ],
                ["card_id", "result", "answer_date", "denial_reason"],
                order="answer_date, id",
            )
            found = answered.grouped("card_id")
        return {
            (card, day): found.get(card._origin, Check).filtered(
                lambda check, day=day: check.answer_date <= day
            )[-1:]
            for card, day in pairs
        }

    @api.model
    def _get_eligibility_texts(self, pairs):
        """{(card, day): (key of STATES or False, sentence or False)}, in few queries."""
        pairs = {(card, day) for card, day in pairs if card and day}
        cards = self.browse().union(*(card for card, _day in pairs))
        contracts = self.env["tiss.contract"]._get_by_card(cards)
        today = fields.Date.context_today(self)
        asked = cards._get_questions_of(today)
        told = {}
        for (card, day), check in self._get_eligibilities(pairs).items():
            state = text = False
            if check:
                good_days = contracts[card].eligibility_days
                state = check._get_state_on(min(day, today), good_days)
                text = check._describe()
            last = asked.get(card._origin)
            if last and last.id > check.id and state != "eligible":
                state, text = last._describe_question()
            told[card, day] = (state, text)
        return told

    def _get_questions_of(self, day):
        """{card: the last question of a day that has no answer, or was refused}; one query"""
        asked = Domain("sent_date", "=", day) & Domain(
            "state", "in", ("sending", "sent", "unknown", "rejected")
        )
        came_back = Domain("create_date", ">=", day) & Domain(
            [("state", "=", "validated"), ("rejection_reason", "!=", False)]
        )
        found = self.env["tiss.eligibility"].search_fetch(
            Domain("card_id", "in", self._origin.ids) & (asked | came_back),
            ["card_id", "state", "rejection_reason"],
            order="id",
        )
        return {check.card_id: check for check in found}
