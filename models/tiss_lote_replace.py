from odoo import api, fields, models
from odoo.exceptions import UserError

GIVEN_BACK = ("rejected", "cancelled")


class TissLote(models.Model):
    """A lote that the operadora refused or cancelled, and the one that takes its place."""

    _inherit = "tiss.lote"

    replaces_id = fields.Many2one(
        "tiss.lote",
        "Substitute Of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    replaced_by_ids = fields.One2many("tiss.lote", "replaces_id")
    released_guia_ids = fields.One2many(
        "tiss.guia", "released_lote_id", "Given Back", help="Guias that were in it."
    )
    held_guia_ids = fields.Many2many(
        "tiss.guia",
        "tiss_lote_held_guia_rel",
        "lote_id",
        "guia_id",
        "Guias That Were in It",
        readonly=True,
        copy=False,
        help="What it was sent with, wherever these guias are now.",
    )
    returned_count = fields.Integer("Guias to Send Again", compute="_compute_returned_count")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("state", "held_guia_ids", "released_guia_ids")
    def _compute_totals(self):
        """A lote that gave its guias back owes nothing any more, but still says what it held."""
        result = super()._compute_totals()
        for lote in self.filtered(lambda lote: lote.state in GIVEN_BACK and not lote.guia_count):
            lote.guia_count = len(lote.held_guia_ids or lote.released_guia_ids)
        return result

    @api.depends(
        "released_guia_ids.state", "guia_ids.state", "guia_ids.replaced_by_ids.state", "state"
    )
    def _compute_returned_count(self):
        for lote in self:
            lote.returned_count = len(lote._get_returned_guias())

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            "replaces_id", "released_guia_ids", "held_guia_ids",
        }  # fmt: skip

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_create_substitute(self):
        return self.create_substitute()._get_records_action(name=self.env._("Lotes"))

    def action_view_substitutes(self):
        return self.replaced_by_ids._get_records_action(name=self.env._("Lotes"))

    def action_cancel_at_operadora(self):
        """Open the cancellation of one whole lote, to be given a reason and sent."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Cancellation at the Operadora"),
            "res_model": "tiss.cancellation",
            "view_mode": "form",
            "context": {
                "default_company_id": self.company_id.id,
                "default_contract_id": self.contract_id.id,
                "default_lote_id": self.id,
            },
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _release_guias(self, reason):
        """The guias remember which lote they came back from."""
        for lote in self:
            lote.guia_ids.sudo().released_lote_id = lote
            lote.sudo().held_guia_ids = lote.guia_ids
        return super()._release_guias(reason)

    def _get_shown_guias(self):
        """The guias of one lote; of one that gave them back, those that it held."""
        return self.guia_ids or self.held_guia_ids or self.released_guia_ids

    def _get_returned_guias(self):
        """What was in one lote and can go into another: given back, or made in place of it."""
        given_back = self.released_guia_ids.filtered(lambda guia: not guia.lote_id)
        substitutes = self.guia_ids.filtered(
            lambda guia: guia.state == "cancelled"
        ).replaced_by_ids.filtered(lambda guia: not guia.lote_id)
        return (given_back | substitutes).filtered(lambda guia: guia.state in ("draft", "ready"))

    def create_substitute(self):
        """New lotes of what came back from these, with new numbers; linked with each other.

        Guias that still lack something stay outside, to be sent when they are corrected.

        :return: `tiss.lote`
        """
        self.check_access("write")
        substitutes = self.browse()
        for lote in self:
            guias = lote._get_returned_guias()
            ready = guias.filtered(lambda guia: guia.state == "ready")
            if not guias:
                raise UserError(
                    self.env._(
                        "No guia of lote %s came back, or they are in another lote already.",
                        lote.name,
                    )
                )
            if not ready:
                raise UserError(
                    self.env._(
                        "What came back from lote %s lacks something: complete it first.",
                        lote.name,
                    )
                )
            substitutes |= ready.create_lotes()
        return substitutes
