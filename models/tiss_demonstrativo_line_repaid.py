from odoo import fields, models

from ..standard.money import allocate, to_cents


class TissDemonstrativoLine(models.Model):
    """A payment of what was denied, though nobody contested it (accounting.md §5.2, RECUPERAR)."""

    _inherit = "tiss.demonstrativo.line"

    repaid = fields.Json(
        readonly=True, help="Glosas that the row pays without a recurso: [[glosa, cents], …]."
    )

    def _plan_payment(self, moved, is_last):
        entries = super()._plan_payment(moved, is_last)
        return entries + self._plan_repaid(entries, moved)

    def _plan_recovery(self, moved):
        entries = super()._plan_recovery(moved)
        return entries + self._plan_repaid(entries, moved)

    def _plan_repaid(self, entries, moved):
        """Entries that pay glosas of one guia with what the rows pay above what is open of it.

        Rows of which nobody said so are not booked at all, see `_filter_booked`.

        :param entries: what they pay of the rest
        """
        paid = sum(entry["cents"] for entry in entries if entry["to_bucket"] == "paid")
        surplus = sum(line._get_booked_cents() for line in self) - paid
        if surplus <= 0:
            return []
        open_cents = {
            glosa: moved.get_open(glosa) for glosa in self.guia_id.line_ids.glosa_ids.sorted("id")
        }
        return moved.add(
            {"demonstrativo_line": self[:1], "line": glosa.guia_line_id, "glosa": glosa,
             "kind": "recover", "from_bucket": "denied", "to_bucket": "paid", "cents": cents}
            for glosa, cents in self._share_among(open_cents, surplus).items()
            if cents
        )  # fmt: skip

    def _share_among(self, open_cents, paid):
        """{glosa: cents} of a payment: the one that it is the amount of, else all in proportion.

        :param open_cents: {glosa: cents still denied}
        """
        exact = [glosa for glosa, cents in open_cents.items() if cents == paid]
        if len(exact) == 1:
            return {exact[0]: paid}
        paid = min(paid, sum(open_cents.values()))
        if not paid:
            return {}
        parts = allocate(paid, list(open_cents.values()))
        return dict(zip(open_cents, parts, strict=True))

    def _get_repaid_cents(self):
        """{(demonstrativo, guia): (cents paid above what is open, cents denied)} of payments."""
        sums = {}
        for demonstrativo, guia, is_appeal, amount in self._read_group(
            [
                ("demonstrativo_id", "in", self.demonstrativo_id.ids),
                ("guia_id", "in", self.guia_id.ids),
                ("payment_id", "!=", False),
            ],
            ["demonstrativo_id", "guia_id", "is_appeal"],
            ["amount_released:sum"],
        ):
            names = ("appealed",) if is_appeal else ("released", "to_process")
            waiting = [item[f"amount_{name}"] for item in guia.line_ids for name in names]
            above = max(to_cents(amount) - sum(map(to_cents, waiting)), 0)
            sums[demonstrativo, guia] = sums.get((demonstrativo, guia), 0) + above
        return {
            (demonstrativo, guia): (
                above, sum(to_cents(item.amount_denied) for item in guia.line_ids),
            )
            for (demonstrativo, guia), above in sums.items()
        }  # fmt: skip

    def _take_repaid_back(self):
        """What these rows paid of glosas is denied again."""
        for line in self.sudo().filtered("repaid"):
            for glosa_id, cents in line.repaid:
                self.env["tiss.glosa"].browse(glosa_id)._add_repaid(-cents)
            line.repaid = False
