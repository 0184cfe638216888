import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.text import to_ascii
from .bulk import read_children
from .system_fields import refuse_forged
from .tiss_term import term_field

REQUEST_TYPES = [
    ("sp_sadt", "SP/SADT"),
    ("internacao", "Internação"),
    ("prorrogacao", "Prorrogação de Internação"),
    ("odonto", "Odontologia"),
]
EDITABLE = ("draft", "validated", "rejected")
WAITING = ("unknown", "sent", "received", "in_analysis", "pending")
DECIDED = ("authorized", "partial", "denied")
GRANTED = ("authorized", "partial")
MAX_ITEMS = 9999  # sequencialItem, by which the operadora answers, has 4 digits
LINE_CONTENT = (
    "table_code", "code", "description", "quantity", "tooth_id", "region_id", "faces",
    "us_quantity", "amount", "amount_patient", "date",
)  # fmt: skip
ITEM_IN_PATH = re.compile(r"/procedimentos(?:Solicitados|Adicionais)\[(\d+)\](?:.*/)?([^/]*)$")
ANSWER_FIELDS = {
    "answer_status_id", "answer_date", "answer_moment", "operadora_number", "authorization_date",
    "authorization_password", "authorization_validity_date", "executor_code", "executor_cnes",
    "operadora_note", "query_date",
}  # fmt: skip


