from base64 import b64decode

from odoo import api, fields, models, tools

from ..standard.text import to_ascii
from .tiss_term import term_field

# What is sent as it is typed: another spelling would be another number.
CODE_SIZES = {
    "card_number": 20,
    "main_number": 20,
    "operadora_number": 20,
    "authorization_password": 20,
    "validation_code": 10,
}
PERSON_SIZES = {"tiss_council_number": 15, "tiss_provider_code": 14}
HOSPITAL_SIZES = {"tiss_cnes": 7, "tiss_provider_code": 14}
UNKNOWN_PROVIDER = "9" * 14  # guide §3.10: requester whose code nobody knows


class TissForm(models.AbstractModel):
    """A form of the standard about one beneficiary: guia, request, annex, notice.

    Here is whose it is, with which card of which convênio, and how it tells what it lacks.
    """

    _name = "tiss.form"
    _inherit = "tiss.checked"
    _description = "Form About a Beneficiary"

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
    patient_id = fields.Many2one("res.partner", required=True, index=True, ondelete="restrict")
    card_id = fields.Many2one(
        "tiss.card",
        required=True,
        index=True,
        check_company=True,
        domain="[('patient_id', '=?', patient_id)]",
        ondelete="restrict",
    )
    card_number = fields.Char(
        compute="_compute_card_number", store=True, readonly=False, precompute=True, index=True
    )
    is_newborn = fields.Boolean(
        "Newborn", compute="_compute_card_number", store=True, readonly=False, precompute=True
    )
    identification_type_id = term_field(
        "72", "Identified By", help="How the patient proved to be the bearer of the card."
    )
    beneficiary_reading = fields.Char(
        "Card or Fingerprint Reading",
        groups="l10n_br_tiss.group_tiss_clinical",
        copy=False,
        help="What the reader gave to prove who the patient is, in base64.",
    )
    validation_code = fields.Char("Token", size=10, copy=False)
    no_validation_code_id = term_field("74", "No Token Because", copy=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("card_id")
    def _compute_card_number(self):
        for form in self:
            form.card_number = form.card_id.number
            form.is_newborn = form.card_id.is_newborn

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("card_id")
    def _onchange_card_id(self):
        if self.card_id and not self.patient_id:
            self.patient_id = self.card_id.patient_id

    @api.onchange("patient_id")
    def _onchange_patient_id(self):
        cards = self.patient_id.tiss_card_ids.filtered(
            lambda card: not self.contract_id or card.operadora_id == self.contract_id.partner_id
        )
        if self.card_id not in cards:
            self.card_id = cards[:1]

    @api.model
    def _get_default_terms(self, form_type):
        """{field: id of a term} that a new form of this type starts with."""
        codes = getattr(self, f"_get_{form_type}_defaults")() if form_type else {}
        tables = self._get_term_tables(self._name)
        Term = self.env["tiss.term"]
        return {name: Term._get(tables[name], code).id for name, code in codes.items()}

    def _fill_default_terms(self, form_type):
        """What is nearly always so, where nothing was chosen yet."""
        for name, term_id in self._get_default_terms(form_type).items():
            self[name] = self[name] or self.env["tiss.term"].browse(term_id)

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        return [
            *super()._get_problem_rows(),
            *self._get_card_problems(),
            *self._get_reading_problems(),
            *self._get_code_problems(self, self._get_code_sizes()),
        ]

    @api.model
    @tools.ormcache()
    def _get_code_sizes(self):
        """{field: size in the message} of what is sent as it is typed."""
        return {name: size for name, size in CODE_SIZES.items() if name in self._fields}

    def _get_card_problems(self):
        problems = []
        if not self.card_number:
            problems.append((self.env._("Fill in: %s.", self.env._("Card")), self, "card_id"))
        if self.card_id.operadora_id != self.contract_id.partner_id:
            sentence = self.env._("The card is of another operadora than the convênio.")
            problems.append((sentence, self, "card_id"))
        if self.card_id.patient_id != self.patient_id:
            problems.append((self.env._("The card is of another patient."), self, "card_id"))
        return problems

    def _get_reading_problems(self):
        """A reading of the card or of a finger is base64, and says of what it is (guide §3.10)."""
        reading = self.sudo().beneficiary_reading
        if not reading:
            return []
        problems = self._get_missing("identification_type_id")
        try:
            b64decode(reading, validate=True)
        except ValueError:
            sentence = self.env._("The reading of the card is damaged: read it again.")
            problems.append((sentence, self, "identification_type_id"))
        return problems

    def _get_council_problems(self, people, coded=()):
        """What professionals lack to be named in a message.

        :param people: `res.partner` named with council and CBO
        :param coded: those of them who are named with CPF or code at the operadora as well
        """
        problems = []
        for person in people:
            missing = person._tiss_get_council_problems()
            if person in coded and not all(person._tiss_prepare_team_code().values()):
                missing.append(self.env._("CPF or code at the operadora"))
            if missing:
                sentence = self.env._(
                    "%(person)s lacks: %(missing)s.",
                    person=person.name,
                    missing=", ".join(missing),
                )
                problems.append((sentence, person, None))
            problems += self._get_code_problems(person, PERSON_SIZES)
        return problems

    def _get_clinic_problems(self):
        """What the clinic lacks to be named with its CNES."""
        company = self.company_id
        if not company.tiss_cnes:
            return [(self.env._("Fill in: %s.", self.env._("CNES")), company, "tiss_cnes")]
        return self._get_code_problems(company, {"tiss_cnes": 7})

    def _get_requester_name_problems(self, requester):
        """Whoever a requester works for is named in Latin letters (guide §3.10)."""
        if not requester or to_ascii(self._get_requester_name(requester) or ""):
            return []
        sentence = self.env._("The requester's name cannot be sent: write it in Latin letters.")
        record = self.company_id if requester.tiss_is_professional else requester
        return [(sentence, record, "name")]

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    @api.model
    def _take_form_numbers(self, vals_list):
        """Give new forms the next numbers of their convênios, in the order of their values."""
        batches = {}
        for vals, contract in zip(vals_list, self._get_form_contracts(vals_list), strict=True):
            batches.setdefault(contract, []).append(vals)
        for contract, batch in batches.items():
            if contract:
                numbers = contract._take_numbers("next_guia_number", len(batch))
                for vals, number in zip(batch, numbers, strict=True):
                    vals.update(number=number, name=str(number))

    @api.model
    def _get_form_contracts(self, vals_list):
        """The convênio that numbers each new form; an empty one where none was told."""
        default = self.env.context.get("default_contract_id")
        ids = [vals.get("contract_id") or default for vals in vals_list]
        return [self.env["tiss.contract"].browse(each) for each in ids]

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _may_see_clinical(self):
        return self.env.su or self.env.user.has_group("l10n_br_tiss.group_tiss_clinical")

    def _prepare_tiss_beneficiary(self):
        """ct_beneficiarioDados"""
        return {
            "numeroCarteira": self.card_number,
            "atendimentoRN": "S" if self.is_newborn else "N",
            "tipoIdent": self.identification_type_id.code or None,
            "identificadorBeneficiario": self._prepare_tiss_reading(),
        }

    def _prepare_tiss_reading(self):
        """identificadorBeneficiario, as bytes"""
        reading = self._may_see_clinical() and self.beneficiary_reading
        return b64decode(reading) if reading else None

    def _prepare_tiss_validation(self):
        """The token of the operadora, or why there is none (guide §3.10)"""
        return {
            "ausenciaCodValidacao": self.no_validation_code_id.code or None,
            "codValidacao": self.validation_code or None,
        }

    def _prepare_tiss_observation(self, size=500):
        return to_ascii(self.observation or "", size) or None

    def _prepare_tiss_requester(self, requester):
        """dadosSolicitante: the clinic itself, or an outside referrer (guide §3.10)"""
        if requester.tiss_is_professional:
            contratado = self.contract_id._get_provider_identification()
        else:
            code = requester.tiss_provider_code or UNKNOWN_PROVIDER
            contratado = {"codigoPrestadorNaOperadora": code}
        return {
            "contratadoSolicitante": contratado,
            "nomeContratadoSolicitante": to_ascii(self._get_requester_name(requester) or "", 70),
            "profissionalSolicitante": requester._tiss_prepare_professional(),
        }

    def _get_requester_name(self, requester):
        if requester.tiss_is_professional:
            return self.company_id.name
        return requester.parent_id.name or requester.name
