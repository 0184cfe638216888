import logging
import threading
from functools import partial

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.modules import module
from odoo.tools import SQL, format_datetime

from ..standard.message import SERVICE_OF, SOAP, TO_PRESTADOR, TRANSACTIONS
from .bulk import lock, make_append_only
from .tiss_endpoint import ENVIRONMENTS

AT_ONCE = 2  # what one person asked for and waits for; more goes in the background
PATIENCE = 8  # seconds that the person waits; then the form shows the answer when it comes
THREAD = "tiss.delivery"
CRONS = ("tiss_delivery_cron_1", "tiss_delivery_cron_2", "tiss_delivery_cron_3")
# They change nothing at the operadora: it does no harm to ask twice.
QUESTIONS = {
    "SOLICITA_STATUS_AUTORIZACAO",
    "SOLIC_DEMONSTRATIVO_RETORNO",
    "SOLIC_STATUS_PROTOCOLO",
    "SOLIC_STATUS_RECURSO_GLOSA",
    "VERIFICA_ELEGIBILIDADE",
}

_logger = logging.getLogger(__name__)


def answer_of(transaction):
    """The tipoTransacao by which a web service answers another."""
    body = SOAP[SERVICE_OF[transaction]].response.body
    return next(
        name
        for name, each in TRANSACTIONS.items()
        if each.direction == TO_PRESTADOR and each.body[0] == body
    )


