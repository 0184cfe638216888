import hashlib
import logging
import os
import re
import secrets
import socket
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .. import standard
from ..standard import soap
from ..standard.message import SERVICE_OF, SOAP
from .tiss_delivery import QUESTIONS, answer_of

BACK_OFF = (1, 5, 15, 60, 240, 720)  # minutes until what did not arrive is tried again
QUESTION_TRIES = 3  # what nobody waits for any more is not asked for a day
SILENCE = timedelta(minutes=15)  # the others wait, when one was not answered or let in
LOST = timedelta(seconds=10)  # the row of a claim is locked again at once: this is plenty
CONFLICT_PAUSES = (0.01, 0.05, 0.2, 1.0)
OUTAGE_PAUSES = (0.0, 1.0, 5.0, 15.0, 60.0)  # seconds that PostgreSQL may take to come back
BATCH = 20  # deliveries between two looks at the clock
# Codes of `soap` which another try does not change: somebody has to do something first.
LASTING = {"url", "certificate", "untrusted", "not_carried_out", "environment"}
BUSY = (429, 503)  # “not now”
# Values of tissFault (guide §7.1) that refuse the access, so every message that comes with it.
ACCESS_REFUSED = {"LoginInvalido", "RemetenteInvalido", "VersaoInvalida"}
# The same said by TLS or HTTP, before anybody there looks at a message.
CLOSED = {"certificate", "untrusted"}
CLOSED_STATUSES = {401, 403, 404, 405, 407}
# What is read of a convênio to send to it.
CONTRACT_FIELDS = [
    "certificate_id", "company_id", "environment", "hash_charset", "name", "production_database",
    "service_credentials", "sign_guias", "sign_messages", "version",
]  # fmt: skip

