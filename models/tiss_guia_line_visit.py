from odoo import api, fields, models
from odoo.exceptions import UserError

from .system_fields import without_defaults


class TissGuiaLine(models.Model):
    """The item of a visit that this item bills."""

    _inherit = "tiss.guia.line"

    encounter_line_id = fields.Many2one(
        "tiss.encounter.line",
        "Item of the Visit",
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        readonly=True,
        help="As long as this guia bills it; a cancelled guia gives it up.",
    )

    # The last word against billing twice, whatever two people do at the same time.
    _encounter_line_uniq = models.UniqueIndex(
        "(encounter_line_id) WHERE encounter_line_id IS NOT NULL",
        "An item of this visit is billed by another guia already.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        model = without_defaults(self, {"encounter_line_id"})
        for vals in vals_list:
            self._check_visit_vals(vals)
        return super(TissGuiaLine, model).create(vals_list)

    def write(self, vals):
        self._check_visit_vals(vals)
        return super().write(vals)

    def _check_visit_vals(self, vals):
        if "encounter_line_id" in vals and not self.env.su:
            raise UserError(
                self.env._("Which visit a guia bills changes only by making or cancelling guias.")
            )

    def _get_loose_fields(self):
        return super()._get_loose_fields() | {"encounter_line_id"}
