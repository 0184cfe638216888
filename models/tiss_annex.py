import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from .system_fields import refuse_forged
from .tiss_term import term_field

ANNEX_TYPES = [
    ("opme", "OPME"),
    ("quimio", "Chemotherapy"),
    ("radio", "Radiotherapy"),
    ("situacao_inicial", "Initial Dental Condition"),
]
CLINICAL = "l10n_br_tiss.group_tiss_clinical"
ANSWER_FIELDS = {
    "answer_id", "answer_number", "answer_password", "answer_date", "answer_validity_date",
    "denial_reason",
}  # fmt: skip


class TissAnnex(models.Model):
    """What explains a request for authorisation: OPME, quimioterapia, radioterapia, teeth.

    It travels inside its request, or by itself once the request is away (guide §3.9). Here, and
    in the files of problems, message and answer, is what all types share; a file for each adds its
    boxes, what it cannot do without (`_get_<type>_problems`) and its element of the message
    (`_prepare_tiss_<type>`).

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
        unnumbered = []
        for vals in vals_list:
            if vals.get("name", "/") == "/" and not vals.get("number"):
                unnumbered.append(vals)
            elif not self.env.su:
                raise UserError(
                    self.env._("The number of an annex comes from its convênio: leave it empty.")
                )
        self._take_form_numbers(unnumbered)
        annexes = super(TissAnnex, model).create(vals_list)
        annexes._check_editable()
        annexes._outdate()
        return annexes

    @api.model
    def _get_form_contracts(self, vals_list):
        """An annex is numbered by the convênio of its request."""
        default = self.env.context.get("default_authorization_id")
        ids = [vals.get("authorization_id") or default for vals in vals_list]
        requests = self.env["tiss.authorization"].browse(filter(None, ids))
        contracts = {request.id: request.contract_id for request in requests}
        return [contracts.get(each, self.env["tiss.contract"]) for each in ids]

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
