from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents
from .bulk import lock

LINE_NUMBERS = (
    "protocol_number", "lote_number", "guia_number", "operadora_number", "sequence_item", "code",
    "is_appeal",
)  # fmt: skip
MAX_SHOWN = 200  # rows of a difference; who needs more reads the file


class TissDemonstrativo(models.Model):
    """The same number with another content: what it changes, and taking the other one's place."""

    _inherit = "tiss.demonstrativo"

    other_id = fields.Many2one(
        "tiss.demonstrativo",
        "Known as",
        compute="_compute_other_id",
        help="The demonstrativo with the same number that was imported before.",
    )
    is_other_posted = fields.Boolean(compute="_compute_other_id")
    difference_html = fields.Html("What It Changes", compute="_compute_difference_html")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("state", "name", "contract_id", "kind", "issue_date")
    def _compute_other_id(self):
        for demonstrativo in self:
            demonstrativo.other_id = (
                demonstrativo._find_same_number(demonstrativo)[:1]
                if demonstrativo.state == "held"
                else False
            )
            demonstrativo.is_other_posted = demonstrativo.other_id.state == "posted"

    @api.depends("state", "name")
    def _compute_difference_html(self):
        for demonstrativo in self:
            other = demonstrativo.other_id
            demonstrativo.difference_html = bool(other) and other._render_differences(demonstrativo)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_replace(self):
        self.replace()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def replace(self):
        """Let demonstrativos that were held back take the place of what was imported before.

        :raise UserError: where the other one is posted: it has to be undone first
        """
        self.check_access("write")
        for demonstrativo in self.filtered(lambda record: record.state == "held"):
            other = self._find_same_number(demonstrativo)
            lock(demonstrativo | other)
            if other.state == "posted":
                raise UserError(
                    self.env._(
                        "Demonstrativo %s is posted: undo it first, then this one can take its"
                        " place.",
                        other.display_name,
                    )
                )
            if other:
                demonstrativo.message_post(
                    body=self.env._(
                        "Takes the place of the file “%(file)s” of %(date)s.",
                        file=other.message_id._get_base_name(),
                        date=format_date(self.env, other.create_date),
                    )
                )
                other.unlink()
            demonstrativo.sudo().state = "imported"
            demonstrativo._check_against_guias()

    def _queue_held(self):
        """A person decides which of two files of one number counts."""
        for demonstrativo in self.filtered(lambda record: record.state == "held"):
            other = self._find_same_number(demonstrativo)
            self.env["tiss.discrepancy"]._open(
                {
                    "demonstrativo_id": demonstrativo.id,
                    "code": "same_number",
                    "place": demonstrativo.name,
                    "amount_ours": other.amount_to_post,
                    "amount_theirs": demonstrativo.amount_to_post,
                }
            )

    @api.model
    def _find_same_number(self, source):
        """The demonstrativo in force with the number of another one."""
        return self.search(
            [
                ("contract_id", "=", source.contract_id.id),
                ("kind", "=", source.kind),
                ("name", "=", source.name),
                ("issue_date", "=", source.issue_date),
                ("state", "in", ("imported", "posted")),
            ]
        )

    @api.model
    def _split_known(self, reading):
        """What an operadora sends again, word for word, is not imported again.

        :param reading: `ReturnReading` or `DentalReading`
        :return: (`tiss.demonstrativo` known already, {number in the file: status} of the new ones)
        """
        others = self.search(
            [
                ("contract_id", "=", reading.contract.id),
                ("name", "in", [vals["name"] for _number, vals in reading.numbered]),
                ("state", "!=", "undone"),
            ]
        ).grouped(lambda other: (other.kind, other.name, str(other.issue_date)))
        known, new = self.browse(), {}
        for number, vals in reading.numbered:
            key = (vals["kind"], vals["name"], str(vals["issue_date"]))
            same = others.get(key, self.browse())
            equal = same.filtered(
                lambda other, number=number, vals=vals: other._is_told_by(
                    reading.rows, number, vals
                )
            )
            known |= equal
            if not equal:
                live = same.filtered(lambda other: other.state != "held")
                new[number] = "held" if live else "imported"
        return known, new

    def _is_told_by(self, rows, number, vals):
        """Whether a demonstrativo that was read says word for word what this one does."""
        self.ensure_one()
        source = {**vals, "payment_ids": [(0, 0, payment) for payment in vals["payments"]]}
        days = [payment["payment_date"] for payment in vals["payments"]]
        return _tell(self, False) == _tell(source, False) and rows.is_told_by(number, days, self)

    # ------------------------------------------------------------------
    # Differences
    # ------------------------------------------------------------------

    def _get_differences(self, source):
        """What another file changes against this demonstrativo.

        :param source: `tiss.demonstrativo`
        :return: list of (place, what this one says or "", what the other one says or "")
        """
        self.ensure_one()
        before, after = _tell(self), _tell(source)
        return [
            (place, before.get(place, ""), after.get(place, ""))
            for place in {**before, **after}
            if before.get(place) != after.get(place)
        ]

    def _render_differences(self, source):
        rows = self._get_differences(source)
        cells = Markup().join(
            Markup("<tr><td>%s</td><td>%s</td><td>%s</td></tr>")
            % (self._name_place(place), self._word(old), self._word(new))
            for place, old, new in rows[:MAX_SHOWN]
        )
        more = len(rows) - MAX_SHOWN
        return Markup(
            "<table class='table table-sm'><thead><tr><th>%s</th><th>%s</th><th>%s</th></tr>"
            "</thead><tbody>%s</tbody></table>%s"
        ) % (
            self.env._("Where"),
            self.env._("Known"),
            self.env._("This File"),
            cells,
            self.env._("%s more differences.", more) if more > 0 else "",
        )

    def _name_place(self, place):
        """The place of a difference for a person: what it is, then its numbers."""
        words = {
            "total": self.env._("Whole file"),
            "line": self.env._("Protocolo, guia, item"),
            "payment": self.env._("Payment of"),
            "adjustment": self.env._("Débito or crédito of"),
            "sum": self.env._("Sum of the file"),
        }
        kind, *numbers, ordinal = place
        text = " / ".join(str(number) for number in numbers if number)
        return f"{words[kind]} {text}" + (f" ({ordinal + 1})" if ordinal else "")

    def _word(self, told):
        """(label, cents or text) pairs as a line of text."""
        labels = {
            "informed": self.env._("presented"),
            "processed": self.env._("processed"),
            "released": self.env._("released"),
            "debit": self.env._("débitos"),
            "credit": self.env._("créditos"),
            "net": self.env._("net"),
            "amount": self.env._("amount"),
            "reasons": self.env._("glosas"),
        }
        money = self.currency_id.format
        return ", ".join(
            f"{labels[name]} {money(float(from_cents(value))) if isinstance(value, int) else value}"
            for name, value in told
            if value != ""
        )


