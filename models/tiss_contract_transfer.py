from psycopg2 import IntegrityError

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from . import contract_file
from .contract_file import FORMAT, VERSION, dump, dump_row
from .contract_loader import ContractLoader

MANAGER = "l10n_br_tiss.group_tiss_manager"


class DryRun(Exception):
    """Ends a trial of an import, so that nothing of it stays."""


class TissContract(models.Model):
    """A whole convênio as one JSON file, to move between databases (see contract_file.py)."""

    _inherit = "tiss.contract"

    # ------------------------------------------------------------------
    # Export
    # ------------------------------------------------------------------

    def export_file(self, include_tables=False):
        """The file of this convênio: everything that was agreed, nothing secret.

        :param include_tables: whether the rows of its reference tables and values of portes go
            along; else they are named only, and must be in the other database already
        :return: bytes of JSON, the same as long as nothing changes
        """
        self.ensure_one()
        self._check_transfer_rights()
        return dump(self._prepare_transfer(include_tables))

    def _prepare_transfer(self, include_tables):
        operadora = self.partner_id.with_context(active_test=False)
        contract = self.with_context(active_test=False)
        items = contract.pricelist_id.item_ids.sorted("id")
        tables = items.tiss_price_table_id if include_tables else items.tiss_price_table_id.browse()
        editions = items.tiss_porte_edition_id
        editions = editions if include_tables else editions.browse()
        clauses = contract.clause_ids.filtered(
            lambda line: line.state != "unchecked" or line.reference
        )
        return {
            "format": FORMAT,
            "version": VERSION,
            "operadora": dump_row("operadora", operadora),
            "levels": self._dump_rows("levels", operadora.tiss_network_level_ids),
            "plans": self._dump_rows("plans", operadora.tiss_plan_ids),
            "card_rules": self._dump_rows("card_rules", operadora.tiss_card_rule_ids),
            "policies": self._dump_rows("policies", contract.price_policy_id | tables.policy_id),
            "products": self._dump_rows(
                "products", self._get_transfer_products(items, contract.coverage_ids)
            ),
            "tables": self._dump_rows("tables", tables),
            "porte_editions": self._dump_rows("porte_editions", editions),
            "contract": dump_row("contract", contract),
            # Of rules that say as much, the order decides: it is kept.
            "prices": [dump_row("prices", item) for item in items],
            "coverage": [dump_row("coverage", rule) for rule in contract.coverage_ids],
            "clauses": self._dump_rows("clauses", clauses),
            "accreditations": self._dump_rows("accreditations", contract.accreditation_ids),
            "payment_calendar": self._dump_rows("payment_calendar", contract.payment_day_ids),
        }

    @api.model
    def _dump_rows(self, name, records):
        """Rows in an order that no database id decides."""
        return sorted((dump_row(name, record) for record in records), key=_sort_key)

    @api.model
    def _get_transfer_products(self, items, rules):
        """Products that prices and coverage name, and what packages of them are made of."""
        products = items.product_tmpl_id | rules.product_tmpl_id
        found = products
        while products:
            products = products.tiss_component_ids.product_tmpl_id - found
            found |= products
        return found

    # ------------------------------------------------------------------
    # Import
    # ------------------------------------------------------------------

    @api.model
    def import_file(self, content, company=None, skip_missing=False):
        """Make the convênio of a file; what is in the database already is used as it is.

        :param content: bytes of `export_file`, or the same as text
        :param company: `res.company` that gets the convênio, or its id; the current one when left
            out
        :param skip_missing: leave out what hangs on records that this database does not have;
            otherwise that is an error
        :return: the new convênio
        """
        self._check_transfer_rights()
        data = contract_file.parse(self.env, content)
        loader = ContractLoader(self.env, self._get_company(company), data)
        contract = self._load_whole(loader)
        if loader.missing and not skip_missing:
            raise UserError(
                self.env._("Nothing was imported:") + "\n" + "\n".join(loader.missing[:20])
            )
        return contract.with_env(self.env)

    @api.model
    def preview_file(self, content, company=None):
        """What `import_file` would do, found out by doing it and undoing all of it.

        :return: dict: `created` and `found` ({section: number}), `missing` (list of sentences),
            `name` of the convênio
        """
        self._check_transfer_rights()
        data = contract_file.parse(self.env, content)
        loader = ContractLoader(self.env, self._get_company(company), data)
        try:
            with self.env.cr.savepoint():
                name = self._load_whole(loader).name
                raise DryRun
        except DryRun:
            self.env.invalidate_all(flush=False)
        return {
            "created": dict(loader.created),
            "found": dict(loader.found),
            "missing": loader.missing,
            "name": name,
        }

    @api.model
    def _get_company(self, company):
        """A company, by itself or by its id; without one the current."""
        if not company:
            return self.env.company
        if isinstance(company, int):
            company = self.env["res.company"].browse(company).exists()
        if not isinstance(company, models.BaseModel) or not company:
            raise UserError(self.env._("There is no clinic with this id."))
        return company

    @api.model
    def _load_whole(self, loader):
        """The convênio of a loader; what a constraint of the database refuses is a UserError."""
        try:
            with self.env.cr.savepoint():
                return loader.load()
        except IntegrityError as error:
            tables = {model._table: name for name, model in self.env.registry.items()}
            model = self.env[tables.get(error.diag.table_name, "base")]
            raise UserError(
                self.env._("Nothing was imported:") + "\n" + model._sql_error_to_message(error)
            ) from error

    @api.model
    def _check_transfer_rights(self):
        if not self.env.su and not self.env.user.has_group(MANAGER):
            raise AccessError(self.env._("Only a manager of convênios may export and import them."))


def _sort_key(row):
    """Names and codes first, then all the rest, as text."""
    first = [str(row.get(name) or "") for name in ("tiss_table", "tiss_code", "code", "name")]
    return first, dump(row)
