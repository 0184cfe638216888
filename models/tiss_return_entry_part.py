from odoo import api, fields, models


class TissReturnEntryPart(models.AbstractModel):
    """A row of a demonstrativo typed by hand: it changes only as long as the whole may."""

    _name = "tiss.return.entry.part"
    _description = "Row of a Demonstrativo Typed by Hand"

    entry_id = fields.Many2one("tiss.return.entry", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="entry_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts.entry_id._check_open()
        return parts

    def write(self, vals):
        self.entry_id._check_open()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_checked(self):
        self.entry_id._check_open()
