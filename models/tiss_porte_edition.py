from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.pricing import PORTES


class TissPorteEdition(models.Model):
    """What the units of a reference table are worth in reais from a day on (guide §8.3).

    CBHPM's structure and its values change apart: a contract names an edition of each.
    """

    _name = "tiss.porte.edition"
    _description = "Values of Portes"
    _inherit = ["tiss.price.edition"]
    _order = "start_date desc, name"
    _tiss_rule_field = "tiss_porte_edition_id"

    start_date = fields.Date("Valid From")
    uco_amount = fields.Float("Value of 1 UCO", digits=(12, 4))
    film_amount = fields.Float("Value of 1 m² of Film", digits=(12, 4))
    ch_amount = fields.Float("Value of 1 CH", digits=(12, 4))
    value_ids = fields.One2many("tiss.porte.value", "edition_id", "Portes", copy=True)

    _not_negative = models.Constraint(
        "CHECK(uco_amount >= 0 AND film_amount >= 0 AND ch_amount >= 0)", "No value is negative."
    )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_fill_portes(self):
        """One row for each of the 42 portes that has none yet, to be typed in."""
        self._check_draft()
        for edition in self:
            known = set(edition.value_ids.mapped("porte"))
            edition.value_ids = [
                Command.create({"porte": porte, "amount": 0.0})
                for porte in PORTES
                if porte not in known
            ]

    def _check_complete(self):
        for edition in self:
            amounts = (edition.uco_amount, edition.film_amount, edition.ch_amount)
            if not any(amounts) and not any(edition.value_ids.mapped("amount")):
                raise UserError(self.env._("“%s” has no values yet.", edition.display_name))
