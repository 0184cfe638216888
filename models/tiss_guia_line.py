from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import line_total, to_decimal
from ..standard.text import to_ascii
from .tiss_term import term_field


class TissGuiaLine(models.Model):
    """An item of a guia: a procedure, or an expense of the outras despesas.

    Its amount is spread over buckets which only movements fill (see `tiss.movement`):
    billed = to process + released + paid + denied + appealed + accepted.
    Amounts are Float with fixed digits, as these rows exist by the hundred thousand.
    """

    _name = "tiss.guia.line"
    _description = "Guia Item"
    _order = "guia_id.id, sequence_item"
    _check_company_auto = True

    guia_id = fields.Many2one("tiss.guia", required=True, index=True, ondelete="cascade")
    guia_state = fields.Selection(related="guia_id.state")
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    sequence_item = fields.Integer(
        "Item",
        required=True,
        help="sequencialItem: the key by which the operadora answers; it never changes.",
    )
    product_id = fields.Many2one("product.product", "Procedure or Item", ondelete="restrict")
    date = fields.Date(required=True)
    table_code = fields.Char("Table", required=True, size=2)
    code = fields.Char(required=True, size=10)
    description = fields.Char(required=True)
    quantity = fields.Float(digits=(9, 4), default=1.0, required=True)
    unit_price = fields.Float(digits=(10, 2), required=True)
    factor = fields.Float(digits=(3, 2), default=1.0, required=True)
    amount = fields.Float(digits=(10, 2), compute="_compute_amount", store=True, precompute=True)
    expense_kind_id = term_field("25", "Expense Kind")
    unit_id = term_field("60", "Unit")
    member_ids = fields.One2many("tiss.guia.member", "line_id", "Team", copy=True)
    glosa_ids = fields.One2many(
        "tiss.glosa", "guia_line_id", "Glosas", groups="l10n_br_tiss.group_tiss_billing"
    )
    amount_to_process = fields.Float("To Process", digits=(10, 2), readonly=True, copy=False)
    amount_released = fields.Float("Released", digits=(10, 2), readonly=True, copy=False)
    amount_paid = fields.Float("Paid", digits=(10, 2), readonly=True, copy=False)
    amount_denied = fields.Float("Denied", digits=(10, 2), readonly=True, copy=False)
    amount_appealed = fields.Float("Appealed", digits=(10, 2), readonly=True, copy=False)
    amount_accepted = fields.Float("Accepted", digits=(10, 2), readonly=True, copy=False)

    _item_uniq = models.Constraint(
        "UNIQUE(guia_id, sequence_item)", "An item number is unique within its guia."
    )
    _positive = models.Constraint(
        "CHECK(quantity > 0 AND unit_price >= 0 AND factor > 0 AND amount >= 0)",
        "Quantity and factor are above zero, and no price is negative.",
    )
    _buckets_positive = models.Constraint(
        "CHECK(COALESCE(amount_to_process, 0) >= 0 AND COALESCE(amount_released, 0) >= 0"
        " AND COALESCE(amount_paid, 0) >= 0 AND COALESCE(amount_denied, 0) >= 0"
        " AND COALESCE(amount_appealed, 0) >= 0 AND COALESCE(amount_accepted, 0) >= 0)",
        "More would be taken from an item than is left of it.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("sequence_item", "description")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.sequence_item} · {line.description}"

    @api.depends("guia_id")
    def _compute_company_id(self):
        for line in self:
            line.company_id = line.guia_id.company_id

    @api.depends("quantity", "unit_price", "factor")
    def _compute_amount(self):
        for line in self:
            line.amount = float(line_total(line.quantity, line.unit_price, line.factor))

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("product_id")
    def _onchange_product_id(self):
        product = self.product_id
        self.table_code = product.tiss_table
        self.code = product.tiss_code
        self.description = product.name
        self.expense_kind_id = product.tiss_expense_kind_id
        self.unit_id = product.tiss_unit_id
        self.date = self.date or self.guia_id.date
        self.sequence_item = self.sequence_item or (
            max(self.guia_id.line_ids.mapped("sequence_item"), default=0) + 1
        )
        if product and self.guia_id.contract_id and self.date:
            price = self.guia_id.contract_id.price_for(product, self.date)["unit_amount"]
            self.unit_price = float(price or 0)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_money_vals(vals)
        lines = super().create(vals_list)
        lines.guia_id._check_editable()
        return lines

    def write(self, vals):
        self._check_money_vals(vals)
        self.guia_id._check_editable()
        return super().write(vals)

    def _check_money_vals(self, vals):
        names = {f"amount_{name}" for name in self.env["tiss.movement"]._get_buckets()}
        if (names | {"amount"}) & set(vals):
            raise UserError(self.env._("The money of an item moves only by movements."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self.guia_id._check_editable()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open(self):
        """The item with its team, in a dialog."""
        return self._get_records_action(name=self.description, target="new")

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _prepare_tiss_procedure(self):
        """ct_procedimentoDados (guide §3.1)"""
        return {
            "codigoTabela": self.table_code,
            "codigoProcedimento": self.code,
            "descricaoProcedimento": to_ascii(self.description, 150),
        }

    def _prepare_tiss_executed(self):
        """ct_procedimentoExecutadoSadt (guide §3.4)"""
        self.ensure_one()
        return {
            "sequencialItem": self.sequence_item,
            "dataExecucao": self.date,
            "procedimento": self._prepare_tiss_procedure(),
            "quantidadeExecutada": int(self.quantity),
            "reducaoAcrescimo": to_decimal(self.factor),
            "valorUnitario": to_decimal(self.unit_price),
            "valorTotal": to_decimal(self.amount),
            "equipeSadt": [member._prepare_tiss_member() for member in self.member_ids],
        }

    def _prepare_tiss_expense(self):
        """despesa of ct_outrasDespesas (guide §3.1)"""
        self.ensure_one()
        return {
            "sequencialItem": self.sequence_item,
            "codigoDespesa": self.expense_kind_id.code,
            "servicosExecutados": {
                "dataExecucao": self.date,
                **self._prepare_tiss_procedure(),
                "quantidadeExecutada": to_decimal(self.quantity, 4),
                "unidadeMedida": self.unit_id.code,
                "reducaoAcrescimo": to_decimal(self.factor),
                "valorUnitario": to_decimal(self.unit_price),
                "valorTotal": to_decimal(self.amount),
            },
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_problems(self):
        """What keeps this item out of a valid message, as sentences."""
        self.ensure_one()
        item = self.description
        problems = []
        if self.expense_kind_id and not self.unit_id:
            problems.append(self.env._("%s needs a unit of measure.", item))
        if not self.expense_kind_id and self.quantity != int(self.quantity):
            problems.append(self.env._("%s: the quantity of a procedure is a whole number.", item))
        if self.date > fields.Date.context_today(self):
            problems.append(self.env._("%s has a date in the future.", item))
        return problems
