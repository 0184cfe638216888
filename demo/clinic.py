"""An invented clinic with everything that the main job needs: people, convênios, prices, visits.

Operadoras and TUSS codes are real ANS data; people have valid check digits and names that are
plainly made up; every price is invented.
"""

import random
from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from ..standard import identifiers
from .agreements import Agreements

COMPANY_CNPJ = identifiers.complete_cnpj("456789010001")
# (ANS number, TISS version, registration code, next guia number, next lote number)
CONVENIOS = [
    ("326305", "4.03.00", "10012345", 501, 41),
    ("006246", "4.03.00", "A7788", 1, 1),
    ("005711", "4.02.00", "990001", 20001, 300),
]
FIRST_NAMES = (
    "Ana", "Bruno", "Carla", "Diego", "Elisa", "Fábio", "Gabriela", "Heitor", "Inês", "João",
    "Karina", "Lúcio", "Marina", "Nélson", "Olívia", "Paulo", "Quitéria", "Rogério", "Sônia",
    "Tomás",
)  # fmt: skip
MADE_UP_NAMES = ("Fictício da Silva", "Exemplo de Souza", "Inventado Conceição")
# (name, council T26, CBO, procedures they do)
PROFESSIONALS = [
    ("Aurora Exemplo", "06", "225125", "clinic"),
    ("Benício Fictício", "06", "225125", "clinic"),
    ("Cecília Amostra", "06", "225120", "heart"),
    ("Dario Modelo", "06", "225120", "heart"),
    ("Estela Protótipo", "06", "225320", "image"),
    ("Franco Imaginário", "06", "225125", "clinic"),
    ("Glória Simulada", "09", "251510", "psychology"),
    ("Hugo Hipotético", "05", "223605", "physiotherapy"),
]
CONSULTATION = "10101012"
PROCEDURES = {
    "clinic": ["40304361", "40302040", "40301605", "40301630", "20104103"],
    "heart": ["40101010", "20102038"],
    "image": ["40901122", "40805026"],
    "psychology": ["20104219"],
    "physiotherapy": ["50000160", "50000195"],
}
EXPENSES = {"clinic": ["90055888", "90007760", "60022965"]}
LEFT_OUT = {"expired_card": 3, "unpriced": 2, "open": 4}


