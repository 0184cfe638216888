from odoo import api, fields, models
from odoo.exceptions import UserError

from .bulk import insert, make_append_only
from .tiss_guia import STATES

COLUMNS = ("guia_id", "company_id", "event", "state_from", "state_to", "reason")


class TissGuiaLog(models.Model):
    """What happened to a guia: who changed its status, when and why.

    Append-only, and nothing clinical. Who made a row and when are its create_uid and create_date.
    """

    _name = "tiss.guia.log"
    _description = "History of a Guia"
    _order = "id desc"

    guia_id = fields.Many2one(
        "tiss.guia", required=True, index=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    event = fields.Selection(
        [
            ("status", "Change of status"),
            ("received", "Received by the operadora"),
            ("removed", "Taken out of the lote"),
            ("withdrawn", "Withdrawn"),
            ("replaced", "Replaced"),
            ("substitute", "Substitute of another"),
            ("complemented", "Complemented"),
            ("complement", "Complement of another"),
            ("copied", "Copied from another"),
        ],
        required=True,
        readonly=True,
    )
    state_from = fields.Selection(STATES, "From", readonly=True)
    state_to = fields.Selection(STATES, "To", readonly=True)
    reason = fields.Char(readonly=True)

    @api.depends("event", "guia_id")
    def _compute_display_name(self):
        labels = dict(self._fields["event"]._description_selection(self.env))
        for row in self:
            row.display_name = f"{row.guia_id.name} · {labels[row.event]}"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def init(self):
        make_append_only(self)

    def write(self, vals):
        if self:
            raise UserError(self.env._("The history of a guia cannot be changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The history of a guia cannot be deleted."))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _record(self, rows):
        """Keep rows of (guia, event, state before, state after, reason) in one statement."""
        insert(
            self,
            COLUMNS,
            [
                (guia.id, guia.company_id.id, event, before, after, reason or None)
                for guia, event, before, after, reason in rows
            ],
        )
