from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

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


class TissCommon(AccountTestInvoicingCommon):
    """A clinic with the Brazilian chart, one convênio, one patient and a short price list."""

    @classmethod
    @AccountTestInvoicingCommon.setup_country("br")
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.write({"vat": identifiers.complete_cnpj("456789010001")})
        cls.company._tiss_setup_accounting()
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
    def get_default_groups(cls):
        return super().get_default_groups() | cls.env.ref("l10n_br_tiss.group_tiss_manager")

    # ------------------------------------------------------------------
    # Records
    # ------------------------------------------------------------------

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

    # ------------------------------------------------------------------
    # Assertions
    # ------------------------------------------------------------------

    def assertLedgerSound(self, contracts=None):
        self.assertEqual((contracts or self.contract).check_ledger(), [])