class TissDelivery(models.Model):
    """One transmission of one message to a web service, and what came of it.

    What is in the database after each commit is the whole truth, so whatever dies between two of
    them leaves one of these:

    ========  ==========================  ====================================================
    state     the operadora has           what recovery does
    ========  ==========================  ====================================================
    queued    nothing                     it is sent when `next_try` has come
    sending   nobody knows                nothing while the row is locked: a worker posts it;
                                          unlocked, its worker died: unknown (a question, which
                                          changes nothing there, is queued again)
    answered  it, and said so             the answer, already kept, is read when `next_try` came
    refused   nothing: it said so         the record goes back, with the reason in words
    failed    nothing: it never left      the record goes back; nobody tries it again
    unknown   perhaps it                  never sent again; a question or a person finds out
    ========  ==========================  ====================================================

    `is_settled` says that the record was told. Then an answered, refused or failed delivery is
    finished, and PostgreSQL itself refuses to change it. Without `next_try` it waits for a person.
    `paused_by_id` is the one because of which the queue of its address was made to wait.

    Commits: (1) the record and its queued row, together; (2) claim: the wire bytes in the journal
    and `sending`, before anything leaves; (3) the outcome and the bytes of the answer, under the
    row lock held since before the post, before anybody reads them; (4) what follows from it on
    the record, together with `is_settled`.
    """

    _name = "tiss.delivery"
    _description = "Delivery"
    _order = "id desc"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    res_model = fields.Char("Kind of Record", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, index=True, readonly=True
    )
    transaction = fields.Char(required=True, readonly=True)
    transaction_name = fields.Char("What It Is", related="source_id.transaction_name")
    record_name = fields.Char("What It Carries", compute="_compute_record_name")
    environment = fields.Selection(ENVIRONMENTS, readonly=True)
    url = fields.Char("Address", readonly=True)
    user_id = fields.Many2one("res.users", "Asked By", required=True, readonly=True)
    source_id = fields.Many2one(
        "tiss.message",
        "Message",
        required=True,
        index=True,
        readonly=True,
        ondelete="restrict",
        help="What was built and validated.",
    )
    message_id = fields.Many2one(
        "tiss.message",
        "What Left",
        readonly=True,
        ondelete="restrict",
        help="The same content as the web service takes it, as it left the last time.",
    )
    answer_id = fields.Many2one("tiss.message", readonly=True, ondelete="restrict")
    state = fields.Selection(
        [
            ("queued", "Queued"),
            ("sending", "Sending"),
            ("answered", "Answered"),
            ("refused", "Refused"),
            ("failed", "Not Delivered"),
            ("unknown", "No Answer"),
        ],
        string="Status",
        default="queued",
        required=True,
        index=True,
        readonly=True,
    )
    is_settled = fields.Boolean("Done", readonly=True)
    next_try = fields.Datetime(
        readonly=True,
        default=fields.Datetime.now,
        help="When the system goes on by itself; empty where it waits for a person.",
    )
    attempts = fields.Integer(readonly=True)
    started = fields.Datetime(readonly=True)
    ended = fields.Datetime(readonly=True)
    duration = fields.Float("Seconds", digits=(8, 3), readonly=True)
    http_status = fields.Integer("HTTP Status", readonly=True)
    content_type = fields.Char(readonly=True, help="Of the answer: it may tell the charset.")
    worker = fields.Char(readonly=True, help="The process that has it in hand, or had it last.")
    code = fields.Char(readonly=True, help="What went wrong, as the program calls it.")
    problem = fields.Text(readonly=True)
    paused_by_id = fields.Many2one(
        "tiss.delivery",
        "Waits Because Of",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="What did not get through, so that the queue of its address waits.",
    )
    shown_problem = fields.Text("What Is Wrong", compute="_compute_shown_problem")
    answer_note = fields.Text(readonly=True, help="What the other side answered, in its own codes.")
    resolution = fields.Text(readonly=True, help="How it was found out what had become of it.")

    _open_uniq = models.UniqueIndex(
        "(res_model, res_id, transaction) WHERE state IN ('queued', 'sending', 'unknown')",
        "This is already on its way to the operadora.",
    )
    _due_index = models.Index("(next_try, id) WHERE is_settled IS NOT TRUE")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("res_model", "res_id")
    def _compute_record_name(self):
        """What the deliveries are about, in one query for each model."""
        for model, deliveries in self.grouped("res_model").items():
            records = self.env[model].browse(deliveries.mapped("res_id")).sudo().exists()
            names = {each.id: each.display_name for each in records}
            for delivery in deliveries:
                delivery.record_name = names.get(delivery.res_id)

    @api.depends("record_name", "transaction_name")
    def _compute_display_name(self):
        for delivery in self:
            parts = (delivery.transaction_name, delivery.record_name)
            delivery.display_name = " · ".join(filter(None, parts))

    @api.depends("problem", "paused_by_id", "next_try", "state")
    def _compute_shown_problem(self):
        """What stands in the way of each: its own problem, or that of the one it waits for."""
        for delivery in self:
            paused = delivery._is_paused()
            delivery.shown_problem = delivery._get_pause_note() if paused else delivery.problem

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def init(self):
        make_append_only(
            self, SQL("OLD.is_settled AND OLD.state IN ('answered', 'refused', 'failed')")
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A delivery cannot be deleted: it is part of the journal."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open_record(self):
        """Open what one delivery is about."""
        return self._get_record()._get_records_action()

    def action_try_now(self):
        """Do not wait any longer: send what is queued, read again what was answered."""
        self._check_may_send()
        self._try_now()

    def _try_now(self):
        waiting = self.filtered(
            lambda delivery: delivery.state in ("queued", "answered") and not delivery.is_settled
        )
        self._lock_unless_busy(waiting)
        waiting.sudo().next_try = fields.Datetime.now()
        waiting._start_soon()

    def action_stop(self):
        """Give up what is queued: the records are as before they were sent."""
        self._check_may_send()
        queued = self.filtered(lambda delivery: delivery.state == "queued")
        self._lock_unless_busy(queued)
        problem = self.env._("Stopped by %s.", self.env.user.name)
        for delivery in queued.sudo():
            done = {"state": "failed", "is_settled": True, "next_try": False}
            delivery.write({**done, "code": "stopped", "problem": problem})
            delivery._get_record()._mark_undelivered(delivery.source_id, problem)

    def action_close(self):
        """A person dealt with an answer that the system cannot read."""
        self._check_may_send()
        unread = self.filtered(
            lambda delivery: delivery.state == "answered" and not delivery.is_settled
        )
        self._lock_unless_busy(unread)
        how = self.env._("Said by %s.", self.env.user.name)
        unread.sudo().write({"is_settled": True, "next_try": False, "resolution": how})

    def action_confirm_receipt(self):
        """The operadora has it, as a person found out."""
        self.ensure_one()
        return self._get_record().action_confirm_receipt()

    def action_deny_receipt(self):
        """The operadora does not have it, as a person found out."""
        self.ensure_one()
        return self._get_record().action_deny_receipt()

    def _check_may_send(self):
        """Nobody writes deliveries; whoever may send their records may say what happens to them."""
        self.check_access("read")
        for delivery in self:
            delivery._get_record().check_access("write")

    @api.model
    def _lock_unless_busy(self, deliveries):
        if deliveries:
            lock(deliveries.sudo())

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _queue(self, messages):
        """Send built messages by web service, where the convênio has one for them.

        They leave when this transaction is committed: those of a person at once, many in the
        background.

        :param messages: `tiss.message` of records that are frozen as sending
        :return: `tiss.delivery`
        """
        vals_list = []
        for message in messages.sudo():
            endpoint = message.contract_id._get_endpoint(message.transaction, message.version)
            if endpoint:
                vals_list.append(self._prepare_delivery(message, endpoint))
        # An insert does not wait for its turn, as updates do: what was resolved is no longer open.
        self.flush_model(["state"])
        # Nobody has the right to create deliveries: only whoever may send a record queues one.
        deliveries = self.sudo().create(vals_list)
        deliveries._start_soon()
        return deliveries

    @api.model
    def _prepare_delivery(self, message, endpoint):
        record = message._get_record()
        return {
            "company_id": message.company_id.id,
            "contract_id": message.contract_id.id,
            "res_model": record._name,
            "res_id": record.id,
            "transaction": message.transaction,
            "environment": endpoint.environment,
            "url": endpoint.url,
            "user_id": self.env.uid,
            "source_id": message.id,
        }

    def _start_soon(self):
        """Work on these as soon as they are committed."""
        if not self:
            return
        if len(self) <= AT_ONCE and not self.env.context.get("tiss_in_background"):
            self.env.cr.postcommit.add(partial(_deliver_now, self.env.registry, self.ids))
            return
        self._trigger_crons()

    @api.model
    def _trigger_crons(self):
        for name in CRONS:
            self.env.ref(f"l10n_br_tiss.{name}").sudo()._trigger()

    def _get_record(self):
        """What one delivery is about."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id)

    def _is_put_off(self):
        """Whether one delivery waits for its next try, which a person may ask for now."""
        later = self.next_try and self.next_try > fields.Datetime.now()
        return self.state in ("queued", "answered") and not self.is_settled and bool(later)

    def _is_paused(self):
        """Whether one delivery waits for no fault of its own."""
        return bool(self.paused_by_id) and self.state == "queued" and self._is_put_off()

    def _speak(self):
        """The delivery in the language of who asked for it: what is written of it stays."""
        # To read all of a user and a partner takes longer than to send a message.
        user = self.user_id.with_context(prefetch_fields=False)
        return self.with_context(lang=user.lang)

    def _get_note(self):
        """Where one delivery is, in a sentence."""
        if self.state == "unknown":
            return self.env._(
                "%s Do not send it again: ask the operadora, then say here whether it has it.",
                self.problem,
            )
        if self.state == "answered":
            # What was taken in says so itself.
            return False if self.is_settled else self.problem
        if self.state in ("refused", "failed"):
            return False
        if self.state != "queued":
            return self.env._("It is being sent.")
        if self._is_paused():
            return self._get_pause_note()
        if not self.problem:
            return self.env._("It is in the queue.")
        return self.env._(
            "%(problem)s Next try: %(moment)s.",
            problem=self.problem,
            moment=format_datetime(self.env, self.next_try, dt_format="short"),
        )

    def _get_pause_note(self):
        """Why the queue that one delivery is in waits, until when, and what a person may do."""
        # As superuser: the queue of an address may be that of several clinics.
        return self.env._(
            "The queue of this web service is paused until %(moment)s, because another message did"
            " not get through. If the cause is put right before, press “Try Now”. The cause:"
            " %(problem)s",
            moment=format_datetime(self.env, self.next_try, dt_format="short"),
            problem=self.sudo().paused_by_id.problem or self.env._("No answer came."),
        )


def _deliver_now(registry, ids):
    """Run after the commit: whoever asked waits for the answer, but not for a silent operadora.

    The thread goes on without him. It ends with its process, and a server may recycle that any
    time: what it had in hand is then found by the scheduled action, as after any other crash.
    """
    if module.current_test:
        # There is one cursor for all: a thread would wait for the test that waits for it.
        _deliver(registry, ids)
        return
    worker = threading.Thread(target=_deliver, args=(registry, ids), name=THREAD, daemon=True)
    # What a line of the log says of where it comes from.
    worker.dbname, worker.uid = registry.db_name, SUPERUSER_ID
    worker.start()
    worker.join(PATIENCE)


def _deliver(registry, ids):
    """Send these: what breaks here is found in the queue, not shown to the person."""
    try:
        with registry.cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["tiss.delivery"]._work(ids, limit=len(ids))
    except Exception:
        _logger.exception("Deliveries %s are left to the scheduled actions", ids)
