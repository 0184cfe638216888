from odoo import api, fields, models
from odoo.exceptions import UserError

from .deadlines import REMINDER
from .delivery_view import add_delivery
from .tiss_delivery import AT_ONCE
from .tiss_outgoing import SENDABLE

MOST_TOLD = 5  # problems of a selection in one notice


class TissOutgoing(models.AbstractModel):
    """What a delivery does with the record that it is about; see `tiss.delivery`."""

    _inherit = "tiss.outgoing"

    delivery_ids = fields.One2many(
        "tiss.delivery",
        "res_id",
        "Deliveries",
        domain=lambda self: [("res_model", "=", self._name)],
        groups="l10n_br_tiss.group_tiss_billing",
    )
    goes_by_service = fields.Boolean(compute="_compute_goes_by_service")
    delivery_note = fields.Char("Delivery", compute="_compute_delivery_note")
    may_try_now = fields.Boolean(compute="_compute_delivery_note")
    is_underway = fields.Boolean(compute="_compute_is_underway")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("contract_id")
    def _compute_goes_by_service(self):
        """Whether the message is sent by the system, instead of as a file by a person."""
        for record in self:
            contract = record.contract_id
            record.goes_by_service = bool(
                contract and contract._has_endpoint(record._get_transaction())
            )

    @api.depends("state", "message_id")
    def _compute_delivery_note(self):
        """Where the message is, for whoever waits for it, also without a right to the journal."""
        Delivery = self.env["tiss.delivery"].sudo()
        underway = self.filtered(lambda record: record.state in ("sending", "unknown", "sent"))
        found = Delivery.search(
            [("res_model", "=", self._name), ("res_id", "in", underway.ids)], order="id"
        )
        latest = {delivery.res_id: delivery for delivery in found}
        for record in self:
            delivery = latest.get(record._origin.id)
            record.delivery_note = delivery and delivery._get_note()
            record.may_try_now = delivery and delivery._is_put_off()

    @api.depends("state", "message_id")
    def _compute_is_underway(self):
        """Whether something about each was not answered yet: it, or a question about it."""
        found = (
            self.env["tiss.delivery"]
            .sudo()
            .search_fetch(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("is_settled", "=", False),
                ],
                ["res_id"],
            )
        )
        underway = set(found.mapped("res_id"))
        for record in self:
            record.is_underway = record._origin.id in underway

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        add_delivery(arch, view_type, self.env)
        return arch, view

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        unknown = self.browse()
        if vals.get("state") not in (None, "unknown"):
            unknown = self.filtered(lambda record: record.state == "unknown")
        result = super().write(vals)
        unknown._resolve_deliveries()
        return result

    def _resolve_deliveries(self):
        """However these records stopped being unknown: their deliveries follow."""
        if not self:
            return
        deliveries = (
            self.env["tiss.delivery"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("state", "=", "unknown"),
                ]
            )
        )
        how = self.env._("Said by %s.", self.env.user.name)
        if self.env["tiss.delivery"]._get_current():
            how = self.env._("The operadora said so when it was asked.")
        for delivery in deliveries:
            is_back = delivery._get_record().state in ("draft", "validated")
            delivery._resolve("failed" if is_back else "answered", how)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_send(self):
        """Send what can be sent of a selection; what goes in the background, or not, is said."""
        # Where nothing can be sent, sending says why.
        ready = self.filtered(lambda record: record.state in SENDABLE) or self
        left_out = self - ready
        ready, problems = ready._build_for_sending()
        result = super(TissOutgoing, ready).action_send()
        notes = (
            ready._get_background_note(),
            left_out._get_left_out_note(),
            self._get_unsound_note(problems),
        )
        message = " ".join(filter(None, notes))
        if not message:
            return result
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if left_out or problems else "info",
                "message": message,
                # What is to be put right is read, and perhaps written down.
                "sticky": bool(problems),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _build_for_sending(self):
        """Build the drafts of a selection: one that cannot be built stops no other.

        :return: (records to send, what is wrong with each of the others)
        """
        drafts = self.filtered(lambda record: record.state == "draft")
        if len(self) <= 1 or not drafts:
            return self, []
        self.check_access("write")
        self._check_state(*SENDABLE)
        _messages, problems = drafts._build_sound()
        told = list(dict.fromkeys(problems.values()))
        ready = self.filtered(lambda record: record.state == "validated")
        if not ready:
            raise UserError("\n".join(told))
        return ready, told

    def _get_background_note(self):
        """Where to follow what is sent in the background; None for the few that are waited for."""
        queued = self.filtered(lambda record: record.state == "sending")
        if len(queued) <= AT_ONCE:
            return None
        return self.env._(
            "%s are being sent in the background; you may go on. Billing › Deliveries"
            " shows how far they are, and you are told of what needs you.",
            len(queued),
        )

    def _get_left_out_note(self):
        """How many of a selection are not sent, and why; None where there are none."""
        if not self:
            return None
        labels = dict(self._fields["state"]._description_selection(self.env))
        found = self.grouped("state").items()
        return self.env._(
            "%(count)s were left out because of their status: %(states)s.",
            count=len(self),
            states=", ".join(f"{labels[state]} ({len(records)})" for state, records in found),
        )

    @api.model
    def _get_unsound_note(self, problems):
        """What is wrong with the drafts that were not sent; None where there are none."""
        if not problems:
            return None
        told = " · ".join(problems[:MOST_TOLD])
        if len(problems) > MOST_TOLD:
            more = self.env._("and %s more", len(problems) - MOST_TOLD)
            told = f"{told} · {more}"
        return self.env._("What is not right was not sent: %s", told)

    def action_confirm_receipt(self):
        """A person asked the operadora: it has the message, and will answer."""
        self._confirm_receipt()

    def action_deny_receipt(self):
        """A person asked the operadora: it does not have the message."""
        self._deny_receipt()

    def action_try_now(self):
        """Do not wait for the next try: the operadora can be reached again."""
        self.check_access("write")
        # As superuser: the front desk may send, and not open the journal.
        waiting = self.env["tiss.delivery"].sudo()
        domain = [("res_model", "=", self._name), ("res_id", "in", self.ids)]
        waiting.search([*domain, ("is_settled", "=", False)])._try_now()

    def action_view_deliveries(self):
        return {
            **self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_delivery_action"),
            "domain": [("res_model", "=", self._name), ("res_id", "in", self.ids)],
            "context": {},
        }

    # ------------------------------------------------------------------
    # Leaving
    # ------------------------------------------------------------------

    def _get_endpoint(self):
        """The web service that takes the message of one record; empty where it goes as a file."""
        self.ensure_one()
        return self.contract_id._get_endpoint(self._get_transaction(), self.version)

    def _leave(self, state):
        """Freeze the records: what they say has left, or is about to."""
        self.sudo().write(
            {
                "state": state,
                "sent_date": fields.Date.context_today(self),
                "rejection_reason": False,
            }
        )

    def _leave_as_file(self):
        """A person, or a program, takes the files of these records to the portal."""
        self._leave("sent")

    def _get_delivered(self):
        """The records that left in the message of one."""
        self.ensure_one()
        return self

    def _get_carried(self, message):
        """Those of the records that wait for what came of sending `message`."""
        return self._get_delivered().filtered(
            lambda record: record.message_id == message and record.state in ("sending", "unknown")
        )

    def _mark_answered(self, message):
        """The operadora has the message; what it says of it is read next."""
        carried = self._get_carried(message)
        if carried:
            carried.sudo().write({"state": "sent", "rejection_reason": False})

    def _mark_unknown(self, message, reason):
        self._get_carried(message).sudo().write({"state": "unknown", "rejection_reason": reason})

    def _mark_undelivered(self, message, reason):
        """The operadora does not have the message: it never arrived, or was refused unread."""
        carried = self._get_carried(message)
        if carried:
            carried._take_back(reason)
        else:
            self._message_log(body=reason)

    def _notify_problem(self, user, problem):
        """Somebody has to do something: who asked, or who answers for the convênio since."""
        if not user.active:
            contract = self.contract_id
            user = contract._get_reminder_users().get(contract.id, user)
        summary = self.env._("This was not delivered to the operadora")
        if not self.env["tiss.delivery"]._get_current()._is_told(user, summary):
            self.activity_schedule(REMINDER, summary=summary, note=problem, user_id=user.id)

    def _take_back(self, reason):
        """What did not arrive, or was refused unread, is as before it was sent."""
        self.sudo().write({"state": "validated", "sent_date": False, "rejection_reason": reason})

    # ------------------------------------------------------------------
    # Nobody knows
    # ------------------------------------------------------------------

    def _resolve_unknown(self):
        """Ask the operadora whether it has one record in state unknown; to be extended.

        The answer is taken in as any other and ends in `_confirm_receipt` (or in the record's own
        way of being received) or in `_deny_receipt`.

        :return: whether a question was asked: without one only a person finds out
        """
        self.ensure_one()
        return False

    def _confirm_receipt(self):
        """The operadora has the records of which nobody knew: they wait for its answer."""
        self.check_access("write")
        self._check_state("unknown")
        self.sudo().write({"state": "sent", "rejection_reason": False})

    def _deny_receipt(self, reason=None):
        """It is proved that the operadora does not have the records: they may be sent again."""
        self.check_access("write")
        self._check_state("unknown")
        self._take_back(reason or self.env._("The operadora does not have it."))

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _search_answered(self, domain, **options):
        """Search what an answer is about; the answer to a delivery is about its record only."""
        delivery = self.env["tiss.delivery"]._get_current()
        if not delivery:
            return self.search(domain, **options)
        record = delivery._get_record()
        found = record._name == self._name and record._get_delivered().filtered_domain(domain)
        if not found:
            raise UserError(
                self.env._(
                    "The operadora answered about something else than %s, or that no longer waits"
                    " for an answer. The answer is in the journal; nothing was done with it.",
                    record.display_name,
                )
            )
        return found.with_env(self.env)
