import logging
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..standard.message import SERVICE_OF, SOAP, TO_PRESTADOR
from .inside import INSIDE, is_inside

BATCH = 20  # deliveries in one transaction
READ_AGAIN = [timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)]  # after the answer
# Minutes after it was sent: the first question comes when no slow system is still at it.
ASK_AGAIN = [timedelta(minutes=minutes) for minutes in (15, 60, 240, 720, 1440, 2880)]

_logger = logging.getLogger(__name__)


class TissDelivery(models.Model):
    """What follows from a delivery on its record: the last commit of the table of states."""

    _inherit = "tiss.delivery"

    # ------------------------------------------------------------------
    # Settling
    # ------------------------------------------------------------------

    @api.model
    def _settle_due(self, ids=None):
        """Tell the records what came of their deliveries, a few in each transaction.

        :return: number of deliveries that were looked at
        """
        done = 0
        while count := self._retried(lambda Delivery: Delivery._settle_batch(ids)):
            done += count
        return done

    @api.model
    def _settle_batch(self, ids=None):
        if not ids and not self._is_alone_settling():
            return 0
        deliveries = self._lock_due(
            SQL("is_settled IS NOT TRUE AND state IN ('answered', 'refused', 'failed', 'unknown')"),
            ids,
            BATCH,
        )
        receipts = deliveries.filtered(
            lambda delivery: delivery.state == "answered" and delivery.res_model == "tiss.lote"
        )
        together = len(receipts) > 1 and receipts._settle_together()
        for delivery in deliveries - receipts if together else deliveries:
            delivery._speak()._try_to_settle()
        return len(deliveries)

    def _settle_together(self):
        """Settle the receipts of lotes, and make all their invoices at once: much faster.

        An answer that cannot be read fails alone. Where the books refuse, nothing was done.

        :return: whether it was done
        """
        try:
            with self.env.cr.savepoint():
                for delivery in self.with_context(tiss_books_later=INSIDE):
                    delivery._speak()._try_to_settle()
                self.filtered("is_settled")._follow_in_books()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            # Not lost: it is met again, and said, by the one that it is about.
            _logger.info("Deliveries %s are settled one by one: %s", self.ids, error)
            self.env.invalidate_all()
            return False
        return True

    def _follow_in_books(self):
        """What the receipts that were taken in change in the books, as who asked for them."""
        for deliveries in self.grouped(lambda each: (each.user_id, each.company_id)).values():
            lotes = deliveries[0]._get_working_record().browse(deliveries.mapped("res_id"))
            received = lotes.filtered(lambda lote: lote.state == "received")
            received.with_context(tiss_delivery_id=False)._follow_protocol()

    def _is_alone_settling(self):
        """Invoices of one operadora write the same rows: two workers would undo each other."""
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(hashtext('tiss_delivery'))")
        return self.env.cr.fetchone()[0]

    def _try_to_settle(self):
        """Settle one delivery; what fails is shown, tried again later, and never lost."""
        record, problem = self._get_working_record(), None
        if self.state == "answered":
            # Whatever the answer says and whoever can read it: the operadora has the message.
            problem = self._attempt(lambda: record._mark_answered(self.source_id))
        problem = problem or self._attempt(lambda: self._settle(record))
        if problem:
            self._put_off(record, problem)

    def _attempt(self, work):
        """Do work(); what fails is undone, and stops no other delivery.

        :return: why it failed, for a person; None when it was done
        """
        try:
            with self.env.cr.savepoint():
                work()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            self.env.invalidate_all()
            return self._format_failure(error)
        return None

    def _put_off(self, record, problem):
        """Try to settle one delivery again later; at last somebody is told."""
        ended = self.ended or self.started or self.create_date
        later = next((pause for pause in READ_AGAIN if pause > fields.Datetime.now() - ended), None)
        self.write({"problem": problem, "next_try": later and ended + later})
        if not later:
            self._attempt(lambda: record._notify_problem(self.user_id, problem))

    def _settle(self, record):
        """What follows from the state of one delivery, and that it was done."""
        vals = {"is_settled": True, "next_try": False}
        if self.state == "answered":
            self._take_in(record)
            vals["problem"] = False
        elif self.state == "unknown":
            record._mark_unknown(self.source_id, self.problem)
            record._notify_problem(self.user_id, self.problem)
            vals["next_try"] = fields.Datetime.now() + ASK_AGAIN[0]
        else:
            record._mark_undelivered(self.source_id, self.problem)
            record._notify_problem(self.user_id, self.problem)
        self.write(vals)

    def _is_told(self, user, summary):
        """Whether somebody has this to do already: one cause is one thing to do.

        What is unknown, or cannot be read, is a matter of each record. So is what we could not
        build, for which the program has one code, unless the words are the same.
        """
        if self.state not in ("refused", "failed") or not self.code:
            return False
        open_activities = self.env["mail.activity"].search(
            [("user_id", "=", user.id), ("summary", "=", summary), ("automated", "=", True)]
        )
        about = Domain.OR(
            Domain("res_model", "=", model) & Domain("res_id", "in", activities.mapped("res_id"))
            for model, activities in open_activities.grouped("res_model").items()
        )
        same = Domain("contract_id", "=", self.contract_id.id) & Domain("code", "=", self.code)
        if self.code == "not_built":
            same &= Domain("problem", "=", self.problem)
        ended = Domain("state", "in", ("refused", "failed")) & Domain("id", "!=", self.id)
        return bool(self.search_count(about & same & ended, limit=1))

    def _get_working_record(self):
        """The record, for the system in the name of who asked and in the company of the record."""
        context = {
            "allowed_company_ids": self.company_id.ids,
            "lang": self.user_id.lang,
            "tz": self.user_id.tz,
            "tiss_delivery_id": self.id,
            "tiss_answering": INSIDE,
        }
        return self._get_record().with_user(self.user_id).sudo().with_context(**context)

    def _take_in(self, record):
        """Read the answer as if it had come as a file, but about this record and no other."""
        Message = record.env["tiss.message"]
        content = self.answer_id._get_content()
        values = Message._decode(content, self.content_type or "")
        expected = SOAP[SERVICE_OF[self.transaction]].response.body
        if expected not in (values.get(TO_PRESTADOR) or {}):
            raise UserError(
                self.env._(
                    "The operadora answered something else than what it was asked. The answer is"
                    " in the journal; nothing was done with it."
                )
            )
        Message._take_in(self.answer_id.file_name, content, values)

    @api.model
    def _get_current(self):
        """The delivery whose answer is being taken in; empty for a file of a person."""
        if not is_inside(self, "tiss_answering"):
            return self.browse()
        return self.browse(self.env.context["tiss_delivery_id"])

    # ------------------------------------------------------------------
    # What nobody knows
    # ------------------------------------------------------------------

    @api.model
    def _ask_about_unknown(self):
        """Let the records that may have arrived ask the operadora, less and less often."""
        unknown = self._lock_due(SQL("is_settled AND state = 'unknown'"), None, BATCH)
        for each in unknown:
            each._speak()._try_to_ask()
        return len(unknown)

    def _try_to_ask(self):
        """Ask about one delivery; where nothing can ask, only a person finds out."""
        ended = self.ended or self.started
        later = next((pause for pause in ASK_AGAIN if pause > fields.Datetime.now() - ended), None)
        self.next_try = later and ended + later
        record, asked = self._get_working_record().with_context(tiss_answering=None), []
        problem = self._attempt(lambda: asked.append(record._resolve_unknown()))
        if problem:
            self.problem = problem
        elif not any(asked):
            self.next_try = False

    def _resolve(self, state, how):
        """Somebody found out what had become of deliveries of which nobody knew."""
        unknown = self.filtered(lambda delivery: delivery.state == "unknown")
        unknown.sudo().write(
            {"state": state, "is_settled": True, "next_try": False, "resolution": how}
        )

    # ------------------------------------------------------------------
    # In words
    # ------------------------------------------------------------------

    def _format_failure(self, error):
        """Why something failed, for a person; what nobody foresaw is in the log."""
        if isinstance(error, UserError):
            return str(error)
        if isinstance(error, IntegrityError):
            for model in (self.env[self.res_model], self):
                if error.diag.table_name == model._table:
                    return model._sql_error_to_message(error)
        _logger.error("Delivery %s", self.id, exc_info=error)
        return self.env._("An unexpected error: see the log of the server.")
