from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.money import to_cents


class TissContract(models.Model):
    """The clinic's own taxes on what it bills, which change no total (accounting.md §1.10).

    Each credits what is due and debits a deduction from revenue by the same amount. A credit note
    has those of its invoice, so that a glosa takes them back, also where they are due on receipt.
    """

    _inherit = "tiss.contract"

    tax_ids = fields.Many2many(
        "account.tax",
        "tiss_contract_tax_rel",
        "contract_id",
        "tax_id",
        "Taxes on Invoices",
        check_company=True,
        domain=[("type_tax_use", "=", "sale")],
        help="PIS, COFINS and ISS “por dentro”: they are booked with the invoice and leave its"
        " total as it is. Empty: the accountant works them out elsewhere.",
    )

    @api.constrains("tax_ids")
    def _check_tax_ids(self):
        for contract in self.sudo():
            for tax in contract.tax_ids:
                amounts = tax.compute_all(1000.00, contract.currency_id)
                if to_cents(amounts["total_included"]) != to_cents(1000.00) or to_cents(
                    amounts["total_excluded"]
                ) != to_cents(1000.00):
                    raise ValidationError(
                        self.env._(
                            "%s changes the total of an invoice, and an operadora pays what was"
                            " presented: choose a tax with a counterpart among the deductions.",
                            tax.name,
                        )
                    )
