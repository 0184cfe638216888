import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..models.price_book import NOON
from ..models.tiss_contract import ACCOUNT_FIELDS

# Fields of the contract that go along only when they are asked for.
DEADLINES = (
    "payment_days",
    "payment_rule",
    "payment_day_ids",
    "payment_adjustment",
    "appeal_days",
    "appeal_working_days",
    "appeal_second_instance",
    "appeal_grouping",
    "renewal",
    "renewal_months",
    "notice_days",
    "readjustment_index",
    "readjustment_percent",
)
ACCOUNTING = (*ACCOUNT_FIELDS, "invoice_moment", "glosa_policy", "tax_ids")
# What belongs to the paper that was signed, or to one operadora; the name comes from the latter.
OWN = ("name", "start_date", "end_date", "base_date", "network_level_id", "note", "user_id")


class TissContractClone(models.TransientModel):
    """A new convênio that begins with what another one has; numbers and history begin anew."""

    _name = "tiss.contract.clone"
    _description = "Clone a Convênio"

    contract_id = fields.Many2one("tiss.contract", "Like", required=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", "Operadora", domain=[("tiss_is_operadora", "=", True)], ondelete="cascade"
    )
    registry_id = fields.Many2one("tiss.operadora.registry", "From the ANS Registry")
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    provider_code = fields.Char(
        "Registration", help="The code, CNPJ or CPF by which the operadora knows the clinic."
    )
    with_prices = fields.Boolean("Prices", default=True, help="Those in force and to come.")
    with_coverage = fields.Boolean("Coverage", default=True, help="Rules in force and to come.")
    with_clauses = fields.Boolean("Checklist of Clauses")
    with_deadlines = fields.Boolean("Deadlines and Renewal", default=True)
    with_accounting = fields.Boolean("Accounts and Journals", default=True)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_clone(self):
        """Make the convênio and open it."""
        return self.clone()._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def clone(self):
        """Make the convênio; a note on it says what came along and what was left out.

        :return: `tiss.contract`
        """
        self.ensure_one()
        # The user may work in both companies, but has perhaps only one of them switched on.
        companies = self.company_id | self.env.companies
        self = self.with_context(allowed_company_ids=companies.ids)  # noqa: PLW0642
        if not self.partner_id and not self.registry_id:
            raise UserError(self.env._("Choose the operadora of the new convênio."))
        partner = self.partner_id or self.registry_id.create_operadora()
        contract = self.env["tiss.contract"].create(self._prepare_contract(partner))
        left_out = []
        counts = {
            self.env._("prices"): self._copy_prices(contract, left_out),
            self.env._("coverage rules"): self._copy_coverage(contract, left_out),
        }
        parts = [f"{count} {name}" for name, count in counts.items() if count]
        sentences = [self.env._("Made like %s.", self.contract_id.display_name)]
        if parts:
            sentences.append(self.env._("Came along: %s.", ", ".join(parts)))
        if left_out:
            sentences.append(self.env._("Left out: %s.", "; ".join(left_out)))
        contract._message_log(body=" ".join(sentences))
        return contract

    def _is_other_company(self):
        return self.company_id != self.contract_id.company_id

    def _prepare_contract(self, partner):
        [vals] = self.contract_id.copy_data()
        dropped = set(OWN)
        if not self.with_deadlines:
            dropped.update(DEADLINES)
        if not self.with_accounting or self._is_other_company():
            # The new convênio takes the accounts of its own company.
            dropped.update(ACCOUNTING)
        policy = self.contract_id.price_policy_id
        if policy.company_id and policy.company_id != self.company_id:
            dropped.add("price_policy_id")
        vals = {name: value for name, value in vals.items() if name not in dropped}
        level = self.contract_id.network_level_id
        vals.update(
            partner_id=partner.id,
            company_id=self.company_id.id,
            provider_code=self.provider_code,
            network_level_id=self._map_by_name(level, partner).get(level.id, False),
        )
        if self.with_clauses:
            vals["clause_ids"] = [
                Command.create({"clause_id": clause.clause_id.id, "state": clause.state})
                for clause in self.contract_id.clause_ids
            ]
        return vals

    @api.model
    def _map_by_name(self, records, partner):
        """{id: id of the record with the same name at the operadora `partner`}."""
        found = records.search(
            [("operadora_id", "=", partner.id), ("name", "in", records.mapped("name"))]
        )
        by_name = {record.name: record.id for record in found}
        return {record.id: by_name[record.name] for record in records if record.name in by_name}

    def _copy_prices(self, contract, left_out):
        """Copy the price rules; what cannot come along is told in `left_out`.

        :return: number of rules
        """
        if not self.with_prices:
            return 0
        noon = datetime.datetime.combine(self.contract_id._get_today(), NOON)
        items = self.env["product.pricelist.item"].search(
            Domain("pricelist_id", "=", self.contract_id.pricelist_id.id)
            & (Domain("date_end", "=", False) | Domain("date_end", ">=", noon))
        )
        foreign = items.filtered(self._is_of_other_company)
        self._tell(left_out, foreign, self.env._("of the other company"))
        return self._copy_rows(
            items - foreign,
            {"pricelist_id": contract.pricelist_id.id},
            ("tiss_plan_id", "tiss_network_level_id"),
            contract,
            left_out,
        )

    def _is_of_other_company(self, item):
        """Whether a price rests on something that only its own company has."""
        companies = (
            item.product_tmpl_id.company_id
            | item.product_id.company_id
            | item.tiss_price_table_id.company_id
            | item.tiss_porte_edition_id.company_id
        )
        return bool(companies - self.company_id)

    def _copy_coverage(self, contract, left_out):
        if not self.with_coverage:
            return 0
        today = fields.Date.context_today(self)
        rules = self.contract_id.coverage_ids.filtered(
            lambda rule: not rule.end_date or rule.end_date >= today
        )
        foreign = rules.filtered(lambda rule: rule.product_tmpl_id.company_id - self.company_id)
        self._tell(left_out, foreign, self.env._("of the other company"))
        return self._copy_rows(
            rules - foreign, {"contract_id": contract.id}, ("plan_id",), contract, left_out
        )

    def _copy_rows(self, rows, defaults, relations, contract, left_out):
        """Copy `rows` in one create; their plans and levels become those of the same name.

        :param relations: names of the fields that belong to the operadora
        :return: number of rows made
        """
        kept = rows
        maps = {}
        for name in relations:
            maps[name] = self._map_by_name(rows[name], contract.partner_id)
            unknown = kept.filtered(lambda row, n=name: row[n] and row[n].id not in maps[n])
            for record, group in unknown.grouped(name).items():
                self._tell(left_out, group, record.name)
            kept -= unknown
        vals_list = kept.copy_data(defaults)
        for vals in vals_list:
            for name, mapping in maps.items():
                if vals.get(name):
                    vals[name] = mapping[vals[name]]
        # The note of the clone counts them.
        kept.with_context(tracking_disable=True).create(vals_list)
        return len(vals_list)

    def _tell(self, left_out, rows, reason):
        if rows:
            model = self.env["ir.model"]._get(rows._name).name
            left_out.append(
                self.env._(
                    "%(count)s × %(model)s (%(reason)s)",
                    count=len(rows),
                    model=model,
                    reason=reason,
                )
            )
