import csv
import io

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..standard.money import to_decimal
from ..standard.text import to_ascii

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


class TissEntryExport(models.TransientModel):
    """The journal items of a month, for an accountant who keeps the books elsewhere (§8)."""

    _name = "tiss.entry.export"
    _description = "Export of Journal Entries"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    start_date = fields.Date("From", required=True, default=lambda self: self._default_start_date())
    end_date = fields.Date(
        "To",
        required=True,
        compute="_compute_end_date",
        store=True,
        readonly=False,
        precompute=True,
    )
    only_convenios = fields.Boolean(
        "Only Convênios",
        default=True,
        help="Entries of protocolos, and those on the accounts of convênios: receivable, transit,"
        " what is not identified, what operadoras are owed or owe back, provision, accrual, repasse"
        " and what patients owe; and the taxes that are due when a convênio pays. Otherwise every"
        " posted entry of the company.",
    )

    @api.model
    def _default_start_date(self):
        """The first day of last month"""
        first = fields.Date.context_today(self).replace(day=1)
        return fields.Date.subtract(first, months=1)

    @api.depends("start_date")
    def _compute_end_date(self):
        for wizard in self:
            start = wizard.start_date
            wizard.end_date = start and fields.Date.end_of(start, "month")

    def action_export(self):
        """One CSV: a row per journal item, the items of an entry one after the other."""
        self.ensure_one()
        rows = self._read_rows()
        if not rows:
            raise UserError(self.env._("Nothing was posted in these days."))
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
        writer.writerow(self._get_header())
        writer.writerows(self._prepare_rows(rows))
        name = to_ascii(self.env._("entries-%s", f"{self.start_date}_{self.end_date}")) + ".csv"
        # With a mark, without which spreadsheets take the accents for something else.
        content = buffer.getvalue().encode("utf-8-sig")
        return self.env["tiss.file.export"]._get_file_action(name, content)

    def _get_header(self):
        return [
            self.env._("Date"),
            self.env._("Journal Entry"),
            self.env._("Journal"),
            self.env._("Account"),
            self.env._("Account Name"),
            self.env._("Debit"),
            self.env._("Credit"),
            self.env._("Partner"),
            "CNPJ/CPF",
            self.env._("History"),
            self.env._("Document"),
        ]

    def _get_domain(self):
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("parent_state", "=", "posted"),
                ("date", ">=", self.start_date),
                ("date", "<=", self.end_date),
                ("balance", "!=", 0),
            ]
        )
        return domain & self._get_domain_convenios() if self.only_convenios else domain

    def _get_domain_convenios(self):
        """On an account that only convênios have, or of a protocolo: its accounts may have changed.

        What is due on receipt is on neither.
        """
        return (
            Domain("move_id.line_ids.account_id", "in", self._get_accounts().ids)
            | Domain("move_id.line_ids.tiss_lote_id", "!=", False)
            | Domain("move_id.tax_cash_basis_origin_move_id.tiss_contract_id", "!=", False)
        )

    def _get_accounts(self):
        """The accounts that a convênio and its company have now."""
        contracts = self.env["tiss.contract"]._get_all(self.company_id)
        company = self.company_id
        return (
            contracts.receivable_account_id
            | contracts.transit_account_id
            | company.tiss_receivable_account_id
            | company.tiss_transit_account_id
            | company.tiss_provision_account_id
            | company.tiss_suspense_account_id
            | company.tiss_debt_account_id
            | company.tiss_claim_account_id
            | company.tiss_accrual_account_id
            | company.tiss_repasse_account_id
            | company.tiss_patient_account_id
        )

    def _read_rows(self):
        """As whoever asks may read them; a hospital has a hundred thousand in a month."""
        Line = self.env["account.move.line"]
        query = Line._search(self._get_domain(), order="date, move_name, move_id, id")
        columns = ("date", "move_name", "journal_id", "account_id", "partner_id", "name", "ref")
        names = [Line._field_to_sql(Line._table, name, query) for name in columns]
        rows = self.env.execute_query(
            query.select(
                *names,
                SQL.identifier(Line._table, "balance"),
                Line._field_to_sql(Line._table, "move_id", query),
            )
        )
        return rows

    def _prepare_rows(self, rows):
        """One after the other; the records that they name are read together before."""
        _dates, _entries, *found, _names, _refs, _balances, move_ids = zip(*rows, strict=True)
        names = {
            "account.journal": ["code"],
            "account.account": ["code", "name"],
            "res.partner": ["name", "vat"],
            "account.move": ["tiss_nfse_number"],
        }
        journals, accounts, partners, moves = (
            self._fetch(model, ids, names[model])
            for model, ids in zip(names, (*found, move_ids), strict=True)
        )
        for date, entry, journal_id, account_id, partner_id, name, ref, balance, move_id in rows:
            account, partner = accounts[account_id], partners[partner_id]
            yield [
                date.strftime("%d/%m/%Y"),
                _as_text(entry),
                _as_text(journals[journal_id].code),
                _as_text(account.code),
                _as_text(account.name),
                self._format(max(balance, 0)),
                self._format(max(-balance, 0)),
                _as_text(partner.name),
                _as_text(partner.vat),
                _as_text(name or ref or entry),
                _as_text(moves[move_id].tiss_nfse_number or ref or entry),
            ]

    def _fetch(self, model, ids, names):
        """{id: record}, with these fields read; nothing has the empty record."""
        Model = self.env[model].with_company(self.company_id)
        records = Model.browse(filter(None, dict.fromkeys(ids)))
        records.fetch(names)
        return {None: Model, **{record.id: record for record in records}}

    @api.model
    def _format(self, amount):
        """1234,56: what bookkeeping software reads; empty on the other side."""
        return str(to_decimal(amount)).replace(".", ",") if amount else ""


def _as_text(text):
    """What operadoras wrote is text, also where a spreadsheet would compute it."""
    text = " ".join((text or "").split())
    return f"'{text}" if text.startswith(FORMULA) else text
