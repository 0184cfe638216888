import itertools

from odoo import api, fields, models
from odoo.tools import split_every

from ..standard.money import line_total
from .price_book import PriceRequest
from .tiss_term import term_field

ACCESS = {"2": "same", "3": "different"}  # T61; 1 is the only one
ROLES = {  # T35
    "00": "surgeon",
    "01": "auxiliary_1",
    "02": "auxiliary_2",
    "03": "auxiliary_3",
    "04": "auxiliary_4",
    "05": "instrumentator",
    "06": "anaesthetist",
}
WITH_TEAM = ("sp_sadt", "resumo_internacao", "honorarios")
DETAILS = (
    "start_time", "end_time", "anvisa_number", "manufacturer_reference", "company_licence",
)  # fmt: skip
# What a price depends on; a typed price is kept when something else of the visit changes.
PRICE_DEPENDS = (
    "product_id",
    "access_id",
    "participation_id",
    "professional_id",
    "date",
    "encounter_id.contract_id",
    "encounter_id.date",
    "encounter_id.card_id",
    "encounter_id.mode",
    "encounter_id.professional_id",
)


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
    price_item_id = fields.Many2one(
        "product.pricelist.item",
        "Price Rule",
        compute="_compute_has_price",
        store=True,
        precompute=True,
        index="btree_not_null",
        ondelete="set null",
    )
    factor = fields.Float(
        digits=(3, 2),
        compute="_compute_factor",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        default=1.0,
        help="Reduction or increase as a multiplier: 1.00 neutral, 0.50 half, 1.30 +30%.",
    )
    amount = fields.Monetary(compute="_compute_amount", store=True, precompute=True)
    professional_id = fields.Many2one(
        "res.partner",
        domain=[("tiss_is_professional", "=", True)],
        help="Who did it, when not the professional of the visit.",
    )
    date = fields.Date(help="When it was done, when not on the day of the visit.")
    start_time = fields.Float("Start", help="Both hours at 0:00 mean that none is told.")
    end_time = fields.Float("End", help="Before the start: it ended on the next day.")
    access_id = term_field("61", "Access Route")
    participation_id = term_field("35", "Participation")
    technique_id = term_field("48", "Technique")
    anvisa_number = fields.Char("ANVISA Registration", size=15)
    manufacturer_reference = fields.Char("Manufacturer's Reference", size=60)
    company_licence = fields.Char("Operating Licence", size=30)
    tooth_id = term_field("28", "Tooth")
    region_id = term_field("42", "Region")
    faces = fields.Char(
        size=5,
        help="O occlusal, L lingual, M mesial, V vestibular, D distal, I incisal, P palatine.",
    )
    us_quantity = fields.Float(
        "US", digits=(7, 2), help="Unidades de serviço of the whole item, where prices are in US."
    )
    guia_line_ids = fields.One2many(
        "tiss.guia.line", "encounter_line_id", "Guia Items", copy=False, readonly=True
    )
    patient_amount = fields.Float(
        "Patient Pays",
        digits=(10, 2),
        copy=False,
        readonly=True,
        help="Deductible and co-payment, as the coverage said when the visit was closed.",
    )
    is_collected_here = fields.Boolean(
        "Paid to the Clinic",
        copy=False,
        readonly=True,
        help="What the patient pays is collected by the clinic, not by the operadora.",
    )
    yearly_deductible = fields.Float(
        "Of the Year's Deductible",
        digits=(10, 2),
        copy=False,
        readonly=True,
        help="The part of what the patient pays that uses up the deductible of the year.",
    )

    _positive = models.Constraint(
        "CHECK(quantity > 0 AND unit_price >= 0 AND factor > 0)",
        "Quantity and factor are above zero, and no price is negative.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(*PRICE_DEPENDS)
    def _compute_unit_price(self):
        for line, price in self._get_prices():
            line.unit_price = float(price.unit_amount or 0) if price else 0.0

    # Apart from the price: computed together, it would overwrite a price that a person typed.
    @api.depends(*PRICE_DEPENDS)
    def _compute_has_price(self):
        for line, price in self._get_prices():
            line.has_price = bool(price) and price.unit_amount is not None
            line.price_item_id = price.rule if line.has_price else False

    @api.depends("encounter_id.line_ids.access_id", *PRICE_DEPENDS)
    def _compute_factor(self):
        """The reduction of the second and further procedures of one act (guide §8.3, item 4)."""
        by_access = self.filtered("access_id")
        for line in self - by_access:
            line.factor = line.factor or 1.0
        prices = dict(by_access._get_prices())
        for line, price in prices.items():
            line.factor = float(price.factor) if price else 1.0
        by_access._update_folded_prices(prices)

    def _update_folded_prices(self, prices):
        """With UCO or film the reduction is inside the price, so that follows the act as well.

        A typed price is none that the convênio would give in any place of an act; it is kept.
        """
        folded = self.filtered(
            lambda line: (
                prices[line] and {"uco", "film"} & {step.code for step in prices[line].steps}
            )
        )
        for contract, lines in folded.grouped(lambda line: line.encounter_id.contract_id).items():
            places = list(itertools.product((1, 2, 3), (None, "same", "different")))
            answers = contract._compute_prices(
                line._prepare_price_request()._replace(order=order, access=access)
                for line in lines
                for order, access in places
            )
            for line, options in zip(lines, split_every(len(places), answers), strict=True):
                if line.unit_price in {float(price.unit_amount or 0) for price in options}:
                    line.unit_price = float(prices[line].unit_amount)

    def _get_prices(self):
        """(line, `Price`) of each line by the contract on the day of the visit, None without one.

        Procedures with an access route are ranked within their visit.
        """

        def key(line):
            return line.encounter_id.contract_id

        for contract, lines in self.grouped(key).items():
            # The other procedures of the act say which place a procedure has.
            act_lines = lines.encounter_id.line_ids.filtered("access_id") if lines.access_id else []
            dated = (lines | act_lines if act_lines else lines).filtered(
                lambda line: line._get_date()
            )
            prices = {}
            if contract and dated:
                requests = [line._prepare_price_request() for line in dated]
                acts = [line.encounter_id if line.access_id else None for line in dated]
                answers = contract._compute_act_prices(requests, acts)
                prices = dict(zip(dated, answers, strict=True))
            for line in lines:
                yield line, prices.get(line)

    def _prepare_price_request(self):
        encounter = self.encounter_id
        return PriceRequest(
            product=self.product_id,
            date=self._get_date(),
            quantity=self.quantity or 1,
            mode=encounter.mode,
            plan=encounter.card_id.plan_id,
            professional=self._get_performer(),
            access=ACCESS.get(self.access_id.code),
            role=ROLES.get(self.participation_id.code),
        )

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
        result = super().write(vals)
        if "encounter_id" in vals:
            self.encounter_id._check_not_billed()
        return result

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
        product, date = self.product_id, self._get_date()
        contract = self.encounter_id.contract_id
        if not product.tiss_table or not product.tiss_code:
            problems.append(self.env._("%s has no TUSS code.", product.display_name))
        if contract and not self.has_price and not self.unit_price:
            problems.append(
                self.env._(
                    "%(product)s has no price in %(contract)s on that day.",
                    product=product.display_name,
                    contract=contract.name,
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
            if price and price.unit_amount is not None:
                line.write(
                    {
                        "unit_price": float(price.unit_amount),
                        "factor": float(price.factor) if line.access_id else line.factor,
                        "has_price": True,
                        "price_item_id": price.rule.id,
                    }
                )

    def _get_performer(self):
        return self.professional_id or self.encounter_id.professional_id

    def _get_date(self):
        return self.date or self.encounter_id.date

    def _get_authorization_vals(self):
        """What the guia of this item says of its authorisation, by the names of the guia.

        Items of one visit for which this differs go into guias of their own (guide §3.0).
        """
        encounter = self.encounter_id
        return {
            "operadora_number": encounter.authorization_number,
            "authorization_date": encounter.authorization_date,
            "authorization_password": encounter.authorization_password,
            "authorization_validity_date": encounter.authorization_validity_date,
        }

    def _prepare_guia_line_vals(self, item, guia_type):
        """Values of the guia's item; `item` is its sequencialItem."""
        self.ensure_one()
        product = self.product_id
        vals = {
            "company_id": self.company_id.id,
            "encounter_line_id": self.id,
            "sequence_item": item,
            "product_id": product.id,
            "date": self._get_date(),
            **self.price_item_id._tiss_get_sent_code(product),
            "quantity": self.quantity,
            "unit_price": self.unit_price,
            "factor": self.factor,
            "expense_kind_id": product.tiss_expense_kind_id.id,
            "unit_id": product.tiss_unit_id.id,
            **self._prepare_detail_vals(guia_type),
        }
        if guia_type in WITH_TEAM and not product.tiss_expense_kind_id:
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

    def _prepare_detail_vals(self, guia_type):
        """What this item says beyond what all say; the names are those of the guia's item."""
        if guia_type == "odonto":
            return {
                "tooth_id": self.tooth_id.id,
                "region_id": self.region_id.id,
                "faces": self.faces,
                "us_quantity": self.us_quantity,
                # What the operadora collects itself it owes whole: no franquia then.
                "amount_patient": self.patient_amount if self.is_collected_here else 0.0,
            }
        if guia_type == "consulta":
            return {}
        vals = {}
        if self.access_id:
            vals["access_route_id"] = self.access_id.id
        vals.update((name, value) for name in DETAILS if (value := self[name]))
        if self.technique_id:
            vals["technique_id"] = self.technique_id.id
        return vals
