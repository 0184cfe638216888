from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.tiss_operadora_registry import CONTACT_COLUMNS
from ..models.upload import decode_upload
from ..standard import cadop

# The order in which people must look at the changes.
KINDS = ("error", "gone", "back", "changed", "new", "contact")


class TissRegistryImport(models.TransientModel):
    """Refresh the ANS registry of operadoras from a newer file; see first what it changes."""

    _name = "tiss.registry.import"
    _description = "ANS Registry Refresh"

    file = fields.Binary("Registry File", required=True, attachment=False)
    file_name = fields.Char()
    state = fields.Selection([("file", "File"), ("preview", "Preview")], default="file")
    update_operadoras = fields.Boolean(
        "Also update our operadoras",
        default=True,
        help="Legal name, CNPJ, modality and city; phones and e-mails only where there are none.",
    )
    confirm_small = fields.Boolean("The file is complete all the same")
    is_small = fields.Boolean(readonly=True)
    summary = fields.Text(readonly=True)
    line_ids = fields.One2many("tiss.registry.import.line", "import_id", readonly=True)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_preview(self):
        """Show what the file would change; nothing is changed yet."""
        self.ensure_one()
        registry = self._read_file()
        Registry = self.env["tiss.operadora.registry"]
        compared = Registry._compare(registry)
        self.line_ids.unlink()
        self.write(
            {
                "state": "preview",
                "is_small": self._is_small(registry),
                "confirm_small": False,
                "summary": self._summarize(registry, compared),
            }
        )
        self.env["tiss.registry.import.line"].create(self._prepare_lines(registry, compared))
        return self._get_records_action(target="new", name=self.env._("Refresh the ANS Registry"))

    def action_back(self):
        """Choose another file."""
        self.ensure_one()
        self.line_ids.unlink()
        self.state = "file"
        return self._get_records_action(target="new", name=self.env._("Refresh the ANS Registry"))

    def action_apply(self):
        """Make the registry that of the file, and say so."""
        self.ensure_one()
        registry = self._read_file()
        if self._is_small(registry) and not self.confirm_small:
            raise UserError(
                self.env._(
                    "The file has only %s operadoras, less than half of the registry: the others "
                    "would be marked as cancelled. Confirm that the file is complete, or choose "
                    "another one.",
                    len(registry.operadoras),
                )
            )
        compared = self.env["tiss.operadora.registry"]._refresh(registry, self.update_operadoras)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self._summarize(registry, compared),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    # ------------------------------------------------------------------
    # Reading and telling
    # ------------------------------------------------------------------

    def _read_file(self):
        content = decode_upload(self, cadop.MAX_BYTES, self._get_refusal("oversized", ""))
        try:
            return cadop.read(content)
        except cadop.CadopError as error:
            raise UserError(self._get_refusal(error.code, error.detail)) from error

    @api.model
    def _get_refusal(self, code, detail):
        refusals = {
            "oversized": self.env._(
                "The file is too large to be the ANS registry, which has less than 1 MB."
            ),
            "not_text": self.env._(
                "This is not a CSV file. Download Relatorio_cadop.csv from the open data of the "
                "ANS and choose it as it is."
            ),
            "no_header": self.env._(
                "This file has no column Registro_ANS: choose Relatorio_cadop.csv of the ANS."
            ),
            "cancelled_list": self.env._(
                "This is the list of cancelled operadoras: choose that of the active ones "
                "(Relatorio_cadop.csv)."
            ),
            "missing_column": self.env._("The file has no column %s.", detail),
            "too_many_problems": self.env._(
                "More than 100 lines cannot be read, the first one is line %s: this does not seem "
                "to be the registry of the ANS.",
                detail,
            ),
            "empty": self.env._("The file has not a single operadora that can be read."),
        }
        return refusals[code]

    @api.model
    def _get_problem_text(self, problem):
        texts = {
            "columns": self.env._("more columns than the header"),
            "ans_code": self.env._("not a valid ANS number"),
            "cnpj": self.env._("not a valid CNPJ"),
            "legal_name": self.env._("no legal name"),
            "modality": self.env._("no modality"),
            "uf": self.env._("not a state of Brazil"),
            "date": self.env._("not a date"),
            "duplicate": self.env._("is in the file twice, with different data"),
        }
        value = f": {problem.value}" if problem.value else ""
        return self.env._(
            "Line %(line)s: %(problem)s",
            line=problem.line,
            problem=f"{texts[problem.code]}{value}",
        )

    @api.model
    def _is_small(self, registry):
        """Whether the file would cancel more than half of what is active."""
        active = self.env["tiss.operadora.registry"].search_count([("is_cancelled", "=", False)])
        return len(registry.operadoras) * 2 < active

    @api.model
    def _summarize(self, registry, compared):
        """One sentence with all numbers."""
        counts = Counter(kind for kind, _row, _changes in compared.values())
        return self.env._(
            "Operadoras in the file: %(total)s. New: %(new)s. Changed: %(changed)s. Again active: "
            "%(back)s. Gone: %(gone)s. Only other contact data: %(contact)s. Lines that cannot be "
            "read: %(errors)s.",
            total=len(registry.operadoras),
            errors=len(registry.problems),
            **{kind: counts[kind] for kind in ("new", "changed", "back", "gone", "contact")},
        )

    def _prepare_lines(self, registry, compared):
        """Lines of the preview, those of the clinic's operadoras first.

        Contact data of other operadoras are only counted: the first file that has them changes
        every row.
        """
        ours = set(
            self.env["res.partner"].search([("tiss_ans_code", "!=", False)]).mapped("tiss_ans_code")
        )
        known = self.env["tiss.operadora.registry"].search([("ans_code", "in", list(compared))])
        names = {row.ans_code: row.trade_name for row in known}
        lines = [
            {
                "kind": kind,
                "is_ours": code in ours,
                "ans_code": code,
                "name": names.get(code) or row["trade_name"],
                "changes": self._describe_changes(kind, row, changes),
            }
            for code, (kind, row, changes) in compared.items()
            if kind != "contact" or code in ours
        ]
        lines += [
            {
                "kind": "error",
                "is_ours": problem.ans_code in ours,
                "ans_code": problem.ans_code,
                "changes": self._get_problem_text(problem),
            }
            for problem in registry.problems
        ]
        for line in lines:
            line["import_id"] = self.id
            line["sequence"] = KINDS.index(line["kind"]) + (0 if line["is_ours"] else len(KINDS))
        return sorted(lines, key=lambda line: (line["sequence"], line.get("name", "")))

    @api.model
    def _describe_changes(self, kind, row, changes):
        if kind == "new":
            return f"{row['modality']} · {row['city']}/{row['state_code']}"
        Registry = self.env["tiss.operadora.registry"]
        lines = [
            self.env._(
                "%(field)s: %(old)s → %(new)s",
                field=Registry._fields[name]._description_string(self.env),
                old=old or "–",
                new=new or "–",
            )
            for name, (old, new) in changes.items()
            if name not in CONTACT_COLUMNS
        ]
        contact = [new for name, (_old, new) in changes.items() if name in CONTACT_COLUMNS]
        if contact:
            lines.append(self.env._("Contact data: %s", " · ".join(contact)))
        return "\n".join(lines)
