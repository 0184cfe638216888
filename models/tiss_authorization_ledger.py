import math

from odoo import fields, models


class TissAuthorization(models.Model):
    """What of an authorisation guias have used up, and what is left of it.

    Used is what the guias that name it bill, unless they are cancelled; nothing is written down
    apart from that, so a guia that is cancelled gives its quantities back by itself.
    """

    _inherit = "tiss.authorization"

    guia_ids = fields.One2many("tiss.guia", "authorization_id", "Guias")
    guia_count = fields.Integer(compute="_compute_guia_count")

    def _compute_guia_count(self):
        counts = dict(
            self.env["tiss.guia"]._read_group(
                [("authorization_id", "in", self.ids)], ["authorization_id"], ["__count"]
            )
        )
        for request in self:
            request.guia_count = counts.get(request, 0)

    def action_view_guias(self):
        return self.guia_ids._get_records_action(name=self.env._("Guias"))

    def _is_granted(self):
        self.ensure_one()
        return self.state in ("authorized", "partial")

    def _get_used_quantities(self):
        """{(id, table, code, id of the tooth, id of the region): quantity} of the guias."""
        used = {}
        dental = set(self.filtered(lambda request: request.request_type == "odonto")._origin.ids)
        for request, table, code, tooth, region, quantity in self.env["tiss.guia.line"]._read_group(
            [
                ("guia_id.authorization_id", "in", self._origin.ids),
                ("guia_id.state", "!=", "cancelled"),
            ],
            ["guia_id.authorization_id", "table_code", "code", "tooth_id", "region_id"],
            ["quantity:sum"],
        ):
            places = (tooth.id, region.id) if request.id in dental else (False, False)
            key = (request.id, table, code, *places)
            used[key] = used.get(key, 0) + math.ceil(quantity)
        return used

    def _get_used_before(self, guia, key):
        """How many units of an item are taken by guias that come before `guia`.

        Those that went out come first, then the older ones.
        """
        guia = guia._origin
        others = self.sudo().guia_ids._origin.filtered(
            lambda other: other != guia and other.state != "cancelled"
        )
        is_open = guia.state in ("draft", "ready")
        before = others.filtered(
            lambda other: (
                (is_open and other.state not in ("draft", "ready"))
                or not guia.id
                or other.id < guia.id
            )
        )
        lines = before.line_ids.filtered(lambda line: line._get_key(self) == key)
        return math.ceil(sum(lines.mapped("quantity")))
