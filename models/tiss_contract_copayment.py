from odoo import fields, models

from ..standard.money import to_cents


class TissContract(models.Model):
    """Who collects what patients pay themselves."""

    _inherit = "tiss.contract"

    copayment_by = fields.Selection(
        [
            ("rule", "As each coverage rule says"),
            ("operadora", "The operadora, always"),
            ("clinic", "The clinic, always"),
        ],
        "Co-payments Collected By",
        default="rule",
        required=True,
        help="What the clinic collects leaves the operadora's invoice and is invoiced to the"
        " patient; in a GTO it is the franquia. What the operadora collects changes nothing here.",
    )

    # ------------------------------------------------------------------
    # Invoices of patients
    # ------------------------------------------------------------------

    def _prepare_patient_invoice(self, payer, beneficiary, name, amount):
        """Values of an invoice over what a patient pays; the DMED names payer and beneficiary."""
        self.ensure_one()
        line = self._prepare_invoice_line(
            name, to_cents(amount), self.revenue_account_id, self.tax_ids
        )
        return self._prepare_invoice_vals(
            fields.Date.context_today(self),
            name,
            [line],
            partner_id=payer.id,
            tiss_beneficiary_id=beneficiary.id,
        )

    def _create_patient_invoices(self, vals_list):
        """Posted invoices on the account of patients, of convênios of one company.

        :return: `account.move`, in the order of the values
        """
        for company in self.company_id:
            company._tiss_check_accounts("tiss_patient_account_id")
        self._check_accounting()
        self._check_open_period(fields.Date.context_today(self))
        moves = self.env["account.move"].create(vals_list)
        for move in moves:
            terms = move.line_ids.filtered(lambda line: line.display_type == "payment_term")
            terms.account_id = move.company_id.tiss_patient_account_id
        moves.action_post()
        return moves
