from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import split_every

from ..standard.money import MAX_AMOUNT, to_decimal
from .bulk import lock
from .inside import is_inside
from .system_fields import refuse_forged
from .tiss_term import term_field

GUIA_TYPES = [
    ("consulta", "Consulta"),
    ("sp_sadt", "SP/SADT"),
    ("resumo_internacao", "Resumo de Internação"),
    ("honorarios", "Honorários"),
    ("odonto", "Odontologia (GTO)"),
]
# Other words than those of a lote: in Portuguese a guia is feminine, and a lote is not.
STATES = [
    ("draft", "Draft"),
    ("ready", "Ready"),
    ("in_lote", "In Lote"),
    ("sent", "Submitted"),
    ("processed", "Analysed"),
    ("closed", "Closed"),
    ("cancelled", "Voided"),
]
ELEMENTS = {
    "consulta": "guiaConsulta",
    "sp_sadt": "guiaSP-SADT",
    "resumo_internacao": "guiaResumoInternacao",
    "honorarios": "guiaHonorarios",
    "odonto": "guiaOdonto",
}
LINE_CONTENT = (
    "sequence_item", "date", "table_code", "code", "description", "amount", "member_ids",
)  # fmt: skip
UNBILLED_STATES = ("draft", "ready", "in_lote", "cancelled")
TOTAL_ELEMENTS = {
    # T25 code of the expense → element of ct_guiaValorTotal, guide §3.2
    "05": "valorDiarias",
    "07": "valorTaxasAlugueis",
    "03": "valorMateriais",
    "02": "valorMedicamentos",
    "08": "valorOPME",
    "01": "valorGasesMedicinais",
}
KIND_FIELDS = {
    "amount_procedures": "valorProcedimentos",
    "amount_daily": "valorDiarias",
    "amount_fees": "valorTaxasAlugueis",
    "amount_materials": "valorMateriais",
    "amount_opme": "valorOPME",
    "amount_medicines": "valorMedicamentos",
    "amount_gases": "valorGasesMedicinais",
}


