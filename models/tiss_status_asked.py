from odoo import api, fields, models

from .inside import INSIDE, is_inside


class TissStatusAsked(models.AbstractModel):
    """What is decided later, and asked about meanwhile by another message of its own.

    A model that has it before `tiss.outgoing` says which transaction the question is
    (`_get_question`), what it holds (`_prepare_tiss_question`), and when it may be asked
    (`_check_askable`). With `tiss_status_query` in the context a record is its question.
    """

    _name = "tiss.status.asked"
    _description = "Asked About by a Message"

    query_date = fields.Date("Asked About On", readonly=True, copy=False)

    # ------------------------------------------------------------------
    # What each model says
    # ------------------------------------------------------------------

    @api.model
    def _get_question(self):
        """tipoTransacao of the question (guide §2.2)."""
        raise NotImplementedError

    def _prepare_tiss_question(self):
        """The body of the question; keys are the names of the standard."""
        raise NotImplementedError

    def _check_askable(self):
        """Refuse to ask about what nobody has to decide, or has no number."""
        raise NotImplementedError

    # ------------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------------

    def action_query_status(self):
        """Ask; the file for a portal is downloaded, where the user may open the journal."""
        self.ensure_one()
        message = self.query_status()
        if self._asks_by_service() or not message.has_access("read"):
            return None
        return message.action_download()

    def query_status(self):
        """Ask the operadora what has become of these: one message each.

        :return: `tiss.message`
        """
        self.check_access("write")
        self._check_askable()
        messages = self.env["tiss.message"]
        for record in self._as_questions():
            messages += record._journal(*record._encode())
        self.sudo().query_date = fields.Date.context_today(self)
        self.env["tiss.delivery"]._queue(messages)
        return messages

    def _as_questions(self):
        return self.with_context(tiss_status_query=INSIDE)

    def _is_question(self):
        return is_inside(self, "tiss_status_query")

    def _asks_by_service(self):
        return bool(self._as_questions()._get_endpoint())

    # ------------------------------------------------------------------
    # The record as its question
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return self._get_question() if self._is_question() else super()._get_transaction()

    def _check_content(self):
        return None if self._is_question() else super()._check_content()

    def _prepare_tiss_body(self):
        if self._is_question():
            return self._prepare_tiss_question()
        return super()._prepare_tiss_body()
