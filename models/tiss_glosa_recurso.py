from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import split_every

from ..standard.money import from_cents, to_cents
from .bulk import lock

MAX_GUIAS = 100  # recursoGuia: 1..100 (guide §5.8)
LAST_INSTANCE = "2"


class TissGlosa(models.Model):
    """A glosa that is contested: what of it is under recurso, recovered, or still denied."""

    _inherit = "tiss.glosa"

    recurso_line_ids = fields.One2many("tiss.recurso.line", "glosa_id", "Recursos")
    recurso_id = fields.Many2one(
        "tiss.recurso", "Last Recurso", compute="_compute_recurso_id", store=True, index=True
    )
    amount_appealed = fields.Monetary(
        "Under Recurso", compute="_compute_amounts", store=True, precompute=True
    )
    amount_recovered = fields.Monetary(compute="_compute_amounts", store=True, precompute=True)
    amount_open = fields.Monetary(
        "Still Denied",
        compute="_compute_amounts",
        store=True,
        precompute=True,
        help="To be contested or accepted.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "amount",
        "amount_accepted",
        "recurso_line_ids.amount_appealed",
        "recurso_line_ids.amount_recovered",
    )
    def _compute_amounts(self):
        for glosa in self:
            appealed, recovered = glosa._get_gone_cents()
            gone = appealed + recovered + to_cents(glosa.amount_accepted)
            glosa.amount_appealed = float(from_cents(appealed))
            glosa.amount_recovered = float(from_cents(recovered))
            glosa.amount_open = float(from_cents(to_cents(glosa.amount) - gone))

    def _get_gone_cents(self):
        """(cents under recurso, cents recovered) of one glosa."""
        lines = self.recurso_line_ids
        appealed = sum(to_cents(line.amount_appealed) for line in lines)
        return appealed, sum(to_cents(line.amount_recovered) for line in lines)

    @api.depends(
        "amount_open", "amount_appealed", "amount_accepted", "recurso_line_ids.is_answered"
    )
    def _compute_state(self):
        """What asks for a decision comes first: the rest of a glosa may be paid already."""
        for glosa in self:
            if glosa.amount_open:
                was_kept = any(glosa.recurso_line_ids.mapped("is_answered"))
                glosa.state = "kept" if was_kept else "open"
            elif glosa.amount_appealed:
                glosa.state = "appealed"
            else:
                glosa.state = "accepted" if glosa.amount_accepted else "recovered"

    @api.depends("recurso_line_ids.is_current", "recurso_line_ids.recurso_id")
    def _compute_recurso_id(self):
        for glosa in self:
            lines = glosa.recurso_line_ids.sorted(lambda line: line._origin.id or 0)
            current = lines.filtered("is_current") or lines
            glosa.recurso_id = current[-1:].recurso_id

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_create_recurso(self):
        return self.create_recurso()._get_records_action(name=self.env._("Recursos"))

    def action_view_recurso(self):
        return self.recurso_line_ids.recurso_id._get_records_action(name=self.env._("Recursos"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _filter_denied(self):
        """Those of which something is denied that nobody contests at the moment."""
        return self.filtered(lambda glosa: glosa.state in ("open", "kept"))

    def create_recurso(self, level="item"):
        """Contest the denied amounts (guide §5.8).

        One recurso per guia, or one per protocolo and 100 guias where the convênio wants that;
        a whole protocolo is always one. What is contested in a recurso that is still written, or
        was refused, is not contested a second time: that one is given back.

        :param level: "item", "guia" or "protocol"
        :return: `tiss.recurso`
        """
        self.check_access("write")
        lock(self)
        glosas = self._filter_denied()
        written = glosas.recurso_line_ids.filtered("is_current")
        vals_list = [
            vals
            for batch in (glosas - written.glosa_id)._group_for_recursos(level)
            for vals in batch._prepare_recurso(level)
        ]
        # Nobody makes these by hand: only a denied amount is contested.
        recursos = self.env["tiss.recurso"].sudo().create(vals_list).with_env(self.env)
        recursos.line_ids._fill_justification()
        found = written.recurso_id | recursos
        if not found:
            raise UserError(self.env._("Nothing of these glosas is left to be contested."))
        return found

    def _group_for_recursos(self, level):
        """Batches that one recurso contests, in the order of their guias."""
        batches = []
        for (lote, _previous), glosas in self.grouped(
            lambda glosa: (glosa.lote_id, glosa._get_last_answered())
        ).items():
            together = level == "protocol" or lote.contract_id.appeal_grouping == "protocol"
            by_guia = glosas.grouped("guia_id")
            guias = sorted(by_guia, key=lambda guia: (guia.number, guia.id))
            size = (len(guias) if level == "protocol" else MAX_GUIAS) if together else 1
            for part in split_every(size, guias, list):
                batches.append(self.browse().union(*(by_guia[guia] for guia in part)))
        return batches

    def _get_last_answered(self):
        """The recurso whose answer kept one glosa denied."""
        answered = self.recurso_line_ids.filtered("is_answered").sorted("id")
        return answered[-1:].recurso_id

    def _prepare_recurso(self, level):
        previous = self[:1]._get_last_answered()
        lote = self.lote_id
        if previous:
            self._check_next_instance(previous)
        return [
            {
                "company_id": lote.company_id.id,
                "contract_id": lote.contract_id.id,
                "lote_id": lote.id,
                "level": level,
                "instance": LAST_INSTANCE if previous else "1",
                "previous_id": previous.id,
                "user_id": self.user_id.id if len(self.user_id) == 1 else self.env.uid,
                "line_ids": [
                    fields.Command.create(glosa._prepare_recurso_line())
                    for glosa in self.sorted(
                        lambda glosa: (glosa.guia_id.id, glosa.guia_line_id.sequence_item, glosa.id)
                    )
                ],
            }
        ]

    def _prepare_recurso_line(self):
        return {
            "glosa_id": self.id,
            "guia_line_id": self.guia_line_id.id,
            "code": self.code,
            "amount": self.amount_open,
        }

    def _check_next_instance(self, previous):
        if previous.instance == LAST_INSTANCE:
            raise UserError(
                self.env._(
                    "Recurso %s was the second instance: accept what it did not recover.",
                    previous.name,
                )
            )
        if not previous.contract_id.appeal_second_instance:
            raise UserError(
                self.env._(
                    "The contract with %s has no second instance: accept what the recurso did not"
                    " recover.",
                    previous.contract_id.name,
                )
            )

    def _check_not_contested(self):
        """Before glosas disappear with their demonstrativo."""
        written = self.recurso_line_ids.filtered("is_current")
        if written:
            raise UserError(
                self.env._(
                    "Glosa %(glosa)s is contested in recurso %(recurso)s: give that up first.",
                    glosa=written[0].glosa_id.display_name,
                    recurso=written[0].recurso_id.name,
                )
            )
