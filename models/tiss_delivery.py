from odoo import api, fields, models
from odoo.exceptions import UserError


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
    environment = fields.Char(readonly=True)
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
    answer_id = fields.Many2one("tiss.message", "Answer", readonly=True, ondelete="restrict")
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
    worker = fields.Char(readonly=True, help="The process that has it in hand, or had it last.")
    code = fields.Char(readonly=True, help="What went wrong, as the program calls it.")
    problem = fields.Text(readonly=True)

    _open_uniq = models.UniqueIndex(
        "(res_model, res_id, transaction) WHERE state IN ('queued', 'sending', 'unknown')",
        "This is already on its way to the operadora.",
    )
    _due_index = models.Index("(next_try, id) WHERE state = 'queued' OR is_settled IS NOT TRUE")

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A delivery cannot be deleted: it is part of the journal."))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_record(self):
        """What one delivery is about."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id)
