from collections import Counter

from odoo import models

from ..standard.money import allocate, to_cents


class Moved:
    """What entries that are planned leave in the buckets of their items."""

    def __init__(self):
        self._cents = Counter()

    def add(self, entries):
        """Count entries in; they are given back as a list."""
        entries = list(entries)
        for entry in entries:
            line_id, cents = entry["line"].id, entry["cents"]
            self._cents[line_id, entry["from_bucket"]] -= cents
            self._cents[line_id, entry["to_bucket"]] += cents
            if entry.get("glosa"):
                self._cents["glosa", entry["glosa"].id] -= cents
        return entries

    def get_rest(self, item, bucket):
        """Cents in a bucket of an item once they are recorded."""
        return to_cents(item[f"amount_{bucket}"]) + self._cents[item.id, bucket]

    def get_open(self, glosa):
        """Cents of a glosa that are still denied once they are recorded."""
        return to_cents(glosa.amount_open) + self._cents["glosa", glosa.id]


class TissDemonstrativoLine(models.Model):
    """What booking the lines moves in the sub-ledger."""

    _inherit = "tiss.demonstrativo.line"

    def _filter_booked(self):
        """Lines that are booked: what they are about is known, and nothing keeps them out."""
        kept_out = self.discrepancy_ids.filtered(lambda row: row._keeps_out()).line_id
        return (self - kept_out).filtered("lote_id")

    def _get_targets(self):
        """Items that this line speaks of."""
        if self.level == "item":
            return self.guia_line_id
        return self.guia_id.line_ids if self.level == "guia" else self.lote_id.guia_ids.line_ids

    def _get_decided_cents(self):
        """What earlier demonstrativos released of the targets, and what of them still waits."""
        targets = self._get_targets()
        decided = sum(to_cents(item.amount_released + item.amount_paid) for item in targets)
        return decided, sum(to_cents(item.amount_to_process) for item in targets)

    def _plan_analysis(self):
        """Entries that release and deny what waited for analysis.

        A line may speak of a whole guia of which some items were decided before: only the rest
        of its amount is for the items that wait.
        """
        entries = []
        for line in self._filter_booked():
            decided, total_waiting = line._get_decided_cents()
            rest = line._get_booked_cents() - decided
            if not total_waiting or not 0 <= rest <= total_waiting:
                continue  # nothing waits: it was processed before
            # A recordset that is filtered reads no longer together with the others.
            targets = [item for item in line._get_targets() if item.amount_to_process]
            weights = [to_cents(item.amount_to_process) for item in targets]
            released = allocate(rest, weights)
            for item, waiting, part in zip(targets, weights, released, strict=True):
                entry = {"line": item, "from_bucket": "to_process", "demonstrativo_line": line}
                entries += [
                    {**entry, "kind": "release", "to_bucket": "released", "cents": part},
                    {**entry, "kind": "deny", "to_bucket": "denied", "cents": waiting - part},
                ]
        return [entry for entry in entries if entry["cents"]]

    def _plan_recovery(self, moved):
        """Entries that pay what was contested of one guia, and no more than that.

        :param moved: `Moved` by what is planned and not recorded yet; these come to it
        """
        appealed = sum(moved.get_rest(item, "appealed") for item in self.guia_id.line_ids)
        paid = min(sum(line._get_booked_cents() for line in self), appealed)
        shares = self.guia_id.recurso_line_ids._share_recovery(paid) or {}
        return moved.add(
            line._prepare_entry("recover", cents, demonstrativo_line=self[:1])
            for line, cents in shares.items()
            if cents
        )

    def _plan_payment(self, moved, is_last):
        """Entries that pay one guia: released items first, then what waited for analysis.

        A guia may stand in several lines of one payment, which pay it together. Below zero they
        take back what was paid before, which is denied again.

        :param moved: `Moved` by what is planned and not recorded yet; these come to it
        :param is_last: no later day of the file pays of it, so that the rest of it is denied
        """
        paid = sum(line._get_booked_cents() for line in self)
        if paid < 0:
            return moved.add(self._plan_taking_back(-paid, moved))
        entry = {"demonstrativo_line": self[:1]}
        items = self.guia_id.line_ids
        released = [moved.get_rest(item, "released") for item in items]
        from_released = min(paid, sum(released))
        entries = [
            {**entry, "line": item, "kind": "pay", "from_bucket": "released",
             "to_bucket": "paid", "cents": part}
            for item, part in zip(items, allocate(from_released, released), strict=True)
        ]  # fmt: skip
        rest = paid - from_released
        for item in items if rest else ():
            waiting = moved.get_rest(item, "to_process")
            part = min(waiting, rest)
            rest -= part
            source = {**entry, "line": item, "from_bucket": "to_process"}
            entries.append({**source, "kind": "pay", "to_bucket": "paid", "cents": part})
            if is_last:
                entries.append(
                    {**source, "kind": "deny", "to_bucket": "denied", "cents": waiting - part}
                )
        return moved.add(row for row in entries if row["cents"])

    def _plan_taking_back(self, cents, moved, guia=None):
        """Entries that deny again what an earlier payment had paid of one guia."""
        items = (guia or self.guia_id).line_ids
        paid = [moved.get_rest(item, "paid") for item in items]
        return [
            {"demonstrativo_line": self[:1], "line": item, "kind": "deny", "from_bucket": "paid",
             "to_bucket": "denied", "cents": part}
            for item, part in zip(items, allocate(cents, paid), strict=True)
            if part
        ]  # fmt: skip

    def _complete_reasons(self):
        """Give their code to glosas that a payment had to open without one."""
        for line in self.filtered("reasons"):
            nameless = line.guia_line_id.glosa_ids.filtered(
                lambda glosa: glosa.state == "open" and not glosa.code
            )
            if len(nameless) == 1 and nameless.demonstrativo_id != line.demonstrativo_id:
                nameless._set_code(line.reasons[0][0], line.demonstrativo_id)
