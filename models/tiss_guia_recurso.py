from odoo import fields, models


class TissGuia(models.Model):
    """What of a guia is, or was, contested."""

    _inherit = "tiss.guia"

    recurso_line_ids = fields.One2many(
        "tiss.recurso.line", "guia_id", "Recursos", groups="l10n_br_tiss.group_tiss_billing"
    )
