import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .discrepancy_kinds import CODES, COUNTED, LEFT_OUT, OF_FILE, REMARKS, RESOLUTIONS
from .return_rows import PLACE

# The element of a sum at the end of a place: what it is of, as it stands in the files.
AMOUNT = re.compile(
    r"\s*\b(?:valor|total)(Informado|Processado|Liberado|Glosa|Debitos|Creditos)\w*$"
)
KEY = ("demonstrativo_id", "code", "line_id", "payment_id", "res_model", "res_id", "place")


class TissDiscrepancy(models.Model):
    """Something that does not agree, waiting for a person: the queue of accounting §5.7.

    Whatever finds them calls `_sync` with all that it finds now, or `_open` with one; what is no
    longer there disappears, what a person decided stays. What can be done about each kind stands
    in `discrepancy_kinds`, and how in `tiss_discrepancy_resolution`.
    """

    _name = "tiss.discrepancy"
    _description = "Discrepancy"
    _inherit = ["tiss.system.made"]
    _order = "is_blocking desc, amount_weight desc, id"

    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        index=True,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        index=True,
    )
    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo", index=True, readonly=True, ondelete="cascade"
    )
    line_id = fields.Many2one(
        "tiss.demonstrativo.line", index="btree_not_null", readonly=True, ondelete="cascade"
    )
    payment_id = fields.Many2one(
        "tiss.demonstrativo.payment", index="btree_not_null", readonly=True, ondelete="cascade"
    )
    res_model = fields.Char("Model of the Other Record", readonly=True)
    res_id = fields.Many2oneReference("Other Record", model_field="res_model", readonly=True)
    code = fields.Selection(CODES, "Problem", required=True, readonly=True)
    place = fields.Char(readonly=True, help="Protocolo, guia and item.")
    is_blocking = fields.Boolean(compute="_compute_is_blocking", store=True, precompute=True)
    is_of_file = fields.Boolean(compute="_compute_is_blocking", store=True, precompute=True)
    amount_ours = fields.Monetary("Ours", readonly=True)
    amount_theirs = fields.Monetary("Theirs", readonly=True)
    amount_difference = fields.Monetary(
        "Difference", compute="_compute_amount_difference", store=True, precompute=True
    )
    amount_weight = fields.Monetary(
        "Size",
        compute="_compute_amount_difference",
        store=True,
        precompute=True,
        help="The difference without its sign: the largest come first.",
    )
    user_id = fields.Many2one("res.users", "Owner")
    state = fields.Selection(
        [("open", "Open"), ("asked", "Asked"), ("resolved", "Resolved")],
        "Status",
        default="open",
        required=True,
        readonly=True,
        index=True,
    )
    resolution = fields.Selection(RESOLUTIONS, "Decision", readonly=True)
    note = fields.Char("Why", help="Nothing about the patient's health.")
    resolved_by_id = fields.Many2one("res.users", "Decided By", readonly=True)
    resolved_date = fields.Datetime("Decided On", readonly=True)
    move_id = fields.Many2one(
        "account.move",
        "Journal Entry",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("demonstrativo_id")
    def _compute_company_id(self):
        """Of the demonstrativo; without one, what whoever found it says."""
        for row in self:
            origin = row.demonstrativo_id
            row.company_id = origin.company_id or row.company_id or self.env.company
            row.contract_id = origin.contract_id or row.contract_id

    @api.depends("code", "state")
    def _compute_is_blocking(self):
        for row in self:
            row.is_blocking = row.code not in REMARKS and row.state != "resolved"
            row.is_of_file = row.code in OF_FILE

    @api.depends("amount_ours", "amount_theirs")
    def _compute_amount_difference(self):
        for row in self:
            cents = to_cents(row.amount_theirs) - to_cents(row.amount_ours)
            row.amount_difference = float(from_cents(cents))
            row.amount_weight = float(from_cents(abs(cents)))

    @api.depends("code", "place", "amount_ours", "amount_theirs")
    def _compute_display_name(self):
        labels = dict(self._fields["code"]._description_selection(self.env))
        for row in self:
            money = row.currency_id.format
            row.display_name = self.env._(
                "%(problem)s (%(place)s): ours %(ours)s, theirs %(theirs)s",
                problem=labels.get(row.code),
                place=row._get_place_text(),
                ours=money(row.amount_ours),
                theirs=money(row.amount_theirs),
            )

    def _get_place_text(self):
        """The place in words: names of elements say nothing to a person."""
        place = self.place or self.demonstrativo_id.name or ""
        found = AMOUNT.search(place)
        if not found:
            return place
        words = {
            "Informado": self.env._("presented"),
            "Processado": self.env._("processed"),
            "Liberado": self.env._("released"),
            "Glosa": self.env._("glosa"),
            "Debitos": self.env._("débitos"),
            "Creditos": self.env._("créditos"),
        }
        where = place[: found.start()] or self.env._("the whole file")
        return f"{where} ({words[found[1]]})"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._fetch_places(vals_list)
        return super().create([{**vals, "place": self._find_place(vals)} for vals in vals_list])

    def write(self, vals):
        if set(vals) - {"user_id", "note"} and not self.env.su:
            raise UserError(
                self.env._("Only the owner and the reason of a discrepancy are written by hand.")
            )
        return super().write(vals)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open(self):
        """Open what the discrepancy is about: the guia, else the lote, else the demonstrativo."""
        self.ensure_one()
        other = self.env[self.res_model].browse(self.res_id) if self.res_model else None
        record = other or self.line_id.guia_id or self.line_id.lote_id or self.demonstrativo_id
        return record._get_records_action()

    # ------------------------------------------------------------------
    # What finds them
    # ------------------------------------------------------------------

    @api.model
    def _get_key(self, vals):
        """What tells one discrepancy from another, of values or of a record."""
        if isinstance(vals, dict):
            found = {name: vals.get(name) for name in KEY} | {"place": self._find_place(vals)}
        else:
            found = {
                name: vals[name].id if vals._fields[name].type == "many2one" else vals[name]
                for name in KEY
            }
        if vals["code"] in COUNTED:
            found["place"] = ""
        return tuple(found[name] or False for name in KEY)

    @api.model
    def _find_place(self, vals):
        """Where something does not agree: what was said, or the place of its row in the file."""
        if vals.get("place") or not vals.get("line_id"):
            return vals.get("place")
        return self.env["tiss.demonstrativo.line"].browse(vals["line_id"])._get_place()

    @api.model
    def _fetch_places(self, vals_list):
        """Read the rows of a file that values are about together, not one by one."""
        lines = [vals["line_id"] for vals in vals_list if vals.get("line_id")]
        self.env["tiss.demonstrativo.line"].browse(lines).fetch(PLACE)

    def _sync(self, vals_list):
        """Make these rows what is found now: new ones come, those that are gone disappear.

        What somebody decided stays decided as long as its amounts are the same.

        :param vals_list: values of all that is found where self was found before
        :return: `tiss.discrepancy`, what is found now
        """
        rows = self.sudo()
        self._fetch_places(vals_list)
        known = {}
        for row in rows:
            known.setdefault(self._get_key(row), []).append(row)
        found, new = rows.browse(), []
        for vals in vals_list:
            same = known.get(self._get_key(vals))
            if same:
                row = same.pop(0)
                row._refresh(vals)
                found |= row
            else:
                new.append(vals)
        (rows - found).filtered(lambda row: row.state != "resolved").unlink()
        return (found | rows.create(new)).with_env(self.env)

    def _refresh(self, vals):
        """The amounts of today; what was decided about others is open again."""
        changes = {
            name: vals.get(name) or 0
            for name in ("amount_ours", "amount_theirs")
            if to_cents(vals.get(name) or 0) != to_cents(self[name])
        }
        if changes:
            changes.update(state="open", resolution=False)
        if self.code in COUNTED and vals.get("place") != self.place:
            changes["place"] = vals.get("place")
        if changes:
            self.write(changes)

    @api.model
    def _open(self, vals):
        """One discrepancy, found or made.

        :param vals: demonstrativo_id, or company_id and contract_id; code, and what it is about
        """
        domain = [(name, "=", vals.get(name) or False) for name in KEY if name != "place"]
        same = self.sudo().search(domain)
        key = self._get_key(vals)
        return same.filtered(lambda row: self._get_key(row) == key)._sync([vals])

    def _close(self, note):
        """The cause has gone: nobody has to decide about it any more."""
        self.filtered(lambda row: row.state != "resolved")._settle(False, note)

    def _settle(self, resolution, note=None, move=None):
        """Keep what was decided, by whom, when and why."""
        for row in self.sudo():
            row.write(
                {
                    "state": "resolved",
                    "resolution": resolution,
                    "note": note or row.note,
                    "resolved_by_id": self.env.uid,
                    "resolved_date": fields.Datetime.now(),
                    "move_id": (move or row.move_id).id,
                }
            )

    def _keeps_out(self):
        """Whether the row of the file that this is about is not booked."""
        self.ensure_one()
        return self.is_blocking or self.resolution in LEFT_OUT

    # ------------------------------------------------------------------
    # Sums of a file
    # ------------------------------------------------------------------

    @api.model
    def _compare_cents(self, place, stated, summed, code="sums_disagree"):
        """Discrepancy values when a stated total is not the sum of its parts."""
        if stated == summed:
            return []
        return [
            {
                "code": code,
                "place": place,
                "amount_ours": float(from_cents(summed)),
                "amount_theirs": float(from_cents(stated)),
            }
        ]

    @api.model
    def _compare_sums(self, whole, suffix, parts, part_suffix, place=""):
        """The values of one level against the sums of the level below, and their own glosa."""
        rows = self._compare_glosa(whole, suffix, place)
        if not parts:
            return rows
        for name in ("valorInformado", "valorProcessado", "valorLiberado"):
            stated = to_cents(whole.get(f"{name}{suffix}") or 0)
            summed = sum(to_cents(part.get(f"{name}{part_suffix}") or 0) for part in parts)
            rows += self._compare_cents(f"{place} {name}{suffix}".strip(), stated, summed)
        return rows

    @api.model
    def _compare_glosa(self, whole, suffix, place=""):
        """The optional glosa of one level against presented minus released (guide §5.5)."""
        stated = whole.get(f"valorGlosa{suffix}")
        if stated is None:
            return []
        informed, released = (
            to_cents(whole.get(f"{name}{suffix}") or 0)
            for name in ("valorInformado", "valorLiberado")
        )
        place = f"{place} valorGlosa{suffix}".strip()
        return self._compare_cents(place, to_cents(stated), informed - released, "glosa_differs")
