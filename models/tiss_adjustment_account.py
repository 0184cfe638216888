import re

from odoo import api, fields, models

from ..standard.text import to_ascii
from .tiss_term import term_field


class TissAdjustmentAccount(models.Model):
    """Where a débito or crédito of a demonstrativo (T27: taxes, discounts…) is booked.

    The clinic says it for a kind. What a person chose for one in a demonstrativo is remembered
    for that convênio and description, and asked no more.
    """

    _name = "tiss.adjustment.account"
    _description = "Account of a Débito or Crédito"
    _order = "kind_id, contract_id, description, id"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        check_company=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Empty: for every convênio.",
    )
    kind_id = term_field("27", "Kind", help="Empty: a kind that table 27 does not have.")
    direction = fields.Selection(
        [("debit", "Débito"), ("credit", "Crédito")], help="Empty: for both."
    )
    description = fields.Char(
        help="As the operadora writes it; numbers in it do not count. Empty: any description."
    )
    search_description = fields.Char(
        compute="_compute_search_description", store=True, precompute=True
    )
    account_id = fields.Many2one(
        "account.account", required=True, check_company=True, ondelete="restrict"
    )

    _kind_uniq = models.UniqueIndex(
        "(company_id, COALESCE(contract_id, 0), COALESCE(kind_id, 0), COALESCE(direction, ''),"
        " COALESCE(search_description, ''))",
        "There is already an account for this kind.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("description")
    def _compute_search_description(self):
        for row in self:
            row.search_description = self._fold(row.description) or False

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _fold(self, description):
        """A description without what differs from month to month: capitals, accents, numbers."""
        return re.sub(r"\d+", "#", to_ascii(description or ""))

    @api.model
    def _find_accounts(self, company, adjustments):
        """The account of each débito or crédito; the closest decision counts, none gives nothing.

        :param adjustments: `tiss.demonstrativo.adjustment` of one company
        :return: {adjustment: `account.account`}
        """
        rules = self.search([("company_id", "=", company.id)])
        return {
            row: max(
                rules.filtered(lambda rule, row=row: rule._fits(row)),
                key=lambda rule: (
                    bool(rule.search_description), bool(rule.contract_id), bool(rule.direction),
                ),
                default=self.browse(),
            ).account_id
            for row in adjustments
        }  # fmt: skip

    def _fits(self, adjustment):
        """Whether this decision is about a débito or crédito."""
        self.ensure_one()
        folded = self._fold(adjustment.name)
        return (
            self.kind_id == adjustment.kind_id
            and self.contract_id in (self.contract_id.browse(), adjustment.contract_id)
            and self.direction in (False, adjustment.direction)
            and self.search_description in (False, folded)
            # Without a kind the description is all there is to know it by.
            and bool(self.kind_id or self.search_description)
        )

    @api.model
    def _remember(self, adjustments):
        """Keep what a person decided about débitos and créditos, for the next demonstrativo."""
        for company, rows in adjustments.grouped("company_id").items():
            known = self._find_accounts(company, rows)
            for row in rows:
                folded = self._fold(row.name)
                if not row.account_id or row.account_id == known[row] or not folded:
                    continue
                own = self.search(
                    [
                        ("company_id", "=", company.id),
                        ("contract_id", "=", row.contract_id.id),
                        ("kind_id", "=", row.kind_id.id),
                        ("direction", "=", row.direction),
                        ("search_description", "=", folded),
                    ]
                )
                vals = {
                    "company_id": company.id,
                    "contract_id": row.contract_id.id,
                    "kind_id": row.kind_id.id,
                    "direction": row.direction,
                    "description": row.name,
                    "account_id": row.account_id.id,
                }
                # A biller may not configure; what he decided is kept all the same.
                if own:
                    own.sudo().account_id = row.account_id
                else:
                    self.sudo().create(vals)
