from odoo import api, fields, models

from ..standard.money import from_cents, to_cents

REMARKS = ("already_processed", "glosa_differs")  # nothing of them keeps from posting
OF_FILE = ("sums_disagree", "glosa_differs")
CODES = [
    ("unknown_protocol", "Protocolo that this clinic does not have"),
    ("unknown_guia", "Guia that is not in this protocolo"),
    ("unknown_item", "Item that is not in this guia"),
    ("repeated", "Stands more than once in the file"),
    ("informed_differs", "Presented amount differs from what was sent"),
    ("released_above", "Released more than was presented"),
    ("already_processed", "Already processed with another amount"),
    ("contradicts", "Contradicts what was processed before"),
    ("appeal_payment", "Payment of a recurso"),
    ("no_invoice", "The protocolo has no invoice yet"),
    ("paid_above", "Paid more than is open"),
    ("detail_missing", "Import the account analysis first: the payment does not say which items"),
    ("negative_net", "The débitos are larger than the payment"),
    ("no_account", "A débito or crédito has no account"),
    ("locked_period", "The books are closed on the payment date"),
    ("sums_disagree", "The sums of the file disagree"),
    ("glosa_differs", "The stated glosa is not presented minus released"),
]


class TissDiscrepancy(models.Model):
    """Something in a demonstrativo that does not agree, waiting for a person."""

    _name = "tiss.discrepancy"
    _description = "Discrepancy"
    _order = "is_blocking desc, id"

    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="demonstrativo_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(related="demonstrativo_id.contract_id", store=True)
    line_id = fields.Many2one(
        "tiss.demonstrativo.line", index="btree_not_null", readonly=True, ondelete="cascade"
    )
    code = fields.Selection(CODES, "Problem", required=True, readonly=True)
    place = fields.Char(readonly=True, help="Protocolo, guia and item.")
    is_blocking = fields.Boolean(compute="_compute_is_blocking", store=True, precompute=True)
    is_of_file = fields.Boolean(compute="_compute_is_blocking", store=True, precompute=True)
    amount_ours = fields.Monetary("Ours", readonly=True)
    amount_theirs = fields.Monetary("Theirs", readonly=True)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code")
    def _compute_is_blocking(self):
        for row in self:
            row.is_blocking = row.code not in REMARKS
            # What the file itself got wrong does not change when it is checked again.
            row.is_of_file = row.code in OF_FILE

    @api.depends("code", "place", "amount_ours", "amount_theirs")
    def _compute_display_name(self):
        labels = dict(self._fields["code"]._description_selection(self.env))
        for row in self:
            money = row.currency_id.format
            row.display_name = self.env._(
                "%(problem)s (%(place)s): ours %(ours)s, theirs %(theirs)s",
                problem=labels.get(row.code),
                place=row.place or row.demonstrativo_id.name,
                ours=money(row.amount_ours),
                theirs=money(row.amount_theirs),
            )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        Line = self.env["tiss.demonstrativo.line"]
        for vals in vals_list:
            if vals.get("line_id") and not vals.get("place"):
                vals["place"] = Line.browse(vals["line_id"])._get_place()
        return super().create(vals_list)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open(self):
        """Open what the discrepancy is about: the guia, else the lote, else the demonstrativo."""
        self.ensure_one()
        record = self.line_id.guia_id or self.line_id.lote_id or self.demonstrativo_id
        return record._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
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
