from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .bulk import lock
from .counted import counted

PRICE_FAMILY = "17"  # values and charges of T38 (guide §6.1)
PRICE_CODE = "1705"  # what a recurso contests where the operadora gave no code
UNCHECKED = [("state", "=", "posted"), ("is_price_checked", "=", False)]
AT_ONCE = 200  # demonstrativos that somebody has looked through while he waits
BATCH = 10  # of them in one transaction of the night


class TissUnderpayment(models.Model):
    """An item that was settled below the contract price of its day, whatever the operadora says.

    The price is looked up anew, so that it also tells what the clinic itself billed too low. What
    was denied of it can be contested with one click; what was never billed cannot.
    """

    _name = "tiss.underpayment"
    _description = "Paid below Contract"
    _inherit = ["tiss.system.made"]
    _order = "amount_difference desc, id"

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one("tiss.contract", "Convênio", index=True, readonly=True)
    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo", index=True, readonly=True, ondelete="cascade"
    )
    guia_line_id = fields.Many2one(
        "tiss.guia.line", "Item", required=True, index=True, readonly=True, ondelete="cascade"
    )
    guia_id = fields.Many2one(
        "tiss.guia", required=True, index=True, readonly=True, ondelete="cascade"
    )
    professional_id = fields.Many2one("res.partner", readonly=True)
    code = fields.Char("Procedure Code", readonly=True)
    date = fields.Date("Performed On", readonly=True)
    glosa_codes = fields.Char(readonly=True)
    kind = fields.Selection(
        [
            ("price", "Price cut, with a glosa code"),
            ("nameless", "Paid less, without a code"),
            ("other", "Paid less for another reason"),
            ("billed_low", "Billed below the contract"),
        ],
        "What Happened",
        required=True,
        readonly=True,
    )
    quantity = fields.Float(digits=(9, 4), readonly=True, aggregator=None)
    amount_expected = fields.Monetary("By the Contract", readonly=True)
    amount_presented = fields.Monetary("Presented", readonly=True)
    amount_processed = fields.Monetary("Processed", readonly=True)
    amount_settled = fields.Monetary(
        "Released or Paid", compute="_compute_amounts", store=True, precompute=True
    )
    amount_difference = fields.Monetary(
        "Difference", compute="_compute_amounts", store=True, precompute=True
    )
    amount_claimable = fields.Monetary(
        "Can Be Contested", compute="_compute_amounts", store=True, precompute=True
    )
    is_ignored = fields.Boolean("Let It Be", readonly=True)
    note = fields.Char("Why", readonly=True)

    _item_uniq = models.Constraint("UNIQUE(guia_line_id)", "An item is compared once.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "amount_expected",
        "guia_line_id.amount_released",
        "guia_line_id.amount_paid",
        "guia_line_id.amount_denied",
    )
    def _compute_amounts(self):
        for row in self:
            item = row.guia_line_id
            settled = to_cents(item.amount_released) + to_cents(item.amount_paid)
            row.amount_settled = float(from_cents(settled))
            row.amount_difference = float(from_cents(to_cents(row.amount_expected) - settled))
            row.amount_claimable = item.amount_denied

    @api.depends("guia_id", "code")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.guia_id.name} · {row.code}"

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_look(self):
        """Look through what was posted since the last time, at once."""
        self._look(self._find_unchecked(AT_ONCE))
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_contest(self):
        return self.contest()._get_records_action(name=self.env._("Recursos"))

    def action_ignore(self):
        self.ignore(self.env._("Looked at"))

    def action_view_guia(self):
        return self.guia_id._get_records_action()

    # ------------------------------------------------------------------
    # Looking
    # ------------------------------------------------------------------

    @api.model
    def _cron_look(self):
        """Look through all that was posted since the last time, until the time is over."""
        cron = self.env["ir.cron"]
        while demonstrativos := self._find_unchecked(BATCH):
            self._look(demonstrativos)
            remaining = self.env["tiss.demonstrativo"].search_count(UNCHECKED)
            if not cron._commit_progress(len(demonstrativos), remaining=remaining):
                break

    @api.model
    def _find_unchecked(self, limit):
        return self.env["tiss.demonstrativo"].search(UNCHECKED, limit=limit)

    @api.model
    def _look(self, demonstrativos):
        """Compare what demonstrativos settled with the contract prices of the days of service.

        :return: `tiss.underpayment`, rows found or brought up to date
        """
        found, queued = self.browse(), demonstrativos.sudo()
        # Whoever may post may have it compared; the rows are the system's.
        for demonstrativo in demonstrativos.sudo():
            items = demonstrativo._get_all_lines().guia_id.line_ids
            answered = items.filtered(lambda item: not item.amount_to_process)
            known = self.sudo().search([("guia_line_id", "in", answered.ids)])
            queued |= known.demonstrativo_id
            found |= known._keep(self._compare(answered, demonstrativo))
        demonstrativos.sudo().is_price_checked = True
        self._queue(queued)
        return found.exists().with_env(self.env)

    @api.model
    def _compare(self, items, demonstrativo):
        """Values of the items that were settled too low."""
        processed = items._get_processed_amounts()
        vals_list = []
        for item, expected in items._get_contract_amounts():
            settled = to_cents(item.amount_released) + to_cents(item.amount_paid)
            contract = item.guia_id.contract_id
            gap = expected - settled
            kind = self._get_kind(item, expected, settled)
            if gap <= to_cents(contract.underpayment_tolerance) or not kind:
                continue
            codes = {glosa.code for glosa in item.glosa_ids if glosa.code}
            vals_list.append(
                {
                    "company_id": item.company_id.id,
                    "contract_id": contract.id,
                    "demonstrativo_id": demonstrativo.id,
                    "guia_line_id": item.id,
                    "guia_id": item.guia_id.id,
                    "professional_id": (item.performer_id or item.guia_id.professional_id).id,
                    "code": item.code,
                    "date": item.date,
                    "glosa_codes": ", ".join(sorted(codes)),
                    "kind": kind,
                    "quantity": item.quantity,
                    "amount_expected": float(from_cents(expected)),
                    "amount_presented": item.amount,
                    "amount_processed": processed.get(item.id, 0),
                }
            )
        return vals_list

    @api.model
    def _get_kind(self, item, expected, settled):
        """What happened to one item; None where nothing of it is a matter of price.

        An item that was denied as a whole for another reason than its price is a glosa like any
        other, and stands among them.
        """
        codes = {glosa.code for glosa in item.glosa_ids}
        if settled == to_cents(item.amount):
            return "billed_low" if settled < expected else None
        if any(code and code.startswith(PRICE_FAMILY) for code in codes):
            return "price"
        if False in codes or not codes:
            return "nameless"
        return "other" if settled else None

    def _keep(self, vals_list):
        """Known rows of some items := these; one that was let be stays so."""
        by_item = {row.guia_line_id.id: row for row in self}
        new, kept = [], self.browse()
        for vals in vals_list:
            row = by_item.get(vals["guia_line_id"])
            if row:
                row.write(vals)
                kept |= row
            else:
                new.append(vals)
        (self - kept).unlink()
        return kept | self.create(new)

    @api.model
    def _queue(self, demonstrativos):
        """One discrepancy per demonstrativo, as long as any row of it waits for a decision."""
        known = self.env["tiss.discrepancy"].search(
            [
                ("demonstrativo_id", "in", demonstrativos.ids),
                ("code", "=", "paid_below_contract"),
            ]
        )
        waiting = self.sudo().search(
            [
                ("demonstrativo_id", "in", demonstrativos.ids),
                ("amount_claimable", ">", 0),
                ("is_ignored", "=", False),
            ]
        )
        waiting = waiting.filtered(
            lambda row: row.guia_line_id.glosa_ids._filter_denied().filtered(
                lambda glosa: not glosa.is_contested
            )
        )
        known._sync(
            [
                {
                    "demonstrativo_id": demonstrativo.id,
                    "code": "paid_below_contract",
                    "place": counted(self.env, "item", len(rows)),
                    "amount_ours": sum(rows.mapped("amount_expected")),
                    "amount_theirs": sum(rows.mapped("amount_settled")),
                }
                for demonstrativo, rows in waiting.grouped("demonstrativo_id").items()
            ]
        )

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    def contest(self):
        """Recursos against all that was denied of these items.

        Where the operadora gave no code, the one for a price that is too high is contested: it
        is what paying less says.

        :return: `tiss.recurso`
        """
        glosas = self.guia_line_id.glosa_ids._filter_denied()
        if not glosas:
            raise UserError(
                self.env._("Nothing of this is denied: what was billed too low is not contested.")
            )
        recursos = glosas.create_recurso()
        nameless = recursos.line_ids.filtered(
            lambda line: line.glosa_id in glosas and not line.code
        )
        nameless.sudo().code = PRICE_CODE
        nameless._fill_justification()
        return recursos

    def ignore(self, reason):
        """Let these be, with the reason."""
        self.env["tiss.glosa"].check_access("write")
        lock(self)
        self.sudo().write({"is_ignored": True, "note": reason})
        self._queue(self.demonstrativo_id)
