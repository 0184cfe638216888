import re

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ..standard.text import to_ascii
from .bulk import read_children
from .system_fields import refuse_forged
from .tiss_term import term_field

ANNEX_TYPES = [
    ("opme", "OPME"),
    ("quimio", "Chemotherapy"),
    ("radio", "Radiotherapy"),
    ("situacao_inicial", "Initial Dental Condition"),
]
ELEMENTS = {
    "opme": "anexoSolicitacaoOPME",
    "quimio": "anexoSolicitacaoQuimio",
    "radio": "anexoSolicitacaoRadio",
    "situacao_inicial": "anexoSituacaoInicial",
}
INSIDE_ELEMENTS = {
    "opme": "solicitacaoOPME",
    "quimio": "solicitacaoQuimioterapia",
    "radio": "solicitacaoRadioterapia",
}
ANSWER_ELEMENTS = {"opme": "anexoOPME", "quimio": "anexoQuimio", "radio": "anexoRadio"}
MAX_TEETH_ANNEXES = 100  # per message; of the others there is one (guide §3.9)
PHONE = re.compile("[0-9]{10,11}")
ANNEX_IN_PATH = re.compile(r"anexoSituacaoInicial\[(\d+)\](?:/(.*))?")
CLINICAL = "l10n_br_tiss.group_tiss_clinical"
ANSWER_FIELDS = {
    "answer_id", "answer_number", "answer_password", "answer_date", "answer_validity_date",
    "denial_reason",
}  # fmt: skip


