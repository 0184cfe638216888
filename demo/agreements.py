"""What the demo's convênios agree on beyond fixed prices: paper, network, tables, coverage.

The structure follows the standard; every value is invented, as the real tables are licensed.
"""

from datetime import datetime, time, timedelta

from odoo.fields import Command

# A made-up progression in place of the values that AMB publishes.
PORTES = [f"{number}{letter}" for number in range(1, 15) for letter in "ABC"]
FIRST_PORTE, PORTE_STEP = 17.00, 1.137
UCO, FILM = 11.11, 22.22
# code: (porte, UCO, m² of film), as invented as the values
CBHPM_ROWS = {
    "10101012": ("2B", 0, 0),
    "20102038": ("2C", 4.2, 0),
    "20104103": ("2A", 0, 0),
    "20104219": ("3A", 0, 0),
    "40101010": ("1B", 0.97, 0),
    "40301605": ("1A", 0.39, 0),
    "40301630": ("1A", 0.39, 0),
    "40302040": ("1A", 0.27, 0),
    "40304361": ("1A", 0.63, 0),
    "40805026": ("1B", 1.1, 0.1452),
    "40901122": ("2A", 3.3, 0),
    "50000160": ("1C", 0, 0),
    "50000195": ("1C", 0, 0),
}
MEDICINES = {"90055888": (3.10, 4.20), "90007760": (2.75, None)}
PACKAGE_CODE, PACKAGE_PARTS = "98000017", {"40101010": 1, "20102038": 1, "10101012": 1}


