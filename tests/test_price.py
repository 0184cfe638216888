import random
from datetime import datetime, timedelta

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..models.price_book import PriceRequest
from ..standard.money import to_decimal
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, PRICES, TissCommon

HERNIA, EXCISION = "31009115", "30101026"
SATURDAY_NIGHT = datetime(2026, 11, 21, 22, 0)


class PriceCase(TissCommon):
    """Short ways to tables, values and rules; every value is invented."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pricelist = cls.contract.pricelist_id
        cls.products |= {code: cls._product(code) for code in (HERNIA, EXCISION)}
        cls.edition = cls.env["tiss.porte.edition"].create(
            {
                "name": "Circular inventada",
                "uco_amount": 21.89,
                "film_amount": 21.70,
                "ch_amount": 0.55,
                "value_ids": [
                    Command.create({"porte": porte, "amount": amount})
                    for porte, amount in {"3C": 123.45, "8B": 800.00, "9A": 1000.00}.items()
                ],
            }
        )
        cls.edition.action_publish()

    @classmethod
    def _product(cls, code, table="22"):
        return cls.env["tiss.term"]._get(table, code).create_products().product_variant_id

    @classmethod
    def _table(cls, kind, *rows, **vals):
        table = cls.env["tiss.price.table"].create(
            {
                "name": f"Tabela {kind}",
                "kind": kind,
                "line_ids": [Command.create({"name": "Linha", **row}) for row in rows],
                **vals,
            }
        )
        table.action_publish()
        return table

    @classmethod
    def _rule(cls, product=None, **vals):
        scope = {"product_tmpl_id": product.product_tmpl_id.id} if product else {}
        return cls.env["product.pricelist.item"].create(
            {"pricelist_id": cls.pricelist.id, **scope, **vals}
        )

    @classmethod
    def _table_rule(cls, table, **vals):
        edition = {"tiss_porte_edition_id": cls.edition.id} if table.kind == "cbhpm" else {}
        values = {"compute_price": "tiss_table", "tiss_price_table_id": table.id}
        return cls._rule(**{**values, **edition, **vals})

    def _unit(self, product, **details):
        price = self.contract.price_for(product, self.visit_date, **details)
        return price["unit_amount"] is not None and float(price["unit_amount"])

    def _without_rules(self, *codes):
        templates = [self.products[code].product_tmpl_id for code in codes]
        self.pricelist.item_ids.filtered(lambda item: item.product_tmpl_id in templates).unlink()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPriceCases(PriceCase):
    """Difficult prices, each worked out by hand."""

    def test_cbhpm_twenty_percent_down_with_uco_and_film(self):
        """Porte 3C 123.45 × 80% = 98.76; UCO 2.5 × 21.89 = 54.725 → 54.73; film 0.5 × 21.70 =
        10.85; together 164.34."""
        table = self._table("cbhpm", {"code": EXCISION, "porte": "3C", "uco": 2.5, "film": 0.5})
        self._table_rule(table, tiss_porte_percent=-20)
        price = self.contract.price_for(self.products[EXCISION], self.visit_date)
        self.assertEqual(str(price["amount"]), "164.34")
        text = "\n".join(price["explanation"])
        for words in (
            r"Porte 3C of “Circular inventada”: R\$\s123.45",
            r"× 80% \(band -20%\)",
            r"UCO 2.5 × R\$\s21.89 = R\$\s54.73",
            r"Film 0.5 m² × R\$\s21.7",
            r"Unit price: R\$\s164.34",
        ):
            self.assertRegex(text, words)

    def test_two_surgeries_by_the_same_access_urgent_at_night_in_an_apartment(self):
        """9A 1000.00 × 1.3 × 2 = 2600.00; 8B 800.00 × 0.5 × 1.3 × 2 = 1040.00."""
        table = self._table(
            "cbhpm", {"code": HERNIA, "porte": "8B"}, {"code": EXCISION, "porte": "9A"}
        )
        self._table_rule(table)
        second, first = self.contract.price_act(
            [
                {"product": self.products[HERNIA], "access": "same"},
                {"product": self.products[EXCISION], "access": "same"},
            ],
            self.visit_date,
            urgent=True,
            moment=SATURDAY_NIGHT,
            accommodation=True,
        )
        self.assertEqual([float(first["factor"]), float(second["factor"])], [2.6, 1.3])
        self.assertEqual([float(first["amount"]), float(second["amount"])], [2600.00, 1040.00])
        self.assertIn("Procedure 2 by the same access: 50%", second["explanation"])

    def test_a_surgeon_who_is_not_called_so_is_in_the_order_of_the_act_too(self):
        """9A 1000.00, and half of 8B 800.00 although only one line says who did it."""
        table = self._table(
            "cbhpm", {"code": HERNIA, "porte": "8B"}, {"code": EXCISION, "porte": "9A"}
        )
        self._table_rule(table)
        prices = self.contract.price_act(
            [
                {"product": self.products[EXCISION]},
                {"product": self.products[HERNIA], "role": "surgeon"},
            ],
            self.visit_date,
            access="same",
        )
        self.assertEqual([float(price["amount"]) for price in prices], [1000.00, 400.00])

    def test_the_team_of_the_second_surgery(self):
        """8B by the same access counts half: its surgeon 400.00, his assistant 60% of that.

        The largest procedure provides for one assistant, so there is none of number 2.
        """
        table = self._table(
            "cbhpm",
            {"code": HERNIA, "porte": "8B", "auxiliaries": 2},
            {"code": EXCISION, "porte": "9A", "auxiliaries": 1},
        )
        self._table_rule(table)
        self.contract.price_policy_id = self.env.ref("l10n_br_tiss.tiss_price_policy_cbhpm_2018")
        hernia, excision = self.products[HERNIA], self.products[EXCISION]
        team = [
            {"product": excision, "role": "surgeon"},
            {"product": hernia, "role": "surgeon"},
            {"product": hernia, "role": "auxiliary_1"},
            {"product": hernia, "role": "auxiliary_2"},
        ]
        prices = self.contract.price_act(team, self.visit_date, access="same")
        self.assertEqual([float(price["amount"] or 0) for price in prices], [1000, 400, 240, 0])
        self.assertIn("provides for 1 assistants", prices[3]["explanation"][0])
        # Without its surgeon in the bill the assistant's own order counts: 60% of 800.00.
        [alone] = self.contract.price_act(team[2:3], self.visit_date, access="same")
        self.assertEqual(float(alone["amount"]), 480)

    def test_what_is_no_role_is_refused(self):
        for name, value in (("role", "second_surgeon"), ("access", "left")):
            with self.subTest(name), self.assertRefused(f"“{value}” is no {name}"):
                self.contract.price_for(self.products[ECG], self.visit_date, **{name: value})

    def test_no_price_of_a_convenio_is_negative(self):
        item = self.contract.price_item_ids[:1]
        for name, value in (("fixed_price", -5), ("tiss_tele_price", -1), ("tiss_percent", -101)):
            with self.subTest(name), self.assertRefused("below zero", ValidationError):
                item[name] = value

    def test_first_assistant_of_a_2018_edition(self):
        """60% of 800.00; by the rules up to 2016 it is 30%. The UCO is not his."""
        table = self._table("cbhpm", {"code": HERNIA, "porte": "8B", "uco": 4, "auxiliaries": 2})
        self._table_rule(table)
        product = self.products[HERNIA]
        self.contract.price_policy_id = self.env.ref("l10n_br_tiss.tiss_price_policy_cbhpm_2018")
        self.assertEqual(self._unit(product, role="auxiliary_1"), 480.00)
        self.contract.price_policy_id = self.env.ref("l10n_br_tiss.tiss_price_policy_cbhpm_2016")
        self.assertEqual(self._unit(product, role="auxiliary_1"), 240.00)
        price = self.contract.price_for(product, self.visit_date, role="auxiliary_3")
        self.assertIsNone(price["amount"])
        self.assertIn("provides for 2 assistants", price["explanation"][0])

    def test_brasindice_without_pmc(self):
        """PF 250.00 for 50 ampoules: 5.00 each, + 38% = 6.90."""
        self._without_rules(DIPYRONE)
        table = self._table(
            "brasindice",
            {"code": "0001.02", "tuss_code": DIPYRONE, "pf": 250, "package_quantity": 50},
        )
        rule = self._table_rule(table, tiss_pf_margin_percent=38, tiss_use_fraction=True)
        product = self.products[DIPYRONE]
        self.assertEqual(self._unit(product), 6.90)
        rule.tiss_price_base = "pmc"
        price = self.contract.price_for(product, self.visit_date)
        self.assertIsNone(price["amount"])
        self.assertIn("has no PMC", price["explanation"][0])

    def test_package_of_three_components_for_one_plan(self):
        """150.00 + 2 × 33.33 + 41.10 = 257.76; − 10% = 231.984 → 231.98, only for the plan."""
        package = self._package({CONSULTATION: 1, BLOOD_COUNT: 2, ECG: 1})
        vals = {"compute_price": "tiss_package", "tiss_plan_id": self.plan.id}
        self._rule(package, tiss_percent=-10, **vals)
        self.assertFalse(self._unit(package))
        price = self.contract.price_for(package, self.visit_date, plan=self.plan)
        self.assertEqual(str(price["amount"]), "231.98")
        self.assertRegex("\n".join(price["explanation"]), r"2 × R\$\s33.33 = R\$\s66.66")

    def test_price_of_a_past_day_after_a_readjustment(self):
        """A new edition and a new rule change nothing of what was before."""
        table = self._table("cbhpm", {"code": HERNIA, "porte": "8B"})
        rule = self._table_rule(table, product=self.products[HERNIA])
        before = self.contract.price_for(self.products[HERNIA], self.visit_date)
        rule.tiss_end_date = self.visit_date
        edition = self.edition.copy({"name": "Circular nova"})
        edition.value_ids.filtered(lambda value: value.porte == "8B").amount = 900
        edition.action_publish()
        next_day = self.visit_date + timedelta(days=1)
        self._table_rule(
            table,
            product=self.products[HERNIA],
            tiss_porte_edition_id=edition.id,
            tiss_start_date=next_day,
        )
        after = self.contract.price_for(self.products[HERNIA], self.visit_date)
        self.assertEqual(after["amount"], before["amount"])
        self.assertEqual(after["explanation"][1:], before["explanation"][1:])
        later = self.contract.price_for(self.products[HERNIA], next_day)
        self.assertEqual(float(later["amount"]), 900.00)

    def _package(self, quantities, name="Pacote inventado"):
        template = self.env["product.template"].create(
            {
                "name": name,
                "tiss_table": "98",
                "tiss_code": "98000001",
                "tiss_component_ids": [
                    Command.create(
                        {
                            "product_tmpl_id": self.products[code].product_tmpl_id.id,
                            "quantity": quantity,
                        }
                    )
                    for code, quantity in quantities.items()
                ],
            }
        )
        return template.product_variant_id

    def test_a_component_without_a_price_is_named(self):
        package = self._package({CONSULTATION: 1, HERNIA: 1})
        self._rule(package, compute_price="tiss_package")
        price = self.contract.price_for(package, self.visit_date)
        self.assertIsNone(price["amount"])
        self.assertIn(self.products[HERNIA].display_name, price["explanation"][0])

    def test_own_prices_in_ch(self):
        """80 CH × 0.60 of the rule itself = 48.00; second by another access: factor 0.70."""
        table = self._table("ch", {"code": HERNIA, "ch": 80})
        self._table_rule(table, tiss_ch_price=0.60)
        price = self.contract.price_for(
            self.products[HERNIA], self.visit_date, order=2, access="different"
        )
        self.assertEqual((float(price["unit_amount"]), float(price["factor"])), (48.00, 0.70))
        self.assertEqual(float(price["amount"]), 33.60)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPriceRules(PriceCase):
    """Which rule decides, and what may not be said twice."""

    def test_the_nearest_scope_decides(self):
        product = self.products[HERNIA]
        parent = self.env["product.category"].create({"name": "Cirurgia"})
        child = parent.copy({"name": "Parede", "parent_id": parent.id})
        product.categ_id = child
        self._rule(fixed_price=1)
        self.assertEqual(self._unit(product), 1)
        self._rule(fixed_price=2, categ_id=parent.id)
        self.assertEqual(self._unit(product), 2)
        self._rule(fixed_price=3, categ_id=child.id)
        self.assertEqual(self._unit(product), 3)
        self._rule(product, fixed_price=4)
        self.assertEqual(self._unit(product), 4)
        self._rule(product, fixed_price=5, product_id=product.id)
        self.assertEqual(self._unit(product), 5)

    def test_more_conditions_beat_fewer_within_a_scope(self):
        product = self.products[HERNIA]
        level = self.env["tiss.network.level"].create(
            {"name": "Ouro", "operadora_id": self.operadora.id}
        )
        self._rule(product, fixed_price=100)
        self._rule(product, fixed_price=110, tiss_plan_id=self.plan.id)
        self._rule(
            product, fixed_price=120, tiss_plan_id=self.plan.id, tiss_network_status="preferential"
        )
        self._rule(product, fixed_price=90, tiss_network_level_id=level.id)
        self._rule(fixed_price=1, tiss_plan_id=self.plan.id, tiss_network_level_id=level.id)
        self.assertEqual(self._unit(product), 100)
        self.assertEqual(self._unit(product, plan=self.plan), 110)
        self.contract.network_status = "preferential"
        self.assertEqual(self._unit(product, plan=self.plan), 120)
        self.contract.network_level_id = level
        self.assertEqual(self._unit(product), 90)

    def test_a_professional_has_his_own_place_in_the_network(self):
        product = self.products[HERNIA]
        self._rule(product, fixed_price=100)
        self._rule(product, fixed_price=150, tiss_network_status="referenced")
        accreditation = self.env["tiss.accreditation"].create(
            {
                "contract_id": self.contract.id,
                "professional_id": self.professional.id,
                "network_status": "referenced",
            }
        )
        self.assertEqual(self._unit(product), 100)
        self.assertEqual(self._unit(product, professional=self.professional), 150)
        accreditation.end_date = self.visit_date - timedelta(days=1)
        self.assertEqual(self._unit(product, professional=self.professional), 100)

    def test_what_is_unticked_has_no_price_and_no_broader_one(self):
        product = self.products[HERNIA]
        self._rule(fixed_price=1)
        self._rule(product, fixed_price=100, tiss_covered=False)
        price = self.contract.price_for(product, self.visit_date)
        self.assertIsNone(price["amount"])
        self.assertIn("is not covered by", price["explanation"][0])

    def test_telehealth_has_its_own_price_or_the_same_or_none(self):
        product = self.products[HERNIA]
        rule = self._rule(product, fixed_price=100)
        price = self.contract.price_for(product, self.visit_date, mode="tele")
        self.assertIsNone(price["amount"])
        self.assertIn("is not agreed for telehealth", price["explanation"][0])
        rule.tiss_tele = True
        self.assertEqual(self._unit(product, mode="tele"), 100)
        rule.tiss_tele_price = 80
        self.assertEqual(self._unit(product, mode="tele"), 80)
        self.assertEqual(self._unit(product), 100)
        rule.tiss_on_site = False
        self.assertFalse(self._unit(product))

    def test_a_quantity_may_have_its_own_price(self):
        product = self.products[HERNIA]
        self._rule(product, fixed_price=100)
        self._rule(product, fixed_price=80, min_quantity=10)
        self.assertEqual(self._unit(product, quantity=9), 100)
        self.assertEqual(self._unit(product, quantity=10), 80)

    def test_overlapping_prices_are_refused_with_their_days(self):
        product = self.products[HERNIA]
        self._rule(product, fixed_price=1, tiss_end_date="2026-06-30")
        with self.assertRefused(r"two prices.*until \d\d/\d\d/2026 and from", ValidationError):
            self._rule(product, fixed_price=2, tiss_start_date="2026-06-30")
        self._rule(product, fixed_price=2, tiss_start_date="2026-07-01")
        self._rule(product, fixed_price=3, tiss_plan_id=self.plan.id)
        with self.assertRefused("two prices", ValidationError):
            self._rule(product, fixed_price=4, tiss_plan_id=self.plan.id)

    def test_the_same_twice_in_one_import_is_refused(self):
        vals = {"pricelist_id": self.pricelist.id,
                "product_tmpl_id": self.products[HERNIA].product_tmpl_id.id}  # fmt: skip
        with self.assertRefused("two prices", ValidationError):
            self.env["product.pricelist.item"].create([vals, {**vals, "fixed_price": 5}])

    def test_the_last_day_of_the_calendar_is_an_end_like_any_other(self):
        """Many tables write 31/12/9999 for “without end”."""
        product = self.products[CONSULTATION]
        item = self.pricelist.item_ids.filtered(
            lambda item: item.product_tmpl_id == product.product_tmpl_id
        )
        item.tiss_end_date = "9999-12-31"
        self.assertEqual(str(item.tiss_end_date), "9999-12-31")
        self.assertEqual(self._unit(product), PRICES[CONSULTATION])

    def test_days_are_the_same_wherever_one_looks_from(self):
        """Brazil has four time zones: the day that was typed is the day that everybody reads."""
        product = self.products[HERNIA]
        zones = ("America/Sao_Paulo", "America/Manaus", "America/Rio_Branco", "UTC")
        for number, zone in enumerate(zones):
            rule = self.env["product.pricelist.item"].with_context(tz=zone).create(
                {
                    "pricelist_id": self.pricelist.id,
                    "product_tmpl_id": product.product_tmpl_id.id,
                    "tiss_start_date": f"202{number}-01-01",
                    "tiss_end_date": f"202{number}-12-31",
                }
            )  # fmt: skip
            # Midnight in São Paulo, the clinic's: 03:00 UTC.
            self.assertEqual(str(rule.date_start), f"202{number}-01-01 03:00:00")
            for other in zones:
                self.env.invalidate_all()
                seen = rule.with_context(tz=other)
                self.assertEqual(str(seen.tiss_start_date), f"202{number}-01-01")
                self.assertEqual(str(seen.tiss_end_date), f"202{number}-12-31")

    def test_the_zone_is_that_of_the_clinic(self):
        self.contract.company_id.sudo().partner_id.tz = "America/Manaus"
        rule = self._rule(self.products[HERNIA], fixed_price=1)
        rule.write({"tiss_start_date": "2026-01-01", "tiss_end_date": "2026-12-31"})
        self.assertEqual(str(rule.date_start), "2026-01-01 04:00:00")
        self.assertEqual(str(rule.date_end), "2027-01-01 03:59:59")
        # 23:30 of 31 December in Manaus: whoever asks, the old price holds.
        for zone in ("America/Manaus", "America/Sao_Paulo", "UTC"):
            pricelist = self.pricelist.with_context(tz=zone)
            moment = datetime(2027, 1, 1, 3, 30)
            self.assertEqual(str(pricelist._tiss_to_local_date(moment)), "2026-12-31")

    def test_days_stay_when_the_clinic_changes_its_zone(self):
        rule = self._rule(
            self.products[HERNIA], tiss_start_date="2026-01-01", tiss_end_date="2026-12-31"
        )
        for zone in ("America/Manaus", "America/Noronha", "America/Sao_Paulo"):
            self.contract.company_id.sudo().partner_id.tz = zone
            self.env.invalidate_all()
            days = str(rule.tiss_start_date), str(rule.tiss_end_date)
            self.assertEqual(days, ("2026-01-01", "2026-12-31"))

    def test_lists_of_nobody_may_overlap(self):
        free = self.env["product.pricelist"].sudo().create({"name": "Particular"})
        vals = {"pricelist_id": free.id, "fixed_price": 1}
        self.assertEqual(len(self.env["product.pricelist.item"].create([vals, vals])), 2)

    # ------------------------------------------------------------------
    # Odoo's own interface
    # ------------------------------------------------------------------

    def test_odoo_gives_the_same_prices_for_plain_rules(self):
        """The same rules in a list that is no convênio's are answered by Odoo alone."""
        chance = random.Random(1)
        products = self.env["product.product"].browse(p.id for p in self.products.values())
        products.list_price = 60
        categories = products.categ_id.browse(
            self.env["product.category"].create([{"name": n} for n in "AB"]).ids
        )
        categories[1].parent_id = categories[0]
        for product in products:
            product.categ_id = chance.choice(categories)
        free = self.env["product.pricelist"].sudo().create(
            {"name": "Odoo", "currency_id": self.pricelist.currency_id.id}
        )  # fmt: skip
        for round_number in range(12):
            with self.subTest(round_number):
                self.pricelist.item_ids.unlink()
                free.item_ids.unlink()
                vals_list = self._random_rules(chance, products, categories)
                for pricelist in (self.pricelist, free):
                    self.env["product.pricelist.item"].create(
                        [{**vals, "pricelist_id": pricelist.id} for vals in vals_list]
                    )
                self._compare_with_odoo(products, free, chance.choice((1, 5)))

    def _random_rules(self, chance, products, categories):
        scopes = [{}, *({"categ_id": category.id} for category in categories)]
        scopes += [{"product_tmpl_id": product.product_tmpl_id.id} for product in products]
        scopes += [{"product_id": product.id} for product in products]
        kinds = (
            {"fixed_price": chance.randrange(10000) / 100},
            {"compute_price": "percentage", "percent_price": chance.randrange(100)},
            {"compute_price": "formula", "price_discount": 10, "price_surcharge": 1.15},
        )
        tiers = chance.sample(scopes, 4)
        return [
            {**scope, **chance.choice(kinds), "min_quantity": quantity}
            for scope in scopes
            if chance.random() < 0.5
            # Odoo lets a quantity beat a nearer group; ours is the other way round.
            for quantity in ((0, 3) if scope in tiers and "categ_id" not in scope else (0,))
        ]

    def _compare_with_odoo(self, products, free, quantity):
        date = datetime.combine(self.visit_date, datetime.min.time().replace(hour=12))
        expected = free._compute_price_rule(products, quantity, date=date)
        through_odoo = self.pricelist._compute_price_rule(products, quantity, date=date)
        prices = self.contract._compute_prices(
            PriceRequest(product, self.visit_date, quantity) for product in products
        )
        for product, price in zip(products, prices, strict=True):
            amount, rule_id = expected[product.id]
            self.assertEqual(bool(price.rule), bool(rule_id))
            self.assertAlmostEqual(through_odoo[product.id][0], float(to_decimal(amount)))
            self.assertEqual(price.unit_amount, to_decimal(amount) if rule_id else None)

    def test_conditions_do_not_leak_into_a_sale(self):
        product = self.products[HERNIA]
        product.list_price = 7
        self._rule(product, fixed_price=50, tiss_plan_id=self.plan.id)
        self.assertEqual(self.pricelist._get_product_price_rule(product, 1), (7.0, False))
        self._rule(product, fixed_price=60, tiss_covered=False)
        self.assertEqual(self.pricelist._get_product_price_rule(product, 1), (7.0, False))

    def test_whoever_sells_sees_the_kind_of_price(self):
        table = self._table("list", {"code": EXCISION, "amount": 200})
        rule = self._table_rule(table, tiss_percent=-20)
        seller = self._create_user("vendas", "base.group_user")
        rule.invalidate_recordset()
        self.assertEqual(rule.with_user(seller).price, "Tabela list · −20%")

    def test_odoo_asks_a_table_rule_for_its_price(self):
        rule = self._table_rule(self._table("cbhpm", {"code": HERNIA, "porte": "8B"}))
        product = self.products[HERNIA]
        self.assertEqual(self.pricelist._get_product_price(product, 1), 800.00)
        price = rule._compute_price(product, 1, product.uom_id, self.visit_date)
        self.assertEqual(price, 800.00)

    # ------------------------------------------------------------------
    # Cost
    # ------------------------------------------------------------------

    def test_queries_do_not_depend_on_the_number_of_requests(self):
        rows = [{"code": code, "porte": "8B"} for code in self.products]
        self._table_rule(self._table("cbhpm", *rows))
        self._rule(self.products[HERNIA], fixed_price=1, tiss_network_status="referenced")
        products = list(self.products.values())

        def ask(count):
            self.env.flush_all()
            self.env.invalidate_all()
            requests = [
                PriceRequest(products[i % len(products)], self.visit_date, plan=self.plan,
                             professional=self.professional)
                for i in range(count)
            ]  # fmt: skip
            start = self.env.cr.sql_log_count
            self.assertEqual(len(self.contract._compute_prices(requests)), count)
            return self.env.cr.sql_log_count - start

        ask(10)
        few = ask(10)
        self.assertLessEqual(ask(200), few)
        self.assertLess(few, 25)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPriceTables(PriceCase):
    """Reference tables: published means frozen."""

    def test_a_published_table_does_not_change(self):
        table = self._table("cbhpm", {"code": HERNIA, "porte": "8b"})
        self.assertEqual(table.line_ids.porte, "8B")
        for change in (
            lambda: table.line_ids.write({"porte": "9A"}),
            lambda: table.line_ids.unlink(),
            lambda: table.write({"line_ids": [Command.create({"code": "1", "name": "x"})]}),
            lambda: table.write({"kind": "ch"}),
            lambda: table.unlink(),
            lambda: self.edition.value_ids[0].write({"amount": 1}),
            lambda: self.edition.write({"uco_amount": 1}),
            lambda: self.edition.unlink(),
        ):
            with self.assertRefused("is published"):
                change()

    def test_reopened_only_while_unused(self):
        table = self._table("cbhpm", {"code": HERNIA, "porte": "8B"})
        rule = self._table_rule(table)
        for record in (table, self.edition):
            with self.assertRefused("is used by prices of"):
                record.action_reopen()
        rule.unlink()
        table.action_reopen()
        self.assertEqual(table.state, "draft")
        self.assertIn(
            "Reopened",
            table.message_ids.sorted("id")[-1].body + str(table.message_ids.mapped("body")),
        )
        table.line_ids.porte = "9A"

    def test_a_draft_makes_no_prices(self):
        draft = self._table("list", {"code": HERNIA, "amount": 1}).copy()
        self.assertEqual((draft.state, draft.name), ("draft", "Tabela list (copy)"))
        with self.assertRefused("still a draft", ValidationError):
            self._table_rule(draft)

    def test_a_cbhpm_price_names_its_values(self):
        table = self._table("cbhpm", {"code": HERNIA, "porte": "8B"})
        with self.assertRefused("choose the values of portes", ValidationError):
            self._table_rule(table, tiss_porte_edition_id=False)

    def test_an_empty_table_is_not_published(self):
        table = self.env["tiss.price.table"].create({"name": "Vazia"})
        with self.assertRefused("has no rows yet"):
            table.action_publish()

    def test_the_42_portes_are_filled_in(self):
        edition = self.env["tiss.porte.edition"].create({"name": "Nova"})
        edition.value_ids = [Command.create({"porte": "2B", "amount": 50})]
        edition.action_fill_portes()
        self.assertEqual(len(edition.value_ids), 42)
        edition.invalidate_recordset()
        self.assertEqual(edition.value_ids[:5].mapped("porte"), ["1A", "1B", "1C", "2A", "2B"])
        with self.assertRefused("is no porte", ValidationError):
            edition.value_ids = [Command.create({"porte": "15A", "amount": 1})]

    def test_a_list_that_numbers_its_portes(self):
        """A Unimed's porte 122 of 88.50, less 10%: 79.65; its values stand after the classes."""
        edition = self.env["tiss.porte.edition"].create(
            {
                "name": "Unimed inventada",
                "value_ids": [
                    Command.create({"porte": porte, "amount": amount})
                    for porte, amount in (("122", 88.5), ("31", 10), ("2B", 50))
                ],
            }
        )
        edition.action_publish()
        edition.invalidate_recordset()
        self.assertEqual(edition.value_ids.mapped("porte"), ["2B", "31", "122"])
        self._without_rules(ECG)
        table = self._table("cbhpm", {"code": ECG, "tuss_code": ECG, "porte": "122"})
        self._table_rule(table, tiss_porte_edition_id=edition.id, tiss_porte_percent=-10)
        price = self.contract.price_for(self.products[ECG], self.visit_date)
        self.assertEqual(str(price["amount"]), "79.65")
        draft = table.copy()
        with self.assertRefused("is no porte", ValidationError):
            draft.line_ids.porte = "0122"

    def test_two_rows_of_one_tuss_code_are_no_price(self):
        self._without_rules(DIPYRONE)
        rows = ({"code": code, "tuss_code": DIPYRONE, "amount": 1} for code in ("1", "2"))
        self._table_rule(self._table("list", *rows))
        price = self.contract.price_for(self.products[DIPYRONE], self.visit_date)
        self.assertIsNone(price["amount"])
        self.assertIn("several rows", price["explanation"][0])

    def test_fee_rules_that_cannot_be_read(self):
        for name, value in (
            ("same_access", "cem"),
            ("auxiliary_percents", "60/"),
            ("anaesthetic_portes", "1=99Z"),
            ("local_holidays", "32/01"),
            ("accommodation_excluded", "x"),
        ):
            with self.subTest(name), self.assertRefused("cannot be read at", ValidationError):
                self.env["tiss.price.policy"].create({"name": "Errada", name: value})


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPriceUse(PriceCase):
    """Prices and codes where they are used: in a visit and in its guia."""

    def _rule_of(self, code):
        template = self.products[code].product_tmpl_id
        return self.pricelist.item_ids.filtered(lambda item: item.product_tmpl_id == template)

    def test_the_operadoras_own_code_is_only_in_what_is_sent(self):
        rule = self._rule_of(BLOOD_COUNT)
        rule.write(
            {
                "tiss_table_id": self.env["tiss.term"]._get("87", "00").id,
                "tiss_code": "90001",
                "tiss_description": "Hemograma da operadora",
            }
        )
        guia = self._create_encounters({BLOOD_COUNT: 1, ECG: 1}).create_guias()
        mine, other = guia.line_ids.sorted("sequence_item")
        self.assertEqual(
            (mine.table_code, mine.code, mine.description),
            ("00", "90001", "Hemograma da operadora"),
        )
        self.assertEqual((other.table_code, other.code), ("22", ECG))
        self.assertEqual(self.products[BLOOD_COUNT].tiss_code, BLOOD_COUNT)

    def test_choosing_the_table_fills_code_and_description(self):
        rule = self._rule_of(BLOOD_COUNT)
        Term = self.env["tiss.term"]
        with Form(rule, "l10n_br_tiss.product_pricelist_item_view_form_tiss") as form:
            form.tiss_table_id = Term._get("87", "22")
            self.assertEqual(form.tiss_code, BLOOD_COUNT)
            self.assertEqual(form.tiss_description, self.products[BLOOD_COUNT].name[:150])
            form.tiss_code = "77"
            form.tiss_table_id = Term._get("87", "00")
            self.assertEqual(form.tiss_code, "77")

    def test_a_visit_is_priced_by_its_card_mode_and_performer(self):
        self._rule(self.products[HERNIA], fixed_price=100, tiss_tele=True, tiss_tele_price=90)
        self._rule(self.products[HERNIA], fixed_price=70, tiss_plan_id=self.plan.id)
        encounter = self._create_encounters(HERNIA, done=False)
        self.assertEqual(encounter.line_ids.unit_price, 70)
        encounter.card_id.plan_id = self.plan.copy({"name": "Outro"})
        other = self._create_encounters(HERNIA, done=False)
        self.assertEqual(other.line_ids.unit_price, 100)
        other.mode = "tele"
        self.assertEqual(other.line_ids.unit_price, 90)

    def test_the_access_route_gives_the_factor(self):
        """Largest 100%, the other by the same access 50%; without a route nothing changes."""
        self._rule(self.products[HERNIA], fixed_price=1000)
        self._rule(self.products[EXCISION], fixed_price=400)
        encounter = self._create_encounters({EXCISION: 1, HERNIA: 1, ECG: 1}, done=False)
        excision, hernia, exam = encounter.line_ids
        self.assertEqual(encounter.line_ids.mapped("factor"), [1.0, 1.0, 1.0])
        exam.factor = 0.8
        (excision | hernia).access_id = self.env["tiss.term"]._get("61", "2")
        self.assertEqual(encounter.line_ids.mapped("factor"), [0.5, 1.0, 0.8])
        self.assertEqual(excision.amount, 200)
        excision.factor = 0.6
        self.assertEqual(excision.amount, 240, "a person may still say otherwise")

    def test_with_uco_the_price_follows_the_act(self):
        """Alone 400 + 21.89; beside a larger one 200 + 21.89 (same access); a typed one stays."""
        rows = ({"code": EXCISION, "porte": "4A", "uco": 1}, {"code": HERNIA, "porte": "8B"})
        table = self._table("cbhpm", *rows)
        edition = self.edition.copy()
        edition.value_ids = [Command.create({"porte": "4A", "amount": 400})]
        edition.action_publish()
        self._table_rule(table, tiss_porte_edition_id=edition.id)
        encounter = self._create_encounters({EXCISION: 1, HERNIA: 1}, done=False)
        excision, hernia = encounter.line_ids
        self.assertEqual(excision.unit_price, 421.89)
        same = self.env["tiss.term"]._get("61", "2")
        excision.access_id = same
        self.assertEqual((excision.unit_price, excision.factor), (421.89, 1))
        hernia.access_id = same
        self.env.flush_all()
        self.assertEqual((excision.unit_price, excision.factor), (221.89, 1))
        excision.unit_price = 300
        hernia.access_id = self.env["tiss.term"]._get("61", "3")
        self.env.flush_all()
        self.assertEqual(excision.unit_price, 300)

    def test_the_reception_asks_from_outside_with_ids_and_text(self):
        table = self._table("cbhpm", {"code": HERNIA, "porte": "8B"})
        self._table_rule(table, tiss_plan_id=self.plan.id)
        reception = self._create_user("recepcao.preco", "reception")
        price = self.contract.with_user(reception).price_for(
            self.products[HERNIA].id,
            str(self.visit_date),
            plan=self.plan.id,
            urgent=True,
            moment="2026-11-21 22:00:00",
        )
        self.assertEqual((float(price["unit_amount"]), float(price["factor"])), (800.00, 1.30))
        self.assertEqual(float(price["amount"]), 1040.00)
