from odoo import api, models
from odoo.fields import Domain
from odoo.tools import escape_psql


class ProductProduct(models.Model):
    """Procedures are found by TISS code, and by TUSS words in any order and without accents."""

    _inherit = "product.product"

    @api.model
    def name_search(self, name="", domain=None, operator="ilike", limit=100):
        found = super().name_search(name, domain, operator, limit)
        Term = self.env["tiss.term"]
        is_full = limit and len(found) >= limit
        if not name or operator not in ("ilike", "like") or is_full or not Term.has_access("read"):
            return found
        terms = Term._search_display_name(operator, name)
        code = escape_psql(name.strip())
        others = self.search_fetch(
            Domain(domain or Domain.TRUE)
            & (Domain("tiss_term_id", "any", terms) | Domain("tiss_code", "=ilike", f"{code}%"))
            & Domain("id", "not in", [product_id for product_id, _label in found]),
            ["display_name"],
            limit=limit and limit - len(found),
        )
        return found + [(product.id, product.display_name) for product in others]
