from odoo import api, models

from ..standard.money import from_cents
from .discrepancy_kinds import OF_BANK


class TissBankMatch(models.Model):
    """What of the bank does not agree stands in the queue of discrepancies (accounting §5.7)."""

    _inherit = "tiss.bank.match"

    # ------------------------------------------------------------------
    # What changes it
    # ------------------------------------------------------------------

    @api.model
    def find(self, journals=None):
        result = super().find(journals)
        self._sync_queue(self.env.companies if journals is None else journals.company_id)
        return result

    def match(self):
        made = super().match()
        self._sync_queue(made.company_id)
        return made

    def unmatch(self):
        result = super().unmatch()
        self._sync_queue(self.company_id)
        return result

    def reject(self):
        result = super().reject()
        self._sync_queue(self.company_id)
        return result

    # ------------------------------------------------------------------
    # The queue
    # ------------------------------------------------------------------

    @api.model
    def _sync_queue(self, companies):
        """Bring the discrepancies of the bank up to date: deposits that differ from what was
        announced, and what waits for too long on either side of the transit account.
        """
        Discrepancy = self.env["tiss.discrepancy"].sudo()
        for company in companies:
            rows = Discrepancy.search(
                [("company_id", "=", company.id), ("code", "in", list(OF_BANK))]
            )
            differing = self.search(
                [
                    ("company_id", "=", company.id),
                    ("state", "=", "proposed"),
                    ("rule", "=", "difference"),
                ]
            )
            # Who is asked about a deposit that differs is not told that none came.
            told = {("account.payment", id_) for id_ in differing.payment_ids.ids}
            waiting = [
                item
                for item in self.get_transit_items(company)
                if item["is_old"] and (item["res_model"], item["res_id"]) not in told
            ]
            contracts = self._get_contracts_by_payer(company)
            rows._sync(
                [
                    {**vals, "company_id": company.id, "contract_id": contracts.get(partner_id)}
                    for partner_id, vals in (
                        *map(self._prepare_differing, differing),
                        *map(self._prepare_waiting, waiting),
                    )
                ]
            )

    @api.model
    def _get_contracts_by_payer(self, company):
        contracts = self.env["tiss.contract"]._get_all(company)
        return {
            contract.partner_id.commercial_partner_id.id: contract.id
            # The last one stays: of a payer with several the first that is not archived.
            for contract in contracts.sorted(lambda contract: (contract.active, -contract.id))
        }

    @api.model
    def _prepare_differing(self, match):
        return match.partner_id.id, {
            "code": "deposit_differs",
            "res_model": match._name,
            "res_id": match.id,
            "place": match.payments_label,
            "amount_ours": match.amount_payments,
            "amount_theirs": match.amount_bank,
        }

    @api.model
    def _prepare_waiting(self, item):
        """A payment that the bank does not show, or a deposit that nobody announced."""
        record = self.env[item["res_model"]].browse(item["res_id"])
        is_debit = item["kind"] == "debit"
        return item["partner_id"], {
            "code": "deposit_missing" if is_debit else "deposit_unknown",
            "res_model": item["res_model"],
            "res_id": item["res_id"],
            "place": (record.memo if is_debit else record.payment_ref) or record.display_name,
            "amount_ours": item["amount"] if is_debit else from_cents(0),
            "amount_theirs": from_cents(0) if is_debit else item["amount"],
        }
