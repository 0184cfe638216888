from odoo import fields, models


class TissNetworkLevel(models.Model):
    """A level of an operadora's network, such as Basic, Plus or Premium."""

    _name = "tiss.network.level"
    _description = "Network Level"
    _order = "operadora_id, sequence, name"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True)
    operadora_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="cascade",
    )

    _name_uniq = models.Constraint(
        "UNIQUE(operadora_id, name)", "This operadora already has a level with this name."
    )
