import gzip
import hashlib
import json

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from ..models import term_load
from ..standard import ansfiles
from ..standard.terminology import Term

MAX_SHOWN_PROBLEMS = 100
MAX_SHOWN_EFFECTS = 200
CHANGES = ("new", "changed", "ended", "reopened", "completed")


class TissTerminologyImport(models.TransientModel):
    """Load a newer edition of TUSS or of the domain tables from the files that ANS publishes.

    The files are read once; the preview tells what they change, for the tables and for the
    clinic's procedures and prices; what is applied is what was previewed.
    """

    _name = "tiss.terminology.import"
    _description = "Terminology Update"

    attachment_ids = fields.Many2many("ir.attachment", string="Files")
    state = fields.Selection(
        [("files", "Files"), ("preview", "Preview")], default="files", required=True
    )
    line_ids = fields.One2many("tiss.terminology.import.line", "import_id", "Tables")
    skipped = fields.Char("Left Aside")
    effect = fields.Html(readonly=True)
    effect_count = fields.Integer()
    is_older = fields.Boolean(compute="_compute_obstacles")
    is_incomplete = fields.Boolean(compute="_compute_obstacles")
    problem_count = fields.Integer(compute="_compute_obstacles")
    changes_nothing = fields.Boolean(compute="_compute_obstacles")
    allow_older = fields.Boolean("Load it although it is older")
    allow_problems = fields.Boolean("Leave these lines out and load the others")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("line_ids.is_older", "line_ids.table_id", "line_ids.edition")
    def _compute_obstacles(self):
        for wizard in self:
            lines = wizard.line_ids
            wizard.is_older = any(lines.mapped("is_older"))
            wizard.is_incomplete = any(
                not line.edition or not line.table_id or line.table_id.code != line.read_table
                for line in lines
            )
            wizard.problem_count = sum(lines.mapped("problem_count"))
            wizard.changes_nothing = not any(
                line[f"{kind}_count"] for line in lines for kind in CHANGES
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_preview(self):
        """Read the files and show what they would change."""
        self.ensure_one()
        if not self.attachment_ids:
            raise UserError(self.env._("Choose the files of ANS first."))
        if not self.line_ids or any(
            line.table_id and line.table_id.code != line.read_table for line in self.line_ids
        ):
            self._read_files()
        self._update_preview()
        self.state = "preview"
        return self._reopen()

    def action_back(self):
        """Choose other files."""
        self.ensure_one()
        self.write({"state": "files", "line_ids": [Command.clear()], "effect": False})
        return self._reopen()

    def action_apply(self):
        """Load what was previewed; say so when it was there already."""
        self.ensure_one()
        self._check_obstacles()
        self._stage()
        counts = term_load.count(self.env)
        effects = self._get_effects()
        vals_list = self._prepare_editions(counts, effects)
        if vals_list:
            editions = self.env["tiss.terminology.edition"]._record_loads(vals_list)
            term_load.apply(self.env, {each.table_code: each.id for each in editions})
            self._set_term_counts(editions)
        self.attachment_ids.unlink()
        return self._notify(counts, bool(vals_list))

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Load a Newer Edition"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _notify(self, counts, is_loaded):
        totals = {kind: sum(each[kind] for each in counts.values()) for kind in CHANGES}
        if is_loaded:
            message = self.env._(
                "%(tables)s tables loaded: %(new)s terms are new, %(changed)s changed, %(ended)s"
                " ended.",
                tables=len(counts),
                new=totals["new"],
                changed=totals["changed"] + totals["reopened"] + totals["completed"],
                ended=totals["ended"],
            )
        else:
            message = self.env._("These editions are installed already: nothing has changed.")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_terminology_edition_action"
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if is_loaded else "info",
                "message": message,
                "next": action,
            },
        }

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _read_files(self):
        """Make one line per table of the files; keep what was typed for it before."""
        typed = {line.source: line for line in self.line_ids}
        tables = {source: line.table_id.code for source, line in typed.items() if line.table_id}
        found, skipped = [], []
        for attachment in self.attachment_ids:
            content = attachment.raw or b""
            try:
                reading = ansfiles.read(attachment.name, content, tables)
            except ansfiles.AnsFileError as error:
                raise UserError(self._explain(error)) from error
            skipped += reading.skipped
            digest = hashlib.sha256(content).hexdigest()
            for sheet in reading.sheets:
                edition = typed[sheet.source].edition if sheet.source in typed else ""
                found.append(self._prepare_line(sheet, edition or sheet.edition, digest))
        self.write(
            {
                "line_ids": [Command.clear(), *map(Command.create, found)],
                "skipped": ", ".join(skipped),
            }
        )

    def _prepare_line(self, sheet, edition, digest):
        table = self.env["tiss.term"]._get("87", sheet.table)
        rows = [[*row[1:4], *(day and day.isoformat() for day in row[4:])] for row in sheet.terms]
        content = json.dumps({"columns": sorted(sheet.columns), "rows": rows}).encode()
        problems = [self._explain_line(each) for each in sheet.problems[:MAX_SHOWN_PROBLEMS]]
        if sheet.ignored:
            names = ", ".join(sheet.ignored)
            problems.append(self.env._("Columns that are not used: %s.", names))
        return {
            "source": sheet.source,
            "file_sha256": digest,
            "table_id": table.id,
            "edition": edition,
            "read_table": table.code,
            "rows": gzip.compress(content, 1) if table else False,
            "term_count": len(sheet.terms),
            "problem_count": sheet.problem_count if table else 0,
            "problems": "\n".join(problems) if table else False,
        }

    def _explain(self, error):
        """The sentence for a file that cannot be read."""
        name, value = error.name, error.value
        reasons = {
            "too_big": self.env._("it is larger than %s MB", value),
            "zip_bomb": self.env._("it unpacks to far more than a table of ANS"),
            "encrypted": self.env._("it is protected by a password"),
            "nested_zip": self.env._("it is a zip within a zip: unpack it once"),
            "unsafe": self.env._("it defines XML entities, which no file of ANS does"),
            "broken": self.env._("it is damaged, or not what its name says"),
            "broken_line": self.env._("line %s cannot be read", value),
            "old_excel": self.env._("it is in the old Excel format: save it as .xlsx"),
            "not_a_table": self.env._(
                "it is neither a table (csv, xlsx, json) nor a zip of tables"
            ),
            "too_many_rows": self.env._("it has more than %s lines", value),
            "no_header": self.env._(
                "it has no line with the headings “Código do Termo” and “Termo”; take the file"
                " as ANS publishes it"
            ),
        }
        if error.code == "wrong_table":
            table, other = value.split()
            reasons["wrong_table"] = self.env._(
                "it is called table %(table)s, but its codes are those of table %(other)s",
                table=table,
                other=other,
            )
        return self.env._(
            "%(file)s was not read: %(reason)s.", file=name, reason=reasons[error.code]
        )

    def _explain_line(self, problem):
        line, value = problem.line, problem.value
        if problem.code == "duplicate":
            code, first = value.split()
            return self.env._(
                "Line %(line)s: code %(code)s stands already, otherwise, in line %(first)s.",
                line=line,
                code=code,
                first=first,
            )
        reasons = {
            "check_digit": self.env._("%s is not a TUSS code: its check digit is wrong", value),
            "bad_code": self.env._("“%s” is not a code", value),
            "no_code": self.env._("“%s” has no code", value),
            "no_term": self.env._("code %s has no term", value),
            "bad_date": self.env._("“%s” is not a date", value),
            "dates_reversed": self.env._("it ends before it begins: %s", value),
        }
        return self.env._("Line %(line)s: %(reason)s.", line=line, reason=reasons[problem.code])

    # ------------------------------------------------------------------
    # Comparing
    # ------------------------------------------------------------------

    def _stage(self):
        """Compare the rows of all lines whose table is known with the terms."""
        rows, columns, sources = {}, {}, {}
        for line in self.with_context(bin_size=False).line_ids.filtered("rows"):
            table = line.read_table
            content = json.loads(gzip.decompress(line.rows))
            columns.setdefault(table, set()).update(content["columns"])
            for values in content["rows"]:
                row = Term(table, *values)
                key = table, row.code
                if rows.setdefault(key, row) != row:
                    raise UserError(
                        self.env._(
                            "Code %(code)s of table %(table)s reads differently in %(one)s and"
                            " in %(other)s: load one of them.",
                            code=row.code,
                            table=table,
                            one=sources[key],
                            other=line.source,
                        )
                    )
                sources.setdefault(key, line.source)
        term_load.stage(self.env, list(rows.values()), columns)

    def _update_preview(self):
        self._stage()
        counts = term_load.count(self.env)
        for line in self.line_ids:
            # A table in several sheets is counted once.
            count = counts.pop(line.read_table, {})
            line.write(
                {
                    **{f"{kind}_count": count.get(kind, 0) for kind in term_load.KINDS},
                    "missing_count": count.get("missing", 0),
                    "examples": "\n".join(
                        f"{code}: {old} → {new}"
                        for code, old, new in term_load.get_examples(
                            self.env, line.read_table or ""
                        )
                    ),
                }
            )
        effects = self._get_effects()
        self.write(
            {
                "effect_count": len(effects),
                "effect": self._render_effects(effects),
            }
        )

    def _get_effects(self):
        """What the staged rows mean for the procedures of this company.

        :return: list of dicts `table`, `kind`, `text`, `is_priced`; what ends comes first
        """
        changes = term_load.get_changes_of_products(self.env)
        Product = self.env["product.template"]
        products = Product.search([("tiss_term_id", "in", list(changes))])
        names = self._get_convenios(products)
        order = {"ended": 0, "changed": 1, "reopened": 2}
        effects = []
        for product in products:
            term = product.tiss_term_id
            kind, name, end_date = changes[term.id]
            effects.append(
                {
                    "table": term.table_code,
                    "kind": kind,
                    "text": self._describe_effect(product, kind, name, end_date, names),
                    "is_priced": product in names,
                }
            )
        return sorted(effects, key=lambda effect: (order[effect["kind"]], effect["text"]))

    def _get_convenios(self, products):
        """{product: names of the convênios in which it has a price from today on}"""
        items = self.env["product.pricelist.item"].search(
            Domain("product_tmpl_id", "in", products.ids)
            & (Domain("date_end", "=", False) | Domain("date_end", ">=", "now"))
        )
        contracts = self.env["tiss.contract"].search(
            [("pricelist_id", "in", items.pricelist_id.ids)]
        )
        by_pricelist = contracts.grouped("pricelist_id")
        names = {}
        for item in items:
            for contract in by_pricelist.get(item.pricelist_id, ()):
                names.setdefault(item.product_tmpl_id, {})[contract.display_name] = True
        return names

    def _describe_effect(self, product, kind, name, end_date, names):
        term = product.tiss_term_id
        parts = [f"{term.code} {term.name}"]
        if end_date and end_date != term.end_date:
            parts.append(self.env._("valid until %s", format_date(self.env, end_date)))
        if kind == "reopened":
            parts.append(self.env._("valid again"))
        if name != term.name:
            parts.append(self.env._("now called “%s”", name))
        if product in names:
            parts.append(self.env._("priced in %s", ", ".join(names[product])))
        else:
            parts.append(self.env._("no price in a convênio"))
        return " · ".join(parts)

    def _render_effects(self, effects):
        """The effect as HTML: a sentence with numbers, then the list; empty without effect."""
        if not effects:
            return False
        priced = [effect["kind"] for effect in effects if effect["is_priced"]]
        sentence = self.env._(
            "%(ended)s of your priced codes end, %(changed)s change, %(reopened)s are valid again.",
            ended=priced.count("ended"),
            changed=priced.count("changed"),
            reopened=priced.count("reopened"),
        )
        rows = [effect["text"] for effect in effects[:MAX_SHOWN_EFFECTS]]
        if len(effects) > len(rows):
            rows.append(self.env._("… and %s more", len(effects) - len(rows)))
        items = Markup().join(Markup("<li>%s</li>") % row for row in rows)
        return Markup("<p><b>%s</b></p><ul>%s</ul>") % (sentence, items)

    # ------------------------------------------------------------------
    # Applying
    # ------------------------------------------------------------------

    def _check_obstacles(self):
        if self.state != "preview":
            raise UserError(self.env._("Look at the preview first."))
        if self.is_incomplete:
            raise UserError(
                self.env._("Say table and edition of every line, and update the preview.")
            )
        wrong = self.line_ids.filtered(
            lambda line: not (len(line.edition) == 6 and line.edition.isdigit())
        )
        if wrong:
            raise UserError(
                self.env._(
                    "“%s” is not an edition: write year and month, e.g. 202609.", wrong[0].edition
                )
            )
        older = self.line_ids.filtered("is_older")
        if older and not self.allow_older:
            raise UserError(
                self.env._(
                    "Edition %(edition)s of table %(table)s is older than the installed one,"
                    " %(installed)s. Confirm that you want to go back.",
                    edition=older[0].edition,
                    table=older[0].table_id.code,
                    installed=older[0].installed_edition,
                )
            )
        if self.problem_count and not self.allow_problems:
            raise UserError(
                self.env._(
                    "%s lines have errors. Correct the file, or confirm that they are left out.",
                    self.problem_count,
                )
            )

    def _prepare_editions(self, counts, effects):
        """Values of the editions that are new, or that change a term."""
        installed = self.env["tiss.terminology.edition"]._get_installed()
        vals_list = []
        for table, lines in self.line_ids.grouped("read_table").items():
            count = counts.get(table, dict.fromkeys(CHANGES, 0))
            edition = max(lines.mapped("edition"))
            known = installed.get(table)
            if known and known.name == edition and not any(count[kind] for kind in CHANGES):
                continue
            vals_list.append(
                {
                    "table_code": table,
                    "name": edition,
                    "file_name": ", ".join(lines.mapped("source")),
                    "file_sha256": lines[0].file_sha256,
                    "new_count": count["new"],
                    "changed_count": count["changed"] + count["completed"],
                    "ended_count": count["ended"],
                    "reopened_count": count["reopened"],
                    "report": "\n".join(
                        effect["text"] for effect in effects if effect["table"] == table
                    ),
                }
            )
        return vals_list

    def _set_term_counts(self, editions):
        domain = [("table_code", "in", editions.mapped("table_code"))]
        counts = dict(self.env["tiss.term"]._read_group(domain, ["table_code"], ["__count"]))
        for edition in editions:
            edition.term_count = counts[edition.table_code]