HASH = re.compile(rb"<(?:[\w.-]+:)?hash\s*>\s*([0-9A-Fa-f]{32})\s*</")
HEADER = re.compile(rb"<(?:[\w.-]+:)?(Padrao|sequencialTransacao)\s*>\s*([\w.]{1,20})\s*</")
HEADER_BYTES = 8192

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """What a worker has in hand after the claim was committed."""

    delivery_id: int
    worker: str
    endpoint_id: int
    # With login and password: nothing that writes a claim down may show it.
    payload: bytes = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What came of a post: values of the delivery, and what came as an answer, if anything did."""

    vals: dict
    content: bytes | None = field(default=None, repr=False)


class TissDelivery(models.Model):
    """How deliveries are worked on; what each commit leaves behind is in the table of states.

    Each step has a cursor of its own, so that nothing else is committed or lost with it.
    """

    _inherit = "tiss.delivery"

    # ------------------------------------------------------------------
    # The queue
    # ------------------------------------------------------------------

    @api.model
    def _work(self, ids=None, limit=BATCH):
        """Send what is due, one after the other, then tell the records what came of it.

        :param ids: only these deliveries
        :param limit: how many are sent at most
        :return: number of deliveries that were worked on
        """
        return self._send_due(ids, limit) + self._settle_due(ids)

    @api.model
    def _send_due(self, ids=None, limit=BATCH):
        for done in range(limit):
            claim = self._retried(lambda Delivery: Delivery._claim(ids))
            if not claim:
                return done
            if claim.payload:
                self._transmit(claim)
        return limit

    @api.model
    def _retried(self, work):
        """work(deliveries) in a transaction of its own; once more where another was in the way."""
        pauses = iter(CONFLICT_PAUSES)
        while True:
            try:
                with self.env.registry.cursor() as cr:
                    return work(api.Environment(cr, SUPERUSER_ID, {})["tiss.delivery"])
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                pause = next(pauses, None)
                if pause is None:
                    raise
                time.sleep(pause)

    @api.model
    def _lock_due(self, condition, ids, limit):
        """Lock the next deliveries that nobody else has in hand."""
        self.env.cr.execute(
            SQL(
                """
                SELECT id
                  FROM tiss_delivery
                 WHERE %s AND next_try <= %s AND %s
                 ORDER BY next_try, id
                 LIMIT %s
                   FOR UPDATE SKIP LOCKED
                """,
                condition,
                fields.Datetime.now(),
                SQL("id IN %s", tuple(ids)) if ids else SQL("TRUE"),
                limit,
            ),
            # To come too late is no error: it is done once more.
            log_exceptions=False,
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    # ------------------------------------------------------------------
    # Claim: committed before anything leaves
    # ------------------------------------------------------------------

    @api.model
    def _claim(self, ids=None):
        """Take the next delivery in hand: its wire bytes are journaled, its state is sending.

        :return: `Claim`, without payload where it cannot leave; None when nothing is due
        """
        delivery = self._lock_due(SQL("is_settled IS NOT TRUE AND state = 'queued'"), ids, 1)
        if not delivery:
            return None
        delivery = delivery._speak()
        # Whatever the database is set to: after a crash of the machine it must know of this.
        self.env.cr.execute("SET LOCAL synchronous_commit = on")
        worker = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        now = fields.Datetime.now()
        started = {
            "worker": worker,
            "started": now,
            "ended": False,
            "http_status": 0,
            "paused_by_id": False,
        }
        try:
            with self.env.cr.savepoint():
                endpoint, payload, message = delivery._prepare_wire()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            problem = delivery._format_failure(error)
            delivery.write({**started, **delivery._prepare_failed("not_built", problem)})
            return Claim(delivery.id, worker, 0, b"")
        delivery.write(
            {
                **started,
                "state": "sending",
                "url": endpoint.url,
                "message_id": message.id,
                "attempts": delivery.attempts + 1,
                "next_try": False,
            }
        )
        return Claim(delivery.id, worker, endpoint.id, payload)

    def _prepare_wire(self):
        """(endpoint, bytes that leave, their message in the journal) of one delivery."""
        contract = self._read_contract()
        endpoint = contract._get_endpoint(self.transaction, self.source_id.version)
        if not endpoint:
            raise UserError(self.env._("The convênio has no web service for this any more."))
        if endpoint.environment != self.environment:
            raise UserError(
                self.env._(
                    "The environment of the convênio was changed after this was queued: send it"
                    " again."
                )
            )
        payload = self._encode_wire()
        return endpoint, payload, self._journal_wire(payload)

    def _read_contract(self):
        """The convênio of one delivery, and of its two hundred columns those that sending needs."""
        self.contract_id.fetch(CONTRACT_FIELDS)
        return self.contract_id

    def _encode_wire(self):
        """The built message as the web service takes it, with the login; valid."""
        record, login = self._get_record(), self.contract_id._get_login()
        record.fetch(["contract_id", "version"])
        try:
            payload = record._seal_for_service(self.source_id._get_content(), login)
        except standard.EncodeError as error:
            raise UserError(record._explain(error.violation)) from error
        schema = standard.load(self.source_id.version)
        if not schema.validate(payload):
            raise UserError(record._explain(schema.explain(payload)[0]))
        return payload

    def _journal_wire(self, payload):
        """The message of what leaves, without credentials; the same one where nothing changed."""
        digest = hashlib.sha256(payload).hexdigest()
        if self.message_id.wire_sha256 == digest:
            return self.message_id
        source = self.source_id
        return self.env["tiss.message"]._record(
            self.contract_id,
            soap.mask(payload),
            direction="out",
            transaction=self.transaction,
            sequence=source.sequence,
            version=source.version,
            tiss_hash=_find_hash(payload),
            file_name=f"{SERVICE_OF[self.transaction]}_{source.file_name}",
            wire_sha256=digest,
            source_id=source.id,
            **self._get_record()._get_journal_link(),
        )

    # ------------------------------------------------------------------
    # Post: the row is locked from before the post until the answer is kept
    # ------------------------------------------------------------------

    @api.model
    def _transmit(self, claim):
        """Post one claimed delivery and keep what came of it, whatever breaks meanwhile."""
        outcome = delivery = None
        try:
            with self.env.registry.cursor() as cr:
                delivery = api.Environment(cr, SUPERUSER_ID, {})["tiss.delivery"]._hold(claim)
                if delivery:
                    outcome = delivery._post(claim)
                    delivery._keep(outcome)
        except Exception:
            _logger.exception("Delivery %s broke", claim.delivery_id)
            if outcome:
                return self._keep_late(claim, outcome)
            if delivery:
                # It may have left: it stays as it is, and recovery says that nobody knows.
                return None
        if not delivery:
            return self._retried(lambda Delivery: Delivery._release(claim))
        return self._pause_others(claim, outcome)

    @api.model
    def _hold(self, claim):
        """Lock a claimed delivery for as long as it is being posted; empty if it was taken away."""
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM tiss_delivery
                 WHERE id = %s AND state = 'sending' AND worker = %s
                   FOR UPDATE NOWAIT
                """,
                claim.delivery_id,
                claim.worker,
            )
        )
        delivery = self.browse(row[0] for row in self.env.cr.fetchall())
        delivery._read_contract()
        return delivery._speak()

    @api.model
    def _release(self, claim):
        """Nothing was posted of this claim: what is claimed goes back into the queue."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE tiss_delivery
                   SET state = 'queued', next_try = %s, attempts = attempts - 1
                 WHERE id = %s AND worker = %s AND is_settled IS NOT TRUE
                   AND state IN ('sending', 'unknown')
                """,
                fields.Datetime.now(),
                claim.delivery_id,
                claim.worker,
            )
        )

    def _post(self, claim):
        """Post and read off the transport what came of it; never raises what it can foresee."""
        started = time.monotonic()
        endpoint = self.env["tiss.endpoint"].browse(claim.endpoint_id)
        try:
            reply = endpoint._post(claim.payload)
        except soap.TransportError as error:
            outcome = self._read_failure(error, endpoint._explain_error(error))
        except Exception:
            # Wherever it happened: nobody can say that nothing had left.
            _logger.exception("Delivery %s broke while it was being sent", claim.delivery_id)
            problem = self.env._("An unexpected error: see the log of the server.")
            outcome = Outcome(self._prepare_silence("unexpected", problem))
        else:
            outcome = self._read_reply(reply, reply.fault and endpoint._explain_fault(reply.fault))
        if outcome.content:
            is_read = outcome.vals["state"] == "answered"
            content = soap.mask_echo(outcome.content, claim.payload, is_read=is_read)
            outcome = replace(outcome, content=content)
        outcome.vals["duration"] = round(time.monotonic() - started, 3)
        outcome.vals["ended"] = fields.Datetime.now()
        return outcome

    def _read_reply(self, reply, problem):
        vals = {
            "http_status": reply.status,
            "content_type": reply.content_type,
            "code": False,
            "problem": False,
        }
        fault = reply.fault
        if not fault:
            vals.update(state="answered", next_try=fields.Datetime.now())
        else:
            code = fault.tiss_fault or fault.code
            if fault.refused:
                vals.update(
                    state="refused", next_try=fields.Datetime.now(), code=code, problem=problem
                )
            else:
                vals.update(self._prepare_silence(code, problem))
        return Outcome(vals, reply.content)

    def _read_failure(self, error, problem):
        if self._is_bare_answer(error):
            vals = {"state": "answered", "next_try": fields.Datetime.now(), "problem": False}
        elif error.reached:
            vals = self._prepare_silence(error.code, problem)
        elif error.code in LASTING and error.status not in BUSY:
            vals = self._prepare_failed(error.code, problem)
        else:
            vals = self._prepare_retry(error.code, problem)
        return Outcome({**vals, "http_status": error.status or 0}, error.content)

    def _is_bare_answer(self, error):
        """Whether the operadora only forgot the envelope around its answer."""
        name = SOAP[SERVICE_OF[self.transaction]].response.name.encode()
        return error.code == "not_soap" and error.status == 200 and name in error.content[:1024]

    def _prepare_silence(self, code, problem):
        """Nobody knows whether it arrived; a question does no harm when it is asked again."""
        if self.transaction in QUESTIONS:
            return self._prepare_retry(code, problem)
        now = fields.Datetime.now()
        return {"state": "unknown", "next_try": now, "code": code, "problem": problem}

    def _prepare_retry(self, code, problem):
        """Nothing arrived: once more a little later, for as long as that makes sense."""
        tries = QUESTION_TRIES if self.transaction in QUESTIONS else len(BACK_OFF)
        if self.attempts > tries:
            return self._prepare_failed(code, problem)
        pause = timedelta(minutes=BACK_OFF[max(self.attempts, 1) - 1])
        next_try = fields.Datetime.now() + pause
        return {"state": "queued", "next_try": next_try, "code": code, "problem": problem}

    def _prepare_failed(self, code, problem):
        now = fields.Datetime.now()
        return {"state": "failed", "next_try": now, "code": code, "problem": problem}

    # ------------------------------------------------------------------
    # Keep: committed before anybody reads the answer
    # ------------------------------------------------------------------

    def _keep(self, outcome):
        """The outcome on the row, and the exact bytes of the answer in the journal."""
        vals = dict(outcome.vals)
        if outcome.content:
            vals["answer_id"] = self._journal_answer(outcome).id
        self.write(vals)

    def _journal_answer(self, outcome):
        content, source = outcome.content, self.source_id
        service = SERVICE_OF[self.transaction]
        kind = "xml" if outcome.vals["state"] in ("answered", "refused") else "txt"
        header = {key: value.decode() for key, value in HEADER.findall(content[:HEADER_BYTES])}
        return self.env["tiss.message"]._record(
            self.contract_id,
            content,
            direction="in",
            # What it says itself is found out when it is read, which is after this is committed.
            transaction=answer_of(self.transaction),
            sequence=header.get(b"sequencialTransacao"),
            version=header.get(b"Padrao"),
            tiss_hash=_find_hash(content),
            file_name=f"{service}_{source.sequence}_resposta.{kind}",
            request_id=self.message_id.id or source.id,
            note=outcome.vals["problem"] or None,
            **self._get_record()._get_journal_link(),
        )

    @api.model
    def _keep_late(self, claim, outcome):
        """The transaction of the post broke, the answer is still in hand: keep it nevertheless.

        Meanwhile recovery may have said that nobody knows: now somebody does.
        """
        for pause in OUTAGE_PAUSES:
            time.sleep(pause)
            try:
                return self._retried(lambda Delivery: Delivery._keep_again(claim, outcome))
            except Exception as error:
                _logger.warning("Delivery %s cannot be kept yet: %s", claim.delivery_id, error)
        _logger.error(
            "Delivery %s: what came of it could not be written: it will be unknown",
            claim.delivery_id,
        )
        return None

    @api.model
    def _keep_again(self, claim, outcome):
        delivery = self.browse(claim.delivery_id)
        delivery.lock_for_update()
        if delivery.worker != claim.worker or delivery.state not in ("sending", "unknown"):
            # It was kept after all, or a person decided: then the answer is only kept beside it.
            if outcome.content and not delivery.answer_id:
                delivery._journal_answer(outcome)
            return
        vals = {**outcome.vals, "is_settled": False}
        delivery._keep(replace(outcome, vals=vals))

    @api.model
    def _pause_others(self, claim, outcome):
        """Where one could not get through, the queue waits instead of running into the same."""
        state, next_try = outcome.vals["state"], outcome.vals.get("next_try")
        is_access = self._is_access_refused(outcome.vals)
        if state == "answered":
            return self._retried(lambda Delivery: Delivery._resume(claim.delivery_id))
        if state == "unknown" or is_access:
            next_try = fields.Datetime.now() + SILENCE
        elif state != "queued":
            return None
        return self._retried(
            lambda Delivery: Delivery._postpone(claim.delivery_id, next_try, is_access)
        )

    @api.model
    def _is_access_refused(self, vals):
        """Whether whatever this convênio sends to that address would be turned away."""
        if vals["state"] not in ("refused", "failed"):
            return False
        closed = vals["code"] in CLOSED | ACCESS_REFUSED
        return closed or vals.get("http_status") in CLOSED_STATUSES

    @api.model
    def _postpone(self, delivery_id, next_try, same_contract=False):
        """Let the queue of an address wait; each of it knows for which delivery.

        :param same_contract: only that of the convênio: another one has an access of its own
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE tiss_delivery
                   SET next_try = %(next_try)s, paused_by_id = %(id)s
                 WHERE id IN (
                       SELECT other.id
                         FROM tiss_delivery other
                         JOIN tiss_delivery mine ON mine.url = other.url
                        WHERE mine.id = %(id)s AND other.id != %(id)s
                          AND other.state = 'queued' AND other.is_settled IS NOT TRUE
                          AND other.next_try < %(next_try)s
                          AND (NOT %(same_contract)s OR other.contract_id = mine.contract_id)
                          FOR UPDATE OF other SKIP LOCKED
                       )
                """,
                next_try=next_try,
                id=delivery_id,
                same_contract=same_contract,
            )
        )

    @api.model
    def _resume(self, delivery_id):
        """One got through: what waits for the same cause need not wait longer.

        Perhaps it was the address that was put right, so that of the others is not asked.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE tiss_delivery
                   SET next_try = %(now)s
                 WHERE id IN (
                       SELECT other.id
                         FROM tiss_delivery other
                         JOIN tiss_delivery cause ON cause.id = other.paused_by_id
                         JOIN tiss_delivery mine ON mine.id = %(id)s
                        WHERE other.paused_by_id IS NOT NULL
                          AND other.state = 'queued' AND other.is_settled IS NOT TRUE
                          AND other.next_try > %(now)s
                          AND CASE WHEN other.contract_id = mine.contract_id
                              THEN other.transaction = mine.transaction OR other.url = mine.url
                              ELSE other.url = mine.url AND cause.state NOT IN ('refused', 'failed')
                              END
                          FOR UPDATE OF other SKIP LOCKED
                       )
                """,
                now=fields.Datetime.now(),
                id=delivery_id,
            )
        )
        if self.env.cr.rowcount:
            self._trigger_crons()

    # ------------------------------------------------------------------
    # Recovery
    # ------------------------------------------------------------------

    @api.model
    def _recover(self):
        """What a worker that died had in hand: a row that is being posted is locked, so skipped."""
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM tiss_delivery
                 WHERE state = 'sending' AND started < %s
                   FOR UPDATE SKIP LOCKED
                """,
                fields.Datetime.now() - LOST,
            )
        )
        lost = self.browse(row[0] for row in self.env.cr.fetchall())
        for each in lost:
            delivery = each._speak()
            problem = delivery.env._("The server stopped while this was being sent.")
            delivery.write({**delivery._prepare_silence("lost", problem), "ended": False})
        return len(lost)

    # ------------------------------------------------------------------
    # Scheduled actions
    # ------------------------------------------------------------------

    @api.model
    def _cron_deliver(self):
        """Several scheduled actions run this at once: each takes what the others have not."""
        cron = self.env["ir.cron"]
        self._retried(lambda Delivery: Delivery._recover())
        self._retried(lambda Delivery: Delivery._ask_about_unknown())
        while True:
            worked = self._work()
            left = cron._commit_progress(worked, remaining=self._count_due())
            if not worked or not left:
                break

    @api.model
    def _count_due(self):
        return self.sudo().search_count(
            [("is_settled", "=", False), ("next_try", "<=", fields.Datetime.now())]
        )


def _find_hash(content):
    """The hash that a message says it has: it stands near the end, unless that is signed."""
    found = HASH.findall(content[-HEADER_BYTES:]) or HASH.findall(content)
    return found[-1].decode().lower() if found else None
