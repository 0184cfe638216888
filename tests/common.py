from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import SQL, mute_logger

from ..operadora import Operadora
from ..standard import identifiers

CONSULTATION = "10101012"
BLOOD_COUNT = "40304361"
ECG = "40101010"
DIPYRONE = "90055888"
ROOM_FEE = "60022965"
PRICES = {
    CONSULTATION: 150.00,
    BLOOD_COUNT: 33.33,
    ECG: 41.10,
    DIPYRONE: 7.45,
    ROOM_FEE: 18.00,
}


class ClinicCase(TransactionCase):
    """The database's own company with the Brazilian chart, and an ordinary user who manages it.

    Loading the chart takes many seconds, so it is loaded only where the database has none.
    """

    groups = "l10n_br_tiss.group_tiss_manager"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The tests read messages in the language of the source, whatever the database speaks.
        cls.env = cls.env(context={**cls.env.context, "lang": "en_US"})
        cls.company = cls.env.company
        cls.company.country_id = cls.env.ref("base.br")
        if cls.company.chart_template != "br":
            cls.env["account.chart.template"].try_loading("br", cls.company, install_demo=False)
        cls.company.vat = identifiers.complete_cnpj("456789010001")
        cls.company._tiss_setup_accounting()
        user = new_test_user(cls.env, "tiss_test", groups=cls.groups, lang="en_US")
        cls.env = cls.env(user=user)
        cls.company = cls.company.with_env(cls.env)


class TissRecords:
    """Short ways to the records of the main job; the class that uses them gives `env`."""

    @classmethod
    def _setup_convenio(cls):
        """One convênio, one patient with a card, one professional and a short price list."""
        cls.today = fields.Date.today()
        cls.visit_date = cls.today - timedelta(days=3)
        cls.contract = cls._create_contract("326305", provider_code="12345")
        cls.operadora = cls.contract.partner_id
        cls.products = cls._price(cls.contract, PRICES)
        cls.plan = cls.env["tiss.plan"].create(
            {"operadora_id": cls.operadora.id, "name": "Plano de Teste"}
        )
        cls.patient = cls.env["res.partner"].create({"name": "Paciente Fictício"})
        cls.card = cls.env["tiss.card"].create(
            {"patient_id": cls.patient.id, "plan_id": cls.plan.id, "number": "0123456789"}
        )
        cls.professional = cls._create_professional("Médica Exemplo")

    @classmethod
    def _create_contract(cls, ans_code, **vals):
        registry = cls.env["tiss.operadora.registry"].search([("ans_code", "=", ans_code)])
        return cls.env["tiss.contract"].create(
            {"partner_id": registry.create_operadora().id, "version": "4.03.00", **vals}
        )

    @classmethod
    def _price(cls, contract, prices):
        """Products of TUSS codes with a price in the contract: {code: product}."""
        terms = cls.env["tiss.term"].search(
            [("code", "in", list(prices)), ("table_code", "in", ["18", "19", "20", "22"])]
        )
        cls.env["product.pricelist.item"].create(
            [
                {
                    "pricelist_id": contract.pricelist_id.id,
                    "tiss_term_id": term.id,
                    "fixed_price": prices[term.code],
                    "tiss_tele": True,
                }
                for term in terms
            ]
        )
        return {term.code: term.product_ids.product_variant_id for term in terms}

    @classmethod
    def _create_professional(cls, name, number="123456"):
        Term = cls.env["tiss.term"]
        return cls.env["res.partner"].create(
            {
                "name": name,
                "vat": identifiers.complete_cpf("529982247"),
                "country_id": cls.env.ref("base.br").id,
                "tiss_is_professional": True,
                "tiss_council_id": Term._get("26", "06").id,
                "tiss_council_number": number,
                "tiss_council_state_id": Term._get("59", "35").id,
                "tiss_cbo_id": Term._get("24", "225125").id,
            }
        )

    @classmethod
    def _create_encounters(cls, *visits, done=True, **vals):
        """One encounter per visit; a visit is a dict {code: quantity} or one code."""
        encounters = cls.env["tiss.encounter"].create(
            [
                {
                    "patient_id": cls.patient.id,
                    "card_id": cls.card.id,
                    "professional_id": cls.professional.id,
                    "date": cls.visit_date,
                    "line_ids": [
                        Command.create({"product_id": cls.products[code].id, "quantity": quantity})
                        for code, quantity in (
                            visit if isinstance(visit, dict) else {visit: 1}
                        ).items()
                    ],
                    **vals,
                }
                for visit in visits
            ]
        )
        if done:
            encounters.action_done()
        return encounters

    @classmethod
    def _create_lote(cls, *visits, **vals):
        """A built lote with one guia per visit, all of one type."""
        lote = cls._create_encounters(*visits, **vals).create_guias().create_lotes()
        lote.build()
        return lote

    @classmethod
    def _create_received_lote(cls, *visits, protocol="900001", **vals):
        lote = cls._create_lote(*visits, **vals)
        lote.send()
        return lote.register_protocol(protocol, cls.today)

    @classmethod
    def _simulate(cls, contract=None, **options):
        """The simulated operadora of a contract."""
        contract = contract or cls.contract
        return Operadora(
            ans_code=contract.ans_code,
            name=contract.partner_id.name,
            cnpj=contract.partner_id.vat,
            version=contract.version,
            **options,
        )


