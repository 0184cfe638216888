from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..standard import identifiers
from ..standard.text import to_ascii
from .tiss_term import term_field

RECEPTION = "l10n_br_tiss.group_tiss_reception"


class ResPartner(models.Model):
    """Adds the four people of a convênio: operadora, patient, professional and referrer."""

    _inherit = "res.partner"

    tiss_is_operadora = fields.Boolean("Operadora")
    tiss_payer_kind = fields.Selection(
        [
            ("ans", "Operadora with ANS number"),
            ("own", "Own arrangement without ANS number"),
            ("foreign", "Foreign payer"),
        ],
        "Payer Kind",
        compute="_compute_tiss_payer_kind",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Only operadoras with an ANS number receive TISS messages.",
    )
    tiss_ans_code = fields.Char(
        "ANS Number",
        copy=False,
        index="btree_not_null",
        tracking=True,
        help="Six digits, the last one a check digit; with or without mask.",
    )
    tiss_legal_name = fields.Char("Legal Name")
    tiss_modality = fields.Char("Modality")
    tiss_state = fields.Selection(
        [("negotiating", "Negotiating"), ("active", "Active"), ("inactive", "Inactive")],
        "Operadora Status",
        compute="_compute_tiss_state",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Negotiating: there is no agreement yet. Active: patients are seen. Inactive: what "
        "was agreed stays, nothing new is agreed.",
    )
    tiss_state_date = fields.Date(
        "Status Since",
        compute="_compute_tiss_state_date",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
    )
    tiss_portal_url = fields.Char("Portal")
    tiss_contact_role = fields.Selection(
        [
            ("authorization", "Authorisations"),
            ("billing", "Billing"),
            ("glosa", "Glosas and recursos"),
            ("payment", "Payments"),
            ("accreditation", "Accreditation and contracts"),
            ("it", "TISS and systems"),
        ],
        "Role at the Operadora",
    )
    tiss_registry_id = fields.Many2one(
        "tiss.operadora.registry",
        "ANS Registry",
        compute="_compute_tiss_registry_id",
        search="_search_tiss_registry_id",
        groups=RECEPTION,
    )
    tiss_ans_cancel_date = fields.Date(
        "Gone from the ANS Registry", related="tiss_registry_id.cancel_date", groups=RECEPTION
    )
    tiss_contract_ids = fields.One2many(
        "tiss.contract", "partner_id", "Convênios", groups=RECEPTION
    )
    tiss_contract_count = fields.Integer(
        "Number of Convênios", compute="_compute_tiss_contract_count", groups=RECEPTION
    )
    tiss_network_level_ids = fields.One2many(
        "tiss.network.level", "operadora_id", "Network Levels", groups=RECEPTION
    )
    tiss_plan_ids = fields.One2many("tiss.plan", "operadora_id", "Plans", groups=RECEPTION)
    tiss_card_rule_ids = fields.One2many(
        "tiss.card.rule", "operadora_id", "Card Number Rules", groups=RECEPTION
    )

    tiss_is_patient = fields.Boolean("Patient")
    tiss_cns = fields.Char("CNS", help="Cartão Nacional de Saúde, 15 digits.")
    tiss_birth_date = fields.Date("Birth Date")
    tiss_sex = fields.Selection([("m", "Male"), ("f", "Female")], "Sex")
    tiss_card_ids = fields.One2many("tiss.card", "patient_id", "Cards", groups=RECEPTION)

    tiss_is_professional = fields.Boolean("Professional", help="Attends patients in this clinic.")
    tiss_is_referrer = fields.Boolean("Referrer", help="Requests procedures from outside.")
    tiss_council_id = term_field("26", "Council")
    tiss_council_number = fields.Char("Council Number")
    tiss_council_state_id = term_field("59", "Council State")
    tiss_cbo_id = term_field("24", "CBO")
    tiss_provider_code = fields.Char(
        "Code at the Operadora",
        help="The referrer's own code at the operadora, when the clinic knows it.",
    )

    _tiss_ans_code_uniq = models.UniqueIndex(
        "(tiss_ans_code) WHERE tiss_ans_code IS NOT NULL AND active",
        "There is already an operadora with this ANS number.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("tiss_is_operadora", "tiss_ans_code")
    def _compute_tiss_payer_kind(self):
        for partner in self:
            kind = partner.tiss_payer_kind
            if not partner.tiss_is_operadora:
                kind = False
            elif partner.tiss_ans_code:
                kind = "ans"
            partner.tiss_payer_kind = kind or (partner.tiss_is_operadora and "own")

    @api.depends("tiss_is_operadora")
    def _compute_tiss_state(self):
        for partner in self:
            partner.tiss_state = partner.tiss_is_operadora and (partner.tiss_state or "active")

    @api.depends("tiss_state")
    def _compute_tiss_state_date(self):
        today = fields.Date.context_today(self)
        for partner in self:
            partner.tiss_state_date = partner.tiss_state and today

    @api.depends("tiss_ans_code")
    def _compute_tiss_registry_id(self):
        rows = {
            row.ans_code: row
            for row in self.env["tiss.operadora.registry"].search(
                [("ans_code", "in", list(filter(None, self.mapped("tiss_ans_code"))))]
            )
        }
        for partner in self:
            partner.tiss_registry_id = rows.get(partner.tiss_ans_code)

    @api.model
    def _search_tiss_registry_id(self, operator, value):
        if operator not in ("in", "any"):
            return NotImplemented
        domain = Domain("id", "in", value) if operator == "in" else value
        rows = self.env["tiss.operadora.registry"].search(domain)
        return Domain("tiss_ans_code", "in", rows.mapped("ans_code"))

    @api.depends("tiss_contract_ids")
    def _compute_tiss_contract_count(self):
        for partner in self:
            partner.tiss_contract_count = len(partner.tiss_contract_ids)

    @api.model
    def _search_display_name(self, operator, value):
        """At the front desk a patient is also found by card number or CPF, masked or not."""
        domain = super()._search_display_name(operator, value)
        number = identifiers.compact(value) if isinstance(value, str) else ""
        is_number = len(number) >= 4 and any(map(str.isdigit, number))
        if not self.env.context.get("tiss_front_desk") or operator != "ilike" or not is_number:
            return domain
        by_card = Domain("tiss_card_ids.number", "=like", f"{number}%")
        return domain | by_card | Domain("vat", "=like", f"{number}%")

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("tiss_ans_code")
    def _check_tiss_ans_code(self):
        for partner in self.filtered("tiss_ans_code"):
            if not identifiers.valid_ans_code(partner.tiss_ans_code):
                raise ValidationError(
                    self.env._(
                        "%s is not a valid ANS number: its check digit is wrong.",
                        partner.tiss_ans_code,
                    )
                )

    @api.constrains("tiss_payer_kind", "tiss_ans_code", "tiss_is_operadora")
    def _check_tiss_payer_kind(self):
        for partner in self.filtered("tiss_is_operadora"):
            if partner.tiss_payer_kind == "ans" and not partner.tiss_ans_code:
                raise ValidationError(
                    self.env._(
                        "Type the ANS number of %s, or say that this payer has none.", partner.name
                    )
                )
            if partner.tiss_payer_kind != "ans" and partner.tiss_ans_code:
                raise ValidationError(
                    self.env._(
                        "%(payer)s has the ANS number %(code)s, so it is an operadora. Empty the "
                        "number if this payer has none.",
                        payer=partner.name,
                        code=partner.tiss_ans_code,
                    )
                )

    @api.constrains("vat", "tiss_payer_kind", "tiss_is_operadora")
    def _check_tiss_cnpj(self):
        """base_vat checks a number only when the country and the kind of number are known."""
        for partner in self.filtered(lambda each: each.tiss_is_operadora and each.vat):
            is_person = partner.tiss_payer_kind == "own" and identifiers.valid_cpf(partner.vat)
            is_foreign = partner.tiss_payer_kind == "foreign"
            if not (is_foreign or is_person or identifiers.valid_cnpj(partner.vat)):
                raise ValidationError(
                    self.env._("%s is not a valid CNPJ: check its 14 characters.", partner.vat)
                )

    @api.onchange("tiss_ans_code")
    def _onchange_tiss_ans_code(self):
        """Typing an ANS number fills in what is still empty from the ANS registry."""
        code = self._tiss_clean_ans_code(self.tiss_ans_code or "")
        row = self.env["tiss.operadora.registry"].search([("ans_code", "=", code)], limit=1)
        if row:
            vals = row._prepare_partner_vals()
            self.update({name: value for name, value in vals.items() if not self[name]})
            self.tiss_ans_code = code

    @api.onchange("tiss_payer_kind")
    def _onchange_tiss_payer_kind(self):
        if self.tiss_payer_kind in ("own", "foreign"):
            self.tiss_ans_code = False
        if self.tiss_payer_kind == "foreign" and self.country_id.code == "BR":
            self.country_id = False
            self.l10n_latam_identification_type_id = self.env.ref("l10n_latam_base.it_fid")

    @api.constrains("tiss_cns")
    def _check_tiss_cns(self):
        for partner in self.filtered("tiss_cns"):
            if not identifiers.valid_cns(partner.tiss_cns):
                raise ValidationError(
                    self.env._(
                        "The CNS of %s is not valid: check its 15 digits.", partner.display_name
                    )
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._tiss_clean_vals(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._tiss_clean_vals(vals))

    @api.model
    def _tiss_clean_vals(self, vals):
        """The ANS number is accepted with mask and kept without."""
        if not vals.get("tiss_ans_code"):
            return vals
        return {**vals, "tiss_ans_code": self._tiss_clean_ans_code(vals["tiss_ans_code"])}

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open_tiss_contracts(self):
        self.ensure_one()
        action = self.tiss_contract_ids._get_records_action(name=self.env._("Convênios"))
        return {**action, "context": {"default_partner_id": self.id}}

    def action_open_tiss_operadora(self):
        """The page of an operadora, from its page among the contacts."""
        view = self.env.ref("l10n_br_tiss.res_partner_view_form_operadora")
        return self._get_records_action(views=[(view.id, "form")])

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _run_vat_checks(self, country, vat, partner_name="", validation="error"):
        """A CNPJ has letters since 2026 (guide §9.4): base_vat knows digits only, and takes two
        letters at its beginning for a country."""
        if country.code == "BR" and vat and identifiers.valid_cnpj(vat):
            return identifiers.compact(vat), "BR"
        return super()._run_vat_checks(country, vat, partner_name, validation)

    @api.model
    def _tiss_clean_ans_code(self, text):
        """Six digits of what may have a mask or have lost its zeros in a spreadsheet."""
        code = identifiers.compact(text)
        return code.zfill(6) if code.isdigit() else code

    def _tiss_get_new_contract_problem(self):
        """Why no new convênio is made with this operadora, in a sentence; None when one can be."""
        self.ensure_one()
        if self.tiss_state == "inactive":
            return self.env._(
                "%s is inactive: set the operadora to negotiating or active before you make a new "
                "convênio with it.",
                self.name,
            )
        row = self.tiss_registry_id
        return row._get_cancel_problem() if row else None

    def _tiss_get_card(self, date, company=None):
        """The card that this patient should show on `date`: valid then, main first; may be empty.

        :param company: the clinic, else the current company
        """
        company = company or self.env.company
        valid = self.tiss_card_ids.filtered(
            lambda card: card.company_id == company and card._is_valid_on(date)
        )
        return valid.sorted(lambda card: (not card.is_main, *card._get_rank(date)))[:1]

    def _tiss_get_council_problems(self):
        """What is missing for this person to appear in a guia, as field labels."""
        self.ensure_one()
        names = ["tiss_council_id", "tiss_council_number", "tiss_council_state_id", "tiss_cbo_id"]
        missing = [name for name in names if not self[name]]
        if not to_ascii(self.name or ""):
            missing.append("name")
        return [self._fields[name]._description_string(self.env) for name in missing]

    def _tiss_prepare_professional(self):
        """ct_contratadoProfissionalDados (guide §3.1)"""
        self.ensure_one()
        return {
            "nomeProfissional": to_ascii(self.name, 70),
            "conselhoProfissional": self.tiss_council_id.code or None,
            "numeroConselhoProfissional": self.tiss_council_number or None,
            "UF": self.tiss_council_state_id.code or None,
            "CBOS": self.tiss_cbo_id.code or None,
        }

    def _tiss_prepare_team_code(self):
        """codProfissional of a team member: the code at the operadora, else the CPF."""
        self.ensure_one()
        if self.tiss_provider_code:
            return {"codigoPrestadorNaOperadora": self.tiss_provider_code}
        return {"cpfContratado": identifiers.compact(self.vat or "") or None}