class TissGuia(models.Model):
    """The claim for what was done to one beneficiary, of any type of the standard.

    Flow: draft → ready (nothing missing) → in lote → sent → processed → closed; cancelled.
    Once sent its content is frozen; what happens to its money is in the movements.

    Here is what all types share. A file for each type adds its boxes, what it cannot do without
    (`_get_<type>_problems`), what a new one starts with (`_get_<type>_defaults`) and its element
    of the message (`_prepare_tiss_<type>`).
    """

    _name = "tiss.guia"
    _inherit = "tiss.form"
    _description = "Guia"
    _order = "contract_id, number desc"
    _check_company_auto = True
    _rec_names_search = [
        "name", "card_number", "patient_id", "authorization_password", "operadora_number",
        "protocol_number",
    ]  # fmt: skip

    # ---- Identification
    name = fields.Char(
        "Guia Number", required=True, size=20, index=True, copy=False, default="/", readonly=True
    )
    number = fields.Integer("Sequence Number", copy=False, readonly=True)
    guia_type = fields.Selection(GUIA_TYPES, "Type", required=True, index=True)
    state = fields.Selection(
        STATES,
        string="Status",
        default="draft",
        required=True,
        copy=False,
        index=True,
        readonly=True,
    )
    lote_id = fields.Many2one(
        "tiss.lote",
        check_company=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        readonly=True,
    )
    # Related, not a path: the reception searches by protocolo and may not open lotes.
    protocol_number = fields.Char(related="lote_id.protocol_number")
    date = fields.Date(required=True, index=True, default=fields.Date.context_today)

    # ---- Authorisation
    main_number = fields.Char(
        "Main Guia",
        size=20,
        copy=False,
        help="Number at the operadora of the guia that this one belongs to: the request of the"
        " hospitalisation, or the main guia of the treatment.",
    )
    operadora_number = fields.Char("Guia Number at the Operadora", size=20)
    authorization_date = fields.Date()
    authorization_password = fields.Char("Password", size=20)
    authorization_validity_date = fields.Date("Password Valid Until")

    # ---- Professionals
    professional_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    requester_id = fields.Many2one(
        "res.partner",
        "Requested By",
        domain=["|", ("tiss_is_professional", "=", True), ("tiss_is_referrer", "=", True)],
        ondelete="restrict",
    )

    # ---- Kind of care
    care_character_id = term_field("23", "Character")
    accident_id = term_field("36", "Accident")
    regime_id = term_field("76", "Regime")
    special_coverage_id = term_field(
        "75", "Special Coverage", help="Ambulatory care that a plan for hospitals alone covers."
    )
    occupational_health_id = term_field("77", "Occupational Health")
    discharge_reason_id = term_field("39", "End of Care")
    billing_type_id = term_field("55", "Billing")
    observation = fields.Char(size=500)

    # ---- Items and money
    line_ids = fields.One2many("tiss.guia.line", "guia_id", "Items", copy=True)
    amount_total = fields.Float(
        "Total", digits=(10, 2), compute="_compute_amounts", store=True, aggregator="sum"
    )
    amount_paid = fields.Float("Paid", digits=(10, 2), compute="_compute_amounts", store=True)
    amount_denied = fields.Float("Denied", digits=(10, 2), compute="_compute_amounts", store=True)
    amount_accepted = fields.Float(
        "Glosa Accepted", digits=(10, 2), compute="_compute_amounts", store=True
    )
    amount_open = fields.Float(
        "Open",
        digits=(10, 2),
        compute="_compute_amounts",
        store=True,
        help="Billed, and neither paid nor given up yet.",
    )
    amount_procedures = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_daily = fields.Float("Daily Rates", digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_fees = fields.Float(
        "Fees and Rentals", digits=(10, 2), compute="_compute_amounts_by_kind"
    )
    amount_materials = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_opme = fields.Float("OPME", digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_medicines = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_gases = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    glosa_ids = fields.One2many(
        "tiss.glosa", "guia_id", "Glosas", groups="l10n_br_tiss.group_tiss_billing"
    )
    movement_ids = fields.One2many(
        "tiss.movement", "guia_id", "Movements", groups="l10n_br_tiss.group_tiss_billing"
    )

    _number_uniq = models.Constraint(
        "UNIQUE(contract_id, name)", "A guia number is used once per convênio."
    )
    _ready_idx = models.Index("(contract_id, guia_type) WHERE state = 'ready'")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id")
    def _compute_display_name(self):
        for guia in self:
            number = guia.name if guia.name != "/" else self.env._("New Guia")
            guia.display_name = " · ".join(filter(None, [number, guia.contract_id.name]))

    @api.depends(
        "line_ids.amount",
        "line_ids.amount_to_process",
        "line_ids.amount_released",
        "line_ids.amount_paid",
        "line_ids.amount_denied",
        "line_ids.amount_appealed",
        "line_ids.amount_accepted",
    )
    def _compute_amounts(self):
        for guia in self:
            lines = guia.line_ids
            guia.amount_total = sum(lines.mapped("amount"))
            guia.amount_paid = sum(lines.mapped("amount_paid"))
            guia.amount_denied = sum(lines.mapped("amount_denied"))
            guia.amount_accepted = sum(lines.mapped("amount_accepted"))
            guia.amount_open = sum(
                line.amount_to_process
                + line.amount_released
                + line.amount_denied
                + line.amount_appealed
                for line in lines
            )

    @api.depends("line_ids.amount", "line_ids.expense_kind_id")
    def _compute_amounts_by_kind(self):
        for guia in self:
            totals = guia._get_totals_by_element()
            for name, element in KIND_FIELDS.items():
                guia[name] = float(totals.get(element, 0))

    @api.depends(
        lambda self: (
            "state",
            *self._get_open_fields(),
            *(f"line_ids.{name}" for name in LINE_CONTENT),
        )
    )
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("guia_type")
    def _onchange_guia_type(self):
        """What is nearly always so, where nothing was chosen yet."""
        if not self.guia_type:
            return
        own = getattr(self, f"_get_{self.guia_type}_defaults")()
        for other, _label in GUIA_TYPES:  # whoever passed by another type leaves nothing of it
            for name, code in getattr(self, f"_get_{other}_defaults")().items():
                if name not in own and self[name].code == code:
                    self[name] = False
        self._fill_default_terms(self.guia_type)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = refuse_forged(self, self._get_system_fields(), vals_list)
        unnumbered = []
        for vals in vals_list:
            if vals.get("name", "/") == "/" and not vals.get("number"):
                unnumbered.append(vals)
            elif not self.env.su:
                raise UserError(
                    self.env._("The number of a guia comes from its convênio: leave it empty.")
                )
        self._take_form_numbers(unnumbered)
        return super(TissGuia, model).create(vals_list)

    def web_save(self, vals, specification, next_id=None):
        """What was typed in a form is ready as soon as nothing is missing."""
        if self:
            return super().web_save(vals, specification, next_id)
        guia = self.create(vals)
        guia._update_readiness()
        return super(TissGuia, guia).web_save({}, specification, next_id)

    def write(self, vals):
        touches_content = set(vals) & self._get_frozen_fields()
        if touches_content:
            self._check_editable()
        if "lote_id" in vals or vals.get("state") in UNBILLED_STATES:
            self._check_not_billed()
        if self._get_system_fields() & set(vals) and not self.env.su:
            raise UserError(self.env._("The status of a guia follows what is done with it."))
        result = super().write(vals)
        if touches_content:
            self._update_readiness()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_numbered(self):
        raise UserError(
            self.env._("A guia keeps its number for ever: cancel it instead of deleting it.")
        )

    @api.model
    def _get_system_fields(self):
        """Fields that only follow from what is done with a guia, or from its items."""
        return {
            "state", "lote_id", "amount_total", "amount_paid", "amount_denied", "amount_accepted",
            "amount_open",
        }  # fmt: skip

    @api.model
    def _get_frozen_fields(self):
        """Fields that a guia in a lote no longer changes."""
        return {
            "name", "number", "company_id", "contract_id", "guia_type", "date", "patient_id",
            "card_id", "card_number", "is_newborn", "identification_type_id", "beneficiary_reading",
            "main_number", "operadora_number", "authorization_date", "authorization_password",
            "authorization_validity_date", "validation_code", "no_validation_code_id",
            "professional_id", "requester_id", "care_character_id", "accident_id", "regime_id",
            "special_coverage_id", "occupational_health_id", "discharge_reason_id",
            "billing_type_id", "observation", "line_ids",
        }  # fmt: skip

    @api.model
    def _get_open_fields(self):
        """Those of the frozen fields that everybody sees who sees guias."""
        return sorted(name for name in self._get_frozen_fields() if not self._fields[name].groups)

    def _check_editable(self):
        frozen = self.filtered(lambda guia: guia.state not in ("draft", "ready"))
        if frozen:
            raise UserError(
                self.env._(
                    "Guia %s is in a lote or was sent: its content can no longer change.",
                    frozen[0].name,
                )
            )

    def _check_not_billed(self):
        billed = self.filtered("lote_id.protocol_number")
        if billed and not is_inside(self, "tiss_withdraw"):
            raise UserError(
                self.env._(
                    "Guia %s was received under a protocolo: it stays in its lote.", billed[0].name
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_check(self):
        """Check again and mark as ready what has nothing missing; say what is missing.

        Of several, those in a lote are left alone, and one that lacks something holds up no other.
        """
        if len(self) == 1:
            self._check_editable()
        checked = self.filtered(lambda guia: guia.state in ("draft", "ready"))
        checked._update_readiness()
        draft = checked.filtered(lambda guia: guia.state == "draft")
        if not draft:
            return None
        missing = "\n".join(f"{guia.name}: {' '.join(guia._get_problems())}" for guia in draft)
        if len(self) == 1:
            raise UserError(missing)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": self.env._(
                    "%(ready)s ready, %(draft)s with something missing",
                    ready=len(checked - draft),
                    draft=len(draft),
                ),
                "message": missing,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_view_lote(self):
        return self.lote_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        self.ensure_one()
        if self.state not in ("draft", "ready"):
            return []
        if not self.contract_id or not self.guia_type:
            return [(self.env._("Choose the convênio and the type."), self, "contract_id")]
        return [
            *super()._get_problem_rows(),
            *getattr(self, f"_get_{self.guia_type}_problems")(),
            *self._get_authorization_problems(),
            *self._get_clinic_problems(),
            *self._get_people_problems(),
            *self._get_item_problems(),
        ]

    def _get_authorization_problems(self):
        problems = []
        dated = ["authorization_password", "authorization_validity_date"]
        if self.guia_type == "sp_sadt":
            dated.append("operadora_number")  # elsewhere it stands outside of the block
        elif self.guia_type == "honorarios":
            dated.clear()  # its password has no date
        if any(self[name] for name in dated) and not self.authorization_date:
            sentence = self.env._("The authorisation needs its date.")
            problems.append((sentence, self, "authorization_date"))
        dates = (self.authorization_date, self.authorization_validity_date)
        if all(dates) and dates[0] > dates[1]:
            sentence = self.env._("The password expires before the day of the authorisation.")
            problems.append((sentence, self, "authorization_validity_date"))
        if self.validation_code and self.no_validation_code_id:
            sentence = self.env._("There is a token, and a reason for not having one: keep one.")
            problems.append((sentence, self, "no_validation_code_id"))
        return problems

    def _get_people(self):
        """Professionals whom the message names with council and CBO."""
        return self.line_ids.member_ids.professional_id

    def _get_people_problems(self):
        members = self.line_ids.member_ids.professional_id
        return self._get_council_problems(self._get_people(), coded=members)

    def _get_parts(self):
        return [*self.line_ids, *self.line_ids.member_ids]

    def _get_item_problems(self):
        problems = []
        if not self.line_ids:
            problems.append((self.env._("The guia has no items."), self, None))
        if self.amount_total > MAX_AMOUNT:
            problems.append((self.env._("The total is too large for a guia."), self, None))
        for line in self.line_ids:
            problems += [(sentence, line, None) for sentence in line._get_problems()]
        return problems

    def _update_readiness(self):
        """draft ↔ ready, by whether something is missing."""
        open_guias = self.filtered(lambda guia: guia.state in ("draft", "ready"))
        ready = open_guias.filtered(lambda guia: not guia._get_problems())
        ready.filtered(lambda guia: guia.state == "draft").sudo().state = "ready"
        (open_guias - ready).filtered(lambda guia: guia.state == "ready").sudo().state = "draft"

    def _update_states(self):
        """sent → processed when nothing waits for analysis → closed when nothing is open."""
        billed = self.filtered(lambda guia: guia.state in ("sent", "processed", "closed"))
        for state, guias in billed.grouped(lambda guia: guia._get_money_state()).items():
            guias.filtered(lambda guia, state=state: guia.state != state).sudo().state = state
        billed.lote_id._update_states()

    def _get_money_state(self):
        if any(line.amount_to_process for line in self.line_ids):
            return "sent"
        return "processed" if self.amount_open else "closed"

    def create_lotes(self):
        """Group ready guias into numbered lotes: one contract and type each, 100 guias at most.

        :return: `tiss.lote`
        """
        self.check_access("write")
        # Checked again: the convênio or a professional may have changed since.
        unready = self.filtered(lambda guia: guia.state != "ready" or guia._get_problems())
        if unready:
            raise UserError(
                self.env._(
                    "Guia %(name)s is not ready for a lote. %(problems)s",
                    name=unready[0].name,
                    problems=" ".join(unready[0]._get_problems()),
                )
            )
        lock(self)
        vals_list, batches = [], []
        ordered = self.sorted(lambda guia: (guia.contract_id.id, guia.guia_type, guia.number))
        for (contract, guia_type), guias in ordered.grouped(
            lambda guia: (guia.contract_id, guia.guia_type)
        ).items():
            groups = list(split_every(contract.guias_per_lote, guias.ids, self.browse))
            numbers = contract._take_numbers("next_lote_number", len(groups))
            for number, group in zip(numbers, groups, strict=True):
                vals_list.append(contract._prepare_lote_vals(guia_type, number))
                batches.append(group)
        # Only this code makes lotes, for whoever may change guias.
        lotes = self.env["tiss.lote"].sudo().create(vals_list).with_env(self.env)
        for lote, group in zip(lotes, batches, strict=True):
            group.sudo().write({"lote_id": lote.id, "state": "in_lote"})
        return lotes

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def get_tiss_values(self):
        """The nested dict of this guia's element; keys are the names of the standard."""
        self.ensure_one()
        return getattr(self, f"_prepare_tiss_{self.guia_type}")()

    @api.model
    def _get_tiss_element(self, guia_type):
        return ELEMENTS[guia_type]

    def _speaks(self, version):
        """Whether the message is in `version` of the standard or in a later one (guide §1.3)."""
        return (self.lote_id.version or self.contract_id.version) >= version

    def _read_particulars(self):
        """Read what only this type says, for guias of one type, in a constant number of queries.

        :return: `res.partner` whom the message names
        """
        return self.professional_id | self.requester_id

    def _prepare_tiss_header(self):
        """ct_guiaCabecalho"""
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaPrestador": self.name,
        }

    def _prepare_tiss_expenses(self):
        """ct_outrasDespesas (guide §3.1)"""
        expenses = self.line_ids.filtered("expense_kind_id")
        if not expenses:
            return None
        return {"despesa": [line._prepare_tiss_expense() for line in expenses]}

    def _get_totals_by_element(self):
        """ct_guiaValorTotal: a kind appears when it has items, procedures always (guide §3.2)."""
        self.ensure_one()
        totals = {"valorProcedimentos": to_decimal(0)}
        for line in self.line_ids:
            element = TOTAL_ELEMENTS.get(line.expense_kind_id.code, "valorProcedimentos")
            totals[element] = totals.get(element, 0) + to_decimal(line.amount)
        totals["valorTotalGeral"] = sum(totals.values())
        return totals
