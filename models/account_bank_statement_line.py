from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..standard import banklabels
from ..standard.money import to_cents

BILLING = "l10n_br_tiss.group_tiss_billing"
# What Odoo does after each single line of a bank is done here once for all of them.
QUIET = {
    "skip_account_move_synchronization": True,
    "skip_readonly_check": True,
    "force_delete": True,
    "tracking_disable": True,
}
STATES = [
    ("open", "To Match"),
    ("transit", "Waits for Demonstrativo"),
    ("matched", "Matched"),
    ("ignored", "Not of a Convênio"),
]


class AccountBankStatementLine(models.Model):
    """What the bank shows, and which demonstrativo it pays.

    Nothing of Odoo's own is changed: a line may as well be reconciled by another addon.
    """

    _inherit = "account.bank.statement.line"

    tiss_unique_id = fields.Char("Identifier in OFX", copy=False, readonly=True)
    tiss_is_ignored = fields.Boolean("Not of a Convênio", copy=False)
    tiss_is_partner_set = fields.Boolean(copy=False, readonly=True)
    tiss_state = fields.Selection(
        STATES, "Matching", compute="_compute_tiss_state", search="_search_tiss_state"
    )
    tiss_match_ids = fields.Many2many("tiss.bank.match", string="Matches", groups=BILLING)
    tiss_proposal_ids = fields.Many2many(
        "tiss.bank.match", string="Proposals", compute="_compute_tiss_proposals"
    )
    tiss_made_ids = fields.Many2many(
        "tiss.bank.match", string="Matched With", compute="_compute_tiss_proposals"
    )
    tiss_proposal_id = fields.Many2one(
        "tiss.bank.match", "Best Proposal", compute="_compute_tiss_proposals"
    )
    tiss_proposal = fields.Char("Proposal", compute="_compute_tiss_proposals")
    tiss_reason = fields.Char("Why", compute="_compute_tiss_proposals")
    tiss_score = fields.Integer("Score", compute="_compute_tiss_proposals")
    tiss_operadora_id = fields.Many2one(
        "res.partner", "Operadora", compute="_compute_tiss_proposals"
    )

    _tiss_unique_id_uniq = models.UniqueIndex(
        "(journal_id, tiss_unique_id) WHERE tiss_unique_id IS NOT NULL",
        "This movement of the bank was imported already.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("is_reconciled", "tiss_is_ignored", "move_id.line_ids.reconciled", "move_id.state")
    @api.depends_context("allowed_company_ids")
    def _compute_tiss_state(self):
        banks = self.env["account.journal"]._tiss_get_banks()
        waiting = self._tiss_find_waiting()
        for line in self:
            if line.journal_id not in banks or line.move_id.state != "posted":
                line.tiss_state = False
            elif line.tiss_is_ignored:
                line.tiss_state = "ignored"
            elif not line.is_reconciled:
                line.tiss_state = "open"
            else:
                line.tiss_state = "transit" if line in waiting else "matched"

    def _search_tiss_state(self, operator, value):
        if operator not in ("in", "not in"):
            return NotImplemented
        waiting = Domain(
            "line_ids",
            "any",
            [
                ("account_id", "in", self._tiss_get_transit_accounts().ids),
                ("reconciled", "=", False),
            ],
        )
        seen = Domain("tiss_is_ignored", "=", False)
        done = seen & Domain("is_reconciled", "=", True)
        domains = {
            "open": seen & Domain("is_reconciled", "=", False),
            "transit": done & waiting,
            "matched": done & ~waiting,
            "ignored": Domain("tiss_is_ignored", "=", True),
        }
        banks = self.env["account.journal"]._tiss_get_banks()
        domain = Domain("journal_id", "in", banks.ids) & Domain("state", "=", "posted")
        found = domain & Domain.OR(domains[each] for each in value if each in domains)
        if False in value:
            found |= ~domain
        return found if operator == "in" else ~found

    def _tiss_find_waiting(self):
        """Lines with something open on a transit account."""
        lines = self.env["account.move.line"].search(
            [
                ("move_id", "in", self.move_id.ids),
                ("account_id", "in", self._tiss_get_transit_accounts().ids),
                ("reconciled", "=", False),
            ]
        )
        moves = lines.move_id
        return self.filtered(lambda line: line.move_id in moves)

    @api.model
    def _tiss_get_transit_accounts(self):
        """Every transit account there is or was, whatever the contracts say today."""
        contracts = self.env["account.journal"]._tiss_search_contracts([])
        accounts = contracts.transit_account_id | self.env.companies.sudo().tiss_transit_account_id
        rows = self.env["tiss.bank.match"].sudo()._read_group([], ["account_id"])
        return accounts.union(*(account for [account] in rows)).sudo(False)

    @api.depends("tiss_match_ids.state", "tiss_match_ids.score", "partner_id")
    @api.depends_context("lang", "uid")
    def _compute_tiss_proposals(self):
        Match = self.env["tiss.bank.match"]
        rows = Match
        if Match.has_access("read"):
            rows = Match.search(
                [("line_ids", "in", self.ids), ("state", "in", ("proposed", "matched"))]
            )
        rows.mapped("reason")  # of all at once, while they are together
        proposed, made = defaultdict(rows.browse), defaultdict(rows.browse)
        for match in rows:
            for line in match.line_ids:
                (proposed if match.state == "proposed" else made)[line.id] |= match
        for line in self:
            options = proposed[line._origin.id]
            best = options[:1]
            line.tiss_proposal_ids = options
            line.tiss_made_ids = made[line._origin.id]
            line.tiss_proposal_id = best
            line.tiss_proposal = best.payments_label
            line.tiss_reason = best.reason
            line.tiss_score = best.score
            line.tiss_operadora_id = (
                best.partner_id or line.tiss_made_ids[:1].partner_id or line.partner_id
            )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        if self.env.context.get("tiss_bank") and "journal_id" in fields:
            bank = self.env["account.journal"]._tiss_get_banks()[:1]
            values["journal_id"] = bank.id or values.get("journal_id")
        return values

    def write(self, vals):
        # A many2many is written from both of its sides; a match changes by its own methods only.
        if "tiss_match_ids" in vals and not self.env.su:
            raise UserError(self.env._("Matches are made and undone, not written."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_matched(self):
        matched = (
            self.env["tiss.bank.match"]
            .sudo()
            .search([("line_ids", "in", self.ids), ("state", "=", "matched")], limit=1)
        )
        if matched:
            raise UserError(
                self.env._(
                    "This line of the bank is matched with %s: undo the match first.",
                    matched.payments_label,
                )
            )
        matches = self.env["tiss.bank.match"].sudo().search([("line_ids", "in", self.ids)])
        matches.unlink()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_tiss_match(self):
        """Match each line with its best proposal."""
        self.tiss_proposal_id.match()
        return True

    def action_tiss_unmatch(self):
        self.tiss_made_ids.unmatch()
        return True

    def action_tiss_ignore(self):
        """Take lines off the list that no convênio is behind, or put them back."""
        self.check_access("write")
        for ignored, lines in self.grouped("tiss_is_ignored").items():
            busy = lines.filtered(lambda line: line.tiss_state in ("transit", "matched"))
            if not ignored and busy:
                raise UserError(
                    self.env._("“%s” is matched: undo that first.", busy[0].payment_ref or "")
                )
            lines.tiss_is_ignored = not ignored
        matches = self.tiss_proposal_ids.filtered(lambda match: match.state == "proposed")
        matches.sudo().unlink()
        return True

    def action_tiss_choose(self):
        """Choose the payments, or the account of a difference, by hand."""
        known = self.tiss_operadora_id or self.tiss_match_ids.partner_id
        wizard = self.env["tiss.bank.choose"].create(
            {"line_ids": [fields.Command.set(self.ids)], "partner_id": known[:1].id}
        )
        return wizard._get_records_action(target="new", name=self.env._("Choose What It Pays"))

    def action_tiss_find(self):
        """Look for matches, and say what came of it."""
        made, left = self.env["tiss.bank.match"].find()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if made else "info",
                "message": self.env._(
                    "%(made)s matched without doubt, %(left)s proposals to look at.",
                    made=len(made),
                    left=len(left),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # ------------------------------------------------------------------
    # Amounts
    # ------------------------------------------------------------------

    def _tiss_get_open_cents(self):
        """{line: (signed cents still to be explained, whether on the transit account)}"""
        counterparts = self._tiss_get_counterparts()
        by_move = counterparts.grouped("move_id")
        none = counterparts.browse()
        accounts = self._tiss_get_transit_accounts()
        amounts = {}
        for line in self:
            company = line.company_id.currency_id
            if line.currency_id != company or line.foreign_currency_id:
                amounts[line] = (0, False)
                continue
            own = by_move.get(line.move_id, none)
            booked = own.filtered(lambda each: each.account_id in accounts)
            if line.is_reconciled:
                cents = -sum(to_cents(each.amount_residual) for each in booked)
            else:
                cents = -sum(to_cents(each.balance) for each in own - booked)
            amounts[line] = (cents, line.is_reconciled)
        return amounts

    def _tiss_get_counterparts(self):
        """Everything in the entries but the bank itself."""
        return self.move_id.line_ids.filtered(
            lambda line: line.account_id != line.journal_id.default_account_id
        )

    # ------------------------------------------------------------------
    # Recognising
    # ------------------------------------------------------------------

    def _tiss_get_texts(self):
        return (self.payment_ref, self.partner_name, self.account_number, self.ref)

    def _tiss_recognise(self, payers, is_booked=False):
        """(partner id, evidence) of who paid; None when nothing says it."""
        # What is booked already was recognised then.
        named = self._tiss_get_counterparts() if is_booked else self
        partner = named.partner_id[:1].commercial_partner_id
        if partner.id in {payer.id for payer in payers.payers}:
            return partner.id, banklabels.PARTNER
        return payers.recognise(*self._tiss_get_texts())

    # ------------------------------------------------------------------
    # Beside other addons
    # ------------------------------------------------------------------

    def _do_auto_reconcile_invoices_query(self):
        """What account_reconcile_oca, if it is here, matches new lines with by itself.

        A label that names a protocolo would make it settle the invoice behind the back of the
        guias: that is refused, and no file of the bank could be imported any more.
        """
        query = super()._do_auto_reconcile_invoices_query()
        query.add_where(SQL("account_move_line.tiss_lote_id IS NULL"))
        return query

    # ------------------------------------------------------------------
    # Booking
    # ------------------------------------------------------------------

    def _tiss_move_to_transit(self, account, partner):
        """From the suspense account to the transit account, in one go for all lines."""
        lines = self.with_context(**QUIET).filtered(lambda line: not line.is_reconciled)
        if not lines:
            return
        nameless = lines.filtered(lambda line: not line.partner_id)
        nameless.write({"partner_id": partner.id, "tiss_is_partner_set": True})
        nameless.move_id.write({"partner_id": partner.id})
        counterparts = lines._tiss_get_counterparts()
        counterparts.write({"account_id": account.id, "partner_id": partner.id})

    def _tiss_move_back(self):
        """To the suspense account, as the bank gave them; a partner that we set is forgotten."""
        named = self.filtered("tiss_is_partner_set")
        self.action_undo_reconciliation()
        named.write({"partner_id": False, "tiss_is_partner_set": False})
