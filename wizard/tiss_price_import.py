import base64
import datetime
import json
from collections import Counter
from decimal import Decimal
from pathlib import PurePath

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.bulk import insert
from ..models.price_table_targets import PorteTarget, TableTarget
from ..models.price_targets import ContractTarget
from ..models.upload import explain_table
from ..standard import pricefiles
from ..standard.sheets import SheetError, check_size

TARGET_OF_LAYOUT = {"plain": "contract", "portes": "porte"}  # any other: table
KIND_OF_LAYOUT = {
    "cbhpm": "cbhpm",
    "unimed": "cbhpm",
    "ch": "ch",
    "brasindice": "brasindice",
    "simpro": "simpro",
}
KEYS = {"contract": {"code", "price"}, "table": {"code"}, "porte": {"porte", "price"}}
NEEDS = {
    "contract": ("price",),
    "porte": ("price",),
    "table": (
        "price", "porte", "uco", "film", "ch", "pf", "pmc", "pf_fraction", "pmc_fraction",
    ),
}  # fmt: skip
# Every price of a convênio is a record with checks of its own: more would take minutes.
MAX_CONTRACT_ROWS = 20_000
# What changes the preview when it changes.
OPTIONS = (
    "target", "contract_id", "plan_id", "date", "create_products", "table_id", "kind",
    "edition_id", "decimal_mark",
)  # fmt: skip


