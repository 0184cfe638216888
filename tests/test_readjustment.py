import itertools
from datetime import timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import formatLang

from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, PRICES, ROOM_FEE, TissCommon
from .test_price import EXCISION, PriceCase

# 5% by hand, half up: 33.33 → 34.9965, 41.10 → 43.155, 7.45 → 7.8225
RAISED = {
    CONSULTATION: "157.50",
    BLOOD_COUNT: "35.00",
    ECG: "43.16",
    DIPYRONE: "7.82",
    ROOM_FEE: "18.90",
}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReadjustment(TissCommon):
    """Simulated, applied from a day on, undone before it; the past never moves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # At night Brazil is a day behind UTC, which the common set-up follows.
        cls.today = cls.contract._get_today()
        cls.start = cls.today + timedelta(days=30)
        cls.before = cls.start - timedelta(days=1)
        # In 12 months: 2 consultations, 1 blood count, 2 ampoules of dipyrone.
        cls._create_encounters(
            CONSULTATION, CONSULTATION, {BLOOD_COUNT: 1, DIPYRONE: 2}
        ).create_guias()

    def _readjust(self, percent=5.0, **vals):
        return self.env["tiss.readjustment"].create(
            {
                "contract_id": self.contract.id,
                "percent": percent,
                "date": self.start,
                **vals,
            }
        )

    def _simulate(self, percent=5.0, **vals):
        readjustment = self._readjust(percent, **vals)
        readjustment.simulate()
        return readjustment

    def _get_price(self, code, day):
        return self.contract.price_for(self.products[code], day)["unit_amount"]

    def _get_items(self, code):
        template = self.products[code].product_tmpl_id
        return self.contract.pricelist_id.item_ids.filtered(
            lambda item: item.product_tmpl_id == template
        )

    def _lines_by_code(self, readjustment):
        templates = {product.product_tmpl_id: code for code, product in self.products.items()}
        return {templates[line.item_id.product_tmpl_id]: line for line in readjustment.line_ids}

    # ------------------------------------------------------------------
    # Simulation
    # ------------------------------------------------------------------

    def test_effect_worked_by_hand(self):
        """
        2 consultations    × (157.50 − 150.00) = 15.00 on 300.00
        1 blood count      × ( 35.00 −  33.33) =  1.67 on  33.33
        2 ampoules         × (  7.82 −   7.45) =  0.74 on  14.90
        """
        readjustment = self._simulate()
        lines = self._lines_by_code(readjustment)
        self.assertEqual(
            {code: line.price_new for code, line in lines.items()},
            {code: float(price) for code, price in RAISED.items()},
        )
        self.assertEqual({code: line.price_now for code, line in lines.items()}, PRICES)
        billed = [(line.quantity, line.amount, line.effect) for line in readjustment.line_ids[:3]]
        self.assertEqual(billed, [(2, 300.0, 15.0), (1, 33.33, 1.67), (2, 14.9, 0.74)])
        self.assertEqual(readjustment.line_ids[3:].mapped("effect"), [0.0, 0.0])
        self.assertAlmostEqual(readjustment.amount_total, 348.23)
        self.assertAlmostEqual(readjustment.effect_total, 17.41)
        self.assertIn(f"{readjustment._format_percent(5)}% from", readjustment.summary)
        self.assertEqual(self._get_price(CONSULTATION, self.start), 150, "nothing changed yet")

    def test_cancelled_and_old_guias_do_not_count(self):
        self.contract.guia_ids.filtered(lambda guia: guia.guia_type == "consulta")[0].cancel(
            "Typed twice"
        )
        self.assertEqual(self._lines_by_code(self._simulate())[CONSULTATION].quantity, 1)
        self.env.cr.execute(
            "UPDATE tiss_guia_line SET date = %s", [self.today - relativedelta(years=1)]
        )
        self.env.invalidate_all()
        self.assertEqual(self._simulate().amount_total, 0)

    def test_index_times_the_agreed_share(self):
        self.contract.write({"readjustment_index": "ipca", "readjustment_percent": 80.0})
        readjustment = self._readjust(0)
        readjustment.index_percent = 4.62
        # 4.62 × 80 % = 3.696
        self.assertEqual(readjustment.percent, 3.696)
        readjustment.percent = 3.7
        self.assertEqual(readjustment.percent, 3.7, "what was negotiated counts")

    def test_changing_an_input_voids_the_calculation(self):
        readjustment = self._simulate()
        readjustment.percent = 6
        self.assertFalse(readjustment.line_ids)
        with self.assertRefused("Calculate the readjustment first"):
            readjustment.apply()
        readjustment.percent = 0
        with self.assertRefused("Type the percentage"):
            readjustment.simulate()
        readjustment.percent = -100
        with self.assertRefused("Type the percentage"):
            readjustment.simulate()

    def test_scopes(self):
        ecg = self.products[ECG].product_tmpl_id
        self._get_items(BLOOD_COUNT).tiss_plan_id = self.plan
        category = self.env["product.category"].create({"name": "Materiais"})
        child = self.env["product.category"].create({"name": "Filho", "parent_id": category.id})
        self.products[DIPYRONE].categ_id = child
        for vals, codes in (
            ({"scope": "product", "product_tmpl_ids": ecg.ids}, {ECG}),
            ({"scope": "plan", "plan_ids": self.plan.ids}, {BLOOD_COUNT}),
            ({"scope": "category", "categ_ids": category.ids}, {DIPYRONE}),
            ({"scope": "all"}, set(PRICES)),
        ):
            self.assertEqual(set(self._lines_by_code(self._simulate(**vals))), codes)

    def test_a_volume_is_counted_once_at_the_rule_that_prices_it(self):
        """The plan has its own price of the consultation: both consultations go there."""
        own = self._get_items(CONSULTATION).copy({"tiss_plan_id": self.plan.id})
        own.fixed_price = 200
        readjustment = self._simulate()
        line = readjustment.line_ids.filtered(lambda line: line.item_id == own)
        self.assertEqual((line.quantity, line.effect), (2, 20.0))
        self.assertAlmostEqual(readjustment.amount_total, 348.23)

    def test_a_price_only_for_telehealth(self):
        """3 consultations × (88.00 − 80.00) = 24.00: there is no other price for them."""
        item = self._get_items(CONSULTATION)
        item.write({"fixed_price": 0, "tiss_on_site": False, "tiss_tele_price": 80})
        self._create_encounters(CONSULTATION, mode="tele").create_guias()
        line = self._lines_by_code(self._simulate(10))[CONSULTATION]
        self.assertEqual((line.price_now, line.price_new, line.effect), (80, 88, 24))
        item.write({"fixed_price": 150, "tiss_on_site": True})
        # 2 on site × 15.00 + 1 by video × 8.00
        line = self._lines_by_code(self._simulate(10))[CONSULTATION]
        self.assertEqual((line.price_now, line.price_new), (150, 165))
        self.assertEqual((line.quantity, line.effect), (3, 38.0))

    # ------------------------------------------------------------------
    # Apply
    # ------------------------------------------------------------------

    def test_the_past_is_not_readjusted(self):
        readjustment = self._readjust(date=self.today - timedelta(days=1))
        with self.assertRefused("Prices of days that are past do not change"):
            readjustment.simulate()
        readjustment.date = self.start
        readjustment.simulate()
        later = self.start + timedelta(days=1)
        self.patch(type(self.contract), "_get_today", lambda _self: later)
        with self.assertRefused("Prices of days that are past do not change"):
            readjustment.apply()

    def test_the_past_stays_and_the_new_prices_begin(self):
        item = self._get_items(CONSULTATION)
        item.write({"tiss_tele_price": 120.10, "tiss_reimbursement_price": 80.50})
        item.tiss_end_date = self.start + timedelta(days=100)
        days = [self.today - timedelta(days=400), self.today, self.before]
        past = {(code, day): self._get_price(code, day) for code in PRICES for day in days}
        readjustment = self._simulate()
        readjustment.apply()
        for (code, day), price in past.items():
            self.assertEqual(self._get_price(code, day), price)
        for code, price in RAISED.items():
            self.assertEqual(self._get_price(code, self.start), Decimal(price))
        new = self._get_items(CONSULTATION) - item
        # 120.10 × 1.05 = 126.105; 80.50 × 1.05 = 84.525
        self.assertEqual((new.tiss_tele_price, new.tiss_reimbursement_price), (126.11, 84.53))
        self.assertEqual((item.tiss_end_date, new.tiss_start_date), (self.before, self.start))
        self.assertEqual(new.tiss_end_date, self.start + timedelta(days=100))
        self.assertEqual(readjustment.state, "applied")
        note = str(self.contract.message_ids.sorted("id")[-1].body)
        self.assertIn("Readjustment applied: 5", note)
        self.assertIn("5 prices", note)
        self.assertIn(formatLang(self.env, 17.41, digits=2), note)

    def test_what_was_applied_is_not_applied_twice(self):
        self._simulate().apply()
        again = self._simulate()
        self.assertEqual(again.state, "draft")
        self.assertIn("No price of this convênio is readjusted", again.message)
        self.assertIn("5 prices begin on", again.message)

    def test_prices_that_begin_later_stay_as_agreed(self):
        item = self._get_items(ECG)
        later = self.start + timedelta(days=10)
        item.tiss_end_date = later - timedelta(days=1)
        item.copy({"fixed_price": 99.0, "tiss_start_date": later, "tiss_end_date": False})
        readjustment = self._simulate()
        self.assertIn("1 prices begin on", readjustment.message)
        readjustment.apply()
        for day, price in (
            (self.before, "41.10"),
            (self.start, "43.16"),
            (later - timedelta(days=1), "43.16"),
            (later, "99.00"),
        ):
            self.assertEqual(self._get_price(ECG, day), Decimal(price))

    def test_a_price_agreed_elsewhere_in_brazil_for_the_same_day(self):
        """Typed in São Paulo, readjusted from Manaus, and the other way round."""
        for typed, read in (("Sao_Paulo", "Manaus"), ("Manaus", "Sao_Paulo")):
            item = self._get_items(ECG).with_context(tz=f"America/{typed}")
            item = item.filtered(lambda rule: rule.fixed_price == 41.10)
            item.tiss_end_date = self.before
            agreed = item.copy(
                {"fixed_price": 99.0, "tiss_start_date": self.start, "tiss_end_date": False}
            )
            there = self.env(context={**self.env.context, "tz": f"America/{read}"})
            readjustment = self._readjust().with_env(there)
            readjustment.simulate()
            self.assertFalse(readjustment.line_ids.item_id & (item | agreed))
            agreed.unlink()

    def test_ended_prices_are_not_touched(self):
        item = self._get_items(ECG)
        item.tiss_end_date = self.before
        self.assertNotIn(item, self._simulate().line_ids.item_id)

    def test_a_price_changed_after_the_calculation(self):
        readjustment = self._simulate()
        self._get_items(ECG).fixed_price = 50
        with self.assertRefused("was changed after the calculation: calculate again"):
            readjustment.apply()
        readjustment.simulate()
        readjustment.apply()
        self.assertEqual(self._get_price(ECG, self.start), Decimal("52.50"))

    def test_percentages_of_reference_tables(self):
        """−20 % and +5 %: 0.80 × 1.05 − 1 = −16 %; bands: 0.90 × 1.05 − 1 = −5.5 %."""
        table = self.env["tiss.price.table"].create(
            {"name": "Tabela", "kind": "cbhpm", "state": "published"}
        )
        edition = self.env["tiss.porte.edition"].create({"name": "Valores", "state": "published"})
        self._create_encounters({ECG: 1}).create_guias()
        self._get_items(ECG).unlink()
        rule = self.env["product.pricelist.item"].create(
            {
                "pricelist_id": self.contract.pricelist_id.id,
                "applied_on": "3_global",
                "compute_price": "tiss_table",
                "tiss_price_table_id": table.id,
                "tiss_porte_edition_id": edition.id,
                "tiss_percent": -20,
                "tiss_porte_percent": -10,
            }
        )
        readjustment = self._simulate()
        [line] = readjustment.line_ids.filtered(lambda line: line.item_id == rule)
        # 41.10 billed × 0.84 / 0.80 = 43.155
        self.assertEqual((line.price_new, line.effect), (43.16, 2.06))
        old, new = map(readjustment._format_percent, (-20, -16))
        self.assertIn(f"{old}% → {new}%", line.detail)
        readjustment.table_part = "bands"
        readjustment.simulate()
        readjustment.apply()
        new = readjustment.new_item_ids.filtered(lambda item: item.compute_price == "tiss_table")
        self.assertEqual(
            (new.tiss_percent, new.tiss_porte_percent, new.tiss_uco_percent), (-20, -5.5, 5)
        )
        self.assertEqual((rule.tiss_percent, rule.tiss_porte_percent), (-20, -10))
        self.assertEqual((rule.tiss_end_date, new.tiss_start_date), (self.before, self.start))

    # ------------------------------------------------------------------
    # Undo
    # ------------------------------------------------------------------

    def test_undo_gives_everything_back(self):
        self._get_items(ECG).tiss_end_date = self.start + timedelta(days=100)

        def content():
            return sorted(
                (item.id, item.fixed_price, item.date_start, item.date_end)
                for item in self.contract.pricelist_id.item_ids
            )

        before = content()
        readjustment = self._simulate()
        readjustment.apply()
        self.assertEqual(len(content()), 10)
        readjustment.undo()
        self.env.invalidate_all()
        self.assertEqual(content(), before)
        self.assertEqual(readjustment.state, "undone")
        self.assertIn("undone", str(self.contract.message_ids.sorted("id")[-1].body))
        with self.assertRefused("Only an applied readjustment"):
            readjustment.undo()

    def test_of_two_on_top_of_each_other_the_later_is_undone_first(self):
        first = self._simulate()
        first.apply()
        second = self._simulate(date=self.start + timedelta(days=10))
        second.apply()
        with self.assertRefused("was applied on top of this one: undo that one first"):
            first.undo()
        second.undo()
        first.undo()
        self.assertEqual(self._get_price(CONSULTATION, self.start), 150)

    def test_what_holds_already_is_not_undone(self):
        readjustment = self._simulate(date=self.today)
        readjustment.apply()
        self.assertFalse(readjustment.can_undo)
        with self.assertRefused("whose day is still to come"):
            readjustment.undo()
        with self.assertRefused("kept as proof"):
            readjustment.unlink()
        with self.assertRefused("no longer changes"):
            readjustment.percent = 7

    def test_applying_settles_the_base_date_and_undo_takes_it_back(self):
        base_date = self.today - timedelta(days=10)
        self.contract.base_date = base_date
        readjustment = self._simulate()
        readjustment.apply()
        self.assertEqual(self.contract.base_date, base_date + relativedelta(years=1))
        readjustment.undo()
        self.assertEqual(self.contract.base_date, base_date)
        self.assertFalse(self.contract.settled_base_date)

    def test_a_readjustment_long_before_the_base_date_settles_nothing(self):
        self.contract.base_date = self.start + timedelta(days=61)
        self._simulate().apply()
        self.assertFalse(self.contract.settled_base_date)

    # ------------------------------------------------------------------
    # Rights, laws and numbers
    # ------------------------------------------------------------------

    def test_only_a_manager_readjusts(self):
        manager = self._create_user("readjust.manager", "manager")
        readjustment = self._readjust().with_user(manager)
        readjustment.simulate()
        readjustment.apply()
        readjustment.undo()
        biller = self._create_user("readjust.biller", "billing")
        with self.assertRaises(AccessError):
            self._readjust().with_user(biller).simulate()

    def test_new_prices_are_exact_and_never_out_of_order(self):
        """To half a cent of the exact product, and monotonous in price."""
        readjustment = self._readjust()

        @settings(max_examples=200, deadline=None)
        @given(st.integers(0, 10**8), st.integers(-9_999_999, 9_999_999))
        def check(cents, percent):
            if not percent > -1_000_000:
                return
            readjustment.percent = percent / 10_000
            price = Decimal(cents) / 100
            exact = price * (1 + Decimal(percent) / 1_000_000)
            new = Decimal(str(readjustment._raise_price(float(price))))
            self.assertLessEqual(abs(new - exact), Decimal("0.005"))
            self.assertLessEqual(
                readjustment._raise_price(float(price)),
                readjustment._raise_price(float(price + 1)),
            )

        check()

    def test_the_same_queries_for_more_rules_of_a_batch(self):
        product = self.products[ROOM_FEE].product_tmpl_id
        tiers = itertools.count(2)

        def run(count):
            self.env["product.pricelist.item"].create(
                [
                    {
                        "pricelist_id": self.contract.pricelist_id.id,
                        "product_tmpl_id": product.id,
                        "fixed_price": 10 + number,
                        "min_quantity": next(tiers),
                    }
                    for number in range(count)
                ]
            )
            self.env.flush_all()
            queries = []
            readjustment = self._readjust()
            for step in (readjustment.simulate, readjustment.apply, readjustment.undo):
                self.env.invalidate_all()
                start = self.env.cr.sql_log_count
                step()
                self.env.flush_all()
                queries.append(self.env.cr.sql_log_count - start)
            return queries

        run(1)
        few, many = run(10), run(60)
        for step, (first, second) in enumerate(zip(few, many, strict=True)):
            self.assertLessEqual(second, first + 2, step)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReadjustmentOfTables(PriceCase):
    """Prices out of reference tables: what is shown is what will hold."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.edition = cls.env["tiss.porte.edition"].create(
            {
                "name": "Valores redondos",
                "uco_amount": 20,
                "film_amount": 21,
                "value_ids": [Command.create({"porte": "3C", "amount": 100})],
            }
        )
        cls.edition.action_publish()
        cls.start = cls.contract._get_today() + timedelta(days=30)

    def _apply(self, **vals):
        """Ten were billed and 10% comes on top: the applied readjustment and the rule's line."""
        self._create_encounters({EXCISION: 10}).create_guias()
        readjustment = self.env["tiss.readjustment"].create(
            {"contract_id": self.contract.id, "percent": 10, "date": self.start, **vals}
        )
        readjustment.simulate()
        lines = readjustment.line_ids.filtered(lambda line: line.item_id == self.rule)
        if readjustment.state == "simulated":
            readjustment.apply()
        return readjustment, lines

    def _get_price(self, product, mode="on_site"):
        return float(self.contract.price_for(product, self.start, mode=mode)["unit_amount"])

    def test_bands_leave_the_film(self):
        """Porte 100 + UCO 20 + film 210 = 330; +10% on porte and UCO: 110 + 22 + 210 = 342."""
        product = self.products[EXCISION]
        table = self._table("cbhpm", {"code": EXCISION, "porte": "3C", "uco": 1, "film": 10})
        self.rule = self._table_rule(table, product=product)
        _readjustment, line = self._apply(table_part="bands")
        self.assertEqual((line.price_now, line.price_new, line.effect), (330, 342, 120))
        self.assertEqual(self._get_price(product), 342)

    def test_a_plain_list_has_no_bands(self):
        product = self.products[EXCISION]
        table = self._table("list", {"code": EXCISION, "amount": 100})
        self.rule = self._table_rule(table, product=product)
        readjustment, line = self._apply(table_part="bands")
        self.assertFalse(line)
        self.assertIn("1 prices come out of tables without portes and stay", readjustment.message)
        self.assertEqual(self._get_price(product), 100)

    def test_the_whole_price_of_a_plain_list(self):
        product = self.products[EXCISION]
        table = self._table("list", {"code": EXCISION, "amount": 100})
        self.rule = self._table_rule(table, product=product)
        _readjustment, line = self._apply()
        self.assertEqual((line.price_now, line.price_new, line.effect), (100, 110, 100))
        self.assertEqual(self._get_price(product), 110)

    def test_telehealth_beside_a_table_or_a_package(self):
        """50.00 by video → 55.00; the table itself 100.00 → 110.00."""
        product = self.products[EXCISION]
        table = self._table("list", {"code": EXCISION, "amount": 100})
        tele = {"tiss_tele": True, "tiss_tele_price": 50}
        self.rule = self._table_rule(table, product=product, **tele)
        package = self.env["product.product"].create(
            {
                "name": "Pacote inventado",
                "tiss_table": "98",
                "tiss_code": "98000001",
                "tiss_component_ids": [
                    Command.create({"product_tmpl_id": product.product_tmpl_id.id, "quantity": 2})
                ],
            }
        )
        self._rule(package, compute_price="tiss_package", **tele)
        self._apply()
        for each, on_site in ((product, 110), (package, 220)):
            self.assertEqual(self._get_price(each), on_site)
            self.assertEqual(self._get_price(each, "tele"), 55)
