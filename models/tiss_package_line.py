from odoo import api, fields, models
from odoo.exceptions import ValidationError


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
    tiss_table = fields.Selection(related="product_tmpl_id.tiss_table")
    tiss_code = fields.Char(related="product_tmpl_id.tiss_code")
    quantity = fields.Float(digits=(9, 4), default=1.0, required=True)

    _quantity_positive = models.Constraint(
        "CHECK(quantity > 0)", "The quantity of a component is above zero."
    )
    _component_uniq = models.Constraint(
        "UNIQUE(package_id, product_tmpl_id)",
        "A component stands once in its package: raise its quantity instead.",
    )

    @api.constrains("package_id", "product_tmpl_id")
    def _check_cycle(self):
        """No package contains itself, not even by way of others; one query per level."""
        children = {}
        level = self.package_id
        while level:
            found = self.search([("package_id", "in", level.ids)])
            for package in level:
                children[package] = package.browse()
            for line in found:
                children[line.package_id] |= line.product_tmpl_id
            level = found.product_tmpl_id - level.browse([each.id for each in children])
        for package in self.package_id:
            chain = self._find_cycle(children, package)
            if chain:
                names = " → ".join(product.name for product in chain)
                raise ValidationError(self.env._("A package cannot contain itself: %s.", names))

    @api.model
    def _find_cycle(self, children, package):
        """The way from a package back to itself, e.g. [A, B, A]; None where there is none."""
        ways = [[package]]
        seen = set()
        while ways:
            way = ways.pop()
            for component in children[way[-1]]:
                if component == package:
                    return [*way, component]
                if component not in seen:
                    seen.add(component)
                    ways.append([*way, component])
        return None
