import base64
import re

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.contract_file import MAX_BYTES
from ..standard.text import to_ascii


class TissContractTransfer(models.TransientModel):
    """A whole convênio into a file, or out of one."""

    _name = "tiss.contract.transfer"
    _description = "Convênio File"

    direction = fields.Selection(
        [("export", "Export"), ("import", "Import")], default="import", required=True
    )
    state = fields.Selection([("choose", "Choose"), ("preview", "Preview")], default="choose")
    file = fields.Binary("Convênio File", attachment=False)
    file_name = fields.Char()
    contract_id = fields.Many2one("tiss.contract", "Convênio")
    include_tables = fields.Boolean(
        "Include reference tables",
        help="The rows of its reference tables and values of portes go along. Licensed tables may"
        " only go where the clinic has a licence.",
    )
    company_id = fields.Many2one(
        "res.company",
        "For the Company",
        required=True,
        default=lambda self: self.env.company,
    )
    summary = fields.Html(readonly=True, sanitize=False)
    missing_count = fields.Integer(readonly=True)
    skip_missing = fields.Boolean("Import without what is missing")

    # ------------------------------------------------------------------
    # Compute and defaults
    # ------------------------------------------------------------------

    @api.model
    def default_get(self, fields):
        """Opened from a convênio it exports that."""
        values = super().default_get(fields)
        if self.env.context.get("active_model") == "tiss.contract" and (
            self.env.context.get("default_direction") == "export"
        ):
            values["contract_id"] = self.env.context.get("active_id")
        return values

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_export(self):
        """Write the file and let the browser fetch it."""
        self.ensure_one()
        if not self.contract_id:
            raise UserError(self.env._("Choose the convênio to export."))
        content = self.contract_id.export_file(self.include_tables)
        name = re.sub(r"[^a-z0-9]+", "-", to_ascii(self.contract_id.name, upper=False).lower())
        self.write(
            {
                "file": base64.b64encode(content),
                "file_name": f"convenio-{name.strip('-') or self.contract_id.id}.json",
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file?download=true"
            f"&filename={self.file_name}",
            "target": "download",
        }

    def action_preview(self):
        """Say what the file would create, and what of it is here already or missing."""
        self.ensure_one()
        preview = self.env["tiss.contract"].preview_file(self._get_content(), self.company_id)
        self.write(
            {
                "state": "preview",
                "summary": self._describe(preview),
                "missing_count": len(preview["missing"]),
            }
        )
        return self._reopen()

    def action_import(self):
        """Create the convênio and open it."""
        self.ensure_one()
        contract = self.env["tiss.contract"].import_file(
            self._get_content(), self.company_id, self.skip_missing
        )
        return contract._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_content(self):
        encoded = self.with_context(bin_size=False).file
        if not encoded:
            raise UserError(self.env._("Choose a file first."))
        if len(encoded) * 3 // 4 > MAX_BYTES + 3:
            raise UserError(
                self.env._("The file has more than %s MB: that is no convênio.", MAX_BYTES // 2**20)
            )
        return base64.b64decode(encoded)

    def _describe(self, preview):
        """The preview as a small table, and a list of what is missing."""
        labels = {
            "operadora": self.env._("Operadora"),
            "levels": self.env._("Network levels"),
            "plans": self.env._("Plans"),
            "card_rules": self.env._("Card number rules"),
            "policies": self.env._("Fee rules"),
            "categories": self.env._("Groups of products"),
            "products": self.env._("Procedures and products"),
            "tables": self.env._("Reference tables"),
            "porte_editions": self.env._("Values of portes"),
            "contract": self.env._("Convênio"),
            "prices": self.env._("Price rules"),
            "coverage": self.env._("Coverage rules"),
            "accreditations": self.env._("Accredited professionals"),
            "payment_calendar": self.env._("Payment days"),
            "clauses": self.env._("Clauses checked"),
        }
        created, found = preview["created"], preview["found"]
        rows = Markup().join(
            Markup("<tr><td>%s</td><td class='text-end'>%s</td><td class='text-end'>%s</td></tr>")
            % (label, created.get(name) or "–", found.get(name) or "–")
            for name, label in labels.items()
            if created.get(name) or found.get(name)
        )
        summary = Markup(
            "<h4>%s</h4><table class='table table-sm'><thead><tr><th></th>"
            "<th class='text-end'>%s</th><th class='text-end'>%s</th></tr></thead>"
            "<tbody>%s</tbody></table>"
        ) % (preview["name"], self.env._("Created"), self.env._("Here already"), rows)
        if preview["missing"]:
            summary += Markup("<h5>%s</h5><ul>%s</ul>") % (
                self.env._("Missing in this database, and so left out:"),
                Markup().join(Markup("<li>%s</li>") % each for each in preview["missing"][:200]),
            )
        return summary

    def _reopen(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_contract_transfer_action"
        )
        return {**action, "res_id": self.id}
