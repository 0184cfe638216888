from odoo import api, fields, models

from .tiss_contract import ACCOUNT_FIELDS, is_cnes


class TissContract(models.Model):
    """Checklist: what a convênio still lacks before its first lote, and where to fill it in."""

    _inherit = "tiss.contract"

    missing_codes = fields.Char(compute="_compute_missing")
    missing_text = fields.Char("Still Missing", compute="_compute_missing")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    # Not on the prices: a form with thousands of them would send them all at each keystroke.
    @api.depends(
        "provider_code",
        "identification_kind",
        "pricelist_id",
        "ans_code",
        "payer_kind",
        "company_id.vat",
        "company_id.tiss_cnes",
        *ACCOUNT_FIELDS,
    )
    def _compute_missing(self):
        labels = self._get_missing_labels()
        priced = self._get_priced()
        for contract in self:
            missing = contract._get_missing(contract._origin in priced)
            contract.missing_codes = ",".join(missing) or False
            contract.missing_text = " · ".join(labels[code] for code in missing) or False

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_fix_missing(self):
        """Open the place of one checklist entry; the context's `tiss_missing` is its code."""
        self.ensure_one()
        code = self.env.context["tiss_missing"]
        if code == "prices":
            return self.action_procedures()
        if code == "accounts":
            return self.action_setup_accounting()
        record, view = {
            "registration": (self, "tiss_contract_view_form_registration"),
            "cnes": (self, "tiss_contract_view_form_cnes"),
            "company": (self.company_id.partner_id, "res_partner_view_form_tiss_cnpj"),
            "payer": (self.partner_id, "res_partner_view_form_tiss_payer"),
        }[code]
        return {
            "type": "ir.actions.act_window",
            "name": record.display_name,
            "res_model": record._name,
            "res_id": record.id,
            "views": [(self.env.ref(f"l10n_br_tiss.{view}").id, "form")],
            "target": "new",
            "context": {"dialog_size": "medium"},
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_missing_labels(self):
        """{code: short label} of all that can be missing, in the order of the checklist."""
        return {
            "payer": self.env._("no ANS number: no TISS files"),
            "registration": self.env._("registration at the operadora"),
            "company": self.env._("CNPJ of the clinic"),
            "cnes": self.env._("CNES of the clinic"),
            "prices": self.env._("procedures and prices"),
            "accounts": self.env._("accounts and journals"),
        }

    def _get_missing(self, has_prices):
        """Codes of what still blocks the first lote, in the order of the checklist."""
        self.ensure_one()
        is_cnpj = self.identification_kind == "cnpj"
        blocked = {
            "payer": not self.ans_code,
            "registration": not is_cnpj and not self._get_provider_code(),
            "company": is_cnpj and not self._get_provider_code(),
            "cnes": not is_cnes(self.company_id.sudo().tiss_cnes),
            "prices": not has_prices,
            "accounts": not all(self[name] for name in ACCOUNT_FIELDS),
        }
        return [code for code in self._get_missing_labels() if blocked[code]]

    def _get_priced(self):
        """The convênios in self that have a covered procedure with a price."""
        # As superuser: that there is a price is no secret, whoever may see it.
        groups = (
            self.env["product.pricelist.item"]
            .sudo()
            ._read_group(
                [
                    ("pricelist_id", "in", self.pricelist_id.ids),
                    ("tiss_covered", "=", True),
                    "|",
                    "|",
                    ("compute_price", "!=", "fixed"),
                    ("fixed_price", ">", 0),
                    ("tiss_tele_price", ">", 0),
                ],
                ["pricelist_id"],
            )
        )
        priced = {pricelist.id for [pricelist] in groups}
        return self._origin.filtered(lambda contract: contract.pricelist_id.id in priced)

    def _get_payer_problem(self):
        """Why no TISS file can go to this payer, in a sentence; None when one can."""
        self.ensure_one()
        if self.ans_code:
            return None
        if self.payer_kind in ("own", "foreign"):
            return self.env._(
                "%s is a payer without ANS number: no TISS file can be made for it. Bill it with an"
                " ordinary invoice.",
                self.partner_id.name,
            )
        return self.env._("The operadora %s has no ANS number.", self.partner_id.name)
