from odoo import api, fields, models
from odoo.fields import Command

from ..models.tiss_guia import GUIA_TYPES


class TissGenerate(models.AbstractModel):
    """What the wizards share that make many records: whose, of what, and from which selection.

    A wizard adds `selected_ids`, a many2many to what it starts from, and its own dates and states
    to `_get_domain`.
    """

    _name = "tiss.generate"
    _description = "Generate Records"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_ids = fields.Many2many(
        "tiss.contract", string="Convênios", check_company=True, help="All when empty."
    )
    professional_ids = fields.Many2many(
        "res.partner",
        string="Professionals",
        domain=[("tiss_is_professional", "=", True)],
        help="All when empty.",
    )
    guia_type = fields.Selection(GUIA_TYPES, "Type", help="All when empty.")

    @api.model
    def default_get(self, fields):
        """Opened from a selection in a list, the wizard keeps to it."""
        values = super().default_get(fields)
        if self.env.context.get("active_model") == self._fields["selected_ids"].comodel_name:
            values["selected_ids"] = [Command.set(self.env.context.get("active_ids", []))]
        return values

    @api.model
    def _get_criteria(self):
        """Fields on which the preview depends."""
        return ["company_id", "contract_ids", "professional_ids", "guia_type", "selected_ids"]

    def _get_domain(self):
        domain = [("company_id", "=", self.company_id.id)]
        for name in ("contract", "professional"):
            if records := self[f"{name}_ids"]:
                domain.append((f"{name}_id", "in", records.ids))
        if self.guia_type:
            domain.append(("guia_type", "=", self.guia_type))
        if self.selected_ids:
            domain.append(("id", "in", self.selected_ids.ids))
        return domain
