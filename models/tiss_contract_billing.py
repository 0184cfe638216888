from odoo import fields, models


class TissContract(models.Model):
    """How visits become guias at this operadora."""

    _inherit = "tiss.contract"

    guia_grouping = fields.Selection(
        [
            ("encounter", "One per visit"),
            ("authorization", "One per authorisation"),
            ("month", "One per patient and month"),
        ],
        "Guias",
        default="encounter",
        required=True,
        help="Visits share a guia only when all that it says once is the same for them: card,"
        " professional, authorisation, kind of care. Consultations never do.",
    )
    max_guia_items = fields.Integer(
        "Items per Guia",
        help="More items go into further guias that name the first one as their main guia."
        " Zero: no limit.",
    )

    _max_guia_items_range = models.Constraint(
        "CHECK(max_guia_items BETWEEN 0 AND 9999)", "A guia holds at most 9999 items."
    )
