import io
import zipfile
from pathlib import PurePath

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..models.upload import decode_upload, explain_table
from ..standard import parser, returnfiles
from ..standard.sheets import SheetError
from ..standard.zips import DAMAGED

MAX_FILES = 500
MAX_UNPACKED = 512 * 1024 * 1024  # bytes of all files of a zip together


class TissReturnImport(models.TransientModel):
    """Read what an operadora gave back: receipts, analyses, payments, answers; one file or a zip.

    The files of a zip are independent: one that cannot be read is named, the others are taken in.
    A table whose titles nobody knows is asked about: its convênio, and what its columns mean.
    """

    _name = "tiss.return.import"
    _description = "Import Return File"
    _check_company_auto = True

    file = fields.Binary("Return File", attachment=False)
    file_name = fields.Char()
    state = fields.Selection(
        [("file", "File"), ("columns", "Columns")], default="file", required=True
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    contract_id = fields.Many2one("tiss.contract", "Convênio", check_company=True)
    kind = fields.Selection(selection="_selection_kind", string="The File Is", default="analysis")
    map_name = fields.Char(
        "Name of the Layout", help="By this name the columns are remembered for the next file."
    )
    decimal_mark = fields.Selection(
        [(",", "1.234,56"), (".", "1,234.56")],
        "Decimals",
        help="Empty: found out from all values of a column.",
    )
    date_form = fields.Selection(
        [("dmy", "31/12/2026"), ("mdy", "12/31/2026")], "Dates", default="dmy", required=True
    )
    number = fields.Char(
        "Number of the Demonstrativo",
        size=20,
        help="As the operadora calls it; by it a second file of the same is known.",
    )
    issue_date = fields.Date(
        help="Empty: that of the file known by this number, or today. The deadlines of the glosas"
        " count from it."
    )
    payment_date = fields.Date("Paid On")
    column_ids = fields.One2many("tiss.return.import.column", "import_id", "Columns")
    has_number = fields.Boolean(compute="_compute_has_number")
    has_issue_date = fields.Boolean(compute="_compute_has_number")
    has_payment_date = fields.Boolean(compute="_compute_has_number")
    line_ids = fields.One2many("tiss.return.import.line", "import_id", "Files", readonly=True)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_kind(self):
        return self.env["tiss.demonstrativo"]._fields["kind"]._description_selection(self.env)

    @api.depends("column_ids.role")
    def _compute_has_number(self):
        for wizard in self:
            roles = wizard.column_ids.mapped("role")
            wizard.has_number = "number" in roles
            wizard.has_issue_date = "issue_date" in roles
            wizard.has_payment_date = "payment_date" in roles

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_import(self):
        """Read the file and open what it made: the preview of a demonstrativo, or a lote."""
        self.ensure_one()
        content = decode_upload(self, parser.MAX_BYTES)
        name = self.file_name or self.env._("return.xml")
        known = self.env["tiss.demonstrativo"]._find_imported(content)
        table = None if known else self._open_table(content)
        if table:
            return self._import_table(name, content, table)
        if zipfile.is_zipfile(io.BytesIO(content)) and not known:
            return self._import_zip(content)
        records = self.env["tiss.message"].receive_file(name, content)
        action = records._get_records_action(name=self.env._("Return Files"))
        return self._warn_known(known, action) if known else action

    def _warn_known(self, known, action):
        message = self.env._(
            "This file was already imported on %(date)s by %(user)s.",
            date=format_date(self.env, known[0].create_date),
            user=known[0].create_uid.name,
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "warning", "message": message, "next": action},
        }

    # ------------------------------------------------------------------
    # Tables
    # ------------------------------------------------------------------

    def _open_table(self, content):
        """The table in a file; None for what is to be read otherwise."""
        if not returnfiles.looks_like_table(content):
            return None
        try:
            return returnfiles.open_table(content, guess=True)
        except SheetError as error:
            ending = PurePath(self.file_name or "").suffix.lower()
            if ending not in (".csv", ".xlsx", ".xls") or error.code == "not_a_table":
                return None
            raise UserError(self._explain_table(error)) from error

    def _explain_table(self, error):
        limit = error.values.get("limit", 0)
        return explain_table(
            self.env,
            error,
            too_large=self.env._(
                "The file has %s MB: a return file this large is refused. Is it the right one?",
                limit // 2**20,
            ),
            unsafe=self.env._(
                "The file was refused because it carries dangerous content (%s). Ask the"
                " operadora for a clean one.",
                error.code,
            ),
            unknown_layout=self.env._(
                "No row with the titles of the columns was found. The simplest table has the titles"
                " Protocolo, Guia, Valor informado and Valor liberado."
            ),
        )

    def _import_table(self, name, content, table):
        """Read a table whose columns are known, or ask what they mean."""
        if self.state == "columns":
            return self._read_table(name, content, table)
        found = self.env["tiss.return.map"]._find(table.signature)
        if len(found) == 1 and found.contract_id and "number" in found.roles:
            return self._open(found._import_table(name, content, table))
        self.write(self._prepare_table_vals(name, table, found[:1]))
        return self._get_records_action(target="new", name=self.env._("Import Return File"))

    def _prepare_table_vals(self, name, table, found):
        """What is known of a table at first sight, or from another of its kind."""
        roles = found.roles or table.roles
        role_of = {column: role for role, column in roles.items()}
        stem = PurePath(name).stem
        return {
            "state": "columns",
            "contract_id": found.contract_id.id or self.contract_id.id,
            "kind": found.kind or ("payment" if "payment_date" in roles else "analysis"),
            "map_name": found.name or stem,
            "decimal_mark": found.decimal_mark,
            "date_form": found.date_form or "dmy",
            "number": stem[:20],
            "column_ids": [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "position": position,
                            "title": title,
                            "examples": " · ".join(table.examples(position))[:200],
                            "role": role_of.get(position),
                        }
                    )
                    for position, title in enumerate(table.titles)
                ),
            ],
        }

    def _read_table(self, name, content, table):
        """Remember the columns as they stand on the screen, and read the table with them."""
        if not self.contract_id:
            raise UserError(self.env._("Choose the convênio."))
        roles = self._get_roles()
        if "number" not in roles and not (self.number or "").strip():
            raise UserError(self.env._("Type the number of the demonstrativo."))
        Map = self.env["tiss.return.map"]
        Map._check_layout(returnfiles.Layout(self.kind, roles), table)
        found = Map._remember(
            self.contract_id,
            table,
            {
                "name": self.map_name or self.contract_id.name,
                "kind": self.kind,
                "roles": roles,
                "decimal_mark": self.decimal_mark,
                "date_form": self.date_form,
            },
        )
        demonstrativos = found._import_table(
            name,
            content,
            table,
            number=self.number,
            issue_date=self.issue_date,
            payment_date=self.payment_date,
        )
        return self._open(demonstrativos)

    def _open(self, demonstrativos):
        return demonstrativos._get_records_action(name=self.env._("Demonstrativos"))

    def _get_roles(self):
        labels = self.env["tiss.return.map"]._get_role_labels()
        roles = {}
        for column in self.column_ids.filtered("role"):
            if column.role in roles:
                raise UserError(
                    self.env._("Two columns are said to be “%s”: choose one.", labels[column.role])
                )
            roles[column.role] = column.position
        return roles

    # ------------------------------------------------------------------
    # Zip
    # ------------------------------------------------------------------

    def _import_zip(self, content):
        """Take in each file by itself, then show what became of it."""
        self.line_ids = [
            Command.create(self._import_member(name, each)) for name, each in self._unzip(content)
        ]
        self.file = False
        return self._get_records_action(target="new", name=self.env._("Return Files"))

    def _unzip(self, content):
        """(name, bytes) of the files of a zip, in the order of their names."""
        files, room = [], MAX_UNPACKED
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as opened:
                members = [each for each in opened.infolist() if not each.is_dir()]
                if len(members) > MAX_FILES:
                    raise UserError(
                        self.env._("The zip holds more than %s files: split it.", MAX_FILES)
                    )
                for member in sorted(members, key=lambda each: each.filename):
                    # The size that a zip states can lie; what is read cannot.
                    with opened.open(member) as stream:
                        data = stream.read(min(parser.MAX_BYTES, room) + 1)
                    room -= len(data)
                    if len(data) > parser.MAX_BYTES or room < 0:
                        raise UserError(self.env._("The files of the zip are too large: split it."))
                    files.append((member.filename.rpartition("/")[2], data))
        except DAMAGED as error:
            raise UserError(
                self.env._("The zip is damaged or has a password: it cannot be opened.")
            ) from error
        if not files:
            raise UserError(self.env._("The zip is empty."))
        return files

    def _import_member(self, name, content):
        """Values of the line that says what became of one file."""
        Demonstrativo = self.env["tiss.demonstrativo"]
        known = Demonstrativo._find_imported(content)
        try:
            # What a file that fails has already done is undone, the files before it stay.
            with self.env.cr.savepoint():
                records = self.env["tiss.message"].receive_file(name, content)
        except UserError as error:
            return {"name": name, "state": "failed", "result": str(error)}
        return {
            "name": name,
            "state": "known" if known else "read",
            "result": ", ".join(records.mapped("display_name")),
            "res_model": records._name,
            "res_id": records[:1].id,
        }
