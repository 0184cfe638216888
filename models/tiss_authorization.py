from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_term import term_field

REQUEST_TYPES = [
    ("sp_sadt", "SP/SADT"),
    ("internacao", "Internação"),
    ("prorrogacao", "Prorrogação de Internação"),
    ("odonto", "Odontologia"),
]
EDITABLE = ("draft", "validated", "rejected")
WAITING = ("sent", "received", "in_analysis", "pending")
DECIDED = ("authorized", "partial", "denied")
GRANTED = ("authorized", "partial")


class TissAuthorization(models.Model):
    """A request for prior authorisation and what the operadora decided on it (guide §5.6).

    Flow: draft → validated → sent → in analysis / pending (the operadora waits for something of
    ours) → authorised, in part, denied; cancelled. Frozen once sent.

    Here is what all types share. A file for each type adds its boxes, what it cannot do without
    (`_get_<type>_problems`), what a new one starts with (`_get_<type>_defaults`) and its element
    of the message (`_prepare_tiss_<type>`).
    """

    _name = "tiss.authorization"
    _inherit = ["tiss.outgoing", "tiss.form", "mail.thread", "mail.activity.mixin"]
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
            ("denied", "Denied"),
            ("rejected",),
        ],
        ondelete=dict.fromkeys(("in_analysis", "pending", *DECIDED), "cascade"),
    )
    date = fields.Date("Requested On", required=True, default=fields.Date.context_today)
    stage_id = term_field(
        "73",
        "Stage",
        default=lambda self: self.env["tiss.term"]._get("73", "1"),
        help="Whether who requests also executes.",
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

    # ---- Answer
    answer_status_id = term_field("45", "Answer", readonly=True, copy=False)
    answer_date = fields.Date("Answered On", readonly=True, copy=False)
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
        "tiss.authorization.reason", "authorization_id", "Reasons", readonly=True, copy=False
    )

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

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        unnumbered = {}
        for vals in vals_list:
            if vals.get("name", "/") != "/" or vals.get("number"):
                raise UserError(
                    self.env._("The number of a request comes from its convênio: leave it empty.")
                )
            unnumbered.setdefault(vals.get("contract_id"), []).append(vals)
        for contract in self.env["tiss.contract"].browse(filter(None, unnumbered)):
            batch = unnumbered[contract.id]
            numbers = contract._take_numbers("next_guia_number", len(batch))
            for vals, number in zip(batch, numbers, strict=True):
                vals.update(number=number, name=str(number))
        return super().create(vals_list)

    def _check_editable(self):
        """Hook of the records that belong to a request, before they change."""
        frozen = self.filtered(lambda request: request.state not in EDITABLE)
        if frozen:
            raise UserError(
                self.env._("Request %s was sent: its content can no longer change.", frozen[0].name)
            )

    # ------------------------------------------------------------------
    # Building the message
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "SOLICITACAO_PROCEDIMENTOS"

    def _get_annex_kinds(self):
        """Which annexes go with the request: a set of opme, quimio, radio."""
        return set()

    def _prepare_tiss_annexes(self):
        """anexoClinico of the request; None when annexes travel apart or there are none."""
        return None