class Agreements:
    """Fills the convênios of a `Clinic`; each shows another way of being paid."""

    def __init__(self, clinic):
        self.clinic = clinic
        self.env = clinic.env
        self.today = clinic.today
        self.fixed, self.by_table, self.by_package = clinic.contracts

    def build(self):
        self._build_paper()
        self._build_network()
        self._build_tables()
        self._build_package()
        self._build_own_code()
        self._build_coverage()
        self._build_cards()
        self._build_appointments()

    # ------------------------------------------------------------------
    # Paper and network
    # ------------------------------------------------------------------

    def _build_paper(self):
        ends = (400, 75, 200)
        for contract, days in zip(self.clinic.contracts, ends, strict=True):
            end = self.today + timedelta(days=days)
            contract.write(
                {
                    "start_date": end - timedelta(days=730),
                    "end_date": end,
                    "renewal": "manual" if contract == self.by_table else "automatic",
                    "base_date": self.today + timedelta(days=days // 2),
                    "readjustment_index": "ipca",
                }
            )
            for i, clause in enumerate(contract.clause_ids):
                clause.state = "missing" if i % 5 == 4 else "present"
        self.by_table.network_status = "referenced"

    def _build_network(self):
        operadora = self.fixed.partner_id
        basic, total = self.env["tiss.network.level"].create(
            [
                {"operadora_id": operadora.id, "name": name, "sequence": i}
                for i, name in enumerate(("Rede Básica", "Rede Total"))
            ]
        )
        self.fixed.network_level_id = basic
        plans = self.env["tiss.plan"].search([("operadora_id", "=", operadora.id)])
        plans[:1].network_level_ids = basic
        plans[1:].network_level_ids = basic + total
        heart = self.clinic.professionals[2]
        self.env["tiss.accreditation"].create(
            {
                "contract_id": self.fixed.id,
                "professional_id": heart.id,
                "network_status": "preferential",
                "network_level_id": total.id,
                "start_date": self.today - timedelta(days=365),
            }
        )

    # ------------------------------------------------------------------
    # Prices
    # ------------------------------------------------------------------

    def _build_tables(self):
        """The second convênio pays CBHPM −10% and Brasíndice instead of fixed prices."""
        edition = self._create_portes()
        cbhpm, brasindice = self._create_price_tables(edition.start_date)
        (cbhpm + brasindice).action_publish()
        edition.action_publish()
        pricelist = self.by_table.pricelist_id
        codes = {*CBHPM_ROWS, *MEDICINES}
        pricelist.item_ids.filtered(lambda item: item.product_tmpl_id.tiss_code in codes).unlink()
        rule = {"pricelist_id": pricelist.id, "compute_price": "tiss_table", "tiss_tele": True}
        medicines = self.clinic.products["90055888"].categ_id
        self.env["product.pricelist.item"].create(
            [
                {
                    **rule,
                    "applied_on": "3_global",
                    "tiss_price_table_id": cbhpm.id,
                    "tiss_porte_edition_id": edition.id,
                    "tiss_porte_percent": -10,
                },
                {
                    **rule,
                    "applied_on": "2_product_category",
                    "categ_id": medicines.id,
                    "tiss_price_table_id": brasindice.id,
                    "tiss_pf_margin_percent": 38,
                },
            ]
        )

    def _create_portes(self):
        amount, values = FIRST_PORTE, []
        for i, porte in enumerate(PORTES):
            values.append(Command.create({"porte": porte, "amount": amount, "sequence": i}))
            amount = round(amount * PORTE_STEP, 2)
        return self.env["tiss.porte.edition"].create(
            {
                "name": "Valores inventados para a demonstração",
                "start_date": self.today - timedelta(days=365),
                "uco_amount": UCO,
                "film_amount": FILM,
                "value_ids": values,
            }
        )

    def _create_price_tables(self, start_date):
        cbhpm = {
            code: {"code": code, "porte": porte, "uco": uco, "film": film}
            for code, (porte, uco, film) in CBHPM_ROWS.items()
        }
        brasindice = {
            code: {"code": f"999.{code}", "pf": pf, "pmc": pmc or 0}
            for code, (pf, pmc) in MEDICINES.items()
        }
        products = self.clinic.products
        return self.env["tiss.price.table"].create(
            [
                {
                    "name": name,
                    "kind": kind,
                    "start_date": start_date,
                    "line_ids": [
                        Command.create({"tuss_code": code, "name": products[code].name, **row})
                        for code, row in rows.items()
                    ],
                }
                for kind, name, rows in (
                    ("cbhpm", "CBHPM (estrutura inventada)", cbhpm),
                    ("brasindice", "Brasíndice (valores inventados)", brasindice),
                )
            ]
        )

    def _build_package(self):
        """The third convênio pays a check-up as a package."""
        products = self.clinic.products
        package = self.env["product.template"].create(
            {
                "name": "Pacote check-up do coração",
                "type": "service",
                "tiss_table": "98",
                "tiss_code": PACKAGE_CODE,
                "tiss_component_ids": [
                    Command.create(
                        {
                            "product_tmpl_id": products[code].product_tmpl_id.id,
                            "quantity": quantity,
                        }
                    )
                    for code, quantity in PACKAGE_PARTS.items()
                ],
            }
        )
        pricelist = self.by_package.pricelist_id
        self.env["product.pricelist.item"].create(
            {
                "pricelist_id": pricelist.id,
                "applied_on": "1_product",
                "product_tmpl_id": package.id,
                "compute_price": "tiss_package",
                "tiss_percent": -12,
                "tiss_billing_kind": "package",
            }
        )

    def _build_own_code(self):
        """The third convênio has its own code for an exam."""
        product = self.clinic.products["40101010"].product_tmpl_id
        items = self.by_package.pricelist_id.item_ids
        ecg = items.filtered(lambda item: item.product_tmpl_id == product)
        ecg.write(
            {
                "tiss_table_id": self.env["tiss.term"]._get("87", "00").id,
                "tiss_code": "ECG12",
                "tiss_description": "ELETROCARDIOGRAMA 12 DERIVACOES",
            }
        )

    # ------------------------------------------------------------------
    # Coverage, cards, appointments
    # ------------------------------------------------------------------

    def _build_coverage(self):
        products = {code: product.product_tmpl_id for code, product in self.clinic.products.items()}
        consultation, therapy = products["10101012"], products["50000160"].categ_id
        of_operadora = [("operadora_id", "=", self.fixed.partner_id.id)]
        plan = self.env["tiss.plan"].search(of_operadora, limit=1)
        fixed = {"contract_id": self.fixed.id}
        self.env["tiss.coverage"].create(
            [
                {**fixed, "covered": "yes", "limit_day": 8},
                {**fixed, "product_tmpl_id": consultation.id, "return_days": 15},
                {
                    **fixed,
                    "categ_id": therapy.id,
                    "authorization": "yes",
                    "limit_month": 10,
                },
                {
                    **fixed,
                    "plan_id": plan.id,
                    "copayment_kind": "percent",
                    "copayment_percent": 30,
                    "copayment_ceiling": 45,
                    "copayment_at_clinic": True,
                },
                {
                    "contract_id": self.by_table.id,
                    "product_tmpl_id": products["40901122"].id,
                    "authorization": "yes",
                    "has_waiting": True,
                    "waiting_days": 180,
                },
                {
                    "contract_id": self.by_package.id,
                    "product_tmpl_id": products["40805026"].id,
                    "interval_days": 90,
                    "min_age": 18,
                },
            ]
        )

    def _build_cards(self):
        for i, card in enumerate(self.clinic.cards):
            card.waiting_start_date = self.today - timedelta(days=60 + 37 * (i % 20))
        for cards in self.clinic.cards.grouped("operadora_id").values():
            holder, dependant = cards[0], cards[1:2]
            dependant.write({"bond": "dependant", "holder_id": holder.id})

    def _build_appointments(self):
        """Today's and tomorrow's agenda, each with the card and what for."""
        consultation = self.clinic.products["10101012"]
        vals_list = []
        for i, card in enumerate(self.clinic.cards[:12]):
            day = self.today + timedelta(days=i // 8)
            # 9 h in São Paulo is noon in UTC.
            start = datetime.combine(day, time(12)) + timedelta(minutes=30 * (i % 8))
            vals_list.append(
                {
                    "name": f"Consulta {i + 1:02d}",
                    "start": start,
                    "stop": start + timedelta(minutes=30),
                    "tiss_patient_id": card.patient_id.id,
                    "tiss_card_id": card.id,
                    "tiss_product_id": consultation.id,
                    "tiss_mode": "on_site",
                }
            )
        self.env["calendar.event"].create(vals_list)