class TissCommon(TissRecords, ClinicCase):
    """A clinic with one convênio, one patient and a short price list."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_convenio()

    # ------------------------------------------------------------------
    # Users and companies
    # ------------------------------------------------------------------

    @classmethod
    def _create_user(cls, login, *groups, **vals):
        """A real user of this company; a group named without its module is one of ours."""
        names = [g if "." in g else f"l10n_br_tiss.group_tiss_{g}" for g in groups]
        vals = {"company_id": cls.company.id, "lang": "en_US", **vals}
        user = new_test_user(cls.env(su=True), login, groups=",".join(names), **vals)
        return user.sudo(False)

    @classmethod
    def _create_other_clinic(cls, has_books=False):
        """A second company with another CNPJ and a convênio with 326305.

        :param has_books: with accounts of its own, which take many seconds to load
        """
        env = cls.env(su=True)
        company = env["res.company"].create(
            {
                "name": "Outra Clínica",
                "country_id": env.ref("base.br").id,
                "vat": identifiers.complete_cnpj("987654320001"),
            }
        )
        if has_books:
            env["account.chart.template"].try_loading("br", company, install_demo=False)
        cls.env.user.sudo().company_ids |= company
        env = env(context={**env.context, "allowed_company_ids": company.ids})
        company.with_env(env)._tiss_setup_accounting()
        contract = env["tiss.contract"].create(
            {"partner_id": cls.operadora.id, "version": "4.03.00", "provider_code": "99999"}
        )
        return contract.sudo(False)

    # ------------------------------------------------------------------
    # Scheduled actions
    # ------------------------------------------------------------------

    def _post_entry(self, debited, credited, amount):
        """A journal entry that somebody typed, who may not know of guias."""
        lines = [
            Command.create({"account_id": account.id, "partner_id": self.operadora.id, **side})
            for account, side in ((debited, {"debit": amount}), (credited, {"credit": amount}))
        ]
        journal = self.company._tiss_get_accrual_journal()
        entry = (
            self.env["account.move"].sudo().create({"journal_id": journal.id, "line_ids": lines})
        )
        entry.action_post()
        return entry

    def _run_cron(self, method):
        """Run a scheduled action; it commits as it goes, which a test may not.

        :param method: bound method of a model
        :return: how many records were done at each commit
        """
        done = []

        def commit_progress(_cron, processed=0, **_options):
            self.env.flush_all()
            done.append(processed)
            return float("inf")

        with patch.object(type(self.env["ir.cron"]), "_commit_progress", commit_progress):
            method()
        return done

    # ------------------------------------------------------------------
    # Assertions
    # ------------------------------------------------------------------

    @contextmanager
    def assertRefused(self, words, exception=UserError):
        """The block fails with `words` (a regex) and leaves our rows and the books untouched."""
        before = self._get_content()
        with self.assertRaisesRegex(exception, words), mute_logger("odoo.sql_db"):
            try:
                with self.env.cr.savepoint():
                    yield
                    self.env.flush_all()
            except IntegrityError as error:
                raise ValidationError(self._get_constraint_message(error)) from error
        self.env.invalidate_all()
        self.assertEqual(self._get_content(), before)

    def _get_constraint_message(self, error):
        """What Odoo's service layer shows for a constraint of the database."""
        tables = {model._table: name for name, model in self.env.registry.items()}
        model = self.env[tables.get(error.diag.table_name, "base")]
        return model._sql_error_to_message(error)

    def _get_content(self):
        """{table: digest of all its rows} of our operational tables and of Odoo's journal."""
        self.env.cr.flush()
        reference = {"tiss.term", "tiss.operadora.registry"}
        names = [
            name
            for name, model in self.env.registry.items()
            if name.startswith("tiss.") and name not in reference and model._auto
        ]
        names += ["account.move", "account.move.line", "account.payment", "mail.message"]
        content = {}
        for name in sorted(names):
            [[content[name]]] = self.env.execute_query(
                SQL(
                    "SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM %s t",
                    SQL.identifier(self.env[name]._table),
                )
            )
        return content

    def assertLedgerSound(self, contracts=None):
        self.assertEqual((contracts or self.contract).check_ledger(), [])
