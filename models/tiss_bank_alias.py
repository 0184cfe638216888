from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard import banklabels, identifiers


class TissBankAlias(models.Model):
    """By which text or CNPJ a bank names an operadora that pays."""

    _name = "tiss.bank.alias"
    _description = "Name in Bank Statements"
    _rec_name = "text"
    _order = "partner_id, text"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    text = fields.Char(
        "Text or CNPJ",
        required=True,
        help="A CNPJ, or words that stand together in the label; accents and capitals do not"
        " matter.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Operadora",
        required=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="cascade",
    )
    is_learned = fields.Boolean("Learned", readonly=True)
    match_id = fields.Many2one(
        "tiss.bank.match", "Learned From", readonly=True, index="btree_not_null"
    )

    _text_uniq = models.Constraint(
        "UNIQUE(company_id, text)", "There is already an operadora for this text."
    )

    # ------------------------------------------------------------------
    # Constraints and CRUD
    # ------------------------------------------------------------------

    @api.constrains("text")
    def _check_text(self):
        for alias in self:
            if len(alias.text.replace(" ", "")) < 4:
                raise ValidationError(
                    self.env._("A text of less than four letters would fit too many deposits.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalise(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._normalise(vals))

    def _normalise(self, vals):
        """As labels are compared: a CNPJ without mask, or capitals without accents."""
        if not vals.get("text"):
            return vals
        text = vals["text"]
        if identifiers.valid_cnpj(text):
            return {**vals, "text": identifiers.compact(text)}
        return {**vals, "text": banklabels.normalise(text)}

    # ------------------------------------------------------------------
    # Learning
    # ------------------------------------------------------------------

    @api.model
    def _get_aliases(self, company):
        """{text: partner id} of a company."""
        rows = self.search_fetch([("company_id", "=", company.id)], ["text", "partner_id"])
        return {row.text: row.partner_id.id for row in rows}

    @api.model
    def _learn(self, matches):
        """Remember by which text the payers of matches are named, where nothing named them."""
        vals_list = []
        for company, group in matches.grouped("company_id").items():
            known = self._get_aliases(company)
            own = identifiers.compact(company.vat or "")
            for match in group:
                for line in match.line_ids:
                    text = self._get_text(line, own)
                    if text and text not in known:
                        known[text] = match.partner_id.id
                        vals_list.append(
                            {
                                "company_id": company.id,
                                "text": text,
                                "partner_id": match.partner_id.id,
                                "is_learned": True,
                                "match_id": match.id,
                            }
                        )
        return self.sudo().create(vals_list)

    @api.model
    def _get_text(self, line, own):
        """The CNPJ in the texts of a bank line, else the words that can be a name."""
        texts = " ".join(filter(None, line._tiss_get_texts()))
        codes = [code for code in banklabels.find_cnpjs(texts) if code[:8] != own[:8]]
        return codes[0] if codes else banklabels.payer_words(texts)
