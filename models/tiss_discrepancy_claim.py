from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.money import to_cents
from .discrepancy_kinds import OFFERS
from .inside import INSIDE, is_inside

RETENTIONS = ("retention_differs", "retention_undue")


class TissDiscrepancy(models.Model):
    """Taxes that an operadora withheld wrongly: claimed, and followed until they are paid back.

    A claim waits as “asked”; it is settled by whatever is reconciled with its journal item.
    """

    _inherit = "tiss.discrepancy"

    was_reclaimed = fields.Boolean(
        compute="_compute_was_reclaimed", help="The last of this tax and convênio was claimed."
    )

    is_paying_claim = fields.Boolean(
        compute="_compute_is_paying_claim", help="A deposit of exactly as much as is owed back."
    )

    @api.depends("code", "contract_id", "amount_theirs")
    def _compute_is_paying_claim(self):
        rows = self.filtered(lambda row: "pays_claim" in OFFERS.get(row.code, ()))
        paid = rows._find_paid_claims()
        for row in self:
            row.is_paying_claim = bool(paid.get(row))

    @api.depends("code", "contract_id", "place")
    def _compute_was_reclaimed(self):
        rows = self.filtered(lambda row: row.code in RETENTIONS)
        (self - rows).was_reclaimed = False
        decided = (
            self.search(
                [
                    ("code", "in", RETENTIONS),
                    ("contract_id", "in", rows.contract_id.ids),
                    ("resolution", "in", ("reclaim", "keep", "adopt", "give_up")),
                ],
                order="id",
            )
            if rows
            else self.browse()
        )
        last = {(row.contract_id, row.place): row for row in decided}
        for row in rows:
            row.was_reclaimed = (
                last.get((row.contract_id, row.place), row.browse()).resolution == "reclaim"
            )

    def _fit_claims(self, names):
        """Only what is too much is claimed, and first where the last one was; once claimed, it can
        be given up.
        """
        if self.resolution == "reclaim":
            return ("give_up",)
        if "pays_claim" in names and not self.is_paying_claim:
            return tuple(name for name in names if name != "pays_claim")
        if "reclaim" not in names:
            return names
        others = tuple(name for name in names if name != "reclaim")
        if not self.payment_id or self.amount_difference <= 0:
            return others
        return ("reclaim", *others) if self.was_reclaimed else names

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    def _resolve_reclaim(self):
        """What is not booked yet is claimed with its demonstrativo."""
        self.filtered(lambda row: row.demonstrativo_id.state == "posted")._book_claims()

    def _book_claims(self):
        for row in self.filtered(lambda row: not row.move_id):
            cents = to_cents(row.amount_difference)
            row.sudo().move_id = row.payment_id._claim(row.place, cents)

    def _resolve_give_up(self):
        """It stays among the taxes withheld: they count, even if they should not have been."""
        self._withdraw_claims()

    def _find_paid_claims(self):
        """The claims of a convênio that a deposit is exactly the amount of: one, or all of them.

        :return: {row: `tiss.discrepancy`}, the claims of each deposit
        """
        found = dict.fromkeys(self, self.browse())
        claims = self.contract_id._get_open_claims().grouped("contract_id")
        for contract, rows in self.grouped("contract_id").items():
            owed = {
                claim: sum(to_cents(line.amount_residual) for line in claim._get_claim_lines())
                for claim in claims.get(contract, ())
            }
            for row in rows:
                amount = to_cents(row.amount_theirs)
                same = [claim for claim, cents in owed.items() if cents == amount][:1]
                together = list(owed) if amount == sum(owed.values()) else same
                found[row] = self.browse().union(*together)
        return found

    def _resolve_pays_claim(self):
        """Off the transit account, on which the deposit waits, and off what is owed back."""
        for row in self:
            claims = row._find_paid_claims()[row]
            deposit = self.env["account.bank.statement.line"].browse(row.res_id)
            waiting = deposit._tiss_get_counterparts().filtered(lambda line: not line.reconciled)
            if not claims or len(waiting) != 1:
                raise UserError(self.env._("That cannot be done about this: %s", row.display_name))
            owed = claims.sudo(False)._get_claim_lines()
            move = self.env["account.move"].create(row._prepare_claim_payment(waiting, owed))
            move.action_post()
            row.sudo().move_id = move
            by_account = move.line_ids.grouped("account_id")
            self.env["account.move.line"]._reconcile_plan(
                [lines | by_account[lines.account_id] for lines in (waiting, owed)]
            )

    def _prepare_claim_payment(self, waiting, owed):
        """Dr transit, Cr owed by the operadora; today, where the day of the deposit is closed."""
        company = self.company_id
        label = self.env._("Taxes paid back · %s", ", ".join(owed.move_id.mapped("name")))
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company._tiss_get_accrual_journal().id,
            "date": company._tiss_get_open_date(waiting.date),
            "ref": label,
            "line_ids": [
                Command.create(
                    {
                        "name": label,
                        "account_id": account.id,
                        "partner_id": waiting.partner_id.id,
                        "balance": sign * self.amount_theirs,
                        "tax_ids": [Command.clear()],
                    }
                )
                for account, sign in ((waiting.account_id, 1), (owed.account_id, -1))
            ],
        }

    def _withdraw_claims(self, date=None):
        """Cancel the entries of claims; of a closed period they are reversed.

        :param date: open day of the reversals; today by default
        """
        for row in self.filtered("move_id"):
            partials = row._get_claim_lines()._tiss_get_partials()
            if partials:
                others = (partials.debit_move_id | partials.credit_move_id).move_id - row.move_id
                raise UserError(
                    self.env._(
                        "%(claim)s was paid back by %(others)s: undo that first.",
                        claim=row.move_id.ref,
                        others=", ".join(others.mapped("display_name")),
                    )
                )
            if row.move_id._tiss_is_frozen():
                today = fields.Date.context_today(self)
                row._reverse_claim(date or row.company_id._tiss_get_open_date(today))
            else:
                row.move_id._tiss_cancel()

    def _reverse_claim(self, date):
        line = self._get_claim_lines()
        # Settled by its own reversal it is not paid back: whoever asked says what becomes of it.
        claim = self.move_id.with_context(tiss_undo=INSIDE, tiss_withdraws_claim=INSIDE)
        reversal = claim._tiss_reverse_on(
            date, lambda move: {"ref": self.env._("Reversal of %s", move.name)}
        )
        if not line.reconciled:
            same = reversal.line_ids.filtered(lambda other: other.account_id == line.account_id)
            (same | line).reconcile()

    # ------------------------------------------------------------------
    # Following
    # ------------------------------------------------------------------

    def _get_claim_lines(self):
        """The journal items of claims on what operadoras owe."""
        return self.move_id.line_ids.filtered(
            lambda line: line.account_id == line.company_id.tiss_claim_account_id
        )

    @api.model
    def _follow_claims(self, lines):
        """Settle the claims that are paid back, open those again that no longer are.

        :param lines: `account.move.line` that were just reconciled, or are no longer
        """
        if is_inside(lines, "tiss_withdraws_claim"):
            return
        # As superuser: whoever reconciles may not know of discrepancies.
        claims = self.sudo().search(
            [("resolution", "=", "reclaim"), ("move_id", "in", lines.move_id.ids)]
        )
        for row in claims:
            is_paid = not any(line.amount_residual for line in row._get_claim_lines())
            if is_paid and row.state == "asked":
                row.with_env(self.env)._settle("reclaim", self.env._("Paid back"))
            elif not is_paid and row.state == "resolved":
                row.write(
                    {
                        "state": "asked",
                        "note": False,
                        "resolved_by_id": False,
                        "resolved_date": False,
                    }
                )