# ----------------------------------------------------------------------
# What a demonstrativo tells, for a record as for the values of one
# ----------------------------------------------------------------------


def _tell(source, with_lines=True):
    """{place: ((name, cents or text), …)} of all that a demonstrativo says."""
    rows = [(("total",), _get_amounts(source, "informed", "released"))]
    for row in _get_children(source, "discrepancy_ids"):
        if row["code"] == "sums_disagree":
            rows.append((("sum", row["place"]), (("amount", to_cents(row["amount_theirs"])),)))
    for payment in _get_children(source, "payment_ids"):
        rows += _tell_payment(payment)
    if with_lines:
        rows += [_tell_line(line) for line in source["line_ids"]]
    told, counts = {}, {}
    for place, values in rows:
        counts[place] = ordinal = counts.get(place, -1) + 1
        told[(*place, ordinal)] = values
    return told


def _tell_payment(payment):
    day = str(payment["payment_date"])
    amounts = _get_amounts(payment, "released", "debit", "credit", "net")
    rows = [(("payment", day), amounts)]
    for row in _get_children(payment, "adjustment_ids"):
        place = ("adjustment", day, row["code"] or "", row["name"], row["direction"])
        rows.append((place, (("amount", to_cents(row["amount"])),)))
    return rows


def _tell_line(line):
    protocol, lote, guia, theirs, item, code, is_appeal = (
        line[name] or "" for name in LINE_NUMBERS
    )
    day = [str(line.payment_id.payment_date)] if line.payment_id else []
    codes = ", ".join(sorted(code for code, _cents in line["reasons"] or ()))
    place = ("line", *day, protocol or lote, guia or theirs, item or code, is_appeal and "R")
    amounts = _get_amounts(line, "informed", "processed", "released")
    return place, (*amounts, ("reasons", codes))


def _get_amounts(source, *names):
    """A dict of values may lack an amount; a record then has zero."""
    fetch = source.get if isinstance(source, dict) else source.__getitem__
    return tuple((name, to_cents(fetch(f"amount_{name}") or 0)) for name in names)


def _get_children(source, name):
    if isinstance(source, dict):
        return [command[2] for command in source.get(name) or ()]
    return list(source[name])
