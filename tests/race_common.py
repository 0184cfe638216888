import threading
from contextlib import contextmanager

from psycopg2.errors import ForeignKeyViolation

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tests import BaseCase
from odoo.tests.common import get_db_name
from odoo.tools import SQL, mute_logger

from ..standard import identifiers
from .common import TissRecords

APPEND_ONLY = ("tiss_delivery", "tiss_guia_log", "tiss_message", "tiss_movement")


class RaceCase(TissRecords, BaseCase):
    """Several people or workers at once, in real transactions that commit.

    What a test commits is removed after it, row by row, whatever it was.
    """

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        self.addCleanup(self._remove_new_rows, self._get_last_ids())
        with self._commit():
            self._setup_convenio()
            # Nothing of these races needs accounts.
            self.contract.invoice_moment = "manual"

    @classmethod
    def _create_contract(cls, ans_code, **vals):
        """A convênio of an operadora that no other data of this database can have."""
        partner = cls.env["res.partner"].create(
            {
                "name": "Operadora da Corrida",
                "tiss_is_operadora": True,
                "tiss_ans_code": identifiers.complete_ans_code("99999"),
                "is_company": True,
            }
        )
        return cls.env["tiss.contract"].create(
            {"partner_id": partner.id, "version": "4.03.00", **vals}
        )

    # ------------------------------------------------------------------
    # Sessions and cleaning up
    # ------------------------------------------------------------------

    @contextmanager
    def _session(self):
        """The environment of one more person; what is not committed is gone at the end."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"lang": "en_US"})
            try:
                yield env
            finally:
                cr.rollback()

    @contextmanager
    def _commit(self):
        """A session for the helpers of TissRecords, committed at the end."""
        with self._session() as env:
            type(self).env = env
            try:
                yield env
                env.cr.commit()
            finally:
                type(self).env = None

    def _tables(self):
        return sorted({model._table for model in self.registry.values() if model._auto})

    def _get_last_ids(self):
        """{table: id of its last row}, in one query of hundreds of tables."""
        rows = SQL(" UNION ALL ").join(
            SQL("SELECT %s, COALESCE(MAX(id), 0) FROM %s", table, SQL.identifier(table))
            for table in self._tables()
        )
        with self.registry.cursor() as cr:
            cr.execute(rows)
            return dict(cr.fetchall())

    def _remove_new_rows(self, last_ids):
        now = self._get_last_ids()
        left = [table for table in last_ids if now[table] > last_ids[table]]
        with self.registry.cursor() as cr, mute_logger("odoo.sql_db"):
            for table in APPEND_ONLY:
                cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", SQL.identifier(table)))
            # A lote points at its message, which points at its lote.
            cr.execute(
                "UPDATE tiss_lote SET message_id = NULL WHERE id > %s", [last_ids["tiss_lote"]]
            )
            while left:
                blocked = [name for name in left if not self._remove_rows(cr, name, last_ids[name])]
                self.assertLess(len(blocked), len(left), f"rows stay in {blocked}")
                left = blocked
            for table in APPEND_ONLY:
                cr.execute(SQL("ALTER TABLE %s ENABLE TRIGGER USER", SQL.identifier(table)))
        self.registry.clear_all_caches()

    def _remove_rows(self, cr, table, last_id):
        try:
            with cr.savepoint(flush=False):
                cr.execute(SQL("DELETE FROM %s WHERE id > %s", SQL.identifier(table), last_id))
        except ForeignKeyViolation:
            return False
        return True

    def _both_at_once(self, *jobs):
        """Run each job(env) in its own thread and transaction, as two browsers would."""
        barrier = threading.Barrier(len(jobs))
        results = [None] * len(jobs)

        def run(index, job):
            with self._session() as env:
                barrier.wait(10)
                try:
                    results[index] = retrying(lambda: job(env), env)
                    env.cr.commit()
                except Exception as error:
                    results[index] = error

        threads = [
            threading.Thread(target=run, args=(index, job)) for index, job in enumerate(jobs)
        ]
        with mute_logger("odoo.sql_db", "odoo.service.model"):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        return results


class MoneyRaceCase(RaceCase):
    """Races of what is booked: the convênio has accounts and journals of its own."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self._restore_company, self._read_company())
        with self._commit() as env:
            self.contract.write({"invoice_moment": "protocol", **self._create_books(env)})

    @contextmanager
    def _commit(self):
        with super()._commit() as env:
            for name in ("contract", "operadora", "patient", "card", "professional", "plan"):
                record = getattr(type(self), name, None)
                # Those of the mixin belong to a transaction that is over.
                if record:
                    setattr(type(self), name, record.with_env(env))
            products = getattr(type(self), "products", {})
            type(self).products = {code: each.with_env(env) for code, each in products.items()}
            yield env

    def _read_company(self):
        """What a test may change of the company, which is there before and after it."""
        with self._session() as env:
            company = env.company
            env.cr.execute("SELECT * FROM res_company WHERE id = %s", [company.id])
            [row] = env.cr.dictfetchall()
            names = [name for name in row if name.startswith("tiss_") or name.endswith("lock_date")]
            return company.id, {name: row[name] for name in names}

    def _restore_company(self, kept):
        company_id, vals = kept
        with self._session() as env:
            columns = SQL(", ").join(
                SQL("%s = %s", SQL.identifier(name), value) for name, value in vals.items()
            )
            env.cr.execute(SQL("UPDATE res_company SET %s WHERE id = %s", columns, company_id))
            env.cr.commit()

    def _remove_new_rows(self, last_ids):
        with self._session() as env:
            # A lote points at its invoice, whose lines point at the lote.
            env.cr.execute(
                "UPDATE tiss_lote SET invoice_id = NULL WHERE id > %s", [last_ids["tiss_lote"]]
            )
            env.cr.commit()
        return super()._remove_new_rows(last_ids)

    def _create_books(self, env):
        """Accounts and journals of a contract: this company has no chart of accounts."""
        revenue = self._create_account(env, "R1", "income")
        bank = self._create_account(env, "B1", "asset_cash")
        suspense = self._create_account(env, "S1", "asset_current")
        return {
            "receivable_account_id": self._create_account(env, "C1", "asset_receivable", True),
            "revenue_account_id": revenue,
            "glosa_account_id": self._create_account(env, "G1", "income"),
            "transit_account_id": self._create_account(env, "T1", "asset_current", True),
            "journal_id": self._create_journal(env, "RCV", "sale", default_account_id=revenue),
            "bank_journal_id": self._create_journal(
                env, "RCB", "bank", default_account_id=bank, suspense_account_id=suspense
            ),
        }

    def _create_account(self, env, code, kind, reconcile=False):
        vals = {"code": code, "name": code, "account_type": kind, "reconcile": reconcile}
        return env["account.account"].create(vals).id

    def _create_journal(self, env, code, kind, **vals):
        return env["account.journal"].create({"code": code, "name": code, "type": kind, **vals}).id
