from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.counted import counted


class TissLoteGenerate(models.TransientModel):
    """Lotes from the guias that are ready: one convênio and type each, 100 guias at most."""

    _name = "tiss.lote.generate"
    _description = "Generate Lotes"
    _inherit = "tiss.generate"

    until_date = fields.Date("Visits Until", required=True, default=fields.Date.context_today)
    selected_ids = fields.Many2many(
        "tiss.guia", "tiss_lote_generate_selected_rel", string="Selected Guias"
    )
    guia_ids = fields.Many2many("tiss.guia", compute="_compute_guias", string="Guias")
    guia_count = fields.Integer(compute="_compute_guias")
    lote_count = fields.Integer(compute="_compute_guias")
    draft_count = fields.Integer(compute="_compute_guias")
    amount_total = fields.Monetary(compute="_compute_guias")
    summary = fields.Char(compute="_compute_summary")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(lambda self: self._get_criteria())
    def _compute_guias(self):
        for wizard in self:
            guias = wizard.env["tiss.guia"].search(wizard._get_domain())
            ready = guias.filtered(lambda guia: guia.state == "ready")
            groups = ready.grouped(lambda guia: (guia.contract_id, guia.guia_type))
            wizard.guia_ids = ready
            wizard.guia_count = len(ready)
            wizard.draft_count = len(guias - ready)
            wizard.amount_total = sum(ready.mapped("amount_total"))
            wizard.lote_count = sum(
                -(-len(group) // contract.guias_per_lote)
                for (contract, _guia_type), group in groups.items()
            )

    @api.depends("guia_ids", "guia_count", "lote_count", "draft_count", "amount_total")
    def _compute_summary(self):
        for wizard in self:
            sentences = [
                self.env._(
                    "%(guias)s in %(lotes)s, %(amount)s.",
                    guias=counted(self.env, "guia", wizard.guia_count),
                    lotes=counted(self.env, "lote", wizard.lote_count),
                    amount=wizard.currency_id.format(wizard.amount_total),
                )
                if wizard.guia_count
                else self.env._("No guia is ready for a lote.")
            ]
            if wizard.draft_count:
                sentences.append(
                    self.env._("Left out because something is missing: %s.", wizard.draft_count)
                )
            repeated = len(wizard.guia_ids._find_repeated())
            if repeated:
                sentences.append(
                    self.env._("Equal to another guia: %s. Filter the list by Repeated.", repeated)
                )
            wizard.summary = " ".join(sentences)

    @api.model
    def _get_criteria(self):
        return [*super()._get_criteria(), "until_date"]

    def _get_domain(self):
        return [
            *super()._get_domain(),
            ("state", "in", ("draft", "ready")),
            ("date", "<=", self.until_date),
        ]

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_generate(self):
        """Create the lotes, build their XML and open them."""
        self.ensure_one()
        if not self.guia_ids:
            raise UserError(self.env._("There is no guia ready for a lote."))
        lotes = self.guia_ids.create_lotes()
        lotes.build()
        return lotes._get_records_action(name=self.env._("New Lotes"))
