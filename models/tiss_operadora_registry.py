from odoo import api, fields, models
from odoo.fields import Domain

from ..standard import terminology
from ..standard.text import to_ascii
from .bulk import upsert
from .tiss_term import to_search_words

COLUMNS = (
    "ans_code",
    "cnpj",
    "legal_name",
    "trade_name",
    "modality",
    "city",
    "state_code",
    "registration_date",
    "search_name",
)


class TissOperadoraRegistry(models.Model):
    """The public ANS registry of active operadoras: pick one by name and everything fills in."""

    _name = "tiss.operadora.registry"
    _description = "ANS Registry of Operadoras"
    _order = "trade_name, ans_code"
    _rec_names_search = ["ans_code", "cnpj", "search_name"]

    ans_code = fields.Char("ANS Number", required=True)
    cnpj = fields.Char("CNPJ", index=True)
    legal_name = fields.Char(required=True)
    trade_name = fields.Char(required=True)
    modality = fields.Char()
    city = fields.Char()
    state_code = fields.Char("State")
    registration_date = fields.Date()
    is_cancelled = fields.Boolean("Cancelled", help="No longer in ANS's list of active operadoras.")
    cancel_date = fields.Date("Gone Since")
    search_name = fields.Char(required=True, index="trigram")

    _ans_code_uniq = models.Constraint("UNIQUE(ans_code)", "The ANS number is unique.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("trade_name", "ans_code", "city", "state_code")
    def _compute_display_name(self):
        for row in self:
            place = f"{row.city}/{row.state_code}" if row.city else row.state_code
            row.display_name = " · ".join(
                filter(None, [row.trade_name, f"ANS {row.ans_code}", place])
            )

    @api.model
    def _search_display_name(self, operator, value):
        """By name in any word order without accents, by ANS number or by CNPJ, masked or not."""
        if operator in ("ilike", "like") and isinstance(value, str):
            digits = "".join(filter(str.isalnum, value)).upper()
            by_name = Domain.AND(
                Domain("search_name", "like", word) for word in to_search_words(value)
            )
            by_number = Domain("ans_code", "=like", f"{digits}%") | Domain(
                "cnpj", "=like", f"{digits}%"
            )
            return by_name | by_number if digits else by_name
        return super()._search_display_name(operator, value)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def create_operadora(self):
        """The partner of this operadora: the one that has its ANS number, or a new one.

        :return: one `res.partner`
        """
        self.ensure_one()
        Partner = self.env["res.partner"]
        partner = Partner.search([("tiss_ans_code", "=", self.ans_code)], limit=1)
        return partner or Partner.create(self._prepare_partner_vals())

    def _prepare_partner_vals(self):
        country = self.env.ref("base.br")
        state = country.state_ids.filtered(lambda state: state.code == self.state_code)
        return {
            "name": self.trade_name,
            "company_type": "company",
            "is_company": True,
            "vat": self.cnpj,
            "country_id": country.id,
            "state_id": state.id,
            "city": self.city,
            "l10n_latam_identification_type_id": self.env.ref("l10n_br.cnpj").id,
            "tiss_is_operadora": True,
            "tiss_ans_code": self.ans_code,
            "tiss_legal_name": self.legal_name,
            "tiss_modality": self.modality,
        }

    @api.model
    def _load_packaged_registry(self):
        return self._load_rows(terminology.operadoras())

    @api.model
    def _load_rows(self, rows):
        """Insert or refresh operadoras in bulk (see `standard.terminology.operadoras`)."""
        return upsert(self, COLUMNS, ("ans_code",), map(self._to_row, rows))

    @api.model
    def _to_row(self, row):
        # One operadora of the registry has only asterisks for a trade name.
        trade_name = row.trade_name if row.trade_name.strip("* ") else row.legal_name
        return (
            row.ans_code,
            row.cnpj,
            row.legal_name,
            trade_name,
            row.modality,
            row.city,
            row.uf,
            row.registration_date,
            to_ascii(f"{trade_name} {row.legal_name}"),
        )
