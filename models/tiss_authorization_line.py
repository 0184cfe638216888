from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..standard.money import MAX_AMOUNT, line_total, to_decimal
from .inside import is_inside
from .price_book import PriceRequest
from .system_fields import without_defaults
from .tiss_dental_item import MAX_DENTAL
from .tiss_guia_line import MAX_PROCEDURES

ANSWER_FIELDS = {"quantity_authorized", "quantity_used", "amount_authorized", "is_extra"}


class TissAuthorizationLine(models.Model):
    """An item asked for, what of it is authorised and what is used up (guide §5.6)."""

    _name = "tiss.authorization.line"
    _inherit = ["tiss.guia.part", "tiss.dental.item"]
    _description = "Requested Item"
    _order = "authorization_id, sequence_item, id"
    _check_company_auto = True
    _owner_field = "authorization_id"

    authorization_id = fields.Many2one(
        "tiss.authorization", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="authorization_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    request_type = fields.Selection(related="authorization_id.request_type")
    request_state = fields.Selection(related="authorization_id.state")
    sequence_item = fields.Integer(
        "Item",
        required=True,
        default=0,
        readonly=True,
        copy=False,
        help="Its place in the request: the key by which the operadora answers.",
    )
    product_id = fields.Many2one(
        "product.product",
        "Procedure or Item",
        domain=[("tiss_code", "!=", False)],
        ondelete="restrict",
    )
    table_code = fields.Char("Table", required=True, size=2)
    code = fields.Char(required=True, size=10)
    description = fields.Char(required=True)
    quantity = fields.Integer("Requested", required=True, default=1)
    is_extra = fields.Boolean(
        "Added by the Operadora", readonly=True, copy=False, help="Authorised without being asked."
    )

    # ---- Odonto
    amount = fields.Float("Value", digits=(10, 2), help="Of the whole item.")
    date = fields.Date("Done On", copy=False)

    # ---- Answer
    quantity_authorized = fields.Integer("Authorised", readonly=True, copy=False)
    quantity_used = fields.Integer(
        "Used",
        compute="_compute_quantity_used",
        store=True,
        help="By the guias that name this authorisation and are not cancelled.",
    )
    quantity_remaining = fields.Integer("Remaining", compute="_compute_quantity_remaining")
    quantity_excess = fields.Integer("Over", compute="_compute_quantity_remaining")
    amount_authorized = fields.Float("Authorised Value", digits=(10, 2), readonly=True, copy=False)
    reason_ids = fields.One2many(
        "tiss.authorization.reason", "line_id", "Reasons", readonly=True, copy=False
    )

    _positive = models.Constraint(
        "CHECK(quantity >= 0 AND quantity_authorized >= 0)",
        "A quantity is never negative.",
    )
    _amounts_positive = models.Constraint(
        "CHECK(COALESCE(amount, 0) >= 0 AND COALESCE(amount_patient, 0) >= 0"
        " AND COALESCE(us_quantity, 0) >= 0)",
        "What an item is worth, what the patient pays and the US are never negative.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("sequence_item", "description")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.sequence_item} · {line.description}"

    @api.depends(
        "table_code", "code", "tooth_id", "region_id", "quantity_authorized",
        "authorization_id.guia_ids.state",
        "authorization_id.guia_ids.line_ids.table_code",
        "authorization_id.guia_ids.line_ids.code",
        "authorization_id.guia_ids.line_ids.quantity",
    )  # fmt: skip
    def _compute_quantity_used(self):
        """Stored, so that two guias that take the same rest at once meet on this row."""
        requests = self.authorization_id
        used = requests._get_used_quantities()
        for request in requests:
            # The same procedure may be asked for on several lines: they are used up in order.
            for key, lines in request.line_ids.grouped(lambda line: line._get_key()).items():
                rest = used.get((request._origin.id, *key), 0)
                for line in lines:
                    is_last = line == lines[-1]
                    line.quantity_used = rest if is_last else min(rest, line.quantity_authorized)
                    rest -= line.quantity_used

    @api.depends("quantity_authorized", "quantity_used")
    def _compute_quantity_remaining(self):
        for line in self:
            rest = line.quantity_authorized - line.quantity_used
            line.quantity_remaining = max(rest, 0)
            line.quantity_excess = max(-rest, 0)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("product_id")
    def _onchange_product_id(self):
        product = self.product_id
        self.table_code = product.tiss_table
        self.code = product.tiss_code
        self.description = product.name
        request = self.authorization_id
        if product and self.request_type == "odonto" and request.contract_id:
            price = request.contract_id.price_for(product, request.date)["unit_amount"]
            self.amount = float(to_decimal(price or 0) * (self.quantity or 1))

    @api.constrains("amount", "amount_patient")
    def _check_amount_patient(self):
        for line in self:
            if to_decimal(line.amount_patient) > to_decimal(line.amount):
                raise ValidationError(
                    self.env._("%s: the patient pays more than it is worth.", line.description)
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._check_answer_vals(*vals_list)
        self._number(vals_list)
        model = without_defaults(self, ANSWER_FIELDS)
        lines = super(TissAuthorizationLine, model).create(vals_list)
        lines._get_owner()._reopen()
        return lines

    def write(self, vals):
        self._check_answer_vals(vals)
        result = super().write(vals)
        self._get_owner()._reopen()
        return result

    def unlink(self):
        owner = self._get_owner()
        result = super().unlink()
        owner._reopen()
        return result

    def _get_owner(self):
        """What the operadora answers is written on what was sent already."""
        owner = super()._get_owner()
        is_answer = self.env.su and is_inside(self, "tiss_authorization_answer")
        return owner.browse() if is_answer else owner

    def _check_answer_vals(self, *vals_list):
        if not self.env.su and any(ANSWER_FIELDS & set(vals) for vals in vals_list):
            raise UserError(self.env._("What is authorised follows from the operadora's answer."))

    def _number(self, vals_list):
        """A place for each new item, behind those that are there."""
        ids = {vals.get("authorization_id") for vals in vals_list}
        last = {
            request.id: number
            for request, number in self._read_group(
                [("authorization_id", "in", list(filter(None, ids)))],
                ["authorization_id"],
                ["sequence_item:max"],
            )
        }
        for vals in vals_list:
            request_id = vals.get("authorization_id")
            last[request_id] = vals["sequence_item"] = last.get(request_id, 0) + 1

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problems(self):
        """What keeps this item out of a valid message, as sentences."""
        self.ensure_one()
        item = self.description
        problems = self._get_name_problems(item)
        most = MAX_DENTAL if self.request_type == "odonto" else MAX_PROCEDURES
        if not 1 <= self.quantity <= most:
            problems.append(
                self.env._("%(item)s: the quantity goes from 1 to %(most)s.", item=item, most=most)
            )
        if self.date and self.date > fields.Date.context_today(self):
            problems.append(self.env._("%s has a date in the future.", item))
        if self.request_type == "odonto":
            problems += self._get_dental_problems(item)
        if self.amount > MAX_AMOUNT:
            problems.append(self.env._("%s: the amount is too large for a guia.", item))
        return problems

    # ------------------------------------------------------------------
    # Matching
    # ------------------------------------------------------------------

    def _get_key(self):
        """What makes an item of a guia the one that was asked for; in a mouth, also the place."""
        self.ensure_one()
        return (self.table_code, self.code, self.tooth_id.id, self.region_id.id)

    def _get_prices(self):
        """{item: what one unit costs under the convênio}; in one batch."""
        contract = self.authorization_id.contract_id
        today = fields.Date.context_today(self)
        priced = self.filtered("product_id")
        prices = contract._compute_prices(
            [PriceRequest(line.product_id, today, line.quantity_remaining) for line in priced]
        )
        found = dict(zip(priced, prices, strict=True))
        return {line: found.get(line) for line in self}

    def _prepare_guia_line_vals(self, item, price):
        """Values of the item of a guia that bills what is left."""
        product = self.product_id
        unit_price = to_decimal((price and price.unit_amount) or 0)
        if self.request_type == "odonto" and self.amount:
            unit_price = self._get_part(self.amount, 1)
        rest = self.quantity_remaining
        patient = self._get_part(self.amount_patient, rest)
        return {
            "sequence_item": item,
            "product_id": product.id,
            "date": fields.Date.context_today(self),
            "table_code": self.table_code,
            "code": self.code,
            "description": self.description,
            "expense_kind_id": product.tiss_expense_kind_id.id,
            "unit_id": product.tiss_unit_id.id,
            "quantity": rest,
            "unit_price": float(unit_price),
            "tooth_id": self.tooth_id.id,
            "region_id": self.region_id.id,
            "faces": self.faces,
            "us_quantity": float(self._get_part(self.us_quantity, rest)),
            # The patient never pays more than the rest is worth, whatever was rounded.
            "amount_patient": float(min(patient, line_total(rest, unit_price))),
        }

    def _get_part(self, whole, quantity):
        """What `quantity` units have of a value of the whole item."""
        return to_decimal(to_decimal(whole) * quantity / (self.quantity or 1))

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _prepare_tiss_requested(self):
        """procedimentosSolicitados (guide §5.6)"""
        return {
            "procedimento": self._prepare_tiss_procedure(),
            "quantidadeSolicitada": self.quantity,
        }

    def _prepare_tiss_dental(self):
        """procedimentosSolicitados of cto_odontoSolicitacaoGuia; the value is of the whole item"""
        return {
            **self._prepare_tiss_treated(self.quantity, self.amount),
            # T: it asks for the authorisation of the item, which nobody has given yet.
            "aut": "N",
        }
