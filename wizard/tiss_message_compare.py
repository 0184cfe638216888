import difflib

from markupsafe import Markup

from odoo import api, fields, models

CONTEXT_LINES = 3


class TissMessageCompare(models.TransientModel):
    """What differs between two messages of the journal, element by element."""

    _name = "tiss.message.compare"
    _description = "Compare Messages"

    first_id = fields.Many2one("tiss.message", "Older", required=True, readonly=True)
    second_id = fields.Many2one("tiss.message", "Newer", required=True, readonly=True)
    difference = fields.Html(compute="_compute_difference", sanitize=False, compute_sudo=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("first_id", "second_id")
    def _compute_difference(self):
        for wizard in self:
            first, second = wizard.first_id, wizard.second_id
            texts = [message.readable_content for message in (first, second)]
            if first.sha256 == second.sha256:
                wizard.difference = Markup("<p>%s</p>") % self.env._("Both have the same bytes.")
            elif not all(texts):
                wizard.difference = Markup("<p>%s</p>") % self.env._(
                    "One of them is too large to be shown, or is no XML: download both."
                )
            else:
                wizard.difference = wizard._render_difference(*texts)

    def _render_difference(self, first, second):
        """Lines that are gone, new, or stay around them, each in its colour."""
        rows = []
        lines = difflib.unified_diff(
            first.splitlines(), second.splitlines(), n=CONTEXT_LINES, lineterm=""
        )
        for line in list(lines)[2:]:
            kind = {"-": "text-danger", "+": "text-success", "@": "text-muted"}.get(line[0], "")
            text = "⋯" if line.startswith("@@") else line
            rows.append(Markup('<div class="%s">%s</div>') % (kind, text))
        if not rows:
            return Markup("<p>%s</p>") % self.env._("They differ only in how they are written.")
        return Markup('<div class="font-monospace small text-prewrap">%s</div>') % Markup("").join(
            rows
        )
