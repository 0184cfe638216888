from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..standard.money import MAX_AMOUNT, to_decimal
from ..standard.text import is_code, to_ascii
from .product_pricelist_item import SENT_TABLES
from .tiss_annex import CLINICAL
from .tiss_term import term_field

MAX_DOSES = 99_999.99  # qtDoses: dec(7,2)
SIZES = {"anvisa_number": 15, "manufacturer_reference": 60, "company_licence": 30}
ANSWER_FIELDS = {"is_answered", "authorized_quantity", "authorized_price", "denial_reason"}


class TissAnnexLine(models.Model):
    """What an annex asks for: a material of OPME, or a drug of a chemotherapy (guide §3.9).

    What it is and how it is given tells the illness, so only clinical people see it.
    """

    _name = "tiss.annex.line"
    _description = "Item of an Annex"
    _order = "annex_id.id, sequence, id"
    _check_company_auto = True

    annex_id = fields.Many2one("tiss.annex", required=True, index=True, ondelete="cascade")
    annex_type = fields.Selection(related="annex_id.annex_type")
    company_id = fields.Many2one(related="annex_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    sequence = fields.Integer(default=10)
    product_id = fields.Many2one("product.product", "Item", groups=CLINICAL, ondelete="restrict")
    table_code = fields.Char("Table", size=2, groups=CLINICAL)
    code = fields.Char(size=10, groups=CLINICAL)
    description = fields.Char(groups=CLINICAL)

    # ---- OPME
    manufacturer_choice_id = term_field(
        "opcaoFabricante", "Choice", help="Order in which the makers are preferred, 1 to 3."
    )
    quantity = fields.Integer(default=1)
    unit_price = fields.Float(
        "Unit Value",
        digits=(10, 2),
        help="Where the clinic supplies the material.",
    )
    anvisa_number = fields.Char("ANVISA Registration", groups=CLINICAL)
    manufacturer_reference = fields.Char("Manufacturer's Reference", groups=CLINICAL)
    company_licence = fields.Char("Operating Licence")

    # ---- Drugs
    expected_date = fields.Date("Expected On", groups=CLINICAL)
    doses = fields.Float(digits=(7, 2), groups=CLINICAL)
    unit_id = term_field("60", "Unit", groups=CLINICAL)
    route_id = term_field("62", "Route", groups=CLINICAL)
    frequency = fields.Integer("Doses per Day", groups=CLINICAL)

    # ---- Answer
    is_answered = fields.Boolean("Answered", readonly=True, copy=False)
    authorized_quantity = fields.Integer("Authorised", readonly=True, copy=False)
    authorized_price = fields.Float("Authorised Value", digits=(10, 2), readonly=True, copy=False)
    denial_reason = fields.Text("Reasons of the Operadora", readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("annex_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.annex_id.name

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("product_id")
    def _onchange_product_id(self):
        product = self.product_id
        self.table_code = product.tiss_table
        self.code = product.tiss_code
        self.description = product.name
        if self.annex_type == "quimio":
            self.unit_id = product.tiss_unit_id
        elif not self.manufacturer_choice_id:
            self.manufacturer_choice_id = self.env["tiss.term"]._get("opcaoFabricante", "1")

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_answer_vals(vals)
        lines = super().create(vals_list)
        lines.annex_id._check_editable()
        lines.annex_id._outdate()
        return lines

    def write(self, vals):
        self._check_answer_vals(vals)
        if "annex_id" in vals:
            self._check_clinical()
        if set(vals) & set(self._get_content_fields()):
            self.annex_id._check_editable()
            self.annex_id._outdate()
        result = super().write(vals)
        if "annex_id" in vals:
            self.annex_id._check_editable()
            self.annex_id._outdate()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self._check_clinical()
        self.annex_id._check_editable()
        self.annex_id._outdate()

    def _check_clinical(self):
        """Whoever may not see what is asked for does not take it away either."""
        if not self.annex_id._may_see_clinical():
            raise AccessError(self.env._("You may not change clinical information."))

    def _check_answer_vals(self, vals):
        if ANSWER_FIELDS & set(vals) and not self.env.su:
            raise UserError(self.env._("What the operadora grants comes from its answer."))

    @api.model
    def _get_content_fields(self):
        """Fields that the message says."""
        return [
            "annex_id", "sequence", "product_id", "table_code", "code", "description",
            "manufacturer_choice_id", "quantity", "unit_price", *SIZES, "expected_date", "doses",
            "unit_id", "route_id", "frequency",
        ]  # fmt: skip

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_problems(self, place):
        """What keeps this item out of a valid message, as sentences that do not tell what it is.

        :param place: its number in the annex, by which the sentences call it
        """
        self.ensure_one()
        problems = []
        is_named = self.table_code in SENT_TABLES and self.code and is_code(self.code)
        if not is_named or not to_ascii(self.description or ""):
            problems.append(
                self.env._("Item %s needs table, code and a description in Latin letters.", place)
            )
        specific = {"opme": self._get_material_problems, "quimio": self._get_drug_problems}
        return problems + specific[self.annex_type](place)

    def _get_material_problems(self, place):
        problems = []
        if not self.manufacturer_choice_id:
            problems.append(self.env._("Item %s needs the choice of the maker, 1 to 3.", place))
        if not 1 <= self.quantity <= 999:
            problems.append(self.env._("Item %s: the quantity is from 1 to 999.", place))
        if not 0 <= self.unit_price <= MAX_AMOUNT:
            problems.append(self.env._("Item %s: the value is below zero or too large.", place))
        for name, size in SIZES.items():
            if len(to_ascii(self[name] or "")) > size:
                problems.append(
                    self.env._(
                        "Item %(place)s, %(label)s: at most %(size)s characters.",
                        place=place,
                        label=self._fields[name]._description_string(self.env),
                        size=size,
                    )
                )
        return problems

    def _get_drug_problems(self, place):
        problems = []
        if not (self.unit_id and self.route_id):
            problems.append(self.env._("Item %s needs the unit and the route.", place))
        if not 0.01 <= self.doses <= MAX_DOSES:
            problems.append(
                self.env._(
                    "Item %(place)s: the doses are from 0.01 to %(max)s.",
                    place=place,
                    max=MAX_DOSES,
                )
            )
        if not 1 <= self.frequency <= 99:
            problems.append(self.env._("Item %s: from 1 to 99 doses per day.", place))
        if not self.expected_date:
            problems.append(self.env._("Item %s needs the expected date.", place))
        elif self.annex_id.date and self.expected_date < self.annex_id.date:
            problems.append(self.env._("Item %s is expected before the day of the request.", place))
        return problems

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _prepare_tiss_item(self):
        """ct_procedimentoDados (guide §3.1)"""
        return {
            "codigoTabela": self.table_code,
            "codigoProcedimento": self.code,
            "descricaoProcedimento": to_ascii(self.description, 150),
        }

    def _prepare_tiss_material(self):
        """opmeSolicitada"""
        self.ensure_one()
        return {
            "identificacaoOPME": self._prepare_tiss_item(),
            "opcaoFabricante": self.manufacturer_choice_id.code or None,
            "quantidadeSolicitada": self.quantity,
            "valorSolicitado": to_decimal(self.unit_price) if self.unit_price else None,
            "registroANVISA": to_ascii(self.anvisa_number or "") or None,
            "codigoRefFabricante": to_ascii(self.manufacturer_reference or "") or None,
            "autorizacaoFuncionamento": to_ascii(self.company_licence or "") or None,
        }

    def _prepare_tiss_drug(self):
        """ct_drogasSolicitadas"""
        self.ensure_one()
        return {
            "dataProvavel": self.expected_date,
            "identificacao": self._prepare_tiss_item(),
            "qtDoses": to_decimal(self.doses),
            "unidadeMedida": self.unit_id.code or None,
            "viaAdministracao": self.route_id.code or None,
            "frequencia": self.frequency,
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def _get_answer_key(self):
        """By what an answer calls this item: its own numbers are the operadora's."""
        return (self.table_code, self.code, self.manufacturer_choice_id.code)

    def _read_answer(self, item):
        """ct_procedimentoAutorizado (guide §5.6)"""
        self.ensure_one()
        reasons = (item.get("motivosNegativa") or {}).get("motivoNegativa") or []
        self.sudo().write(
            {
                "is_answered": True,
                "authorized_quantity": item.get("quantidadeAutorizada") or 0,
                "authorized_price": float(item.get("valorAutorizado") or 0),
                "denial_reason": "\n".join(map(self.annex_id._get_refusal, reasons)) or False,
            }
        )
