import itertools

from odoo import api, fields, models
from odoo.exceptions import UserError

from .coverage_book import CoverageRequest
from .tiss_term import term_field

OPEN = ("draft", "done")
COVERAGE_FIELDS = (
    "state", "date", "patient_id", "card_id", "contract_id", "mode", "professional_id",
    "authorization_number", "authorization_password", "line_ids.product_id", "line_ids.quantity",
    "line_ids.amount", "line_ids.professional_id", "line_ids.date",
)  # fmt: skip


class TissEncounter(models.Model):
    """A visit: who came with which card, who attended, and what was done and used.

    Flow: draft → done (ready to be billed) → billed (it has a guia); cancelled.
    """

    _name = "tiss.encounter"
    _description = "Encounter"
    _order = "date desc, id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "patient_id"]

    # ---- Identification
    name = fields.Char("Number", required=True, copy=False, readonly=True, default="/")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        [("draft", "Draft"), ("done", "Done"), ("billed", "Billed"), ("cancelled", "Cancelled")],
        string="Status",
        default="draft",
        required=True,
        copy=False,
        index=True,
    )
    date = fields.Date(required=True, index=True, default=fields.Date.context_today)
    patient_id = fields.Many2one("res.partner", required=True, index=True, ondelete="restrict")
    card_id = fields.Many2one(
        "tiss.card",
        compute="_compute_card_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        index="btree_not_null",
        domain="[('patient_id', '=?', patient_id)]",
        ondelete="restrict",
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        compute="_compute_contract_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    mode = fields.Selection(
        [("on_site", "On-site"), ("tele", "Telehealth")], default="on_site", required=True
    )

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
        domain="['|', ('tiss_is_professional', '=', True), ('tiss_is_referrer', '=', True)]",
        help="Who requested the procedures; the professional when nobody else did.",
    )
    request_date = fields.Date()
    clinical_indication = fields.Char(
        size=500, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )

    # ---- Authorisation
    authorization_number = fields.Char("Guia Number at the Operadora", size=20, copy=False)
    authorization_date = fields.Date(copy=False)
    authorization_password = fields.Char("Password", size=20, copy=False)
    authorization_validity_date = fields.Date("Password Valid Until", copy=False)

    # ---- Kind of care (ANS domain tables)
    care_character_id = term_field(
        "23", "Character", required=True, default=lambda self: self._default_term("23", "1")
    )
    accident_id = term_field(
        "36", "Accident", required=True, default=lambda self: self._default_term("36", "9")
    )
    consultation_type_id = term_field(
        "52", "Consultation Type", default=lambda self: self._default_term("52", "1")
    )
    attendance_type_id = term_field(
        "50",
        "Attendance Type",
        compute="_compute_attendance_type_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    regime_id = term_field(
        "76",
        "Regime",
        compute="_compute_regime_id",
        store=True,
        readonly=False,
        precompute=True,
    )

    # ---- Items and guias
    line_ids = fields.One2many("tiss.encounter.line", "encounter_id", "Items", copy=True)
    amount_total = fields.Monetary("Total", compute="_compute_amount_total", store=True)
    guia_ids = fields.Many2many(
        "tiss.guia",
        "tiss_guia_encounter_rel",
        "encounter_id",
        "guia_id",
        "Guias",
        copy=False,
        readonly=True,
        help="Every guia that bills or billed this visit, the cancelled ones too.",
    )
    guia_count = fields.Integer(compute="_compute_guia_count")
    billing_problems = fields.Text(compute="_compute_billing_problems")
    coverage_state = fields.Selection(
        [
            ("covered", "Covered"),
            ("authorization", "Needs an authorisation"),
            ("no_price", "Covered, but no price yet"),
            ("not_covered", "Not covered"),
        ],
        "Coverage",
        compute="_compute_coverage",
    )
    coverage_html = fields.Html("Why", compute="_compute_coverage", sanitize=False)
    coverage_alert = fields.Html(compute="_compute_coverage", sanitize=False)

    _to_bill_idx = models.Index("(company_id, date) WHERE state = 'done'")

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    def _default_term(self, table, code):
        return self.env["tiss.term"]._get(table, code)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "patient_id")
    def _compute_display_name(self):
        for encounter in self:
            number = encounter.name if encounter.name != "/" else self.env._("New Encounter")
            encounter.display_name = " · ".join(filter(None, [number, encounter.patient_id.name]))

    @api.depends("patient_id")
    def _compute_card_id(self):
        for encounter in self:
            date = encounter.date or fields.Date.context_today(self)
            if not encounter.card_id._is_usable(encounter.patient_id, encounter.company_id, date):
                encounter.card_id = encounter.patient_id._tiss_get_card(date, encounter.company_id)

    @api.onchange("card_id")
    def _onchange_card_id(self):
        """Whoever begins with the card need not look for the patient."""
        if self.card_id and not self.patient_id:
            self.patient_id = self.card_id.patient_id

    @api.depends("card_id", "company_id")
    def _compute_contract_id(self):
        contracts = self.env["tiss.contract"]._get_by_card(self.card_id)
        for encounter in self:
            encounter.contract_id = contracts.get(encounter.card_id)

    @api.depends("line_ids.product_id", "mode")
    def _compute_attendance_type_id(self):
        """Consultation (04), exam (23) or other therapies (03), by what was done."""
        Term = self.env["tiss.term"]
        for encounter in self:
            products = encounter.line_ids.product_id
            procedures = products.filtered(lambda product: not product.tiss_expense_kind_id)
            is_exam = any((product.tiss_code or "").startswith("4") for product in procedures)
            is_consultation = any(procedures.mapped("tiss_is_consultation"))
            code = "04" if is_consultation else "23" if is_exam else "03"
            encounter.attendance_type_id = Term._get("50", code)

    @api.depends("mode", "hospital_id", "start_date")
    def _compute_regime_id(self):
        """Telehealth (05), hospitalisation (03) or ambulatory (01)."""
        Term = self.env["tiss.term"]
        for encounter in self:
            stays = encounter.hospital_id or encounter.start_date
            code = "05" if encounter.mode == "tele" else "03" if stays else "01"
            encounter.regime_id = Term._get("76", code)

    @api.depends("line_ids.amount")
    def _compute_amount_total(self):
        for encounter in self:
            encounter.amount_total = sum(encounter.line_ids.mapped("amount"))

    @api.depends("guia_ids")
    def _compute_guia_count(self):
        for encounter in self:
            encounter.guia_count = len(encounter.guia_ids)

    @api.depends(
        *COVERAGE_FIELDS, "contract_id.coverage_policy", "guia_type", "line_ids.unit_price",
        "line_ids.has_price",
    )  # fmt: skip
    def _compute_billing_problems(self):
        uncovered = self._get_uncovered()
        for encounter in self:
            problems = encounter._get_missing(uncovered.get(encounter, []))
            encounter.billing_problems = "\n".join(problems) or False

    @api.depends(*COVERAGE_FIELDS)
    def _compute_coverage(self):
        """Whether the items are covered, and why; only while that can still be changed."""
        Contract = self.env["tiss.contract"]
        answers = self.filtered(lambda encounter: encounter.state in OPEN)._get_coverages()
        for encounter in self:
            titled = [
                (line.product_id.name, answers[line])
                for line in encounter.line_ids
                if line in answers
            ]
            doubts = [
                (title, {"reasons": reasons})
                for title, answer in titled
                if (reasons := [each for each in answer["reasons"] if each["kind"] != "info"])
            ]
            encounter.coverage_state = Contract._get_coverage_state(
                [answer for _title, answer in titled]
            )
            encounter.coverage_html = titled and Contract._render_coverage(titled)
            encounter.coverage_alert = doubts and Contract._render_coverage(doubts)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        unnumbered = [vals for vals in vals_list if vals.get("name", "/") == "/"]
        sequence = self.env["ir.sequence"]
        for vals in unnumbered:
            vals["name"] = sequence.next_by_code("tiss.encounter")
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._check_not_billed()
        return super().write(vals)

    def _check_not_billed(self):
        """What a guia says of a visit does not follow the visit any more."""
        billed = self.filtered(
            lambda encounter: (
                encounter.state == "billed"
                or (encounter.state == "done" and encounter.sudo().line_ids.guia_line_ids)
            )
        )
        if billed:
            raise UserError(
                self.env._(
                    "The encounter %s is already billed: cancel its guia before changing it.",
                    billed[0].name,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        if any(encounter.guia_ids for encounter in self):
            raise UserError(
                self.env._("An encounter that has a guia cannot be deleted: cancel the guia first.")
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_done(self):
        """Close the visit: from here the billing desk sees it."""
        self._check_state("draft")
        empty = self.filtered(lambda encounter: not encounter.line_ids)
        if empty:
            raise UserError(
                self.env._("Say what was done before closing the encounter %s.", empty[0].name)
            )
        self.state = "done"
        self._update_patient_amounts()

    def action_draft(self):
        self._check_state("done", "cancelled")
        self.state = "draft"

    def action_cancel(self):
        self._check_state("draft", "done")
        self.state = "cancelled"

    def action_create_guias(self):
        return self.create_guias()._get_records_action(name=self.env._("Guias"))

    def action_view_guias(self):
        return self.guia_ids._get_records_action(name=self.env._("Guias"))

    def _check_state(self, *states):
        wrong = self.filtered(lambda encounter: encounter.state not in states)
        if wrong:
            label = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "The encounter %(name)s is %(state)s: this cannot be done now.",
                    name=wrong[0].name,
                    state=label[wrong[0].state].lower(),
                )
            )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_coverages(self):
        """What the convênio says of each item, in one batch per convênio.

        :return: {`tiss.encounter.line`: dict of `coverage_for`}
        """
        answers = {}
        known = self.filtered(lambda encounter: encounter.card_id and encounter.date)
        for contract, encounters in known.grouped("contract_id").items():
            # In the order in which limits are used up.
            ordered = encounters.sorted(lambda each: (each.date, each._origin.id or 0))
            lines = ordered.line_ids.filtered("product_id")
            if contract:
                requests = [self._prepare_coverage_request(line) for line in lines]
                coverages = contract._compute_coverages(requests)
                answers.update(zip(lines, coverages, strict=True))
        return answers

    def _prepare_coverage_request(self, line):
        encounter = line.encounter_id
        is_priced = line.has_price or line.unit_price
        return CoverageRequest(
            card=encounter.card_id,
            product=line.product_id,
            date=line._get_date(),
            quantity=line.quantity,
            mode=encounter.mode,
            professional=line._get_performer(),
            authorization=encounter.authorization_password or encounter.authorization_number,
            encounter=encounter,
            amount=line.amount if is_priced else None,
        )

    def _get_uncovered(self):
        """What keeps items from being billed where the convênio's policy says so.

        :return: {encounter: sentences}
        """
        strict = self.filtered(
            lambda encounter: (
                encounter.state in OPEN and encounter.contract_id.coverage_policy == "block"
            )
        )
        uncovered = {}
        for line, answer in strict._get_coverages().items():
            if not answer["covered"]:
                reasons = [
                    reason["message"] for reason in answer["reasons"] if reason["kind"] == "block"
                ]
                sentence = self.env._(
                    "%(product)s is not billed: %(reasons)s",
                    product=line.product_id.name,
                    reasons=" ".join(reasons),
                )
                uncovered.setdefault(line.encounter_id, []).append(sentence)
        return uncovered

    def _update_patient_amounts(self):
        """Keep what the patient bears of each item, and what of it the year's deductible took."""
        for encounters in self._split_by_year():
            for line, answer in encounters._get_coverages().items():
                is_covered = answer["covered"]
                vals = {
                    "patient_amount": float(answer["patient_amount"]) if is_covered else 0.0,
                    "yearly_deductible": float(answer["yearly_deductible"]),
                    "is_collected_here": is_covered and answer["copayment_at_clinic"],
                }
                if any(line[name] != value for name, value in vals.items()):
                    line.write(vals)

    def _split_by_year(self):
        """Batches to be answered one after the other: each visit uses up the year's deductible.

        Without such a deductible all visits are one batch, else one visit of each patient.
        """
        yearly = [("contract_id", "in", self.contract_id.ids), ("deductible_kind", "=", "year")]
        if not self.env["tiss.coverage"].search_count(yearly, limit=1):
            return [self]
        by_patient = (
            self.sorted(lambda visit: (visit.date, visit.id)).grouped("patient_id").values()
        )
        return [
            self.browse().union(*batch)
            for batch in itertools.zip_longest(*by_patient, fillvalue=self.browse())
        ]
