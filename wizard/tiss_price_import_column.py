from odoo import fields, models


class TissPriceImportColumn(models.TransientModel):
    """A column of a price file and what it means."""

    _name = "tiss.price.import.column"
    _description = "Price Import Column"
    _order = "import_id, position"

    import_id = fields.Many2one("tiss.price.import", required=True, index=True, ondelete="cascade")
    position = fields.Integer(required=True)
    title = fields.Char()
    examples = fields.Char()
    role = fields.Selection(
        [
            ("code", "Code"),
            ("tuss_code", "TUSS code, beside another code"),
            ("name", "Description"),
            ("detail", "Presentation"),
            ("price", "Price"),
            ("tele_price", "Telehealth price"),
            ("start", "Valid from"),
            ("end", "Valid until"),
            ("porte", "Porte"),
            ("porte_fraction", "Fraction of the porte"),
            ("uco", "UCO (operational cost)"),
            ("film", "Film m²"),
            ("auxiliaries", "Assistants"),
            ("anaesthetic_porte", "Anaesthetic porte"),
            ("ch", "CH"),
            ("pf", "PF of the package"),
            ("pmc", "PMC of the package"),
            ("pf_fraction", "PF of a fraction"),
            ("pmc_fraction", "PMC of a fraction"),
            ("package_quantity", "Units per package"),
            ("unit", "Unit"),
        ],
        "Means",
    )
