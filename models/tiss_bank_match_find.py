from psycopg2 import IntegrityError

from odoo import api, models
from odoo.fields import Command, Domain

from ..standard import banklabels, bankmatch
from ..standard.money import from_cents, to_cents


class TissBankMatch(models.Model):
    """Which deposits may belong to which payments (accounting §5.5)."""

    _inherit = "tiss.bank.match"

    # ------------------------------------------------------------------
    # Proposals
    # ------------------------------------------------------------------

    @api.model
    def propose(self, journals=None):
        """Make the proposals anew for all that is open in the bank; safe to repeat.

        :param journals: `account.journal`; those of all convênios by default
        :return: the proposals
        """
        self._check_rights()
        if journals is None:
            journals = self.env["account.journal"]._tiss_get_banks()
        proposals = self.browse()
        for journal in journals:
            proposals |= self._propose_for(journal)
        return proposals

    @api.model
    def match_certain(self, journals=None):
        """Match what is beyond doubt: see `bankmatch`; the rest waits for a person.

        :return: the matches that were made
        """
        self._check_rights()
        if journals is None:
            journals = self.env["account.journal"]._tiss_get_banks()
        certain = self.search(
            [
                ("journal_id", "in", journals.ids),
                ("state", "=", "proposed"),
                ("is_certain", "=", True),
            ]
        )
        return certain.filtered(lambda match: not match._find_locked_lines()).match()

    @api.model
    def find(self, journals=None):
        """Propose, match what is certain, and say how many are left to a person.

        :return: (matches made, proposals left)
        """
        if journals is None:
            journals = self.env["account.journal"]._tiss_get_banks()
        self.propose(journals)
        made = self.match_certain(journals)
        left = self.search([("journal_id", "in", journals.ids), ("state", "=", "proposed")])
        return made, left

    @api.model
    def _propose_for(self, journal):
        self._forget_broken(journal)
        payments = self._get_open_payments(journal)
        receipts = [
            bankmatch.Receipt(
                payment.id, payment.date, cents, payment.partner_id.commercial_partner_id.id
            )
            for payment, cents in payments.items()
        ]
        closed = self.search(
            [("journal_id", "=", journal.id), ("state", "in", ("rejected", "undone"))]
        )
        refused = {self._split_key(match.key) for match in closed}
        found = bankmatch.propose(
            self._get_deposits(journal), receipts, self._get_options(journal.company_id), refused
        )
        return self._replace_proposals(journal, found)

    @api.model
    def _split_key(self, key):
        return tuple(
            tuple(int(number) for number in part.split(",") if number) for part in key.split(":")
        )

    # ------------------------------------------------------------------
    # What is open
    # ------------------------------------------------------------------

    @api.model
    def _get_open_payments(self, journal):
        """{payment: signed cents that the bank has not shown yet}, of posted demonstrativos."""
        payments = self.env["account.payment"].search(
            [
                ("journal_id", "=", journal.id),
                ("is_matched", "=", False),
                ("move_id.state", "=", "posted"),
                ("tiss_demonstrativo_payment_ids", "!=", False),
            ]
        )
        residuals = payments._tiss_get_residuals()
        return {payment: cents for payment, cents in residuals.items() if cents}

    @api.model
    def _get_deposits(self, journal):
        Line = self.env["account.bank.statement.line"]
        lines = Line.search(
            [("journal_id", "=", journal.id), ("tiss_state", "in", ("open", "transit"))]
        )
        amounts = lines._tiss_get_open_cents()
        payers = self._get_payers(journal)
        deposits = []
        for line in lines:
            cents, is_booked = amounts[line]
            payer, evidence = line._tiss_recognise(payers, is_booked) or (None, None)
            deposits.append(
                bankmatch.Deposit(line.id, line.date, cents, payer, evidence, is_booked)
            )
        return deposits

    @api.model
    def _get_payers(self, journal):
        """Who may pay into a bank: the operadoras of its convênios."""
        contracts = journal._tiss_get_contracts()
        partners = contracts.partner_id.commercial_partner_id
        return banklabels.Payers(
            [
                banklabels.Payer(
                    partner.id,
                    partner.vat or "",
                    tuple(filter(None, (partner.name, partner.tiss_legal_name))),
                )
                for partner in partners
            ],
            self.env["tiss.bank.alias"]._get_aliases(journal.company_id),
        )

    # ------------------------------------------------------------------
    # Storing
    # ------------------------------------------------------------------

    @api.model
    def _replace_proposals(self, journal, found):
        """Keep the proposals that are made again just so, drop the others, add the new ones."""
        current = self.search([("journal_id", "=", journal.id), ("state", "=", "proposed")])
        vals_of = {vals["key"]: vals for vals in self._prepare_proposals(journal, found)}
        kept = current.filtered(lambda match: match._is_as(vals_of.get(match.key)))
        (current - kept).sudo().unlink()
        for match in kept:
            del vals_of[match.key]
        Match = self.sudo().with_context(mail_create_nolog=True, tracking_disable=True)
        try:
            # Somebody else may look at the same moment: his proposals are as good as these.
            with self.env.cr.savepoint():
                created = Match.create(list(vals_of.values()))
                created.flush_recordset()
        except IntegrityError:
            self.env.invalidate_all()
            return kept
        return kept | created.sudo(False).with_env(self.env)

    @api.model
    def _prepare_proposals(self, journal, found):
        Line, Payment = self.env["account.bank.statement.line"], self.env["account.payment"]
        lines = Line.browse({id_ for each in found for id_ in each.deposits})
        payments = Payment.browse({id_ for each in found for id_ in each.receipts})
        open_lines = lines._tiss_get_open_cents()
        open_payments = payments._tiss_get_residuals()
        accounts = self._get_transit_accounts(journal)
        for each in found:
            receipts = Payment.browse(each.receipts)
            account = receipts.outstanding_account_id or accounts.get(each.payer)
            if len(account or ()) != 1:
                continue  # payments on different transit accounts: only one by one
            own = {
                "company_id": journal.company_id.id,
                "journal_id": journal.id,
                "partner_id": each.payer,
                "account_id": account.id,
                "key": self._make_key(Line.browse(each.deposits), receipts),
                "line_ids": [Command.set(each.deposits)],
                "payment_ids": [Command.set(each.receipts)],
            }
            yield (
                own
                | self._prepare_facts(journal, each)
                | {
                    "amount_bank": from_cents(
                        sum(open_lines[Line.browse(i)][0] for i in each.deposits)
                    ),
                    "amount_payments": from_cents(sum(open_payments[p] for p in receipts)),
                }
            )

    @api.model
    def _prepare_facts(self, journal, proposal):
        account = journal.company_id.tiss_bank_difference_account_id
        return {
            "rule": proposal.rule,
            "evidence": proposal.evidence or False,
            "score": proposal.score,
            "days": proposal.days,
            "is_unique": proposal.is_unique,
            "is_certain": proposal.is_certain,
            "difference_account_id": account.id if proposal.difference else False,
            "note": self.env._("Difference kept by the bank") if proposal.difference else False,
        }

    @api.model
    def _get_transit_accounts(self, journal):
        """{operadora: transit account} of the convênios of a bank."""
        contracts = journal._tiss_get_contracts()
        return {
            contract.partner_id.commercial_partner_id.id: contract.transit_account_id
            for contract in contracts
            if contract.transit_account_id
        }

    def _is_as(self, vals):
        """Whether this proposal says what `vals` say."""
        if not vals:
            return False
        for name, value in vals.items():
            field = self._fields[name]
            if field.type == "many2one":
                same = self[name].id == (value or False)
            elif field.type == "monetary":
                same = to_cents(self[name]) == to_cents(value)
            else:
                same = field.type == "many2many" or self[name] == value
            if not same:
                return False
        return True

    @api.model
    def _forget_broken(self, journal):
        """Matches that were undone elsewhere: by Odoo's own buttons or another addon."""
        matched = self.search(
            [
                ("journal_id", "=", journal.id),
                ("state", "=", "matched"),
                *Domain("line_ids", "any", [("tiss_state", "in", ("open", "transit"))]),
            ]
        )
        broken = matched.filtered(lambda match: not match._is_still_booked())
        broken.sudo().state = "undone"
        broken.sudo().activity_ids.filtered("automated").unlink()