class TissAuthorization(models.Model):
    """A request for prior authorisation and what the operadora decided on it (guide §5.6).

    Flow: draft → validated → sent → in analysis / pending (the operadora waits for something of
    ours) → authorised, in part, denied; cancelled. Frozen once sent.

    Here is what all types share. A file for each type adds its boxes, what it cannot do without
    (`_get_<type>_problems`), what a new one starts with (`_get_<type>_defaults`) and its element
    of the message (`_prepare_tiss_<type>`).
    """

    _name = "tiss.authorization"
    _inherit = ["tiss.front.desk", "tiss.form", "mail.thread", "mail.activity.mixin"]
    _description = "Authorisation Request"
    _order = "date desc, id desc"
    _check_company_auto = True
    _rec_names_search = [
        "name", "card_number", "patient_id", "authorization_password", "operadora_number",
    ]  # fmt: skip

    # ---- Identification
    name = fields.Char(
        "Request Number", required=True, size=20, index=True, copy=False, default="/", readonly=True
    )
    number = fields.Integer("Sequence Number", copy=False, readonly=True)
    request_type = fields.Selection(
        REQUEST_TYPES, "Type", required=True, default="sp_sadt", index=True
    )
    state = fields.Selection(
        selection_add=[
            ("in_analysis", "In Analysis"),
            ("pending", "Waits for Us"),
            ("authorized", "Authorised"),
            ("partial", "Authorised in Part"),
            ("denied", "Not Authorised"),
            ("rejected",),
        ],
        ondelete=dict.fromkeys(("in_analysis", "pending", *DECIDED), "cascade"),
    )
    date = fields.Date("Requested On", required=True, default=fields.Date.context_today)
    stage_id = term_field(
        "73",
        "Stage",
        default=lambda self: self.env["tiss.term"]._get("73", "1"),
        help="Whether the request comes before the care, or from whoever executes it.",
    )
    encounter_id = fields.Many2one(
        "tiss.encounter",
        check_company=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    event_id = fields.Many2one(
        "calendar.event", "Appointment", copy=False, index="btree_not_null", ondelete="set null"
    )
    parent_id = fields.Many2one(
        "tiss.authorization",
        "Earlier Request",
        check_company=True,
        index="btree_not_null",
        domain="[('card_id', '=', card_id), ('id', '!=', id)]",
        ondelete="restrict",
        help="The request of the hospitalisation that this one extends.",
    )
    child_ids = fields.One2many("tiss.authorization", "parent_id", "Extensions")
    main_number = fields.Char(
        "Main Guia",
        size=20,
        copy=False,
        compute="_compute_main_number",
        store=True,
        readonly=False,
        precompute=True,
        help="Number at the operadora of the guia that this request belongs to.",
    )

    # ---- Request
    professional_id = fields.Many2one(
        "res.partner",
        "Requested By",
        required=True,
        index=True,
        domain=["|", ("tiss_is_professional", "=", True), ("tiss_is_referrer", "=", True)],
        ondelete="restrict",
    )
    care_character_id = term_field("23", "Character")
    special_coverage_id = term_field("75", "Special Coverage")
    clinical_indication = fields.Char(
        size=500, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    observation = fields.Char(size=1000)
    line_ids = fields.One2many("tiss.authorization.line", "authorization_id", "Items", copy=True)

    # The front desk sends requests, but the journal is not its to open.
    tiss_message_ids = fields.One2many(groups="l10n_br_tiss.group_tiss_billing")

    # ---- Answer
    answer_status_id = term_field("45", "Answer", readonly=True, copy=False)
    answer_date = fields.Date("Answered On", readonly=True, copy=False)
    answer_moment = fields.Datetime(
        readonly=True, copy=False, help="When the operadora wrote the answer that counts."
    )
    operadora_number = fields.Char(
        "Guia Number at the Operadora", size=20, readonly=True, copy=False, index=True
    )
    authorization_date = fields.Date("Authorised On", readonly=True, copy=False)
    authorization_password = fields.Char("Password", size=20, readonly=True, copy=False)
    authorization_validity_date = fields.Date("Password Valid Until", readonly=True, copy=False)
    executor_code = fields.Char("Who May Execute", size=14, readonly=True, copy=False)
    executor_cnes = fields.Char("CNES", size=7, readonly=True, copy=False)
    operadora_note = fields.Text("Note of the Operadora", readonly=True, copy=False)
    reason_ids = fields.One2many(
        "tiss.authorization.reason",
        "authorization_id",
        "Reasons",
        domain=[("line_id", "=", False)],
        readonly=True,
        copy=False,
    )
    is_expiring = fields.Boolean(compute="_compute_is_expiring")

    _number_uniq = models.Constraint(
        "UNIQUE(contract_id, name)", "A request number is used once per convênio."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id")
    def _compute_display_name(self):
        for request in self:
            number = request.name if request.name != "/" else self.env._("New Request")
            request.display_name = " · ".join(filter(None, [number, request.contract_id.name]))

    @api.depends("parent_id.operadora_number")
    def _compute_main_number(self):
        """The number by which the operadora knows the earlier request, once it has told it."""
        for request in self:
            parent = request.parent_id
            if parent and request.state in (False, *EDITABLE):
                request.main_number = parent.operadora_number or parent.name

    @api.depends("state", "authorization_validity_date")
    def _compute_is_expiring(self):
        limit = fields.Date.add(fields.Date.context_today(self), days=5)
        for request in self:
            validity = request.authorization_validity_date
            request.is_expiring = request.state in GRANTED and bool(validity and validity <= limit)

    @api.depends(
        lambda self: (
            "state",
            *sorted(self._get_frozen_fields()),
            *(f"line_ids.{name}" for name in LINE_CONTENT),
        )
    )
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("request_type")
    def _onchange_request_type(self):
        self._fill_default_terms(self.request_type)

    @api.onchange("card_id")
    def _onchange_card_id(self):
        result = super()._onchange_card_id()
        # A card of another operadora brings its own convênio.
        if self.card_id and self.contract_id.partner_id != self.card_id.operadora_id:
            contracts = self.env["tiss.contract"]._get_by_card(self.card_id)
            self.contract_id = contracts.get(self.card_id)
        return result

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        default_type = self.default_get(["request_type"])["request_type"]
        for vals in vals_list:
            if vals.get("name", "/") != "/" or vals.get("number"):
                raise UserError(
                    self.env._("The number of a request comes from its convênio: leave it empty.")
                )
            request_type = vals.get("request_type", default_type)
            for name, term_id in self._get_default_terms(request_type).items():
                vals.setdefault(name, term_id)
        model = refuse_forged(self, self._get_system_fields() - {"version"}, vals_list)
        self._take_form_numbers(vals_list)
        return super(TissAuthorization, model).create(vals_list)

    def write(self, vals):
        touches_content = set(vals) & self._get_frozen_fields()
        if touches_content:
            self._check_editable()
        result = super().write(vals)
        if touches_content:
            self._reopen()
        return result

    @api.model
    def _create_for(self, vals):
        """The request of a visit; the clinical indication travels with the visit, unseen."""
        self.check_access("create")
        return self.sudo().create(vals).with_env(self.env)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_numbered(self):
        raise UserError(
            self.env._("A request keeps its number for ever: cancel it instead of deleting it.")
        )

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | ANSWER_FIELDS | {"name", "number"}

    @api.model
    def _get_frozen_fields(self):
        """Fields that a sent request no longer changes."""
        return {
            "contract_id", "request_type", "date", "stage_id", "parent_id", "main_number",
            "patient_id", "card_id", "card_number", "is_newborn", "identification_type_id",
            "validation_code", "no_validation_code_id", "professional_id", "care_character_id",
            "special_coverage_id", "clinical_indication", "observation", "line_ids",
        }  # fmt: skip

    def _check_editable(self):
        """Hook of the records that belong to a request, before they change."""
        frozen = self.filtered(lambda request: request.state not in EDITABLE)
        if frozen:
            raise UserError(
                self.env._("Request %s was sent: its content can no longer change.", frozen[0].name)
            )

    def _reopen(self):
        """Its XML no longer says what the request says: it has to be made again."""
        stale = self.filtered(lambda request: request.state in ("validated", "rejected"))
        stale.sudo().write({"state": "draft", "message_id": False})

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register_answer(self):
        """Type what the operadora said on its portal or by telephone, or read its file."""
        self.ensure_one()
        self._check_state(*EDITABLE, *WAITING, *DECIDED)
        return self.env["tiss.authorization.register"]._get_request_action(self)

    def action_use_in_guia(self):
        """Open a new guia of what is left of the authorisation."""
        self.ensure_one()
        return self.create_guia()._get_records_action()

    def action_extend(self):
        """Open a new request for more days of this hospitalisation."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "view_mode": "form",
            "context": {
                "default_request_type": "prorrogacao",
                "default_parent_id": (self.parent_id or self).id,
                "default_contract_id": self.contract_id.id,
                "default_patient_id": self.patient_id.id,
                "default_card_id": self.card_id.id,
                "default_professional_id": self.professional_id.id,
            },
        }

    def action_correct(self):
        """What the operadora refused is corrected and sent again with the same number."""
        self.check_access("write")
        self._check_state("rejected", "validated")
        self._reopen()

    def action_reject(self):
        """The operadora refused the request outside of a file."""
        for request in self:
            request._reject(request.env._("Refused by the operadora."))

    def action_cancel(self):
        """Give the request up; its number stays used."""
        self.check_access("write")
        self._check_state(*EDITABLE, *WAITING, *DECIDED)
        used = self.filtered(lambda request: any(request.line_ids.mapped("quantity_used")))
        if used:
            raise UserError(
                self.env._("Guias already use the request %s: cancel them before it.", used[0].name)
            )
        self.sudo().state = "cancelled"

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        self.ensure_one()
        if self.state not in EDITABLE:
            return []
        if not self.contract_id or not self.request_type:
            return [(self.env._("Choose the convênio and the type."), self, "contract_id")]
        return [
            *super()._get_problem_rows(),
            *self._get_common_problems(),
            *getattr(self, f"_get_{self.request_type}_problems")(),
            *self._get_council_problems(self._get_people()),
            *self._get_item_problems(),
        ]

    def _get_common_problems(self):
        problems = []
        if self.date and self.date > fields.Date.context_today(self):
            problems.append((self.env._("The request is dated in the future."), self, "date"))
        if self.card_id and self.date and (said := self.card_id._get_validity_problem(self.date)):
            problems.append((said, self, "card_id"))
        if self.validation_code and self.no_validation_code_id:
            sentence = self.env._("There is a token, and a reason for not having one: keep one.")
            problems.append((sentence, self, "no_validation_code_id"))
        size = self._get_observation_size()
        if len(self.observation or "") > size:
            sentence = self.env._("The observation takes %s characters.", size)
            problems.append((sentence, self, "observation"))
        person = self.professional_id
        if person and not self._prepare_tiss_requester(person)["nomeContratadoSolicitante"]:
            sentence = self.env._("The name of who requests cannot be sent: use Latin letters.")
            problems.append((sentence, self, "professional_id"))
        return problems

    def _get_observation_size(self):
        return 1000 if self.request_type == "internacao" else 500

    def _get_indication_problems(self):
        """Whether there is an indication, which may be told to who may not see it."""
        if to_ascii(self.sudo().clinical_indication or ""):
            return []
        sentence = self.env._("Fill in: %s.", self._get_box_label("clinical_indication"))
        return [(sentence, self, "clinical_indication")]

    def _get_people(self):
        """Professionals whom the message names with council and CBO."""
        return self.professional_id

    def _get_parts(self):
        return [*self.line_ids]

    def _get_item_problems(self):
        problems = []
        if not self.line_ids and self.request_type != "prorrogacao":
            problems.append((self.env._("The request has no items."), self, None))
        if len(self.line_ids) > MAX_ITEMS:
            sentence = self.env._("A request takes %s items.", MAX_ITEMS)
            problems.append((sentence, self, None))
        for line in self.line_ids:
            problems += [(sentence, line, None) for sentence in line._get_problems()]
        return problems

    # ------------------------------------------------------------------
    # Building the message
    # ------------------------------------------------------------------

    def _check_content(self):
        problems = self._get_problems()
        if problems:
            raise UserError(
                self.env._(
                    "Request %(name)s cannot be sent yet. %(problems)s",
                    name=self.name,
                    problems=" ".join(problems),
                )
            )

    def _read_content(self):
        request = self.sudo()
        read_children(request, "line_ids")
        self.env["tiss.term"]._cache_domain_codes()

    def _locate(self, path):
        """The item that a path is in, in words."""
        found = ITEM_IN_PATH.search(path)
        if not found:
            return path.rpartition("/")[2] or path
        return self.env._("item %(item)s, %(element)s", item=found[1], element=found[2])

    @api.model
    def _get_transaction(self):
        return "SOLICITACAO_PROCEDIMENTOS"

    def _prepare_tiss_body(self):
        """solicitacaoProcedimento: one request a message (guide §5.6)"""
        element = {
            "sp_sadt": "solicitacaoSP-SADT",
            "internacao": "solicitacaoInternacao",
            "prorrogacao": "solicitacaoProrrogacao",
            "odonto": "solicitacaoOdontologia",
        }[self.request_type]
        return {element: getattr(self, f"_prepare_tiss_{self.request_type}")()}

    def _prepare_tiss_header(self):
        """ct_guiaCabecalho"""
        return {"registroANS": self.contract_id.ans_code, "numeroGuiaPrestador": self.name}

    def _prepare_tiss_indication(self):
        return to_ascii(self.clinical_indication or "", 500) or None

    def _prepare_tiss_lines(self):
        return [line._prepare_tiss_requested() for line in self.line_ids]

    def _get_annex_kinds(self):
        """Which annexes go with the request: a set of opme, quimio, radio."""
        return set()

    def _prepare_tiss_annexes(self):
        """anexoClinico of the request; None when annexes travel apart or there are none."""
        return None
