from odoo import fields, models

GLOSA_POLICIES = [
    ("open", "Stays on the invoice until it is accepted or recovered"),
    ("at_once", "Is written off when it arrives; what is recovered is new revenue"),
]


class TissContract(models.Model):
    """What a convênio is expected to deny, and what difference is not worth a look."""

    _inherit = "tiss.contract"

    glosa_policy = fields.Selection(
        GLOSA_POLICIES,
        "A Glosa",
        default="open",
        required=True,
        help="For the protocolos that arrive from now on.",
    )
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