class TissPriceImport(models.TransientModel):
    """Prices out of a file: upload, look at what would change, import.

    The layout is recognised by its contents and its columns can be said otherwise; what was said
    is remembered with the source. Nothing is written before the import, and then all or nothing.
    """

    _name = "tiss.price.import"
    _description = "Price Import"
    _check_company_auto = True

    state = fields.Selection(
        [("upload", "File"), ("preview", "Preview"), ("done", "Imported")],
        default="upload",
        required=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    file = fields.Binary("Price File", attachment=False)
    file_name = fields.Char()
    target = fields.Selection(
        [
            ("contract", "Prices of a convênio"),
            ("table", "A reference table"),
            ("porte", "Values of portes"),
        ],
        "What For",
        default="contract",
        required=True,
    )
    contract_id = fields.Many2one("tiss.contract", "Convênio", check_company=True)
    operadora_id = fields.Many2one(related="contract_id.partner_id")
    plan_id = fields.Many2one(
        "tiss.plan",
        "Only for the Plan",
        domain="[('operadora_id', '=', operadora_id)]",
        help="Empty: for all plans of the convênio.",
    )
    date = fields.Date(
        "Prices From",
        default=fields.Date.context_today,
        required=True,
        help="First day of the new prices. A price in force ends the day before; where it began on"
        " this very day it is replaced. A row with a date of its own keeps that.",
    )
    create_products = fields.Boolean(
        "Create missing products",
        default=True,
        help="Of the TUSS codes of the file that are no product of the clinic yet.",
    )
    table_id = fields.Many2one(
        "tiss.price.table",
        "Draft Table",
        domain=[("state", "=", "draft")],
        check_company=True,
        help="Empty: a new edition.",
    )
    edition_id = fields.Many2one(
        "tiss.porte.edition",
        "Draft Values",
        domain=[("state", "=", "draft")],
        check_company=True,
        help="Empty: a new edition.",
    )
    kind = fields.Selection(selection="_selection_kind", string="Kind of Table", default="list")
    new_name = fields.Char("Name")
    new_edition = fields.Char("Edition")
    publish = fields.Boolean(
        "Publish at once", help="A published edition can be used, and no longer changes."
    )
    decimal_mark = fields.Selection(
        [(",", "1.234,56"), (".", "1,234.56")],
        "Decimals",
        help="Empty: found out from all values of a column.",
    )
    layout = fields.Selection(
        [
            ("cbhpm", "CBHPM workbook"),
            ("unimed", "Unimed list"),
            ("ch", "Sheet of CH quantities"),
            ("brasindice", "Brasíndice"),
            ("simpro", "SIMPRO"),
            ("portes", "Values of portes"),
            ("plain", "Sheet of codes and prices"),
        ],
        "Recognised As",
        readonly=True,
    )
    sheet = fields.Char(readonly=True)
    signature = fields.Char(readonly=True)
    source_id = fields.Many2one("tiss.price.source", "Known Source", readonly=True)
    source_name = fields.Char(
        "Source", help="By this name the columns are remembered for the next file."
    )
    column_ids = fields.One2many("tiss.price.import.column", "import_id", "Columns")
    line_ids = fields.One2many("tiss.price.import.line", "import_id", "Rows")
    error_line_ids = fields.One2many(
        "tiss.price.import.line", "import_id", "Rows with Errors", domain=[("state", "=", "error")]
    )
    row_count = fields.Integer("Rows Read", readonly=True)
    new_count = fields.Integer("New Rows", readonly=True)
    changed_count = fields.Integer("Changed Rows", readonly=True)
    unchanged_count = fields.Integer("Unchanged Rows", readonly=True)
    error_count = fields.Integer("Errors", readonly=True)
    skipped_count = fields.Integer("Not a Price", readonly=True)
    product_count = fields.Integer("Products to Create", readonly=True)
    import_good = fields.Boolean("Import the good rows, leave out those with errors")
    previewed = fields.Json(readonly=True)  # the options that the rows were compared with
    result = fields.Char(readonly=True)

    # ------------------------------------------------------------------
    # Compute and defaults
    # ------------------------------------------------------------------

    @api.depends("file_name")
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = wizard.file_name or self.env._("Import Prices")

    @api.model
    def _selection_kind(self):
        return self.env["tiss.price.table"]._fields["kind"]._description_selection(self.env)

    @api.model
    def default_get(self, fields):
        """Opened from a convênio, a reference table or an edition of values, it is for that."""
        values = super().default_get(fields)
        active = self.env.context.get("active_id")
        names = {
            "tiss.contract": ("contract", "contract_id"),
            "tiss.price.table": ("table", "table_id"),
            "tiss.porte.edition": ("porte", "edition_id"),
        }
        target, name = names.get(self.env.context.get("active_model"), (None, None))
        if active and name:
            record = self.env[self.env.context["active_model"]].browse(active)
            values |= {"target": target, "company_id": record.company_id.id}
            if name == "contract_id" or record.state == "draft":
                values[name] = active
        return values

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_read(self):
        """Recognise the file and show what it would change."""
        self.ensure_one()
        grid = self._open_grid()
        source = self.env["tiss.price.source"]._find(self.company_id, grid.signature)
        self.write(self._prepare_grid_vals(grid, source))
        self._fill_preview(self._apply_mapping(grid))
        return True

    def action_preview(self):
        """Compare again, with other columns or another target."""
        self.ensure_one()
        self._fill_preview(self._apply_mapping(self._open_grid()))
        return True

    def action_import(self):
        """Write the good rows, when there are no others or these may be left out."""
        self.ensure_one()
        if self.state != "preview":
            raise UserError(self.env._("These prices were imported already."))
        if self.previewed != self._get_options():
            self.action_preview()
            return self._warn_changed()
        if self.error_count and not self.import_good:
            raise UserError(
                self.env._(
                    "%s rows have errors: correct the file, or tick “Import the good rows”.",
                    self.error_count,
                )
            )
        good = self.line_ids.filtered(lambda line: line.state in ("new", "changed"))
        rows = [_from_json(line.values) for line in good]
        self._check_ready()
        self._get_target(create=True).store(rows)
        self.write({"state": "done", "result": self._describe_result(len(rows))})
        if rows:
            self._note_result()
        if self.publish and self.target != "contract":
            self._get_record().action_publish()
        if self.source_name:
            self._remember_source()
        return True

    def action_view_lines(self):
        """All rows in a list that can be searched; the context's `tiss_state` chooses some."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_price_import_line_action"
        )
        state = self.env.context.get("tiss_state")
        action["domain"] = [("import_id", "=", self.id)]
        action["context"] = {f"search_default_{state}": 1} if state else {}
        return action

    def action_view_result(self):
        """Open what the prices went to."""
        self.ensure_one()
        return self._get_record()._get_records_action()

    def action_restart(self):
        """Another file for the same target."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_price_import_action"
        )
        names = ("target", "contract_id", "plan_id", "table_id", "edition_id")
        values = self.read(names, load=None)[0]
        action["context"] = {f"default_{name}": values[name] for name in names if values[name]}
        return {**action, "target": "main"}

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _open_grid(self):
        encoded = self.with_context(bin_size=False).file
        if not encoded:
            raise UserError(self.env._("Choose a file first."))
        try:
            check_size(len(encoded) * 3 // 4)
            return pricefiles.open_file(base64.b64decode(encoded))
        except SheetError as error:
            raise UserError(self._explain_file(error)) from error

    def _explain_file(self, error):
        """Why a file cannot be read, in a sentence."""
        limit = error.values.get("limit", 0)
        return explain_table(
            self.env,
            error,
            too_large=self.env._(
                "The file has more than %s MB: that is no price list.", limit // 2**20
            ),
            unsafe=self.env._(
                "The file carries declarations (DOCTYPE) that no price list needs, and was not"
                " opened."
            ),
            not_a_table=self.env._(
                "This is no table of prices. Choose an .xlsx, .xls, .csv, .txt or SIMPRO .xml."
            ),
            comma_decimals=self.env._(
                "Commas separate the columns and the cents: 150,50 would be read as 150. Save the"
                " file with semicolons, or as .xlsx."
            ),
            unknown_layout=self.env._(
                "No column of codes with a column of prices was found. The simplest file has the"
                " titles Código and Valor."
            ),
        )

    def _prepare_grid_vals(self, grid, source):
        """What is known of a file at first sight, or from the last file of its source."""
        mapping = source.mapping or {}
        vals = {
            "layout": grid.layout,
            "sheet": grid.sheet,
            "signature": grid.signature,
            "source_id": source.id,
            "source_name": source.name or PurePath(self.file_name or "").stem,
            "decimal_mark": mapping.get("mark") or False,
            "column_ids": self._prepare_columns(grid, mapping.get("roles") or grid.roles),
        }
        target = TARGET_OF_LAYOUT.get(grid.layout, "table")
        if self.target == "contract" and target != "contract" and "price" not in grid.roles:
            vals["target"] = target
        if (vals.get("target") or self.target) == "porte" or grid.layout == "portes":
            vals["target"] = "porte"
        if not self.table_id:
            vals["kind"] = KIND_OF_LAYOUT.get(grid.layout, "list")
        if not self.new_name:
            vals["new_name"] = PurePath(self.file_name or "").stem
        return vals

    def _prepare_columns(self, grid, roles):
        role_of = {column: role for role, column in roles.items()}
        return [
            fields.Command.clear(),
            *(
                fields.Command.create(
                    {
                        "position": position,
                        "title": title,
                        "examples": " · ".join(grid.examples(position))[:200],
                        "role": role_of.get(position),
                    }
                )
                for position, title in enumerate(grid.titles)
            ),
        ]

    def _apply_mapping(self, grid):
        """The grid with the columns as they stand on the screen."""
        roles = {}
        for column in self.column_ids.filtered("role"):
            if column.role in roles:
                raise UserError(
                    self.env._(
                        "Two columns are said to be “%s”: choose one.",
                        self._get_role_label(column.role),
                    )
                )
            if column.position < len(grid.titles):
                roles[column.role] = column.position
        missing = KEYS[self.target] - roles.keys()
        if missing:
            raise UserError(
                self.env._(
                    "Say under Columns which one is “%s”.",
                    self._get_role_label(sorted(missing)[0]),
                )
            )
        return grid.with_roles(roles, self.decimal_mark or "")

    def _get_role_label(self, role):
        field = self.env["tiss.price.import.column"]._fields["role"]
        return dict(field._description_selection(self.env))[role]

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    def _get_options(self):
        """What the preview depends on, to notice when it has become old."""
        roles = {column.role: column.position for column in self.column_ids if column.role}
        values = self.read(OPTIONS, load=None)[0]
        # As JSON gives it back: lists, no tuples.
        return _to_json({**values, "roles": sorted(map(list, roles.items()))})

    def _fill_preview(self, grid):
        if self.target == "contract" and not self.contract_id:
            raise UserError(self.env._("Choose the convênio whose prices these are."))
        rows = pricefiles.read_rows(grid, NEEDS[self.target])
        good = [row for row in rows if not row.problems and not row.skipped]
        if self.target == "contract" and len(good) > MAX_CONTRACT_ROWS:
            raise UserError(
                self.env._(
                    "A convênio takes at most %s rows at a time: split the file, or import it as a"
                    " reference table.",
                    MAX_CONTRACT_ROWS,
                )
            )
        matches = iter(self._get_target().match([row.values for row in good]))
        vals_list = []
        for row in rows:
            if row.problems:
                vals_list.append(self._prepare_line_vals(row, "error", self._explain_row(row)))
            elif row.skipped:
                vals_list.append(self._prepare_line_vals(row, "skipped", self._explain_skip(row)))
            else:
                vals_list.append(self._prepare_match_vals(row, next(matches)))
        self.line_ids.unlink()
        self._insert_lines(vals_list)
        self._write_counts(vals_list)

    def _insert_lines(self, vals_list):
        """The rows of the preview; the ORM would take seconds for some thousands."""
        columns = (
            "import_id", "line", "code", "name", "state", "message", "old_price", "new_price",
            "start_date", "is_new_product", "values",
        )  # fmt: skip
        self.check_access("write")
        insert(
            self.env["tiss.price.import.line"],
            columns,
            (tuple(vals.get(name) for name in columns) for vals in vals_list),
        )

    def _write_counts(self, vals_list):
        states = Counter(vals["state"] for vals in vals_list)
        names = ("new", "changed", "unchanged", "error", "skipped")
        self.write(
            {
                "state": "preview",
                "row_count": len(vals_list),
                "product_count": sum(vals["is_new_product"] for vals in vals_list),
                "previewed": self._get_options(),
                **{f"{name}_count": states[name] for name in names},
            }
        )

    def _prepare_line_vals(self, row, state, message):
        return {
            "import_id": self.id,
            "line": row.line,
            "code": row.values.get("code") or row.values.get("porte"),
            "name": row.values.get("name"),
            "state": state,
            "message": message,
            "new_price": float(row.values.get("price") or 0),
            "start_date": row.values.get("start"),
            "is_new_product": False,
        }

    def _prepare_match_vals(self, row, match):
        return {
            **self._prepare_line_vals(row, match.state, match.message),
            "old_price": float(match.old_price or 0),
            "new_price": float(match.new_price or 0),
            "is_new_product": match.state == "new" and not match.product_id and bool(match.term_id),
            "values": json.dumps(_to_json(row.values)),
        }

    def _explain_row(self, row):
        """What is wrong with a row, with the text of the cell."""
        return " ".join(map(self._explain_problem, row.problems))

    def _explain_problem(self, problem):
        sentences = {
            "no_code": self.env._("There is a price but no code."),
            "bad_code": self.env._("“%(text)s” is no code."),
            "no_value": self.env._("There is a code but no price."),
            "bad_number": self.env._("%(column)s: “%(text)s” is no number."),
            "ambiguous_number": self.env._(
                "%(column)s: “%(text)s” can be read in two ways, for this column writes decimals"
                " with a comma and with a point. Choose one under Decimals."
            ),
            "negative": self.env._("%(column)s: “%(text)s” is below zero."),
            "too_high": self.env._("%(column)s: “%(text)s” is too much for a price."),
            "not_whole": self.env._("%(column)s: “%(text)s” is no whole number."),
            "cut_decimals": self.env._(
                "%(column)s: the cents after “%(text)s” stand in the next column. Save the file"
                " with semicolons."
            ),
            "bad_date": self.env._("%(column)s: “%(text)s” is no date."),
            "dates_reversed": self.env._("It ends before it begins."),
            "bad_porte": self.env._("%(column)s: “%(text)s” is no porte."),
            "duplicate": self.env._("Code %(text)s has another price in line %(line)s."),
        }
        return sentences[problem.code] % problem._asdict()

    def _explain_skip(self, row):
        sentences = {
            "section": self.env._("A title or a note."),
            "header": self.env._("The titles of the columns again."),
            "total": self.env._("A total."),
            "repeated": self.env._("The same as line %s.", row.same),
        }
        return sentences[row.skipped]

    # ------------------------------------------------------------------
    # Import
    # ------------------------------------------------------------------

    def _get_target(self, create=False):
        """Where the rows go; with `create` a new table or edition is made.

        It writes in silence: one note says it all, see `_note_result`.
        """
        silent = {"tracking_disable": True}
        if self.target == "contract":
            contract = self.contract_id.with_context(**silent)
            return ContractTarget(contract, self.date, self.plan_id, self.create_products)
        vals = {"name": self.new_name, "start_date": self.date, "company_id": self.company_id.id}
        if self.target == "table":
            if create and not self.table_id:
                self.table_id = self.env["tiss.price.table"].create(
                    {**vals, "kind": self.kind, "edition": self.new_edition}
                )
            return TableTarget(
                self.table_id.with_context(**silent), self.table_id.kind or self.kind
            )
        if create and not self.edition_id:
            self.edition_id = self.env["tiss.porte.edition"].create(vals)
        return PorteTarget(self.edition_id.with_context(**silent))

    def _get_record(self):
        """The convênio, table or edition that the rows go to."""
        records = {
            "contract": self.contract_id, "table": self.table_id, "porte": self.edition_id
        }  # fmt: skip
        return records[self.target]

    def _check_ready(self):
        if self.target == "contract":
            return
        existing = self._get_record()
        if existing and existing.state != "draft":
            raise UserError(
                self.env._(
                    "%s is published and no longer changes: import a new edition.", existing.name
                )
            )
        if not existing and not self.new_name:
            raise UserError(self.env._("Give the new edition a name."))

    def _remember_source(self):
        roles = {column.role: column.position for column in self.column_ids if column.role}
        self.source_id = self.env["tiss.price.source"]._remember(
            self.company_id,
            self.signature,
            {
                "name": self.source_name,
                "mapping": {"roles": roles, "mark": self.decimal_mark or ""},
            },
        )

    def _note_result(self):
        """One note about all rows, with the file's name, where they went."""
        parts = (self.file_name, self.result)
        self._get_record().message_post(body=": ".join(filter(None, parts)))

    def _describe_result(self, count):
        return self.env._(
            "%(count)s rows imported (%(new)s new, %(changed)s changed); %(unchanged)s were the"
            " same already, %(error)s with errors were left out.",
            count=count,
            new=self.new_count,
            changed=self.changed_count,
            unchanged=self.unchanged_count,
            error=self.error_count,
        )

    def _warn_changed(self):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "message": self.env._(
                    "The columns or the target were changed: look at the new preview first."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }


def _to_json(values):
    """Values by role as JSON takes them."""
    return {
        key: str(value) if isinstance(value, (Decimal, datetime.date)) else value
        for key, value in values.items()
    }


def _from_json(values):
    """What `_to_json` was given."""
    restored = dict(values)
    for role, value in values.items():
        if role in pricefiles.NUMBERS:
            restored[role] = Decimal(value)
        elif role in pricefiles.DATES:
            restored[role] = datetime.date.fromisoformat(value)
    return restored
