from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date

from ..models.lote_file import LoteFile
from ..models.upload import decode_upload
from ..standard import parser

MAX_NAMES = 30


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
            parts.append(self._render_people(lote_file.book))
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
        """Number, convênio, type, guias, total and period, as a small table."""
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
            Markup('<tr><th class="pe-3">%s</th><td>%s</td></tr>') % fact for fact in facts.items()
        )
        return Markup('<table class="table table-sm w-auto">%s</table>') % rows

    @api.model
    def _render_people(self, book):
        """Who and what is known, and what the import is going to create."""
        new_people = [person.name or person.number for person in book.new_people.values()]
        rows = [
            (self.env._("Beneficiaries"), book.cards, list(book.new_cards)),
            (self.env._("Professionals"), book.people, new_people),
            (
                self.env._("Hospitals"),
                book.places,
                [place.name for place in book.new_places.values()],
            ),
        ]
        lines = [
            self.env._(
                "%(kind)s: %(known)s known, %(new)s will be created%(names)s",
                kind=kind,
                known=len(known),
                new=len(new),
                names=self._join(new),
            )
            for kind, known, new in rows
            if known or new
        ]
        if book.new_cards:
            lines.append(
                self.env._(
                    "The file has no names of beneficiaries: who is created is called by the card"
                    " number and marked as to be completed."
                )
            )
        if book.lacks_performer:
            lines.append(
                self.env._(
                    "Some guias do not say who attended: they get “Professional Not Informed”."
                )
            )
        unknown = [" ".join(item) for item in book.unknown_items]
        if unknown:
            lines.append(
                self.env._(
                    "Items that are no procedure of the clinic stay as they are:"
                    " %(count)s%(names)s",
                    count=len(unknown),
                    names=self._join(unknown),
                )
            )
        return self._render_list("info", self.env._("People and items:"), lines)

    @api.model
    def _join(self, names):
        """ ": a, b…" of the first names, or nothing."""
        more = " …" if len(names) > MAX_NAMES else ""
        return names and f": {', '.join(names[:MAX_NAMES])}{more}" or ""
