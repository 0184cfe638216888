from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.tiss_guia_lifecycle import COMPLEMENTED_TYPES, SENT_STATES


class TissGuiaCorrect(models.TransientModel):
    """Somebody says what happened to guias; what the standard has for it is done (guide §4.4)."""

    _name = "tiss.guia.correct"
    _description = "Correct a Guia"

    guia_ids = fields.Many2many("tiss.guia", string="Guias", required=True, readonly=True)
    # No code is part of another one: the screen looks for them in `choices` as plain text.
    choice = fields.Selection(
        [
            ("remove", "Something in it is wrong, and it was not sent yet"),
            ("replace", "It has to be billed under another number"),
            ("cancel", "It should not be billed at all"),
            ("swap", "It was sent with a mistake: have it cancelled and bill it again"),
            ("recall", "It was sent and must not be paid: have it cancelled"),
            ("rebill", "The operadora cancelled or refused it: bill it again, corrected"),
            ("withdraw", "The operadora cancelled or refused it: there is nothing more to bill"),
            ("complement", "Something was forgotten in it"),
        ],
        "What Happened?",
    )
    choices = fields.Char(compute="_compute_choices")
    refusal = fields.Char(compute="_compute_choices")
    explanation = fields.Char(compute="_compute_explanation")
    reason = fields.Char(
        help="Everybody who bills reads it in the history of the guia: nothing about the patient's"
        " health."
    )

    # ------------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------------

    @api.model
    def _get_guia_action(self, guias, choice=None):
        """Open the wizard for guias, with a choice already made if it is one that they have."""
        choices = self._get_choices(guias)
        if len(choices) == 1:
            [choice] = choices
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Correct or Cancel a Guia"),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_guia_ids": [Command.set(guias.ids)],
                "default_choice": choice if choice in choices else False,
            },
        }

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("guia_ids")
    def _compute_choices(self):
        for wizard in self:
            guias = wizard.guia_ids._origin
            choices = self._get_choices(guias)
            wizard.choices = ",".join(choices)
            wizard.refusal = not choices and self._get_refusal(guias)

    @api.model
    def _get_choices(self, guias):
        """What can be done with all of these guias."""
        states = set(guias.mapped("state"))
        if states == {"in_lote"}:
            return ["remove", "replace", "cancel"]
        if states <= {"draft", "ready", "in_lote"}:
            return ["replace", "cancel"]
        if states == {"cancelled"}:
            replaced = set(guias._get_family().mapped("state")) - {"cancelled"}
            return [] if replaced else ["replace"]
        choices = []
        if states <= set(SENT_STATES):
            received = all(guia.lote_id.protocol_number for guia in guias)
            if received and not any(guia._is_answered() for guia in guias):
                choices += ["swap", "recall", "rebill", "withdraw"]
            if set(guias.mapped("guia_type")) <= set(COMPLEMENTED_TYPES):
                choices.append("complement")
        return choices

    @api.model
    def _get_refusal(self, guias):
        """Why nothing can be done here, and what is the way."""
        states = set(guias.mapped("state"))
        if states == {"cancelled"}:
            return self.env._("It was already replaced: correct its substitute.")
        if not states <= set(SENT_STATES):
            return self.env._("These guias have come to different points: choose fewer of them.")
        if any(guia._is_answered() for guia in guias if guia.lote_id.protocol_number):
            return self.env._(
                "The operadora already answered about it: what it denied is contested by a recurso"
                " de glosa, never billed by a second guia."
            )
        return self.env._(
            "The operadora has not answered yet: register the protocolo of its lote, or that the"
            " lote was refused."
        )

    @api.depends("choice", "guia_ids")
    def _compute_explanation(self):
        for wizard in self:
            wizard.explanation = wizard.choice and wizard._get_explanation()

    def _get_explanation(self):
        """What will happen, in one sentence or two."""
        explain = {
            "remove": self.env._(
                "The guia keeps its number and can be edited. Its lote loses its XML and is built"
                " again without it."
            ),
            "replace": self.env._(
                "A copy with a new number takes its visit over and can be edited. This one is"
                " cancelled, and its number is never used again."
            ),
            "cancel": self.env._(
                "The guia is cancelled, and its number is never used again. Its visit can be"
                " billed again."
            ),
            "swap": self.env._(
                "The operadora is told to cancel this guia. Once it says that it did, what the guia"
                " was billed for is taken off the invoice, and a copy with a new number is made for"
                " you to correct."
            ),
            "recall": self.env._(
                "The operadora is told to cancel this guia. Once it says that it did, the guia is"
                " cancelled here, and what it was billed for is taken off the invoice."
            ),
            "rebill": self.env._(
                "This guia is cancelled, and what it was billed for is taken off the invoice. A"
                " copy with a new number takes its visit over, can be edited, and goes into a new"
                " lote."
            ),
            "withdraw": self.env._(
                "This guia is cancelled, and what it was billed for is taken off the invoice. Its"
                " visit can be billed again."
            ),
            "complement": self.env._(
                "This guia stays as it was sent. A new one that names it is made, for you to type"
                " what was forgotten."
            ),
        }
        return explain[self.choice]

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_apply(self):
        """Do what was chosen; whatever is made by it then opens."""
        self.ensure_one()
        if self.choice not in (self.choices or "").split(","):
            raise UserError(self.refusal or self.env._("Choose what happened."))
        made = getattr(self, f"_apply_{self.choice}")()
        if made:
            name = self.env._("Guias") if made._name == "tiss.guia" else self.env._("Cancellations")
            return made._get_records_action(name=name)
        return {"type": "ir.actions.act_window_close"}

    def _apply_remove(self):
        self.guia_ids.remove_from_lote(self.reason)

    def _apply_replace(self):
        return self.guia_ids.create_substitute(self.reason)

    def _apply_cancel(self):
        self.guia_ids.cancel(self.reason)

    def _apply_swap(self):
        return self._cancel_at_operadora("rebill")

    def _apply_recall(self):
        return self._cancel_at_operadora("withdraw")

    def _cancel_at_operadora(self, follow_up):
        reason = self.guia_ids._check_reason(self.reason)
        return self.env["tiss.cancellation"]._create_for(self.guia_ids, reason, follow_up)

    def _apply_rebill(self):
        self.guia_ids.withdraw(self.reason)
        return self.guia_ids.create_substitute(self.reason)

    def _apply_withdraw(self):
        self.guia_ids.withdraw(self.reason)

    def _apply_complement(self):
        return self.guia_ids.create_complement(self.reason)
