from odoo import api, models

from .system_fields import without_defaults


class TissSystemMade(models.AbstractModel):
    """Rows that only the methods of this addon make: no context of a browser adds to them.

    What they leave to a default or a compute, a forged `default_…` would say otherwise.
    """

    _name = "tiss.system.made"
    _description = "Made by the System"

    @api.model_create_multi
    def create(self, vals_list):
        return super(TissSystemMade, without_defaults(self)).create(vals_list)