class TissAnnex(models.Model):
    """What explains a request for authorisation: OPME, quimioterapia, radioterapia, teeth.

    It travels inside its request, or by itself once the request is away (guide §3.9). Here is what
    all types share; a file for each adds its boxes, what it cannot do without
    (`_get_<type>_problems`) and its element of the message (`_prepare_tiss_<type>`).

    Of health are also the weight and the name of a drug: only who belongs to the clinical group
    sees what is asked for and why. Numbers, dates, people, prices and answers everybody sees.
    """

    _name = "tiss.annex"
    _inherit = ["tiss.outgoing", "tiss.form", "mail.thread", "mail.activity.mixin"]
    _description = "Annex of a Request"
    _order = "contract_id, number desc"
    _check_company_auto = True
    _rec_names_search = ["name", "card_number", "patient_id", "authorization_id"]

    # ---- Identification
    name = fields.Char(
        "Annex Number", required=True, size=20, index=True, copy=False, default="/", readonly=True
    )
    number = fields.Integer("Sequence Number", copy=False, readonly=True)
    annex_type = fields.Selection(ANNEX_TYPES, "Type", required=True, index=True)
    authorization_id = fields.Many2one(
        "tiss.authorization",
        "Request",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    transport = fields.Selection(
        [("request", "Inside the Request"), ("alone", "By Itself")],
        "Leaves",
        required=True,
        compute="_compute_transport",
        store=True,
        precompute=True,
        readonly=False,
        help="A request that has not left yet takes its annexes along.",
    )
    # Whose it is follows from the request.
    company_id = fields.Many2one(
        compute="_compute_subject", store=True, precompute=True, default=None
    )
    contract_id = fields.Many2one(compute="_compute_subject", store=True, precompute=True)
    patient_id = fields.Many2one(compute="_compute_subject", store=True, precompute=True)
    card_id = fields.Many2one(compute="_compute_subject", store=True, precompute=True)
    identification_type_id = fields.Many2one(
        compute="_compute_subject", store=True, precompute=True
    )
    date = fields.Date("Requested On", required=True, default=fields.Date.context_today)

    # ---- What is known of the authorisation when it leaves
    operadora_number = fields.Char("Guia Number at the Operadora", size=20, copy=False)
    authorization_password = fields.Char(
        "Password",
        size=20,
        compute="_compute_known_authorization",
        store=True,
        precompute=True,
        readonly=False,
    )
    authorization_date = fields.Date(
        compute="_compute_known_authorization", store=True, precompute=True, readonly=False
    )

    # ---- Who asks
    requester_id = fields.Many2one(
        "res.partner",
        "Requested By",
        domain=["|", ("tiss_is_professional", "=", True), ("tiss_is_referrer", "=", True)],
        compute="_compute_known_authorization",
        store=True,
        precompute=True,
        readonly=False,
        ondelete="restrict",
    )
    requester_phone = fields.Char(
        "Phone",
        size=20,
        compute="_compute_requester_contact",
        store=True,
        precompute=True,
        readonly=False,
        help="With area code.",
    )
    requester_email = fields.Char(
        "E-mail",
        compute="_compute_requester_contact",
        store=True,
        precompute=True,
        readonly=False,
    )

    # ---- Content
    age = fields.Integer(
        "Age (years)", compute="_compute_bearer", store=True, precompute=True, readonly=False
    )
    sex_id = term_field(
        "43", "Sex", compute="_compute_bearer", store=True, precompute=True, readonly=False
    )
    observation = fields.Text(groups=CLINICAL, copy=False)
    line_ids = fields.One2many("tiss.annex.line", "annex_id", "Items")

    # ---- Message and answer
    tiss_message_ids = fields.One2many(groups="l10n_br_tiss.group_tiss_billing")
    lote_number = fields.Char(readonly=True, copy=False, size=12, index="btree_not_null")
    protocol_number = fields.Char("Protocolo", readonly=True, copy=False, size=12)
    protocol_date = fields.Date("Protocolo Date", readonly=True, copy=False)
    answer_id = term_field("45", "Answer", readonly=True, copy=False, tracking=True)
    answer_number = fields.Char("Number at the Operadora", readonly=True, copy=False)
    answer_password = fields.Char("Answered Password", readonly=True, copy=False)
    answer_date = fields.Date("Authorised On", readonly=True, copy=False)
    answer_validity_date = fields.Date("Password Valid Until", readonly=True, copy=False)
    denial_reason = fields.Text("Reasons of the Operadora", readonly=True, copy=False)

    _number_uniq = models.Constraint(
        "UNIQUE(contract_id, name)", "The number of an annex is used once per convênio."
    )
    _inside_uniq = models.UniqueIndex(
        "(authorization_id, annex_type) WHERE transport = 'request' AND state != 'cancelled'",
        "A request takes along one annex of each type: send the other one by itself.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "annex_type")
    def _compute_display_name(self):
        labels = dict(self._fields["annex_type"]._description_selection(self.env))
        for annex in self:
            number = annex.name if annex.name != "/" else self.env._("New Annex")
            annex.display_name = " · ".join(filter(None, [number, labels.get(annex.annex_type)]))

    @api.depends("authorization_id", "annex_type")
    def _compute_transport(self):
        for annex in self:
            # A dental request has the teeth among its own boxes.
            is_apart = annex.authorization_id._is_away() or annex.annex_type == "situacao_inicial"
            annex.transport = "alone" if is_apart else "request"

    @api.depends("contract_id.version")
    def _compute_version(self):
        return super()._compute_version()

    def _get_followers(self):
        """Those that still change with their request: what left stays as it left."""
        return self.filtered(lambda annex: annex.state == "draft" or not annex.contract_id)

    @api.depends(
        "authorization_id.company_id",
        "authorization_id.contract_id",
        "authorization_id.patient_id",
        "authorization_id.card_id",
        "authorization_id.identification_type_id",
    )
    def _compute_subject(self):
        for annex in self._get_followers():
            request = annex.authorization_id
            annex.company_id = request.company_id
            annex.contract_id = request.contract_id
            annex.patient_id = request.patient_id
            annex.card_id = request.card_id
            annex.identification_type_id = request.identification_type_id

    @api.depends("authorization_id.card_number", "authorization_id.is_newborn")
    def _compute_card_number(self):
        for annex in self._get_followers():
            annex.card_number = annex.authorization_id.card_number
            annex.is_newborn = annex.authorization_id.is_newborn

    @api.depends("authorization_id")
    def _compute_known_authorization(self):
        for annex in self:
            request = annex.authorization_id
            annex.requester_id = request.professional_id
            annex.authorization_password = request.authorization_password
            annex.authorization_date = request.authorization_date

    @api.depends("requester_id")
    def _compute_requester_contact(self):
        for annex in self:
            digits = re.sub("[^0-9]", "", annex.requester_id.phone or "")
            is_with_country = len(digits) > 11 and digits.startswith("55")
            annex.requester_phone = digits[2:] if is_with_country else digits
            annex.requester_email = annex.requester_id.email

    @api.depends("date", "patient_id.tiss_birth_date", "patient_id.tiss_sex")
    def _compute_bearer(self):
        Term = self.env["tiss.term"]
        for annex in self._get_followers():
            patient = annex.patient_id
            birth, day = patient.tiss_birth_date, annex.date
            had_birthday = birth and day and (day.month, day.day) >= (birth.month, birth.day)
            years = day.year - birth.year - (not had_birthday) if birth and day else 0
            annex.age = max(years, 0)
            annex.sex_id = Term._get("43", {"m": "1", "f": "3"}.get(patient.tiss_sex))

    @api.depends(
        lambda self: (
            "state",
            *self._get_frozen_fields(),
            *(f"line_ids.{name}" for name in self.env["tiss.annex.line"]._get_content_fields()),
            "tooth_ids.tooth_id",
            "tooth_ids.condition_id",
        )
    )
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = refuse_forged(self, self._get_system_fields() - {"version"}, vals_list)
        unnumbered = {}
        for vals in vals_list:
            if not self.env.su and (vals.get("name", "/") != "/" or vals.get("number")):
                raise UserError(
                    self.env._("The number of an annex comes from its convênio: leave it empty.")
                )
            if vals.get("name", "/") == "/":
                request = self.env["tiss.authorization"].browse(vals.get("authorization_id"))
                unnumbered.setdefault(request.contract_id, []).append(vals)
        for contract, batch in unnumbered.items():
            if contract:
                numbers = contract._take_numbers("next_guia_number", len(batch))
                for vals, number in zip(batch, numbers, strict=True):
                    vals.update(number=number, name=str(number))
        annexes = super(TissAnnex, model).create(vals_list)
        annexes._check_editable()
        annexes._outdate()
        return annexes

    def write(self, vals):
        touches_content = bool(set(vals) & self._get_frozen_fields())
        if touches_content:
            self._check_editable()
        result = super().write(vals)
        if touches_content:
            self._check_editable()  # it may have been put into a request that has left
            self._outdate()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_numbered(self):
        raise UserError(
            self.env._("An annex keeps its number for ever: cancel it instead of deleting it.")
        )

    @api.model
    def _get_system_fields(self):
        names = {"lote_number", "protocol_number", "protocol_date"}
        return super()._get_system_fields() | names | ANSWER_FIELDS

    @api.model
    def _get_frozen_fields(self):
        """Fields that no longer change once the annex has left."""
        return {
            "name", "number", "annex_type", "authorization_id", "transport", "date",
            "card_number", "is_newborn", "operadora_number", "authorization_password",
            "authorization_date", "requester_id", "requester_phone", "requester_email", "age",
            "sex_id", "observation", "line_ids",
        }  # fmt: skip

    def _check_editable(self):
        self._check_state("draft", "validated")
        inside = self.filtered(lambda annex: annex.transport == "request")
        away = inside.authorization_id.filtered(lambda request: request._is_away())
        if away:
            raise UserError(
                self.env._(
                    "The request %s has left: an annex of it goes by itself now.", away[0].name
                )
            )

    def _outdate(self):
        """What was built says something else than the annex now says: it is built again."""
        alone = self.filtered(lambda annex: annex.state == "validated")
        alone._get_bundle().sudo().write({"state": "draft"})
        inside = self.filtered(lambda annex: annex.transport == "request")
        requests = inside.authorization_id.filtered(lambda request: request.state == "validated")
        requests.sudo().write({"state": "draft"})

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_authorization(self):
        return self.authorization_id._get_records_action()

    def action_correct(self):
        """Open what the operadora refused, to be corrected and sent under the same number."""
        self.check_access("write")
        self._check_alone()
        self._check_state("rejected")
        self._get_bundle().sudo().write({"state": "draft", "rejection_reason": False})

    def action_cancel(self):
        """Give up annexes that have not left; their numbers stay used."""
        self.check_access("write")
        self._check_editable()
        self._outdate()
        self.sudo().write({"state": "cancelled"})

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        """See `tiss.form`. As superuser: what is clinical is only found missing, never told."""
        self.ensure_one()
        if self.state not in ("draft", "validated"):
            return []
        if not self.authorization_id or not self.annex_type:
            sentence = self.env._("Choose the request and the type.")
            return [(sentence, self, "authorization_id")]
        annex = self.sudo()
        return [
            *super(TissAnnex, annex)._get_problem_rows(),
            *annex._get_kind_problems(),
            *annex._get_requester_problems(),
            *annex._get_date_problems(),
            *annex._get_range_problems(),
            *annex._get_text_problems(),
            *getattr(annex, f"_get_{annex.annex_type}_problems")(),
            *annex._get_item_problems(),
        ]

    def _get_kind_problems(self):
        is_dental = self.authorization_id._is_dental()
        is_teeth = self.annex_type == "situacao_inicial"
        if is_teeth and self.transport == "request":
            sentence = self.env._("The initial dental condition goes by itself.")
            return [(sentence, self, "transport")]
        if is_dental == is_teeth:
            return []
        sentence = (
            self.env._("A dental request takes the initial dental condition alone.")
            if is_dental
            else self.env._("The initial dental condition belongs to a dental request.")
        )
        return [(sentence, self, "annex_type")]

    def _get_requester_problems(self):
        """ctm_anexoSolicitante, which a situação inicial does not have."""
        if self.annex_type == "situacao_inicial":
            return []
        problems = self._get_missing("requester_id")
        if self.requester_id and not to_ascii(self.requester_id.name or ""):
            sentence = self.env._("The requester's name cannot be sent: write it in Latin letters.")
            problems.append((sentence, self.requester_id, "name"))
        if not PHONE.fullmatch(self._get_phone()):
            sentence = self.env._("The requester's phone needs the area code: 10 or 11 digits.")
            problems.append((sentence, self, "requester_phone"))
        email = self.requester_email or ""
        if len(email) > 60 or email != to_ascii(email, upper=False):
            sentence = self.env._("The e-mail has at most 60 plain characters.")
            problems.append((sentence, self, "requester_email"))
        return problems

    def _get_phone(self):
        return re.sub("[^0-9]", "", self.requester_phone or "")

    def _get_past_fields(self):
        """Fields with days on which something had already happened when it was asked for."""
        return getattr(self, f"_get_{self.annex_type}_past_fields", tuple)()

    def _get_expected_fields(self):
        """Fields with days on which something is planned."""
        return getattr(self, f"_get_{self.annex_type}_expected_fields", tuple)()

    def _get_date_problems(self):
        """Birth ≤ what happened ≤ the request ≤ what is planned, and no request of tomorrow."""
        problems = self._get_missing("date")
        day, birth = self.date, self.patient_id.tiss_birth_date
        if not day:
            return problems
        if day > fields.Date.context_today(self):
            problems.append((self.env._("The annex has a date in the future."), self, "date"))
        past = [(name, self[name]) for name in ("date", *self._get_past_fields()) if self[name]]
        for name, moment in past:
            label = self._get_box_label(name)
            if birth and moment < birth:
                sentence = self.env._("%s: the patient was not born yet.", label)
                problems.append((sentence, self, name))
            elif moment > day:
                sentence = self.env._("%s: after the day of the request.", label)
                problems.append((sentence, self, name))
        for name in self._get_expected_fields():
            if self[name] and self[name] < day:
                sentence = self.env._(
                    "%s: before the day of the request.", self._get_box_label(name)
                )
                problems.append((sentence, self, name))
        return problems

    def _get_ranges(self):
        """{field: (smallest, largest)} of the numbers that this type sends."""
        return getattr(self, f"_get_{self.annex_type}_ranges", dict)()

    def _get_range_problems(self):
        return [
            (
                self.env._(
                    "%(label)s: from %(smallest)s to %(largest)s.",
                    label=self._get_box_label(name),
                    smallest=smallest,
                    largest=largest,
                ),
                self,
                name,
            )
            for name, (smallest, largest) in self._get_ranges().items()
            if not smallest <= self[name] <= largest
        ]

    def _get_texts(self):
        """{field: (size in the message, whether it must be there)} of the free texts."""
        return getattr(self, f"_get_{self.annex_type}_texts")()

    def _get_text_problems(self):
        """Texts are measured as they are sent: nothing is cut off without being told."""
        problems = []
        for name, (size, is_required) in self._get_texts().items():
            text = to_ascii(self[name] or "")
            label = self._get_box_label(name)
            if len(text) > size:
                sentence = self.env._(
                    "%(label)s: at most %(size)s characters.", label=label, size=size
                )
                problems.append((sentence, self, name))
            elif is_required and not text:
                sentence = self.env._("Fill in: %s.", label)
                problems.append((sentence, self, name))
        return problems

    def _get_item_problems(self):
        """Lines of the types that have them."""
        if self.annex_type not in ("opme", "quimio"):
            return []
        problems = []
        if not self.line_ids:
            problems.append((self.env._("The annex has no items."), self, None))
        for place, line in enumerate(self.line_ids, start=1):
            problems += [(sentence, self, None) for sentence in line._get_problems(place)]
        return problems

    def _get_parts(self):
        return [*self.line_ids, *self.tooth_ids]

    @api.model
    def _get_term_tables(self, model):
        """Those too that only clinical people see: the sentence names the box alone."""
        return {
            name: field.domain[0][2]
            for name, field in self.env[model]._fields.items()
            if field.comodel_name == "tiss.term" and field.store
        }

    # ------------------------------------------------------------------
    # Building the message
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "ENVIO_ANEXO"

    def _check_alone(self):
        inside = self.filtered(lambda annex: annex.transport == "request")
        if inside:
            raise UserError(
                self.env._(
                    "Annex %(name)s travels inside request %(request)s: work on the request.",
                    name=inside[0].name,
                    request=inside[0].authorization_id.name,
                )
            )

    def _get_bundle(self):
        """All annexes of the messages that those in self are in, themselves included."""
        numbered = self.filtered("lote_number")
        if not numbered:
            return self
        others = self.search(
            [
                ("contract_id", "in", numbered.contract_id.ids),
                ("lote_number", "in", numbered.mapped("lote_number")),
                ("state", "!=", "cancelled"),
            ]
        )
        lotes = {(annex.contract_id, annex.lote_number) for annex in numbered}
        return self | others.filtered(
            lambda annex: (annex.contract_id, annex.lote_number) in lotes
        ).sorted("number")

    def _take_lote_numbers(self):
        """Number the messages: a hundred situações iniciais go together, each other by itself."""
        new = self.filtered(lambda annex: not annex.lote_number).sorted("number")
        for (contract, kind), annexes in new.grouped(
            lambda annex: (annex.contract_id, annex.annex_type)
        ).items():
            size = MAX_TEETH_ANNEXES if kind == "situacao_inicial" else 1
            groups = list(split_every(size, annexes.ids, self.browse))
            numbers = contract._take_numbers("next_lote_number", len(groups))
            for number, group in zip(numbers, groups, strict=True):
                group.sudo().write({"lote_number": str(number)})

    def build(self):
        """See `tiss.outgoing`; situações iniciais of one convênio share their message.

        :return: `tiss.message`, one per lote of annexes
        """
        self.check_access("write")
        self._check_alone()
        self._check_state("draft", "validated")
        self._take_lote_numbers()
        bundles = self._get_bundle().grouped(lambda annex: (annex.contract_id, annex.lote_number))
        # The first of each lote carries the message; the others point at it.
        leaders = self.browse().union(*(bundle[0] for bundle in bundles.values()))
        messages = super(TissAnnex, leaders).build()
        for bundle in bundles.values():
            bundle[1:].sudo().write({"message_id": bundle[0].message_id.id, "state": "validated"})
        return messages

    def send(self):
        """Freeze the annexes as sent, with those that are in the same message."""
        self._check_alone()
        return super(TissAnnex, self._get_bundle()).send()

    def _read_content(self):
        self._read_for_message(self._get_bundle())

    def _read_for_message(self, annexes):
        """Read all that the messages of these annexes say in a constant number of queries."""
        annexes = annexes.sudo()
        read_children(annexes, "line_ids")
        read_children(annexes, "tooth_ids")
        people = annexes.requester_id | annexes.patient_id
        (people | annexes.contract_id.partner_id | annexes.company_id.partner_id).fetch()
        self.env["tiss.term"]._cache_domain_codes()

    def _check_content(self):
        for annex in self._get_bundle():
            problems = annex._get_problems()
            if problems:
                raise UserError(
                    self.env._(
                        "Annex %(name)s lacks something. %(problems)s",
                        name=annex.name,
                        problems=" ".join(problems),
                    )
                )

    def _prepare_tiss_body(self):
        """loteAnexos (guide §3.9)"""
        values = [annex._prepare_tiss_annex() for annex in self._get_bundle()]
        is_dental = self.annex_type == "situacao_inicial"
        return {
            "numeroLote": self.lote_number,
            "AnexosGuiasTISS": {ELEMENTS[self.annex_type]: values if is_dental else values[0]},
        }

    def _prepare_tiss_annex(self):
        """The element of this annex, in a message of its own or in its request's."""
        return getattr(self, f"_prepare_tiss_{self.annex_type}")()

    def _prepare_tiss_header(self):
        """ct_anexoCabecalho"""
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaAnexo": self.name,
            "numeroGuiaReferenciada": self.authorization_id.name,
            "numeroGuiaOperadora": self.operadora_number or None,
            "dataSolicitacao": self.date,
            "senha": self.authorization_password or None,
            "dataAutorizacao": self.authorization_date or None,
        }

    def _prepare_tiss_annex_requester(self):
        """ctm_anexoSolicitante"""
        return {
            "nomeProfissional": to_ascii(self.requester_id.name, 70),
            "telefoneProfissional": self._get_phone(),
            "emailProfissional": self.requester_email or None,
        }

    def _prepare_tiss_text(self, name):
        size, _is_required = self._get_texts()[name]
        return to_ascii(self[name] or "", size) or None

    def _locate(self, path):
        """The annex that a path is in."""
        found = ANNEX_IN_PATH.search(path)
        if not found:
            return path
        return self.env._(
            "annex %(annex)s, %(element)s",
            annex=self._get_bundle()[int(found[1]) - 1].name,
            element=(found[2] or "").rpartition("/")[2] or self.env._("the whole annex"),
        )

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a recebimentoAnexo: the protocolo of a lote with its answers, or its refusal.

        :return: the annexes that were answered
        """
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        receipt = body.get("protocoloRecebimentoAnexo")
        annexes = self._find_answered(contract, receipt)
        if receipt and annexes[0].protocol_number == receipt["nrProtocoloRecebimento"]:
            return annexes
        annexes._check_state("sent")
        reason = None if receipt else self._get_refusal(body.get("mensagemErro") or {})
        # The message is the first one's: the others are found beside it.
        annexes[0]._record_answer(name, content, values, reason)
        if reason:
            annexes.sudo().write({"state": "rejected", "rejection_reason": reason})
            return annexes
        annexes.sudo().write(
            {
                "state": "received",
                "protocol_number": receipt["nrProtocoloRecebimento"],
                "protocol_date": receipt["dataEnvioAnexo"],
            }
        )
        for element in ANSWER_ELEMENTS.values():
            answer = (receipt.get("anexosClinicos") or {}).get(element)
            if answer:
                annexes[0]._read_answer(answer)
        return annexes

    @api.model
    def _find_answered(self, contract, receipt):
        """The annexes of a lote; a refusal does not name one, so it is the only one that waits."""
        domain = Domain("contract_id", "=", contract.id)
        if receipt:
            domain &= Domain("lote_number", "=", receipt["numeroLote"])
        else:
            domain &= Domain("state", "=", "sent") & Domain("transport", "=", "alone")
        annexes = self.search(domain & Domain("state", "!=", "cancelled"), order="number")
        if not annexes:
            raise UserError(
                self.env._(
                    "The answer is about the lote of annexes %s, which this clinic did not send.",
                    receipt["numeroLote"] if receipt else "?",
                )
            )
        count = len(set(annexes.mapped("lote_number")))
        if count > 1:
            raise UserError(
                self.env._(
                    "The refusal does not say which annex it is about, and %s annexes of this"
                    " operadora wait for an answer: open the annex and refuse it there.",
                    count,
                )
            )
        return annexes

    def action_reject(self):
        """The operadora refused it outside of a file."""
        self.check_access("write")
        self._check_alone()
        self._check_state("sent")
        self._get_bundle().sudo().write(
            {"state": "rejected", "rejection_reason": self.env._("Refused by the operadora.")}
        )

    def _read_answer(self, answer):
        """ctm_autorizacaoOPME, ctm_autorizacaoQuimio, ctm_autorizacaoRadio (guide §5.6)"""
        self.ensure_one()
        data = answer.get("dadosAutorizacao") or {}
        reasons = (answer.get("motivosNegativa") or {}).get("motivoNegativa") or []
        self.sudo().write(
            {
                "answer_id": self.env["tiss.term"]._get("45", answer.get("statusSolicitacao")).id,
                "answer_number": data.get("numeroGuiaOperadora"),
                "answer_password": data.get("senha"),
                "answer_date": data.get("dataAutorizacao"),
                "answer_validity_date": data.get("dataValidadeSenha"),
                "denial_reason": "\n".join(map(self._get_refusal, reasons)) or False,
            }
        )
        self._read_item_answers(answer.get("servicosAutorizadosOPME") or [])

    def _read_item_answers(self, items):
        """ct_procedimentoAutorizado: found by material and choice; its number is theirs."""
        lines = self.sudo().line_ids
        left = {}
        for line in lines:
            left.setdefault(line._get_answer_key(), []).append(line)
        strange = 0
        for item in items:
            procedure = item.get("procedimento") or {}
            key = (
                procedure.get("codigoTabela"),
                procedure.get("codigoProcedimento"),
                item.get("opcaoFabricante") or False,
            )
            if left.get(key):
                left[key].pop(0)._read_answer(item)
            else:
                strange += 1
        if strange:
            self.message_post(
                body=self.env._("The answer has %s items that this annex did not ask for.", strange)
            )
