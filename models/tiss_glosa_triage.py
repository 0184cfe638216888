from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..standard.money import to_cents
from .bulk import lock

CAUSES = [
    ("beneficiary", "Patient or card"),
    ("authorization", "Authorisation or password"),
    ("paper", "Guia, lote or documents"),
    ("provider", "Registration of the clinic"),
    ("late", "Sent too late"),
    ("duplicate", "Billed twice"),
    ("price", "Price or quantity"),
    ("clinical", "Procedure or clinical reason"),
    ("other", "Other"),
    ("none", "No reason given"),
]
# By the first two digits of a T38 code, except for those that say something else (guide §6.1–6.2).
FAMILIES = {
    "10": "beneficiary", "11": "paper", "12": "provider", "13": "paper", "14": "authorization",
    "15": "paper", "16": "paper", "17": "price", "18": "clinical", "19": "clinical",
    "25": "clinical", "26": "clinical", "28": "price", "30": "clinical", "50": "paper",
}  # fmt: skip
SPECIAL = {
    "1308": "duplicate", "1701": "late", "1702": "duplicate", "1807": "duplicate", "2909": "late",
    "3091": "late", "3171": "beneficiary", "3209": "duplicate", "3210": "price", "3214": "late",
    "3230": "paper", "3288": "clinical", "3292": "authorization", "3293": "authorization",
    "3304": "clinical", "3306": "authorization", "3308": "beneficiary",
}  # fmt: skip
TO_DECIDE = ("open", "kept")


