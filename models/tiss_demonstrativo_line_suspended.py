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
        places = (repeated - aside).grouped(
            lambda line: (line.lote_id, line.guia_id, line.guia_line_id, line.is_appeal)
        )
        alone = {lines.id for lines in places.values() if len(lines) == 1}
        return [row for row in rows if row["line_id"] not in alone]

    def _plan_payment(self):
        rows = self.discrepancy_ids
        if any(row.code == "detail_missing" and row.resolution == "spread" for row in rows):
            return self._plan_spread()
        return super()._plan_payment()

    def _plan_spread(self):
        """Pay a part of one guia over all its items by their amounts, to the cent."""
        items = self.guia_id.line_ids.filtered(
            lambda item: item.amount_released or item.amount_to_process
        )
        weights = [to_cents(item.amount_released + item.amount_to_process) for item in items]
        paid = allocate(sum(line._get_booked_cents() for line in self), weights)
        entries = []
        for item, part in zip(items, paid, strict=True):
            common = {"line": item, "demonstrativo_line": self[:1]}
            released = min(part, to_cents(item.amount_released))
            waiting = to_cents(item.amount_to_process)
            rest = part - released
            entries += [
                {**common, "kind": "pay", "from_bucket": "released", "to_bucket": "paid",
                 "cents": released},
                {**common, "kind": "pay", "from_bucket": "to_process", "to_bucket": "paid",
                 "cents": rest},
                {**common, "kind": "deny", "from_bucket": "to_process", "to_bucket": "denied",
                 "cents": waiting - rest},
            ]  # fmt: skip
        return [entry for entry in entries if entry["cents"]]
