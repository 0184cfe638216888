from odoo import fields, models


class TissBankImportLine(models.TransientModel):
    """A movement of an OFX file, and whether it is taken in."""

    _name = "tiss.bank.import.line"
    _description = "Movement of a Bank Statement"
    _order = "account_id, position"

    import_id = fields.Many2one("tiss.bank.import", required=True, ondelete="cascade", index=True)
    account_id = fields.Many2one(
        "tiss.bank.import.account", required=True, ondelete="cascade", index=True
    )
    position = fields.Integer(readonly=True)
    date = fields.Date(readonly=True)
    label = fields.Char(readonly=True)
    payee = fields.Char(readonly=True)
    number = fields.Char(readonly=True)
    kind = fields.Char(readonly=True)
    currency_id = fields.Many2one(related="import_id.company_id.currency_id")
    amount = fields.Monetary(readonly=True)
    unique_id = fields.Char(readonly=True)
    state = fields.Selection(
        [
            ("new", "New"),
            ("known", "Imported Before"),
            ("repeated", "Twice in This File"),
        ],
        readonly=True,
    )
    is_selected = fields.Boolean("Take In")

    def _prepare_statement_line(self):
        """Values of the bank line of a chosen movement."""
        self.ensure_one()
        return {
            "journal_id": self.account_id.journal_id.id,
            "date": self.date,
            "payment_ref": self.label,
            "partner_name": self.payee or False,
            "ref": self.number or False,
            "transaction_type": self.kind or False,
            "amount": self.amount,
            "tiss_unique_id": self.unique_id,
        }
