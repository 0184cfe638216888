import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ..standard.money import MAX_AMOUNT, line_total, to_decimal
from ..standard.text import to_ascii
from .system_fields import without_defaults
from .tiss_term import term_field

MAX_PROCEDURES = 999  # quantidadeExecutada of a procedure: 3 digits
MAX_SEQUENCE = 9999  # sequencialItem: 4 digits
MAX_FACTOR = 9.99  # reducaoAcrescimo: dec(3,2)
MAX_EXPENSES = 99_999.9999  # quantidadeExecutada of an expense: dec(9,4)


def to_time(hours):
    """Hours of a day as a number (Odoo's float_time), to the minute: 13.5 → 13:30."""
    minutes = min(max(round((hours or 0) * 60), 0), 24 * 60 - 1)
    return datetime.time(*divmod(minutes, 60))


def nth_percent(percents, place):
    """The factor at `place` (from 0) of e.g. "60/40/30/30"; the last one repeats."""
    parts = percents.split("/")
    return to_decimal(parts[min(place, len(parts) - 1)]) / 100


class TissGuiaLine(models.Model):
    """An item of a guia: a procedure, or an expense of the outras despesas.

    Its amount is spread over buckets which only movements fill (see `tiss.movement`):
    billed = to process + released + paid + denied + appealed + accepted.
    Amounts are Float with fixed digits, as these rows exist by the hundred thousand.
    """

    _name = "tiss.guia.line"
    _inherit = "tiss.guia.part"
    _description = "Guia Item"
    _order = "guia_id.id, sequence_item"
    _check_company_auto = True

    guia_id = fields.Many2one("tiss.guia", required=True, index=True, ondelete="cascade")
    guia_state = fields.Selection(related="guia_id.state")
    guia_type = fields.Selection(related="guia_id.guia_type")
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
    start_time = fields.Float("Start", help="Both hours at 0:00 mean that none is told.")
    end_time = fields.Float("End", help="Before the start: it ended on the next day.")

    # ---- Procedures
    access_route_id = term_field("61", "Access Route")
    technique_id = term_field("48", "Technique")
    cost_center_id = term_field("centroConsumo", "Cost Centre")
    member_ids = fields.One2many("tiss.guia.member", "line_id", "Team", copy=True)
    performer_id = fields.Many2one(
        "res.partner",
        "Professional",
        compute="_compute_performer_id",
        inverse="_inverse_performer_id",
        domain=[("tiss_is_professional", "=", True)],
        help="The first of the team.",
    )
    participation_id = term_field(
        "35",
        "Participation",
        compute="_compute_participation_id",
        inverse="_inverse_participation_id",
    )

    # ---- Expenses
    expense_kind_id = term_field("25", "Expense Kind")
    unit_id = term_field("60", "Unit")
    anvisa_number = fields.Char("ANVISA Registration", size=15)
    manufacturer_reference = fields.Char("Manufacturer's Reference", size=60)
    company_licence = fields.Char("Operating Licence", size=30)
    linked_line_id = fields.Many2one(
        "tiss.guia.line",
        "Used In",
        copy=False,
        index="btree_not_null",
        domain="[('guia_id', '=', guia_id), ('id', '!=', id), ('expense_kind_id', '=', False)]",
        ondelete="set null",
        help="The procedure that this expense belongs to.",
    )

    # ---- Money
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
            line.amount = float(line._get_total())

    @api.depends("member_ids.professional_id")
    def _compute_performer_id(self):
        for line in self:
            line.performer_id = line.member_ids[:1].professional_id

    @api.depends("member_ids.participation_id")
    def _compute_participation_id(self):
        for line in self:
            line.participation_id = line.member_ids[:1].participation_id

    def _inverse_performer_id(self):
        self._set_first_member("performer_id", "professional_id")

    def _inverse_participation_id(self):
        self._set_first_member("participation_id", "participation_id")

    def _set_first_member(self, name, member_name):
        """Write a column of the first member of each team; a professional makes a new one."""
        for value, lines in self.grouped(name).items():
            manned = lines.filtered("member_ids")
            firsts = self.env["tiss.guia.member"].union(*(line.member_ids[0] for line in manned))
            if member_name == "professional_id" and not value:
                firsts.unlink()
                continue
            firsts.filtered(lambda member, value=value: member[member_name] != value).write(
                {member_name: value.id}
            )
            if member_name == "professional_id" and value:
                self.env["tiss.guia.member"].create(
                    [{"line_id": line.id, "professional_id": value.id} for line in lines - manned]
                )

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("linked_line_id")
    def _check_linked_line_id(self):
        for line in self:
            if line.linked_line_id and line.linked_line_id.guia_id != line.guia_id:
                raise ValidationError(
                    self.env._("An expense belongs to a procedure of its own guia.")
                )

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
        if self.guia_type == "honorarios":
            self.performer_id = self.performer_id or self.guia_id.professional_id
        if product and self.guia_id.contract_id and self.date:
            price = self.guia_id.contract_id.price_for(product, self.date)["unit_amount"]
            self.unit_price = float(price or 0)

    @api.onchange("access_route_id", "participation_id")
    def _onchange_access_route_id(self):
        """Propose what the convênio agreed on; the biller has the last word."""
        share = self._get_participation_factor(self.participation_id)
        self.factor = float(to_decimal(self._get_access_factor() * share))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = without_defaults(self, self._get_money_fields())
        for vals in vals_list:
            self._check_money_vals(vals)
        return super(TissGuiaLine, model).create(vals_list)

    def write(self, vals):
        self._check_money_vals(vals)
        return super().write(vals)

    @api.model
    def _get_money_fields(self):
        """The amount, which follows from price and quantity, and its buckets."""
        return {"amount", *(f"amount_{name}" for name in self.env["tiss.movement"]._get_buckets())}

    def _check_money_vals(self, vals):
        if self._get_money_fields() & set(vals):
            raise UserError(self.env._("The money of an item moves only by movements."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open(self):
        """The item with its team, in a dialog."""
        return self._get_records_action(name=self.description, target="new")

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _prepare_tiss_item(self):
        """What a procedure is in the guias that have a factor (guide §3.4–3.6)"""
        self.ensure_one()
        timed = self.start_time or self.end_time
        return {
            "sequencialItem": self.sequence_item,
            "dataExecucao": self.date,
            "horaInicial": to_time(self.start_time) if timed else None,
            "horaFinal": to_time(self.end_time) if timed else None,
            "procedimento": self._prepare_tiss_procedure(),
            "quantidadeExecutada": int(self.quantity),
            "viaAcesso": self.access_route_id.code or None,
            "tecnicaUtilizada": self.technique_id.code or None,
            "reducaoAcrescimo": to_decimal(self.factor),
            "valorUnitario": to_decimal(self.unit_price),
            "valorTotal": to_decimal(self.amount),
        }

    def _prepare_tiss_executed(self):
        """ct_procedimentoExecutadoSadt (guide §3.4)"""
        return {
            **self._prepare_tiss_item(),
            "equipeSadt": [member._prepare_tiss_member() for member in self.member_ids],
        }

    def _prepare_tiss_inpatient(self):
        """ct_procedimentoExecutadoInt: a wrapper for each member of the team (guide §3.5)"""
        return {
            **self._prepare_tiss_item(),
            "centroConsumo": self._get_cost_center(),
            "identEquipe": [
                {"identificacaoEquipe": member._prepare_tiss_member()} for member in self.member_ids
            ],
        }

    def _prepare_tiss_fee(self):
        """ct_procedimentoExecutadoHonorIndiv (guide §3.6)"""
        return {
            **self._prepare_tiss_item(),
            "profissionais": [member._prepare_tiss_professional() for member in self.member_ids],
        }

    def _prepare_tiss_expense(self):
        """despesa of ct_outrasDespesas (guide §3.1)"""
        self.ensure_one()
        timed = self.start_time or self.end_time
        return {
            "sequencialItem": self.sequence_item,
            "codigoDespesa": self.expense_kind_id.code,
            "servicosExecutados": {
                "dataExecucao": self.date,
                "horaInicial": to_time(self.start_time) if timed else None,
                "horaFinal": to_time(self.end_time) if timed else None,
                **self._prepare_tiss_procedure(),
                "quantidadeExecutada": to_decimal(self.quantity, 4),
                "unidadeMedida": self.unit_id.code,
                "reducaoAcrescimo": to_decimal(self.factor),
                "valorUnitario": to_decimal(self.unit_price),
                "valorTotal": to_decimal(self.amount),
                "centroConsumo": self._get_cost_center(),
                "registroANVISA": to_ascii(self.anvisa_number or "", 15) or None,
                "codigoRefFabricante": to_ascii(self.manufacturer_reference or "", 60) or None,
                "autorizacaoFuncionamento": to_ascii(self.company_licence or "", 30) or None,
            },
            "itemVinculado": self.linked_line_id.sequence_item or None,
        }

    def _get_cost_center(self):
        """centroConsumo, which came with 4.03.00 (guide §1.3)"""
        return self.guia_id._speaks("4.03.00") and self.cost_center_id.code or None

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_gross(self):
        """valorTotal of the item, as Decimal (guide §3.2)."""
        return line_total(self.quantity, self.unit_price, self.factor)

    def _get_total(self):
        """What the operadora owes for this item, as Decimal."""
        return self._get_gross()

    def _get_access_factor(self):
        """What is agreed for a further procedure by the same or by another access (guide §8.3)."""
        policy = self.guia_id.contract_id.price_policy_id
        if self.access_route_id.code == "2":
            return nth_percent(policy.same_access or "100/50", 1)
        if self.access_route_id.code == "3":
            return nth_percent(policy.different_access or "100/70", 1)
        return to_decimal(1)

    def _get_participation_factor(self, participation):
        """The share of the surgeon's fee of a degree of participation (guide §8.3)."""
        policy = self.guia_id.contract_id.price_policy_id
        code = participation.code
        if code in ("01", "02", "03", "04"):
            return nth_percent(policy.auxiliary_percents or "60/40/30/30", int(code) - 1)
        if code == "05":
            return to_decimal(policy.instrumentator_percent or 10) / 100
        return to_decimal(1)

    def action_split_team(self):
        """One item per member, each worth its share of the fee: an item is paid as a whole."""
        self.split_team()
        return {"type": "ir.actions.act_window_close"}

    def split_team(self):
        """Give all but the first member of each team an item of their own (guide §3.4, §8.3).

        The factor of the first member is the base: whoever assists a surgeon at 0.50 gets 60% of
        that, 0.30. New items follow the last one of the guia.

        :return: the new items
        """
        vals_list = []
        members = self.env["tiss.guia.member"]
        last = {guia: max(guia.line_ids.mapped("sequence_item")) for guia in self.guia_id}
        for line in self.filtered(lambda line: len(line.member_ids) > 1):
            first = line._get_participation_factor(line.member_ids[0].participation_id)
            for member in line.member_ids[1:]:
                last[line.guia_id] += 1
                share = line._get_participation_factor(member.participation_id)
                factor = to_decimal(to_decimal(line.factor) * share / first)
                [vals] = line.copy_data(
                    {
                        "guia_id": line.guia_id.id,
                        "sequence_item": last[line.guia_id],
                        "factor": float(factor),
                        "member_ids": [Command.create(member.copy_data()[0])],
                    }
                )
                vals_list.append(vals)
            members += line.member_ids[1:]
        members.unlink()
        return self.create(vals_list)

    def _get_problems(self):
        """What keeps this item out of a valid message, as sentences."""
        self.ensure_one()
        item = self.description
        problems = self._get_name_problems(item)
        if not 1 <= self.sequence_item <= MAX_SEQUENCE:
            problems.append(self.env._("%s: the number of an item goes from 1 to 9999.", item))
        if self.expense_kind_id and not self.unit_id:
            problems.append(self.env._("%s needs a unit of measure.", item))
        if self.quantity > self._get_max_quantity():
            problems.append(
                self.env._(
                    "%(item)s: the quantity is at most %(max)s.",
                    item=item,
                    max=self._get_max_quantity(),
                )
            )
        if not self.expense_kind_id:
            problems += self._get_procedure_problems()
        if self.factor > MAX_FACTOR:
            problems.append(self.env._("%s: the factor is at most 9.99.", item))
        # Not rounded: what would round to more is too much as well, and this runs for every item.
        if max(self.unit_price, self.quantity * self.unit_price * self.factor) > MAX_AMOUNT:
            problems.append(self.env._("%s: the amount is too large for a guia.", item))
        if self.date > fields.Date.context_today(self):
            problems.append(self.env._("%s has a date in the future.", item))
        birth = self.guia_id.patient_id.tiss_birth_date
        if birth and self.date < birth:
            problems.append(self.env._("%s has a date before the patient was born.", item))
        return problems

    def _get_procedure_problems(self):
        item = self.description
        problems = []
        if self.quantity != int(self.quantity):
            problems.append(self.env._("%s: the quantity of a procedure is a whole number.", item))
        return problems + self._get_team_problems()

    def _get_max_quantity(self):
        return MAX_EXPENSES if self.expense_kind_id else MAX_PROCEDURES

    def _get_team_problems(self):
        """Roles in the team: honorários and internação always ask, SP/SADT where there are many."""
        guia_type = self.guia_type
        if guia_type not in ("sp_sadt", "honorarios", "resumo_internacao"):
            return []
        members = self.member_ids
        problems = []
        if guia_type == "honorarios" and not members:
            problems.append(self.env._("%s: say who did it.", self.description))
        asks = guia_type != "sp_sadt" or len(members) > 1
        if asks and not all(member.participation_id for member in members):
            problems.append(
                self.env._("%s: choose the participation of each professional.", self.description)
            )
        return problems
