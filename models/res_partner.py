from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..standard import cards, identifiers
from ..standard.text import to_ascii
from .tiss_term import term_field

CARD_CHECKS = [("mod10", "Modulo 10 (Luhn)"), ("mod11", "Modulo 11")]


class ResPartner(models.Model):
    """Adds the four people of a convênio: operadora, patient, professional and referrer."""

    _inherit = "res.partner"

    tiss_is_operadora = fields.Boolean("Operadora")
    tiss_ans_code = fields.Char("ANS Number", size=6, copy=False, index="btree_not_null")
    tiss_legal_name = fields.Char("Legal Name")
    tiss_modality = fields.Char("Modality")
    tiss_card_length = fields.Integer(
        "Card Length", help="Number of characters of this operadora's cards; 0 when it varies."
    )
    tiss_card_check = fields.Selection(CARD_CHECKS, "Card Check Digit")
    tiss_card_rule_ids = fields.One2many("tiss.card.rule", "operadora_id", "Card Number Rules")
    tiss_state = fields.Selection(
        [("negotiating", "Negotiating"), ("active", "Active"), ("inactive", "Inactive")],
        "Operadora Status",
        default="active",
        tracking=True,
    )
    tiss_state_date = fields.Date("Status Since", tracking=True)
    tiss_payer_kind = fields.Selection(
        [
            ("ans", "Operadora with ANS number"),
            ("own", "Own arrangement without ANS number"),
            ("foreign", "Foreign payer"),
        ],
        "Payer Kind",
        default="ans",
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
    tiss_network_level_ids = fields.One2many("tiss.network.level", "operadora_id", "Network Levels")
    tiss_plan_ids = fields.One2many(
        "tiss.plan", "operadora_id", "Plans", groups="l10n_br_tiss.group_tiss_reception"
    )

    tiss_is_patient = fields.Boolean("Patient")
    tiss_cns = fields.Char("CNS", help="Cartão Nacional de Saúde, 15 digits.")
    tiss_birth_date = fields.Date("Birth Date")
    tiss_sex = fields.Selection([("m", "Male"), ("f", "Female")], "Sex")
    tiss_card_ids = fields.One2many(
        "tiss.card", "patient_id", "Cards", groups="l10n_br_tiss.group_tiss_reception"
    )

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
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_get_card_problem(self, number):
        """Why `number` cannot be a card of this operadora, in a sentence; None when it can."""
        self.ensure_one()
        if not number or len(number) > 20:
            return self.env._("A card number has 1 to 20 characters.")
        if self.tiss_card_length and len(number) != self.tiss_card_length:
            return self.env._(
                "A card of %(operadora)s has %(expected)s characters; this one has %(actual)s.",
                operadora=self.name,
                expected=self.tiss_card_length,
                actual=len(number),
            )
        checks = {"mod10": cards.valid_mod10, "mod11": cards.valid_mod11}
        check = checks.get(self.tiss_card_check)
        if check and not check(number):
            return self.env._(
                "The card number does not pass the check digit of %s: was it typed right?",
                self.name,
            )
        return None

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
