from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import split_every

from ..standard.money import to_decimal
from ..standard.text import to_ascii
from .bulk import lock
from .tiss_term import term_field

UNKNOWN_PROVIDER = "9" * 14  # guide §3.10: requester whose code nobody knows
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


class TissGuia(models.Model):
    """The claim for one visit of one beneficiary, of any type of the standard.

    Flow: draft → ready (nothing missing) → in lote → sent → processed → closed; cancelled.
    Once sent its content is frozen; what happens to its money is in the movements.
    """

    _name = "tiss.guia"
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
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    ans_code = fields.Char(related="contract_id.ans_code")
    guia_type = fields.Selection(
        [("consulta", "Consulta"), ("sp_sadt", "SP/SADT")], "Type", required=True, index=True
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("ready", "Ready"),
            ("in_lote", "In Lote"),
            ("sent", "Sent"),
            ("processed", "Processed"),
            ("closed", "Closed"),
            ("cancelled", "Cancelled"),
        ],
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
    encounter_id = fields.Many2one(
        "tiss.encounter",
        check_company=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        readonly=True,
    )
    date = fields.Date(required=True, index=True, default=fields.Date.context_today)

    # ---- Beneficiary
    patient_id = fields.Many2one("res.partner", required=True, index=True, ondelete="restrict")
    card_id = fields.Many2one(
        "tiss.card",
        required=True,
        index=True,
        check_company=True,
        domain="[('patient_id', '=', patient_id)]",
        ondelete="restrict",
    )
    card_number = fields.Char(
        compute="_compute_card_number", store=True, readonly=False, precompute=True, index=True
    )
    is_newborn = fields.Boolean(
        "Newborn", compute="_compute_card_number", store=True, readonly=False, precompute=True
    )

    # ---- Authorisation
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
    request_date = fields.Date()
    clinical_indication = fields.Char(
        size=500, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )

    # ---- Kind of care
    care_character_id = term_field("23", "Character")
    accident_id = term_field("36", "Accident")
    consultation_type_id = term_field("52", "Consultation Type")
    attendance_type_id = term_field("50", "Attendance Type")
    regime_id = term_field("76", "Regime")
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
    amount_rates = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_materials = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_medicines = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    amount_gases = fields.Float(digits=(10, 2), compute="_compute_amounts_by_kind")
    glosa_ids = fields.One2many(
        "tiss.glosa", "guia_id", "Glosas", groups="l10n_br_tiss.group_tiss_billing"
    )
    movement_ids = fields.One2many(
        "tiss.movement", "guia_id", "Movements", groups="l10n_br_tiss.group_tiss_billing"
    )
    problems = fields.Text("Missing", compute="_compute_problems")

    _number_uniq = models.Constraint(
        "UNIQUE(contract_id, name)", "A guia number is used once per convênio."
    )
    _encounter_uniq = models.UniqueIndex(
        "(encounter_id) WHERE encounter_id IS NOT NULL AND state != 'cancelled'",
        "This encounter already has a guia.",
    )
    _ready_idx = models.Index("(contract_id, guia_type) WHERE state = 'ready'")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id")
    def _compute_display_name(self):
        for guia in self:
            guia.display_name = f"{guia.name} · {guia.contract_id.name}"

    @api.depends("card_id")
    def _compute_card_number(self):
        for guia in self:
            guia.card_number = guia.card_id.number
            guia.is_newborn = guia.card_id.is_newborn

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
            guia.amount_procedures = float(totals.get("valorProcedimentos", 0))
            guia.amount_rates = float(
                totals.get("valorTaxasAlugueis", 0) + totals.get("valorDiarias", 0)
            )
            guia.amount_materials = float(
                totals.get("valorMateriais", 0) + totals.get("valorOPME", 0)
            )
            guia.amount_medicines = float(totals.get("valorMedicamentos", 0))
            guia.amount_gases = float(totals.get("valorGasesMedicinais", 0))

    @api.depends("state", "card_id", "contract_id", "professional_id", "requester_id", "line_ids")
    def _compute_problems(self):
        for guia in self:
            guia.problems = "\n".join(guia._get_problems()) or False

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        unnumbered = {}
        for vals in vals_list:
            if vals.get("name", "/") == "/" and not vals.get("number"):
                unnumbered.setdefault(vals.get("contract_id"), []).append(vals)
            elif not self.env.su:
                raise UserError(
                    self.env._("The number of a guia comes from its convênio: leave it empty.")
                )
        for contract in self.env["tiss.contract"].browse(filter(None, unnumbered)):
            batch = unnumbered[contract.id]
            numbers = contract._take_numbers("next_guia_number", len(batch))
            for vals, number in zip(batch, numbers, strict=True):
                vals.update(number=number, name=str(number))
        return super().create(vals_list)

    def write(self, vals):
        touches_content = set(vals) & self._get_frozen_fields()
        if touches_content:
            self._check_editable()
        if "lote_id" in vals or vals.get("state") in UNBILLED_STATES:
            self._check_not_billed()
        if {"state", "lote_id"} & set(vals) and not self.env.su:
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
    def _get_frozen_fields(self):
        """Fields that a guia in a lote no longer changes."""
        return {
            "name", "number", "contract_id", "guia_type", "date", "patient_id", "card_id",
            "card_number", "is_newborn", "operadora_number", "authorization_date",
            "authorization_password", "authorization_validity_date", "professional_id",
            "requester_id", "request_date", "clinical_indication", "care_character_id",
            "accident_id", "consultation_type_id", "attendance_type_id", "regime_id",
            "observation", "line_ids",
        }  # fmt: skip

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
        if billed:
            raise UserError(
                self.env._(
                    "Guia %s was received under a protocolo: it stays in its lote.", billed[0].name
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_check(self):
        """Check again and mark as ready what has nothing missing; say what is missing."""
        self._check_editable()
        self._update_readiness()
        draft = self.filtered(lambda guia: guia.state == "draft")
        if draft:
            raise UserError(
                "\n".join(f"{guia.name}: {' '.join(guia._get_problems())}" for guia in draft)
            )

    def action_cancel(self):
        """Cancel guias that are in no lote: their numbers stay used, their visits open again."""
        self.check_access("write")
        self._check_editable()
        self.encounter_id.sudo().write({"state": "done"})
        self.sudo().state = "cancelled"

    def action_view_encounter(self):
        return self.encounter_id._get_records_action()

    def action_view_lote(self):
        return self.lote_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_problems(self):
        """What is missing before this guia can go into a lote, as sentences."""
        self.ensure_one()
        if self.state not in ("draft", "ready"):
            return []
        problems = []
        if not self.line_ids:
            problems.append(self.env._("The guia has no items."))
        if not self.contract_id:
            return [*problems, self.env._("Choose the convênio.")]
        if not self.contract_id._get_provider_code():
            problems.append(
                self.env._("The convênio %s has no code at the operadora.", self.contract_id.name)
            )
        payer_problem = self.contract_id._get_payer_problem()
        if payer_problem:
            problems.append(payer_problem)
        if self.card_id.operadora_id != self.contract_id.partner_id:
            problems.append(self.env._("The card is of another operadora than the convênio."))
        if self.card_id.patient_id != self.patient_id:
            problems.append(self.env._("The card is of another patient."))
        problems += self._get_care_problems()
        problems += self._get_people_problems()
        if self.guia_type == "consulta" and len(self.line_ids) > 1:
            problems.append(self.env._("A guia de consulta has exactly one procedure."))
        has_authorization = self.authorization_password or self.authorization_validity_date
        if has_authorization and not self.authorization_date:
            problems.append(self.env._("The authorisation needs its date."))
        for line in self.line_ids:
            problems += line._get_problems()
        return problems

    def _get_care_problems(self):
        """Terms that the message cannot do without, by type (guide §3.3, §3.4)."""
        names = ["accident_id", "regime_id"]
        if self.guia_type == "sp_sadt":
            names += ["care_character_id", "attendance_type_id"]
        if self.guia_type == "consulta" or self.attendance_type_id.code == "04":
            names.append("consultation_type_id")
        missing = [
            self._fields[name]._description_string(self.env) for name in names if not self[name]
        ]
        return [self.env._("Fill in: %s.", ", ".join(missing))] if missing else []

    def _get_people_problems(self):
        people = self.professional_id | self.line_ids.member_ids.professional_id
        if self.guia_type == "sp_sadt":
            people |= self.requester_id or self.professional_id
        problems = []
        for person in people:
            missing = person._tiss_get_council_problems()
            if missing:
                problems.append(
                    self.env._(
                        "%(person)s lacks: %(missing)s.",
                        person=person.name,
                        missing=", ".join(missing),
                    )
                )
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
        return {"consulta": "guiaConsulta", "sp_sadt": "guiaSP-SADT"}[guia_type]

    def _prepare_tiss_header(self):
        """ct_guiaCabecalho"""
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaPrestador": self.name,
        }

    def _prepare_tiss_beneficiary(self):
        """ct_beneficiarioDados"""
        return {
            "numeroCarteira": self.card_number,
            "atendimentoRN": "S" if self.is_newborn else "N",
        }

    def _prepare_tiss_observation(self):
        return to_ascii(self.observation or "", 500) or None

    def _prepare_tiss_consulta(self):
        """ctm_consultaGuia (guide §3.3)"""
        line = self.line_ids
        return {
            "cabecalhoConsulta": self._prepare_tiss_header(),
            "numeroGuiaOperadora": self.operadora_number or None,
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "contratadoExecutante": {
                **self.contract_id._get_provider_identification(),
                "CNES": self.company_id.tiss_cnes,
            },
            "profissionalExecutante": self.professional_id._tiss_prepare_professional(),
            "indicacaoAcidente": self.accident_id.code or None,
            "dadosAtendimento": {
                "regimeAtendimento": self.regime_id.code or None,
                "dataAtendimento": self.date,
                "tipoConsulta": self.consultation_type_id.code or None,
                "procedimento": {
                    "codigoTabela": line.table_code,
                    "codigoProcedimento": line.code,
                    "valorProcedimento": to_decimal(line.amount),
                },
            },
            "observacao": self._prepare_tiss_observation(),
        }

    def _prepare_tiss_sp_sadt(self):
        """ctm_sp-sadtGuia (guide §3.4)"""
        procedures = self.line_ids.filtered(lambda line: not line.expense_kind_id)
        expenses = self.line_ids - procedures
        is_consultation = self.attendance_type_id.code == "04"
        provider = self.contract_id._get_provider_identification()
        return {
            "cabecalhoGuia": self._prepare_tiss_header(),
            "dadosAutorizacao": self._prepare_tiss_authorization(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosSolicitante": self._prepare_tiss_requester(),
            "dadosSolicitacao": {
                "dataSolicitacao": self.request_date or None,
                "caraterAtendimento": self.care_character_id.code or None,
                "indicacaoClinica": self._prepare_tiss_indication(),
            },
            "dadosExecutante": {
                "contratadoExecutante": provider,
                "CNES": self.company_id.tiss_cnes,
            },
            "dadosAtendimento": {
                "tipoAtendimento": self.attendance_type_id.code or None,
                "indicacaoAcidente": self.accident_id.code or None,
                "tipoConsulta": self.consultation_type_id.code or None if is_consultation else None,
                "regimeAtendimento": self.regime_id.code or None,
            },
            "procedimentosExecutados": {
                "procedimentoExecutado": [line._prepare_tiss_executed() for line in procedures]
            }
            if procedures
            else None,
            "outrasDespesas": {"despesa": [line._prepare_tiss_expense() for line in expenses]}
            if expenses
            else None,
            "observacao": self._prepare_tiss_observation(),
            "valorTotal": self._get_totals_by_element(),
        }

    def _prepare_tiss_indication(self):
        """The clinical indication, for the message and for who may see it."""
        may_see = self.env.su or self.env.user.has_group("l10n_br_tiss.group_tiss_clinical")
        indication = may_see and self.clinical_indication
        return to_ascii(indication or "", 500) or None

    def _prepare_tiss_authorization(self):
        """ct_autorizacaoSADT, only with a date: the block exists by it (guide §3.4)"""
        if not self.authorization_date:
            return None
        return {
            "numeroGuiaOperadora": self.operadora_number or None,
            "dataAutorizacao": self.authorization_date,
            "senha": self.authorization_password or None,
            "dataValidadeSenha": self.authorization_validity_date or None,
        }

    def _prepare_tiss_requester(self):
        """dadosSolicitante: the clinic itself, or an outside referrer (guide §3.10)"""
        requester = self.requester_id or self.professional_id
        if requester.tiss_is_professional:
            contratado = self.contract_id._get_provider_identification()
            name = self.company_id.name
        else:
            code = requester.tiss_provider_code or UNKNOWN_PROVIDER
            contratado = {"codigoPrestadorNaOperadora": code}
            name = requester.parent_id.name or requester.name
        return {
            "contratadoSolicitante": contratado,
            "nomeContratadoSolicitante": to_ascii(name, 70),
            "profissionalSolicitante": requester._tiss_prepare_professional(),
        }

    def _get_totals_by_element(self):
        """ct_guiaValorTotal: a kind appears when it has items, procedures always (guide §3.2)."""
        self.ensure_one()
        totals = {"valorProcedimentos": to_decimal(0)}
        for line in self.line_ids:
            element = TOTAL_ELEMENTS.get(line.expense_kind_id.code, "valorProcedimentos")
            totals[element] = totals.get(element, 0) + to_decimal(line.amount)
        totals["valorTotalGeral"] = sum(totals.values())
        return totals
