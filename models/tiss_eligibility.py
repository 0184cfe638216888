from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..standard.text import to_ascii
from .authorization_reader import read_moment
from .system_fields import refuse_other

RESULTS = [("eligible", "Eligible"), ("not_eligible", "Not Eligible")]
# What is said of a card on a day.
STATES = [
    ("eligible", "Eligible"),
    ("old", "Verify Again"),
    ("waiting", "Asked, No Answer Yet"),
    ("refused", "Not Verified"),
    ("not_eligible", "Not Eligible"),
]
OPEN = ("draft", "validated", "sending", "sent", "unknown")
ANSWER_FIELDS = {
    "result", "answer_date", "answer_kind", "answered_by_id", "answer_reference",
    "answer_validity_date", "beneficiary_name", "social_name", "denial_reason",
}  # fmt: skip
TYPED_FIELDS = {"answer_validity_date", "beneficiary_name", "denial_reason"}


class TissEligibility(models.Model):
    """Verificação de elegibilidade: may the bearer of a card be attended today (guide §5.7)?

    The operadora answers by a message, or a person types what its portal or telephone said.

    Flow: draft → validated → sent → received, with a result; rejected, cancelled.
    """

    _name = "tiss.eligibility"
    _description = "Check of Eligibility"
    _inherit = [
        "tiss.question", "tiss.front.desk", "tiss.form", "mail.thread", "mail.activity.mixin",
    ]  # fmt: skip
    _order = "id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "patient_id", "card_number"]

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    contract_id = fields.Many2one(
        compute="_compute_contract_id", store=True, precompute=True, readonly=False
    )
    plan_id = fields.Many2one(related="card_id.plan_id")
    card_validity_date = fields.Date(
        "Card Valid Until",
        compute="_compute_card_validity_date",
        store=True,
        precompute=True,
        readonly=False,
    )
    tiss_message_ids = fields.One2many(groups="l10n_br_tiss.group_tiss_billing")

    # ---- Answer
    result = fields.Selection(RESULTS, readonly=True, copy=False, index=True, tracking=True)
    answer_date = fields.Date("Verified On", readonly=True, copy=False, index=True)
    answer_kind = fields.Selection(
        [
            ("message", "TISS Message"),
            ("portal", "Portal of the Operadora"),
            ("phone", "Telephone"),
            ("other", "Other"),
        ],
        "Verified By",
        readonly=True,
        copy=False,
    )
    answered_by_id = fields.Many2one("res.users", "Registered By", readonly=True, copy=False)
    answer_reference = fields.Char(
        "Protocolo or Person", readonly=True, copy=False, help="What proves what was said."
    )
    answer_validity_date = fields.Date("Card Valid Until, Says the Operadora", readonly=True)
    beneficiary_name = fields.Char("Name at the Operadora", readonly=True, copy=False)
    social_name = fields.Char("Social Name at the Operadora", readonly=True, copy=False)
    denial_reason = fields.Text("Reasons of the Operadora", readonly=True, copy=False)
    difference = fields.Text("To Compare", compute="_compute_difference")

    _answered_idx = models.Index("(card_id, answer_date) WHERE result IS NOT NULL")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "patient_id")
    def _compute_display_name(self):
        for check in self:
            check.display_name = " · ".join(
                filter(None, [check._get_shown_number(), check.patient_id.name])
            )

    @api.depends("card_id")
    def _compute_contract_id(self):
        contracts = self.env["tiss.contract"]._get_by_card(self.card_id)
        for check in self:
            check.contract_id = contracts.get(check.card_id)

    @api.depends("card_id")
    def _compute_card_validity_date(self):
        for check in self:
            check.card_validity_date = check.card_id.validity_date

    @api.depends(
        "beneficiary_name", "answer_validity_date", "patient_id.name", "card_id.validity_date"
    )
    def _compute_difference(self):
        """What the operadora has written down otherwise than the clinic."""
        for check in self:
            check.difference = "\n".join(check._get_differences()) or False

    def _get_differences(self):
        found = []
        theirs, ours = to_ascii(self.beneficiary_name or ""), to_ascii(self.patient_id.name or "")
        if theirs and theirs != ours:
            found.append(self.env._("The operadora knows the bearer as %s.", self.beneficiary_name))
        said = self.answer_validity_date
        if said and said != self.card_id.validity_date:
            found.append(
                self.env._(
                    "The operadora has the card valid until %s.", format_date(self.env, said)
                )
            )
        return found

    @api.depends(
        lambda self: (
            "state",
            *(name for name in self._get_frozen_fields() if not self._fields[name].groups),
            "contract_id.provider_code",
        )
    )
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_frozen_fields(self):
        return {
            "company_id", "contract_id", "patient_id", "card_id", "card_number",
            "card_validity_date", "identification_type_id", "beneficiary_reading",
            "validation_code", "no_validation_code_id",
        }  # fmt: skip

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | ANSWER_FIELDS

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register_answer(self):
        """Type what the operadora said on its portal or by telephone, or read its file."""
        self.ensure_one()
        self._check_state(*OPEN, "rejected")
        return self.env["tiss.eligibility.register"]._get_check_action(self)

    def action_update_card(self):
        """Take over until when the operadora has the card valid."""
        self.ensure_one()
        if self.answer_validity_date:
            self.card_id.validity_date = self.answer_validity_date

    def action_ask_again(self):
        """A new question about the same card."""
        return self.card_id.verify_eligibility()._get_records_action()

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        problems = super()._get_problem_rows()
        if self.validation_code and self.no_validation_code_id:
            sentence = self.env._("There is a token, and a reason for not having one: keep one.")
            problems.append((sentence, self, "no_validation_code_id"))
        return problems

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "VERIFICA_ELEGIBILIDADE"

    def _prepare_tiss_body(self):
        """ct_elegibilidadeVerifica (guide §5.7)"""
        return {
            "dadosPrestador": self.contract_id._get_provider_identification(),
            "numeroCarteira": self.card_number,
            "tipoIdent": self.identification_type_id.code or None,
            "identificadorBeneficiario": self._prepare_tiss_reading(),
            "validadeCarteira": self.card_validity_date or None,
            **self._prepare_tiss_validation(),
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _get_other_answer(self):
        return self.env._("This file is not the answer to a check of eligibility.")

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a respostaElegibilidade: yes, no with its reasons, or a refusal (guide §5.7).

        :return: the check that was answered
        """
        receipt = body.get("reciboElegibilidade")
        if receipt is None:
            return self._receive_error(name, content, values, body)
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        check = self._find_asked(contract, receipt["numeroCarteira"])
        moment = read_moment(values["cabecalho"])
        check._record_answer(name, content, values)
        check._accept(**check._prepare_answer(receipt, moment))
        return check

    @api.model
    def _find_asked(self, contract, number):
        """The check that an answer is about: it names the card alone, so the last question."""
        waiting = self._search_answered(
            [("contract_id", "=", contract.id), ("state", "in", ("sent", "unknown"))]
        )
        asked = waiting.filtered(lambda check: _same_card(check.card_number, number))
        return asked[:1] or self._find_waiting(contract, [("card_number", "=", number)], number)

    def _prepare_answer(self, receipt, moment):
        reasons = (receipt.get("motivosNegativa") or {}).get("motivoNegativa") or []
        is_eligible = receipt["respostaSolicitacao"] == "S"
        return {
            "result": "eligible" if is_eligible else "not_eligible",
            "answer_kind": "message",
            "answer_date": moment.date() if moment else fields.Date.context_today(self),
            "answered_by_id": False,
            "answer_reference": False,
            "answer_validity_date": receipt.get("validadeCarteira"),
            "beneficiary_name": receipt.get("nomeBeneficiario"),
            "social_name": receipt.get("nomeSocialBeneficiario"),
            "denial_reason": "\n".join(map(self._get_refusal, reasons)) or False,
        }

    def register_answer(self, result, kind="portal", date=None, reference=None, **vals):
        """Keep what the operadora said on its portal or by telephone.

        :param result: "eligible" or "not_eligible"
        :param kind: "portal", "phone" or "other"
        :param date: day on which it was said, today by default
        :param reference: protocolo of the call, or who said it
        :param vals: answer_validity_date, beneficiary_name, denial_reason
        :return: self
        """
        self.check_access("write")
        refuse_other(self, TYPED_FIELDS, vals)
        self.ensure_one()
        if kind == "message":
            raise UserError(self.env._("A message is read from its file, not typed."))
        self._check_state(*OPEN, "rejected")
        date = date or fields.Date.context_today(self)
        if date > fields.Date.context_today(self):
            raise UserError(self.env._("The answer is dated in the future."))
        if result == "eligible":
            vals["denial_reason"] = False
        # Whoever verified stands for it: kept by the system, whoever may write the rest.
        self.sudo().write(
            {
                **vals,
                "state": "received",
                "rejection_reason": False,
                "result": result,
                "answer_kind": kind,
                "answer_date": date,
                "answered_by_id": self.env.uid,
                "answer_reference": reference,
            }
        )
        return self

    # ------------------------------------------------------------------
    # What it says today
    # ------------------------------------------------------------------

    def _get_state_on(self, day, good_days):
        """Whether an answered check still counts on `day`, as the convênio says how long it does.

        :return: "eligible", "old" or "not_eligible"
        """
        self.ensure_one()
        if self.result != "eligible":
            return "not_eligible"
        return "eligible" if (day - self.answer_date).days < good_days else "old"

    def _describe_question(self):
        """What is to be said of a question without an answer: a key of STATES and a sentence."""
        self.ensure_one()
        if self.state in ("rejected", "validated"):
            return "refused", self.env._(
                "The operadora could not verify the card: %s", self.rejection_reason
            )
        waiting = self.env._("Asked, the operadora has not answered yet.")
        # Where it has not left yet, why and until when.
        return "waiting", " ".join(filter(None, (waiting, self.may_try_now and self.delivery_note)))

    def _describe(self):
        """What was answered and how long ago, in a sentence."""
        self.ensure_one()
        age = (fields.Date.context_today(self) - self.answer_date).days
        if age <= 0:
            when = self.env._("verified today")
        elif age == 1:
            when = self.env._("verified yesterday")
        else:
            when = self.env._("verified %s days ago", age)
        if self.result == "eligible":
            return self.env._("Eligible, %s.", when)
        reasons = " · ".join((self.denial_reason or "").splitlines())
        if not reasons:
            return self.env._("Not eligible, %s.", when)
        return self.env._("Not eligible, %(when)s: %(reasons)s", when=when, reasons=reasons)


def _same_card(ours, theirs):
    return (ours or "").lstrip("0") == (theirs or "").lstrip("0")
