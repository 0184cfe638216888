from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import allocate, to_cents


class TissDemonstrativoLine(models.Model):
    """What a person decided of a row: left out, or a part of its money kept apart."""

    _inherit = "tiss.demonstrativo.line"

    amount_suspended = fields.Float(
        "Kept Apart",
        digits=(10, 2),
        readonly=True,
        help="Released or paid, but of nothing that is open: it is not identified.",
    )

    def _get_booked_cents(self):
        """What of the released amount is about our guias."""
        return to_cents(self.amount_released) - to_cents(self.amount_suspended)

    def _check_fits(self):
        """Whether what is left of the row can be released of what waits for it."""
        decided, waiting = self._get_decided_cents()
        if not 0 <= self._get_booked_cents() - decided <= waiting:
            raise UserError(
                self.env._(
                    "%s: more is released than is open; take no more than that.",
                    self._get_place(),
                )
            )

    @api.model
    def _find_discrepancies(self, demonstrativo):
        """What stands twice does no longer, once a person left all but one of it out."""
        rows = super()._find_discrepancies(demonstrativo)
        aside = demonstrativo.discrepancy_ids.filtered(
            lambda row: row.code == "repeated" and row.resolution == "set_aside"
        ).line_id
        if not aside:
            return rows
        repeated = self.browse(row["line_id"] for row in rows if row["code"] == "repeated")
        alone = (repeated - aside)._find_alone()
        return [row for row in rows if row["line_id"] not in alone]

    def _find_alone(self):
        """Ids of the lines about which no other one is, neither as a part nor as the whole."""
        places = {line.id: line._get_target_ids() for line in self}
        exact = Counter(places.values())
        inside = Counter(
            place[:depth] for place in places.values() for depth in range(1, len(place) + 1)
        )
        return {
            line_id
            for line_id, place in places.items()
            if inside[place] == 1 and not any(exact[place[:depth]] for depth in range(len(place)))
        }

    def _get_target_ids(self):
        """The ids of the lote, guia and item, as far down as the line goes."""
        ids = (self.lote_id.id, self.guia_id.id, self.guia_line_id.id)
        return ids[: {"protocol": 1, "guia": 2, "item": 3}[self.level]]

    def _plan_payment(self, moved, is_last):
        rows = self.discrepancy_ids
        if any(row.code == "detail_missing" and row.resolution == "spread" for row in rows):
            return moved.add(self._plan_spread(moved, is_last))
        return super()._plan_payment(moved, is_last)

    def _plan_spread(self, moved, is_last):
        """Pay a part of one guia over all its items by their amounts, to the cent."""
        items = self.guia_id.line_ids
        released = [moved.get_rest(item, "released") for item in items]
        waiting = [moved.get_rest(item, "to_process") for item in items]
        weights = list(map(sum, zip(released, waiting, strict=True)))
        paid = allocate(sum(line._get_booked_cents() for line in self), weights)
        entries = []
        for item, part, own, left in zip(items, paid, released, waiting, strict=True):
            common = {"line": item, "demonstrativo_line": self[:1]}
            rest = part - min(part, own)
            entries += [
                {**common, "kind": "pay", "from_bucket": "released", "to_bucket": "paid",
                 "cents": part - rest},
                {**common, "kind": "pay", "from_bucket": "to_process", "to_bucket": "paid",
                 "cents": rest},
                {**common, "kind": "deny", "from_bucket": "to_process", "to_bucket": "denied",
                 "cents": (left - rest) * is_last},
            ]  # fmt: skip
        return [entry for entry in entries if entry["cents"]]
