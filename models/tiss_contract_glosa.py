from odoo import fields, models


class TissContract(models.Model):
    """What a convênio is expected to deny, and what difference is not worth a look."""

    _inherit = "tiss.contract"

    underpayment_tolerance = fields.Monetary(
        "Difference Not Worth a Look",
        help="Items paid below the contract price by at most this are not listed.",
    )
    provision_denied_percent = fields.Float(
        "Expected Glosa (%)",
        digits=(5, 2),
        help="Of what is presented, as long as there is no history of twelve months to tell.",
    )
    provision_recovered_percent = fields.Float(
        "Expected Recovery (%)",
        digits=(5, 2),
        help="Of what is denied, as long as there is no history of twelve months to tell.",
    )

    _provision_percent_range = models.Constraint(
        "CHECK(COALESCE(provision_denied_percent, 0) BETWEEN 0 AND 100"
        " AND COALESCE(provision_recovered_percent, 0) BETWEEN 0 AND 100)",
        "A percentage is between 0 and 100.",
    )
