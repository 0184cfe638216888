from odoo import api, fields, models

from .environment_label import add_label


class TissOutgoing(models.AbstractModel):
    """On every form from which something is sent: in which environment it goes out."""

    _inherit = "tiss.outgoing"

    shown_environment = fields.Selection(
        selection=lambda self: (
            self.env["tiss.contract"]._fields["shown_environment"]._description_selection(self.env)
        ),
        string="Environment",
        compute="_compute_shown_environment",
    )

    @api.depends("contract_id.shown_environment")
    def _compute_shown_environment(self):
        for record in self:
            record.shown_environment = record.contract_id.shown_environment

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        add_label(arch, view_type)
        return arch, view
