from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date

from ..models.lote_file import LoteFile
from ..models.upload import decode_upload
from ..standard import parser


class TissLoteImport(models.TransientModel):
    """Read a lote XML that another system made; see first what it makes of it."""

    _name = "tiss.lote.import"
    _description = "Import Lote"

    file = fields.Binary("Lote XML", required=True, attachment=False)
    file_name = fields.Char()
    state = fields.Selection([("file", "File"), ("preview", "Preview")], default="file")
    destiny = fields.Selection(
        [("send", "We send it to the operadora"), ("sent", "The operadora already has it")],
        "This Lote",
        default="send",
        required=True,
    )
    protocol_number = fields.Char("Protocolo", size=12, help="When you know it already.")
    protocol_date = fields.Date(default=fields.Date.context_today)
    is_foreign = fields.Boolean(readonly=True)
    confirm_provider = fields.Boolean("This clinic bills it")
    is_blocked = fields.Boolean(readonly=True)
    lote_id = fields.Many2one("tiss.lote", readonly=True, help="What this file already became.")
    preview_html = fields.Html("What the File Says", readonly=True, sanitize=False)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_preview(self):
        """Show what the file says and what it would create; nothing is written."""
        self.ensure_one()
        content = decode_upload(self, parser.MAX_BYTES)
        known = self.env["tiss.lote"]._find_imported(content)
        if known:
            self.write(
                {
                    "state": "preview",
                    "lote_id": known.id,
                    "is_blocked": True,
                    "is_foreign": False,
                    "preview_html": self._render_known(known),
                }
            )
            return self._get_dialog()
        lote_file = LoteFile(self.env, content)
        self.write(
            {
                "state": "preview",
                "lote_id": False,
                "is_blocked": bool(lote_file.problems),
                "is_foreign": lote_file.is_foreign,
                "confirm_provider": False,
                "preview_html": self._render(lote_file),
            }
        )
        return self._get_dialog()

    def action_back(self):
        """Choose another file."""
        self.ensure_one()
        self.state = "file"
        return self._get_dialog()

    def action_import(self):
        """Import what was shown and open the lote."""
        self.ensure_one()
        lote = self.env["tiss.lote"].import_file(
            self.file_name or self.env._("lote.xml"),
            decode_upload(self, parser.MAX_BYTES),
            already_sent=self.destiny == "sent",
            protocol_number=self.destiny == "sent" and self.protocol_number,
            protocol_date=self.protocol_date,
            confirm_provider=self.confirm_provider,
        )
        return lote._get_records_action()

    def action_open_lote(self):
        return self.lote_id._get_records_action()

    def _get_dialog(self):
        return self._get_records_action(target="new", name=self.env._("Import Lote"))

    # ------------------------------------------------------------------
    # The preview
    # ------------------------------------------------------------------

    @api.model
    def _render_known(self, lote):
        return Markup("<p>%s</p>") % self.env._(
            "This file is already here as lote %(lote)s, since %(date)s: nothing is left to do.",
            lote=lote.display_name,
            date=format_date(self.env, lote.create_date),
        )

    @api.model
    def _render(self, lote_file):
        parts = [self._render_facts(lote_file)]
        if lote_file.problems:
            title = self.env._("The file cannot be imported:")
            parts.append(self._render_list("danger", title, lote_file.problems))
        if lote_file.notices:
            title = self.env._("Good to know:")
            parts.append(self._render_list("warning", title, lote_file.notices))
        if lote_file.book:
            title = self.env._("People and items:")
            parts.append(self._render_list("info", title, lote_file.book.describe()))
        return Markup().join(parts)

    @api.model
    def _render_list(self, kind, title, sentences):
        items = Markup().join(Markup("<li>%s</li>") % sentence for sentence in sentences)
        return Markup(
            '<div class="alert alert-%s" role="alert">%s<ul class="mb-0">%s</ul></div>'
        ) % (
            kind,
            title,
            items,
        )

    @api.model
    def _render_facts(self, lote_file):
        """Number, convênio, type, guias, total and period, side by side."""
        types = dict(self.env["tiss.lote"]._fields["guia_type"]._description_selection(self.env))
        facts = {
            self.env._("Lote"): lote_file.number,
            self.env._("Convênio"): lote_file.contract.name,
            self.env._("Type"): types[lote_file.guia_type],
            self.env._("TISS Version"): lote_file.version,
        }
        if lote_file.reads:
            first, last = (format_date(self.env, day) for day in lote_file.period)
            currency = lote_file.contract.currency_id
            facts |= {
                self.env._("Guias"): len(lote_file.reads),
                self.env._("Total"): currency.format(float(lote_file.total)),
                self.env._("Period"): first if first == last else f"{first} – {last}",
            }
        rows = Markup().join(
            Markup('<div class="me-4"><span class="text-muted">%s</span><br/><b>%s</b></div>')
            % fact
            for fact in facts.items()
        )
        return Markup('<div class="d-flex flex-wrap mb-3">%s</div>') % rows
