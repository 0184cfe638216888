from odoo import fields, models
from odoo.exceptions import UserError

from ..standard.money import allocate, to_cents


class TissDemonstrativoLine(models.Model):
    """What a person decided of a row: left out, or a part of its money kept apart."""

    _inherit = "tiss.demonstrativo.line"

    is_set_aside = fields.Boolean("Left Out", readonly=True)
    amount_suspended = fields.Float(
        "Kept Apart",
        digits=(10, 2),
        readonly=True,
        help="Released or paid, but of nothing that is owed to us: on the suspense account.",
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
                    "%s: more is released than is open; take no more than we presented.",
                    self._get_place(),
                )
            )

    def _find_discrepancies(self):
        kept = self.filtered(lambda line: not line.is_set_aside)
        return super(TissDemonstrativoLine, kept)._find_discrepancies()

    def _plan_analysis(self):
        kept = self.filtered(lambda line: not line.is_set_aside)
        return super(TissDemonstrativoLine, kept)._plan_analysis()

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