class TissGlosa(models.Model):
    """Triage: why it was denied in plain words, whose it is, and what can be given up."""

    _inherit = "tiss.glosa"

    cause = fields.Selection(
        CAUSES, compute="_compute_cause", store=True, precompute=True, index=True
    )
    product_id = fields.Many2one(related="guia_line_id.product_id", string="Procedure")
    is_contested = fields.Boolean(
        "Recurso Written", compute="_compute_is_contested", store=True, precompute=True
    )
    is_small = fields.Boolean(
        "Small",
        compute="_compute_is_small",
        store=True,
        help="Not above what the convênio's settings say is not worth a recurso.",
    )
    is_irrecoverable = fields.Boolean("Irrecoverable", readonly=True, tracking=True)
    irrecoverable_reason = fields.Char("Why It Is Lost", readonly=True)
    resubmitted_guia_id = fields.Many2one(
        "tiss.guia",
        "Billed Again In",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code")
    def _compute_cause(self):
        for glosa in self:
            code = glosa.code or ""
            found = SPECIAL.get(code) or FAMILIES.get(code[:2], "other")
            glosa.cause = found if code else "none"

    @api.depends("recurso_line_ids.is_current")
    def _compute_is_contested(self):
        for glosa in self:
            glosa.is_contested = any(glosa.recurso_line_ids.mapped("is_current"))

    @api.depends("amount_open", "contract_id.small_glosa_amount")
    def _compute_is_small(self):
        for glosa in self:
            limit = to_cents(glosa.contract_id.small_glosa_amount)
            glosa.is_small = 0 < to_cents(glosa.amount_open) <= limit

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_decide(self):
        """One decision about these glosas, and about those that are equal to them."""
        return self.env["tiss.glosa.decide"]._get_glosa_action(self)

    def action_assign_to_me(self):
        self.check_access("write")
        self.user_id = self.env.user

    def action_correct_guia(self):
        """What the standard has for a mistake in the guia itself."""
        return self.guia_id.action_correct()

    def action_send_documents(self):
        """Documents that prove it: of its recurso where there is one, else of its guia."""
        self.ensure_one()
        recurso = self.recurso_line_ids.filtered("is_current").recurso_id
        return (recurso or self.guia_id).action_upload_documents()

    # ------------------------------------------------------------------
    # What is equal, and what can be given up
    # ------------------------------------------------------------------

    @api.model
    def _get_decidable_domain(self):
        """Glosas that a person can still decide about."""
        return Domain("state", "in", TO_DECIDE) & Domain("is_contested", "=", False)

    @api.model
    def _get_proposed_domain(self, today=None):
        """What can be accepted because nobody contested it in time, or nobody should.

        It is proposed only: a person accepts it (accounting rule of the project).
        """
        today = today or fields.Date.context_today(self)
        return self._get_decidable_domain() & (
            Domain("deadline_date", "<", today)
            | Domain("is_small", "=", True)
            | Domain("is_irrecoverable", "=", True)
        )

    def find_equal(self, reach="procedure"):
        """Other glosas that ask for the same decision: same operadora and code.

        :param reach: "procedure": of the same procedure as well; "code": of any
        :return: `tiss.glosa` that can be decided about, without those in self
        """
        groups = {
            (glosa.contract_id, glosa.code, glosa.guia_line_id.code if reach == "procedure" else "")
            for glosa in self
        }
        domain = Domain.OR(
            Domain("contract_id", "=", contract.id)
            & Domain("code", "=", code)
            & (Domain("guia_line_id.code", "=", procedure) if procedure else Domain.TRUE)
            for contract, code, procedure in groups
        )
        return self.search(domain & self._get_decidable_domain()) - self

    # ------------------------------------------------------------------
    # Decisions
    # ------------------------------------------------------------------

    def mark_irrecoverable(self, reason):
        """Say that nothing can be done about these: they are proposed to be accepted.

        :param reason: why, in the words of a person; nothing clinical
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        glosas = self._filter_denied()
        self._decide_silently(glosas, is_irrecoverable=True, irrecoverable_reason=reason)
        glosas._log_decision(self.env._("Irrecoverable: %s", reason))
        return glosas

    def unmark_irrecoverable(self):
        self.check_access("write")
        marked = self._filter_denied().filtered("is_irrecoverable")
        self._decide_silently(marked, is_irrecoverable=False, irrecoverable_reason=False)
        marked._log_decision(self.env._("No longer irrecoverable"))

    def accept(self):
        moves = super().accept()
        self._update_queue()
        return moves

    def reopen(self, reason):
        result = super().reopen(reason)
        self._update_queue()
        return result

    def create_recurso(self, level="item"):
        recursos = super().create_recurso(level)
        self._update_queue()
        return recursos

    def _update_queue(self):
        """What stood in the queue because of them and is decided now, leaves it."""
        demonstrativos = self.sudo().demonstrativo_id
        demonstrativos._queue_nameless_glosas()
        self.env["tiss.underpayment"]._queue(demonstrativos)

    def _check_reason(self, reason):
        reason = " ".join((reason or "").split())
        if not reason:
            raise UserError(self.env._("Say why: the reason stays in the history of the glosa."))
        return reason

    @api.model
    def _decide_silently(self, glosas, **vals):
        # One line in the chatter of each is written in one go, see `_log_decision`.
        glosas.sudo().with_context(tracking_disable=True).write(vals)

    def _log_decision(self, body):
        if self:
            self._message_log_batch(dict.fromkeys(self.ids, body))

    def contest_like(self, source):
        """Contest glosas with the words that were found for an equal one.

        :param source: `tiss.glosa` that is, or was, contested
        :return: `tiss.recurso`
        """
        written = source.recurso_line_ids.sorted("id")[-1:]
        recursos = self.create_recurso()
        if written:
            lines = recursos.line_ids.filtered(lambda line: line.glosa_id in self)
            lines._copy_justification(written)
        return recursos

    # ------------------------------------------------------------------
    # Billed again
    # ------------------------------------------------------------------

    def resubmit(self, reason):
        """Bill denied items again in a corrected guia, where the contract provides that (§4.4).

        What was denied is given up by a credit note, as the new guia is owed in its place; a part
        of an item is never billed a second time, it is contested.

        :param reason: why, in the words of a person; nothing clinical
        :return: `tiss.guia`, drafts that hold what was denied
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        glosas = self._filter_denied()
        lock(glosas)
        glosas._check_resubmittable()
        items = {
            guia: denied.guia_line_id.sorted("sequence_item")
            for guia, denied in glosas.grouped("guia_id").items()
        }
        glosas.accept()
        made = self.env["tiss.guia"]
        for guia, lines in items.items():
            made |= guia._bill_again(lines, reason)
        by_origin = {again.complements_id | again.replaces_id: again for again in made}
        for guia, denied in glosas.grouped("guia_id").items():
            self._decide_silently(denied, resubmitted_guia_id=by_origin[guia].id)
        glosas._log_decision(self.env._("Billed again: %s", reason))
        return made

    def _check_resubmittable(self):
        if not self:
            raise UserError(self.env._("Nothing of these glosas waits for a decision."))
        refusing = self.lote_id.contract_id.filtered(
            lambda contract: not contract.allows_resubmission
        )
        if refusing:
            raise UserError(
                self.env._(
                    "The contract with %s does not say that what was denied may be billed again:"
                    " contest it.",
                    refusing[0].name,
                )
            )
        for item, glosas in self.grouped("guia_line_id").items():
            denied = sum(to_cents(glosa.amount_open) for glosa in glosas)
            if denied != to_cents(item.amount):
                raise UserError(
                    self.env._(
                        "Guia %(guia)s, item %(item)s was denied only in part: it is contested,"
                        " never billed a second time.",
                        guia=item.guia_id.name,
                        item=item.sequence_item,
                    )
                )
