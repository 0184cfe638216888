from base64 import b64decode

from markupsafe import Markup

from odoo import api, fields, models, tools

from ..standard.text import to_ascii
from .tiss_term import term_field


class TissForm(models.AbstractModel):
    """A form of the standard about one beneficiary: guia, request, annex, notice.

    Here is whose it is, with which card of which convênio, and how it tells what it lacks.
    """

    _name = "tiss.form"
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
    problems = fields.Text("Missing", compute="_compute_problems")
    problem_links = fields.Html("What Is Missing", compute="_compute_problems", sanitize=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("card_id")
    def _compute_card_number(self):
        for form in self:
            form.card_number = form.card_id.number
            form.is_newborn = form.card_id.is_newborn

    def _compute_problems(self):
        """Each kind of form says what it depends on."""
        for form in self:
            rows = form._get_problem_rows()
            form.problems = "\n".join(sentence for sentence, _record, _field in rows) or False
            form.problem_links = form._format_problems(rows)

    def _format_problems(self, rows):
        """The sentences as a list; a click goes to the box, or opens what has to be completed."""
        items = []
        for sentence, record, field in rows:
            item = Markup("<li>%s</li>") % sentence
            if record == self and field:
                # The browser itself puts the cursor into the input that a label is for.
                item = Markup('<li><label class="o_form_label" for="%s_0">%s</label></li>') % (
                    field,
                    sentence,
                )
            elif record != self and record.id:
                item = Markup('<li><a href="/odoo/%s/%s">%s</a></li>') % (
                    record._name,
                    record.id,
                    sentence,
                )
            items.append(item)
        columns = Markup('<ul class="mb-0" style="column-width: 22rem">%s</ul>')
        return items and columns % Markup().join(items)

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

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problems(self):
        """What is missing before this form can be sent, as sentences."""
        return [sentence for sentence, _record, _field in self._get_problem_rows()]

    def _get_problem_rows(self):
        """What is missing before this form can be sent.

        Nothing clinical is told: who reads this may not see it.

        :return: list of (sentence, record where it is filled in, its field or None)
        """
        self.ensure_one()
        return [
            *self._get_contract_problems(),
            *self._get_card_problems(),
            *self._get_reading_problems(),
            *self._get_term_problems(),
        ]

    def _get_contract_problems(self):
        contract = self.contract_id
        problems = []
        if not contract._get_provider_code():
            sentence = self.env._("The convênio %s has no code at the operadora.", contract.name)
            problems.append((sentence, contract, "provider_code"))
        payer_problem = contract._get_payer_problem()
        if payer_problem:
            problems.append((payer_problem, contract.partner_id, "tiss_ans_code"))
        return problems

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

    def _get_parts(self):
        """Records of other models that belong to this form and hold terms."""
        return []

    def _get_term_problems(self):
        """Terms of another ANS table than the box asks for: no screen offers them, a file may."""
        problems = []
        for record in (self, *self._get_parts()):
            for name, table in self._get_term_tables(record._name).items():
                term = record[name]
                if term and term.table_code != table:
                    label = record._fields[name]._description_string(self.env)
                    sentence = self.env._("%s is not a value of the ANS table of this box.", label)
                    problems.append((sentence, record, name))
        return problems

    @api.model
    @tools.ormcache("model")
    def _get_term_tables(self, model):
        """{field: ANS table it takes its terms from} of what everybody sees of a model."""
        return {
            name: field.domain[0][2]
            for name, field in self.env[model]._fields.items()
            if field.comodel_name == "tiss.term" and field.store and not field.groups
        }

    def _get_missing(self, *names):
        """One row for each of the fields that is empty."""
        return [
            (self.env._("Fill in: %s.", self._get_box_label(name)), self, name)
            for name in names
            if not self[name]
        ]

    def _get_box_label(self, name):
        """How the screen calls a field in a form of this type."""
        return self._fields[name]._description_string(self.env)

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
        return problems

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
