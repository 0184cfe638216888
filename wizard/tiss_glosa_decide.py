from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.counted import counted
from ..standard.money import from_cents, to_cents

DECISIONS = [
    ("contest", "Contest: write the recursos"),
    ("accept", "Accept: give the amounts up by credit notes"),
    ("hopeless", "Irrecoverable: propose to give it up, with the reason"),
    ("again", "Correct and bill again"),
    ("owner", "Give to somebody"),
]


class TissGlosaDecide(models.TransientModel):
    """One decision about some glosas, and about all that are equal to them.

    What it will do is said in a sentence, with how many and how much, before it is done.
    """

    _name = "tiss.glosa.decide"
    _description = "Decide about Glosas"

    glosa_ids = fields.Many2many("tiss.glosa", string="Chosen", required=True, readonly=True)
    currency_id = fields.Many2one(related="glosa_ids.company_id.currency_id")
    reach = fields.Selection(
        [
            ("chosen", "Only those that were chosen"),
            ("procedure", "All of the same operadora, code and procedure"),
            ("code", "All of the same operadora and code"),
        ],
        "About",
        default="chosen",
        required=True,
    )
    decision = fields.Selection(DECISIONS, required=True, default="contest")
    user_id = fields.Many2one("res.users", "Owner", default=lambda self: self.env.user)
    reason = fields.Char(
        help="Everybody who bills reads it in the history: nothing about the patient's health."
    )
    source_id = fields.Many2one(
        "tiss.glosa",
        "Words Of",
        compute="_compute_source_id",
        help="The recurso that was written about an equal glosa: its words are used again.",
    )
    count = fields.Integer("Glosas", compute="_compute_totals")
    amount = fields.Monetary(compute="_compute_totals")
    summary = fields.Char(compute="_compute_totals")

    # ------------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------------

    @api.model
    def _get_glosa_action(self, glosas):
        """Open the wizard about glosas."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Decide about Glosas"),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_glosa_ids": [Command.set(glosas.ids)]},
        }

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    def _get_glosas(self):
        """All that the decision is about."""
        chosen = self.glosa_ids._origin
        found = chosen if self.reach == "chosen" else chosen | chosen.find_equal(self.reach)
        return found.filtered(lambda glosa: glosa.state in ("open", "kept"))

    @api.depends("glosa_ids")
    def _compute_source_id(self):
        for wizard in self:
            glosas = wizard.glosa_ids._origin
            # What was said against one reason is nothing against another.
            is_one_matter = len(glosas.contract_id) == 1 and len(set(glosas.mapped("code"))) == 1
            written = glosas.filtered("recurso_line_ids")
            wizard.source_id = written[-1:] if is_one_matter else False

    @api.depends("glosa_ids", "reach", "decision")
    def _compute_totals(self):
        for wizard in self:
            glosas = wizard._get_glosas()
            cents = sum(to_cents(glosa.amount_open) for glosa in glosas)
            wizard.count = len(glosas)
            wizard.amount = float(from_cents(cents))
            wizard.summary = self.env._(
                "%(glosas)s of %(guias)s in %(lotes)s, %(amount)s.",
                glosas=counted(self.env, "glosa", len(glosas)),
                guias=counted(self.env, "guia", len(glosas.guia_id)),
                lotes=counted(self.env, "lote", len(glosas.lote_id)),
                amount=wizard.currency_id.format(wizard.amount),
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_apply(self):
        """Do it; whatever is made by it then opens."""
        self.ensure_one()
        glosas = self._get_glosas()
        if not glosas:
            raise UserError(self.env._("Nothing of these glosas waits for a decision."))
        made = getattr(self, f"_apply_{self.decision}")(glosas)
        if made:
            return made._get_records_action(name=self._get_made_name())
        return {"type": "ir.actions.act_window_close"}

    def _get_made_name(self):
        return {
            "contest": self.env._("Recursos"),
            "accept": self.env._("Credit Notes"),
            "again": self.env._("Guias"),
        }[self.decision]

    def _apply_contest(self, glosas):
        return glosas.contest_like(self.source_id) if self.source_id else glosas.create_recurso()

    def _apply_accept(self, glosas):
        return glosas.accept()

    def _apply_hopeless(self, glosas):
        glosas.mark_irrecoverable(self.reason)

    def _apply_again(self, glosas):
        return glosas.resubmit(self.reason)

    def _apply_owner(self, glosas):
        glosas.check_access("write")
        glosas.user_id = self.user_id
