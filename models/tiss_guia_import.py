from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import standard
from . import kept_values

SIGNATURE = "assinaturaDigitalGuia"  # made over the bytes of the file, so it never outlives them


class TissGuia(models.Model):
    """A guia that another system made: where our fields have no place, its words are kept."""

    _inherit = "tiss.guia"

    kept_values = fields.Json(
        copy=False,
        groups="l10n_br_tiss.group_tiss_clinical",
        help="What the message says as the other system wrote it, as long as the fields that it"
        " stands for are not edited.",
    )
    kept_html = fields.Html(
        "Kept as the Other System Wrote It",
        compute="_compute_kept_html",
        compute_sudo=True,
        sanitize=False,
    )
    kept_count = fields.Integer(
        "Values of Another System", compute="_compute_kept_count", compute_sudo=True
    )

    has_unlisted_items = fields.Boolean(compute="_compute_has_unlisted_items")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("line_ids.product_id", "line_ids.code")
    def _compute_has_unlisted_items(self):
        """Items that are no product of the clinic show their description."""
        for guia in self:
            guia.has_unlisted_items = any(
                line.code and not line.product_id for line in guia.line_ids
            )

    @api.depends("kept_values")
    def _compute_kept_count(self):
        for guia in self:
            guia.kept_count = len(guia.kept_values or ())

    @api.depends("kept_values")
    @api.depends_context("uid")
    def _compute_kept_html(self):
        """What everybody may see of it, and the clinical rest for whom it is meant."""
        sees_all = self.env.user.has_group("l10n_br_tiss.group_tiss_clinical")
        labels = (self.env._("Place"), self.env._("Our fields"), self.env._("Sent"))
        table = Markup(
            '<table class="table table-sm"><tr><th>%s</th><th>%s</th><th>%s</th></tr>%s</table>'
        )
        row = Markup("<tr><td>%s</td><td>%s</td><td>%s</td></tr>")
        for guia in self:
            rows = Markup().join(
                row % kept_values.describe(entry)
                for entry in guia.kept_values or ()
                if sees_all or not kept_values.is_clinical(entry)
            )
            guia.kept_html = rows and table % (*labels, rows)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def _get_system_fields(self):
        return super()._get_system_fields() | {"kept_values"}

    def write(self, vals):
        if "kept_values" in vals and not self.env.su:
            raise UserError(self.env._("What another system wrote cannot be changed by hand."))
        return super().write(vals)

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def get_tiss_values(self):
        """Also what another system wrote, for those places that nobody edited since."""
        values = super().get_tiss_values()
        entries = self.sudo().kept_values
        if not entries:
            return values
        if not self._may_see_clinical():
            entries = [entry for entry in entries if not kept_values.is_clinical(entry)]
        return kept_values.apply(values, entries, self._knows_element)

    def _knows_element(self, names):
        """Whether the version that this guia speaks has the element at a path of its message."""
        version = self.lote_id.version or self.contract_id.version
        element = self._get_tiss_element(self.guia_type)
        path = [name for name in names if isinstance(name, str)]
        try:
            standard.load(version).field(
                "/".join(["prestadorParaOperadora/loteGuias/guiasTISS", element, *path])
            )
        except KeyError:
            return False
        return True

    def _keep_values(self, theirs):
        """Remember where a guia that was just read says something else than its file.

        :param theirs: decoded elements of the guias in self, in their order
        """
        for guia, values in zip(self.sudo(), theirs, strict=True):
            said = {name: value for name, value in values.items() if name != SIGNATURE}
            entries = kept_values.compare(guia.get_tiss_values(), said)
            if entries:
                guia.kept_values = entries

    def _link_items(self, reads):
        """Link expenses to the procedures that they belong to, which only now exist.

        :param reads: what was read of the guias in self, in their order
        """
        for guia, read in zip(self, reads, strict=True):
            lines = {line.sequence_item: line for line in guia.line_ids}
            for values in read["line_ids"]:
                linked = lines.get(values.get("linked_item"))
                if linked:
                    lines[values["sequence_item"]].linked_line_id = linked
