from odoo import api, fields, models


class TissPriceSource(models.Model):
    """Where prices come from, and how the columns of its files are to be read."""

    _name = "tiss.price.source"
    _description = "Price File Source"
    _order = "name"

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    signature = fields.Char(required=True, help="Digest of the titles of the columns.")
    # {"roles": {role: column, from 0}, "mark": "," or "." or ""}
    mapping = fields.Json(required=True)

    _signature_uniq = models.UniqueIndex(
        "(company_id, signature)", "The columns of these files are already known."
    )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _find(self, company, signature):
        return self.search(
            [("company_id", "=", company.id), ("signature", "=", signature)], limit=1
        )

    @api.model
    def _remember(self, company, signature, vals):
        """Keep how the files of a source are read: its name and mapping."""
        source = self._find(company, signature)
        if source:
            source.write({key: value for key, value in vals.items() if source[key] != value})
            return source
        return self.create({"company_id": company.id, "signature": signature, **vals})