class Clinic:
    """Builds the demo clinic in `env`, the same one for the same seed."""

    def __init__(self, env, *, seed=2026, patients=60, encounters=300, days=14):
        self.random = random.Random(seed)
        # One day for all: at night São Paulo and the server are on different dates.
        self.env = env(context={**env.context, "tz": "America/Sao_Paulo"})
        self.patient_count = patients
        self.encounter_count = encounters
        self.days = days
        self.today = fields.Date.context_today(self.env["tiss.encounter"])

    def build(self):
        """Everything up to closed encounters; returns self."""
        self.company = self._build_company()
        self.env = self.env(context={**self.env.context, "allowed_company_ids": self.company.ids})
        self.professionals = self.create_professionals(PROFESSIONALS)
        self.referrer = self._build_referrer()
        self.contracts = self._build_contracts()
        codes = {CONSULTATION, *sum(PROCEDURES.values(), []), *sum(EXPENSES.values(), [])}
        self.products = self.create_products(codes)
        self._build_prices()
        self.cards = self._build_cards()
        Agreements(self).build()
        self.encounters = self._build_encounters()
        return self

    # ------------------------------------------------------------------
    # The clinic and its people
    # ------------------------------------------------------------------

    def _build_company(self):
        company = self.env.company
        brazil = self.env.ref("base.br")
        company.write(
            {
                "name": "Clínica Exemplo Ltda",
                "country_id": brazil.id,
                "state_id": self.env.ref("base.state_br_sp").id,
                "city": "São Paulo",
                "vat": COMPANY_CNPJ,
                "tiss_cnes": "9999999",
            }
        )
        company.partner_id.tz = "America/Sao_Paulo"
        company.logo = False  # its name on what is printed, instead of Odoo's “Your logo”
        if company.chart_template != "br":
            self.env["account.chart.template"].try_loading("br", company, install_demo=False)
        company._tiss_setup_accounting()
        return company

    def _prepare_person(self, number):
        return {
            "vat": identifiers.complete_cpf(f"{100000000 + number * 7919:09d}"),
            "l10n_latam_identification_type_id": self.env.ref("l10n_br.cpf").id,
            "country_id": self.env.ref("base.br").id,
        }

    def create_professionals(self, rows, first=0):
        """Professionals of `rows` (as in PROFESSIONALS); `first` sets their papers apart."""
        Term = self.env["tiss.term"]
        return self.env["res.partner"].create(
            [
                {
                    "name": name,
                    **self._prepare_person(900 + first + i),
                    "tiss_is_professional": True,
                    "tiss_council_id": Term._get("26", council).id,
                    "tiss_council_number": f"{100200 + first + i}",
                    "tiss_council_state_id": Term._get("59", "35").id,
                    "tiss_cbo_id": Term._get("24", cbo).id,
                }
                for i, (name, council, cbo, _kind) in enumerate(rows)
            ]
        )

    def _build_referrer(self):
        Term = self.env["tiss.term"]
        return self.env["res.partner"].create(
            {
                "name": "Ivo Solicitante Inventado",
                "country_id": self.env.ref("base.br").id,
                "tiss_is_referrer": True,
                "tiss_council_id": Term._get("26", "06").id,
                "tiss_council_number": "300400",
                "tiss_council_state_id": Term._get("59", "35").id,
                "tiss_cbo_id": Term._get("24", "225125").id,
            }
        )

    # ------------------------------------------------------------------
    # Convênios and prices
    # ------------------------------------------------------------------

    def _build_contracts(self):
        Registry = self.env["tiss.operadora.registry"]
        vals_list = []
        for ans_code, version, code, next_guia, next_lote in CONVENIOS:
            operadora = Registry.search([("ans_code", "=", ans_code)]).create_operadora()
            vals_list.append(
                {
                    "partner_id": operadora.id,
                    "version": version,
                    "provider_code": code,
                    "environment": "demo",
                    "next_guia_number": next_guia,
                    "next_lote_number": next_lote,
                }
            )
        return self.env["tiss.contract"].create(vals_list)

    def create_products(self, codes):
        """{TUSS code: product}, through the same call as the button of the terminology list."""
        terms = self.env["tiss.term"].search(
            [("code", "in", sorted(codes)), ("table_code", "in", ["18", "20", "22"])]
        )
        products = terms.create_products()
        return {
            product.tiss_code: product.product_variant_id
            for product in products.with_context(active_test=False)
        }

    def _build_prices(self):
        ranges = {"1": (90, 180), "2": (60, 140), "4": (12, 160), "5": (45, 90)}
        vals_list = []
        for contract in self.contracts:
            for code, product in self.products.items():
                low, high = ranges.get(code[0], (4, 40))
                vals_list.append(
                    {
                        "pricelist_id": contract.pricelist_id.id,
                        "tiss_term_id": product.tiss_term_id.id,
                        "compute_price": "fixed",
                        "fixed_price": self.random.randrange(low * 100, high * 100) / 100,
                        "tiss_tele": True,
                    }
                )
        self.env["product.pricelist.item"].create(vals_list)

    # ------------------------------------------------------------------
    # Patients and visits
    # ------------------------------------------------------------------

    def _build_cards(self):
        Plan, Card = self.env["tiss.plan"], self.env["tiss.card"]
        plans = Plan.create(
            [
                {"operadora_id": contract.partner_id.id, "name": name}
                for contract in self.contracts
                for name in ("Plano Exemplo Básico", "Plano Exemplo Total")
            ]
        )
        patients = self.env["res.partner"].create(
            [self._prepare_patient(i) for i in range(self.patient_count)]
        )
        return Card.create(
            [
                {
                    "patient_id": patient.id,
                    "plan_id": plans[i % len(plans)].id,
                    "number": f"{self.random.randrange(10**11):012d}",
                    "validity_date": self.today + timedelta(days=self.random.randrange(60, 700)),
                }
                for i, patient in enumerate(patients)
            ]
        )

    def _prepare_patient(self, i):
        names = len(FIRST_NAMES)
        name = f"{FIRST_NAMES[i % names]} {MADE_UP_NAMES[i // names % len(MADE_UP_NAMES)]}"
        return {
            "name": name,
            **self._prepare_person(i),
            "tiss_is_patient": True,
            "tiss_cns": identifiers.complete_cns(f"1{i * 104729:010d}"),
            "tiss_birth_date": self.today - timedelta(days=self.random.randrange(800, 30000)),
        }

    def _build_encounters(self):
        vals_list = [self._prepare_encounter() for _i in range(self.encounter_count)]
        encounters = self.env["tiss.encounter"].create(vals_list)
        left_open = encounters[: LEFT_OUT["open"]]
        (encounters - left_open).action_done()
        self._spoil(encounters - left_open)
        return encounters

    def _prepare_encounter(self):
        card = self.random.choice(self.cards)
        i = self.random.randrange(len(PROFESSIONALS))
        kind = PROFESSIONALS[i][3]
        date = self.today - timedelta(days=self.random.randrange(1, self.days + 1))
        is_tele = kind == "psychology" and self.random.random() < 0.5
        is_exam = kind in ("heart", "image") and self.random.random() < 0.5
        vals = {
            "patient_id": card.patient_id.id,
            "card_id": card.id,
            "date": date,
            "professional_id": self.professionals[i].id,
            "mode": "tele" if is_tele else "on_site",
            "line_ids": [
                Command.create({"product_id": self.products[code].id, "quantity": quantity})
                for code, quantity in self._choose_items(kind)
            ],
        }
        if is_exam:
            vals.update(requester_id=self.referrer.id, request_date=date - timedelta(days=5))
        if self.random.random() < 0.3:
            vals.update(
                authorization_date=date,
                authorization_password=f"S{self.random.randrange(10**8):08d}",
                clinical_indication="Indicação de demonstração",
            )
        return vals

    def _choose_items(self, kind):
        """Half of the clinicians' visits are a lone consultation, the rest have more."""
        procedures = PROCEDURES[kind]
        if kind in ("psychology", "physiotherapy"):
            return [(self.random.choice(procedures), 1)]
        if self.random.random() < 0.5:
            return [(CONSULTATION, 1)]
        chosen = self.random.sample(procedures, self.random.randint(1, len(procedures)))
        items = [(CONSULTATION, 1)] if self.random.random() < 0.5 else []
        items += [(code, 1) for code in chosen]
        for code in EXPENSES.get(kind, []):
            if self.random.random() < 0.4:
                items.append((code, self.random.randint(1, 3)))
        return items

    def _spoil(self, encounters):
        """A few visits that cannot be billed, as in life: the wizard must leave them out."""
        expired = encounters[: LEFT_OUT["expired_card"]]
        for encounter in expired:
            card = encounter.card_id.copy(
                {"number": f"9{encounter.card_id.number}", "validity_date": self.today}
            )
            card.validity_date = encounter.date - timedelta(days=1)
            encounter.card_id = card
        rest = encounters[LEFT_OUT["expired_card"] :]
        unpriced = self.env["tiss.term"]._get("22", "40301508").create_products()
        for encounter in rest[: LEFT_OUT["unpriced"]]:
            encounter.line_ids = [
                Command.create({"product_id": unpriced.product_variant_id.id}),
            ]
