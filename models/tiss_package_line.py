from odoo import fields, models


class TissPackageLine(models.Model):
    """What a package (tables 98 and 90, or an own code) includes."""

    _name = "tiss.package.line"
    _description = "Package Component"
    _order = "package_id, sequence, id"

    sequence = fields.Integer(default=10)
    package_id = fields.Many2one("product.template", required=True, index=True, ondelete="cascade")
    product_tmpl_id = fields.Many2one(
        "product.template", "Component", required=True, index=True, ondelete="restrict"
    )
    quantity = fields.Float(digits=(9, 4), default=1.0, required=True)

    _quantity_positive = models.Constraint(
        "CHECK(quantity > 0)", "The quantity of a component is above zero."
    )
