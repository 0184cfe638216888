from odoo import api, fields, models

from ..standard.money import line_total
from .tiss_term import term_field


class TissEncounterLine(models.Model):
    """A procedure done, or an expense used, in a visit."""

    _name = "tiss.encounter.line"
    _description = "Encounter Item"
    _order = "encounter_id.id, sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    encounter_id = fields.Many2one("tiss.encounter", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="encounter_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    product_id = fields.Many2one(
        "product.product",
        "Procedure or Item",
        required=True,
        domain=[("tiss_code", "!=", False)],
        ondelete="restrict",
    )
    tiss_code = fields.Char(related="product_id.tiss_code")
    expense_kind_id = fields.Many2one(related="product_id.tiss_expense_kind_id")
    quantity = fields.Float(digits=(9, 4), default=1.0, required=True)
    unit_price = fields.Float(
        digits=(10, 2), compute="_compute_unit_price", store=True, readonly=False, precompute=True
    )
    has_price = fields.Boolean(
        compute="_compute_has_price",
        store=True,
        precompute=True,
        help="The convênio has a price for this item on that day.",
    )
    factor = fields.Float(
        digits=(3, 2),
        default=1.0,
        required=True,
        help="Reduction or increase as a multiplier: 1.00 neutral, 0.50 half, 1.30 +30%.",
    )
    amount = fields.Monetary(compute="_compute_amount", store=True, precompute=True)
    professional_id = fields.Many2one(
        "res.partner",
        domain=[("tiss_is_professional", "=", True)],
        help="Who did it, when not the professional of the visit.",
    )
    access_id = term_field("61", "Access Route")
    participation_id = term_field("35", "Participation")
    patient_amount = fields.Float(
        "Patient Pays",
        digits=(10, 2),
        copy=False,
        readonly=True,
        help="Deductible and co-payment, as the coverage said when the visit was closed.",
    )

    _positive = models.Constraint(
        "CHECK(quantity > 0 AND unit_price >= 0 AND factor > 0)",
        "Quantity and factor are above zero, and no price is negative.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("product_id", "encounter_id.contract_id", "encounter_id.date")
    def _compute_unit_price(self):
        for line, price in self._get_prices():
            line.unit_price = float(price or 0)

    # Apart from the price: computed together, it would overwrite a price that a person typed.
    @api.depends("product_id", "encounter_id.contract_id", "encounter_id.date")
    def _compute_has_price(self):
        for line, price in self._get_prices():
            line.has_price = price is not None

    def _get_prices(self):
        """(line, Decimal price or None) of each line, by the contract on the day of the visit."""

        def key(line):
            return line.encounter_id.contract_id, line.encounter_id.date

        for (contract, date), lines in self.grouped(key).items():
            prices = contract._get_prices(lines.product_id, date) if contract and date else {}
            for line in lines:
                price, _rule = prices.get(line.product_id.id, (None, None))
                yield line, price

    @api.depends("quantity", "unit_price", "factor")
    def _compute_amount(self):
        for line in self:
            line.amount = float(line_total(line.quantity, line.unit_price, line.factor))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.encounter_id._check_not_billed()
        return lines

    def write(self, vals):
        self.encounter_id._check_not_billed()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self.encounter_id._check_not_billed()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_billing_problems(self):
        """Why this item cannot be billed yet, as sentences."""
        self.ensure_one()
        problems = []
        product, date = self.product_id, self.encounter_id.date
        if not product.tiss_table or not product.tiss_code:
            problems.append(self.env._("%s has no TUSS code.", product.display_name))
        if not self.has_price and not self.unit_price:
            problems.append(
                self.env._(
                    "%(product)s has no price in %(contract)s on that day.",
                    product=product.display_name,
                    contract=self.encounter_id.contract_id.name or self.env._("the convênio"),
                )
            )
        if product.tiss_term_id and not product.tiss_term_id._is_valid_on(date):
            problems.append(
                self.env._(
                    "The TUSS code of %s was not valid on the day of the visit.",
                    product.display_name,
                )
            )
        if not product.tiss_expense_kind_id and self.quantity != int(self.quantity):
            problems.append(
                self.env._("%s is a procedure: its quantity is a whole number.", product.name)
            )
        return problems

    def _update_missing_prices(self):
        """Look again for prices that the contract did not have when the item was recorded."""
        unpriced = self.filtered(lambda line: not line.has_price and not line.unit_price)
        for line, price in unpriced._get_prices():
            if price is not None:
                line.write({"unit_price": float(price), "has_price": True})

    def _get_performer(self):
        return self.professional_id or self.encounter_id.professional_id

    def _prepare_guia_line_vals(self, item, guia_type):
        """Values of the guia's item; `item` is its sequencialItem."""
        self.ensure_one()
        product = self.product_id
        vals = {
            "company_id": self.company_id.id,
            "sequence_item": item,
            "product_id": product.id,
            "date": self.encounter_id.date,
            "table_code": product.tiss_table,
            "code": product.tiss_code,
            "description": product.name,
            "quantity": self.quantity,
            "unit_price": self.unit_price,
            "factor": self.factor,
            "expense_kind_id": product.tiss_expense_kind_id.id,
            "unit_id": product.tiss_unit_id.id,
        }
        if guia_type == "sp_sadt" and not product.tiss_expense_kind_id:
            vals["member_ids"] = [
                fields.Command.create(
                    {
                        "company_id": self.company_id.id,
                        "professional_id": self._get_performer().id,
                        "participation_id": self.participation_id.id,
                    }
                )
            ]
        return vals
