from odoo import api, fields, models
from odoo.tools import SQL


class TissDmed(models.Model):
    """What individuals paid a clinic for health services, receipt by receipt (accounting.md §7).

    The DMED asks for it by payer and beneficiary, in the calendar year of the receipt; what is
    given back subtracts. What operadoras and companies pay is not in it.
    """

    _name = "tiss.dmed"
    _description = "Receipt for the DMED"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "move_id"
    _depends = {
        "account.move": ["state", "move_type", "partner_id", "tiss_beneficiary_id", "company_id"],
        "account.move.line": ["move_id", "payment_id", "statement_line_id", "parent_state", "date"],
        "account.partial.reconcile": ["amount", "debit_move_id", "credit_move_id"],
        "res.partner": ["is_company", "vat", "tiss_birth_date"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date("Received On", readonly=True)
    year = fields.Char(readonly=True)
    payer_id = fields.Many2one("res.partner", "Paid By", readonly=True)
    payer_vat = fields.Char("CPF of the Payer", readonly=True)
    beneficiary_id = fields.Many2one("res.partner", readonly=True)
    beneficiary_vat = fields.Char("CPF of the Beneficiary", readonly=True)
    birth_date = fields.Date(readonly=True, help="Told of a beneficiary without a CPF.")
    move_id = fields.Many2one("account.move", "Invoice", readonly=True)
    amount = fields.Monetary(readonly=True)
    is_incomplete = fields.Boolean(
        readonly=True,
        help="The payer has no CPF, or the beneficiary neither a CPF nor a birth date.",
    )

    @api.depends("move_id", "payer_id")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.payer_id.name} · {row.move_id.name}"

    @property
    def _table_query(self):
        """An invoice and what settles it; a credit note and what was given back by it.

        What is neither a payment nor a line of the bank, such as a credit note, received nothing.
        """
        return SQL(
            """
            SELECT p.id, mv.company_id, money.date, to_char(money.date, 'YYYY') AS year,
                   mv.partner_id AS payer_id, payer.vat AS payer_vat,
                   who.id AS beneficiary_id, who.vat AS beneficiary_vat,
                   who.tiss_birth_date AS birth_date, mv.id AS move_id,
                   CASE mv.move_type WHEN 'out_refund' THEN -p.amount ELSE p.amount END AS amount,
                   (COALESCE(payer.vat, '') = ''
                    OR COALESCE(who.vat, '') = '' AND who.tiss_birth_date IS NULL) AS is_incomplete
              FROM account_partial_reconcile p
              JOIN account_move_line debit ON debit.id = p.debit_move_id
              JOIN account_move_line credit ON credit.id = p.credit_move_id
              JOIN account_move mv ON mv.id IN (debit.move_id, credit.move_id)
               AND mv.move_type = CASE mv.id WHEN debit.move_id THEN 'out_invoice'
                                             ELSE 'out_refund' END
              JOIN account_move_line money ON money.move_id != mv.id
               AND money.id IN (debit.id, credit.id)
               AND (money.payment_id IS NOT NULL OR money.statement_line_id IS NOT NULL)
              JOIN res_partner payer ON payer.id = mv.partner_id
              LEFT JOIN account_move origin ON origin.id = mv.reversed_entry_id
              JOIN res_partner who ON who.id = COALESCE(
                   mv.tiss_beneficiary_id, origin.tiss_beneficiary_id, mv.partner_id)
             WHERE mv.state = 'posted'
               AND money.parent_state = 'posted'
               AND payer.is_company IS NOT TRUE
            """
        )
