from odoo import api, fields, models


class TissBankImportAccount(models.TransientModel):
    """An account of an OFX file, and which bank of the clinic it is."""

    _name = "tiss.bank.import.account"
    _description = "Account of a Bank Statement"

    import_id = fields.Many2one("tiss.bank.import", required=True, ondelete="cascade")
    number = fields.Char("Account", required=True, readonly=True)
    journal_id = fields.Many2one(
        "account.journal", "Bank", domain=[("type", "=", "bank")], ondelete="cascade"
    )
    start_date = fields.Date("From", readonly=True)
    end_date = fields.Date("To", readonly=True)
    unread = fields.Integer("Not Read", readonly=True)
    is_foreign = fields.Boolean("Another Currency", readonly=True)
    line_ids = fields.One2many("tiss.bank.import.line", "account_id")
    line_count = fields.Integer("Movements", compute="_compute_line_count")

    @api.depends("line_ids")
    def _compute_line_count(self):
        for account in self:
            account.line_count = len(account.line_ids)
