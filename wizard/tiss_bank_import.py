from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..models.upload import decode_upload
from ..standard import ofx
from ..standard.money import from_cents


class TissBankImport(models.TransientModel):
    """Read the statement that the bank gives as OFX, show what is new, take it in.

    A movement that was imported before is left out, however often a file shows it.
    """

    _name = "tiss.bank.import"
    _description = "Import Bank Statement"

    file = fields.Binary("OFX File", attachment=False)
    file_name = fields.Char()
    state = fields.Selection([("file", "File"), ("check", "Check")], default="file", required=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    account_ids = fields.One2many("tiss.bank.import.account", "import_id", "Accounts")
    line_ids = fields.One2many("tiss.bank.import.line", "import_id", "Movements")
    new_count = fields.Integer(compute="_compute_counts")
    known_count = fields.Integer(compute="_compute_counts")
    repeated_count = fields.Integer(compute="_compute_counts")
    unread_count = fields.Integer(compute="_compute_counts")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("line_ids.state", "account_ids.unread")
    def _compute_counts(self):
        for wizard in self:
            states = wizard.line_ids.mapped("state")
            wizard.new_count = states.count("new")
            wizard.known_count = states.count("known")
            wizard.repeated_count = states.count("repeated")
            wizard.unread_count = sum(wizard.account_ids.mapped("unread"))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_read(self):
        """Read the file and show what is new in it."""
        self.ensure_one()
        self.env["account.bank.statement.line"].check_access("create")
        statements = self._read_statements()
        self.line_ids.unlink()
        self.account_ids.unlink()
        for statement in statements:
            self.account_ids = [Command.create(self._prepare_account(statement, statements))]
            account = self.account_ids[-1]
            self.line_ids = [
                Command.create(self._prepare_line(account, statement, position))
                for position in range(len(statement.transactions))
            ]
        self.state = "check"
        self._mark_known()
        return self._get_records_action(target="new", name=self.env._("Import Bank Statement"))

    def action_import(self):
        """Take in what is new, match what is certain, and show what is left."""
        self.ensure_one()
        self._mark_known()
        chosen = self.line_ids.filtered("is_selected")
        accounts = chosen.account_id
        without = accounts.filtered(lambda account: not account.journal_id)
        if without:
            raise UserError(
                self.env._("Say which bank of yours the account %s is.", without[0].number)
            )
        self._check_open_periods(chosen)
        self.env["account.bank.statement.line"].create(
            [line._prepare_statement_line() for line in chosen.sorted(lambda line: line.position)]
        )
        for account in self.account_ids.filtered("journal_id"):
            # As superuser: whoever reads statements need not be allowed to configure journals.
            account.journal_id.sudo().tiss_ofx_account = account.number
        made, left = self.env["tiss.bank.match"].find(accounts.journal_id)
        return self._show_result(chosen, made, left)

    def _check_open_periods(self, chosen):
        """Odoo would date a movement of a closed period otherwise without asking."""
        for account, lines in chosen.grouped("account_id").items():
            journal = account.journal_id
            locks = journal.company_id._get_violated_lock_dates(
                min(lines.mapped("date")), False, journal
            )
            if locks:
                raise UserError(
                    self.env._(
                        "The books of %(bank)s are closed until %(date)s: take the movements until"
                        " then off the list, or ask the accountant to open the period.",
                        bank=journal.name,
                        date=format_date(self.env, locks[-1][0]),
                    )
                )

    def _show_result(self, chosen, made, left):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.account_bank_statement_line_action"
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Movements imported: %(new)s. Matched without doubt: %(made)s. Proposals to"
                    " look at: %(left)s.",
                    new=len(chosen),
                    made=len(made),
                    left=len(left),
                ),
                # Instead of the list that it was started from, not behind it.
                "next": {**action, "target": "main"},
            },
        }

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _read_statements(self):
        content = decode_upload(self, ofx.MAX_BYTES)
        try:
            return ofx.read_ofx(content)
        except ofx.OfxError as error:
            raise UserError(self._explain(error)) from error

    def _explain(self, error):
        return {
            "empty": self.env._("The file is empty."),
            "too_large": self.env._(
                "The file has more than %s MB: ask the bank for fewer days.", error.limit // 2**20
            ),
            "not_ofx": self.env._(
                "This is no OFX file. In the bank's site choose “OFX” or “Money” when you save the"
                " statement; a PDF or a table cannot be read here."
            ),
            "unsafe": self.env._(
                "The file was refused because it carries definitions that no bank writes. Save it"
                " again from the bank's site."
            ),
            "truncated": self.env._(
                "The file is cut off: its end is missing. Save it again from the bank's site."
            ),
            "damaged": self.env._(
                "The file is damaged and was not read. Save it again from the bank's site."
            ),
            "too_many": self.env._(
                "The file has more than %s movements: ask the bank for fewer days.", error.limit
            ),
            "no_account": self.env._("The file has no account with movements."),
        }[error.code]

    def _prepare_account(self, statement, statements):
        journal = self._find_journal(statement, len(statements))
        currency = self.company_id.currency_id.name
        return {
            "number": statement.number or self.env._("without number"),
            "journal_id": journal.id,
            "start_date": statement.start,
            "end_date": statement.end,
            "unread": statement.unread,
            "is_foreign": statement.currency not in ("", currency),
        }

    def _find_journal(self, statement, count):
        """The bank whose account this is: learned, or by its number; the only one there is."""
        banks = self.env["account.journal"]._tiss_get_banks()
        banks |= self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "in", self.env.companies.ids)]
        )
        learned = banks.filtered(lambda bank: bank.tiss_ofx_account == statement.number)
        if learned:
            return learned[:1]
        digits = self._get_digits(statement.account)
        named = banks.filtered(
            lambda bank: digits and self._get_digits(bank.bank_acc_number).endswith(digits)
        )
        if named:
            return named[:1]
        free = banks.filtered(lambda bank: not bank.tiss_ofx_account and not bank.bank_acc_number)
        return free if count == 1 and len(free) == 1 else banks.browse()

    @api.model
    def _get_digits(self, text):
        return "".join(filter(str.isdigit, text or "")).lstrip("0")

    @api.model
    def _prepare_line(self, account, statement, position):
        row = statement.transactions[position]
        is_repeated = position in statement.repeated
        return {
            "account_id": account.id,
            "position": position,
            "date": row.date,
            "label": row.label,
            "payee": row.payee,
            "number": row.number,
            "kind": row.kind,
            "amount": float(from_cents(row.cents)),
            "unique_id": row.key,
            "state": "repeated" if is_repeated else "new",
            "is_selected": bool(row.cents) and not is_repeated and not account.is_foreign,
        }

    def _mark_known(self):
        """What was imported before, also since the file was read."""
        for account in self.account_ids.filtered("journal_id"):
            lines = self.line_ids.filtered(lambda line, own=account: line.account_id == own)
            known = self.env["account.bank.statement.line"].search_fetch(
                [
                    ("journal_id", "=", account.journal_id.id),
                    ("tiss_unique_id", "in", lines.mapped("unique_id")),
                ],
                ["tiss_unique_id"],
            )
            keys = set(known.mapped("tiss_unique_id"))
            lines.filtered(lambda line, keys=keys: line.unique_id in keys).write(
                {"state": "known", "is_selected": False}
            )
