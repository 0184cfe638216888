from datetime import date
from decimal import Decimal

from .common import BLOOD_COUNT, CONSULTATION, ECG, TissCommon

DAY = date(2026, 3, 10)  # a Tuesday on which nothing else happens
UNPRICED = "40301508"  # no price list has it


class CoverageCommon(TissCommon):
    """A convênio whose coverage is asked on one day of the past, and rules to change it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Sentences in the language of the source, dates and amounts as in Brazil.
        cls.env["res.lang"].sudo()._activate_lang("en_US").write(
            {"date_format": "%d/%m/%Y", "decimal_point": ",", "thousands_sep": "."}
        )
        Category = cls.env["product.category"]
        cls.exams = Category.create({"name": "Exames Inventados"})
        cls.blood = Category.create({"name": "Sangue Inventado", "parent_id": cls.exams.id})
        cls.products[BLOOD_COUNT].categ_id = cls.blood
        cls.products[ECG].categ_id = cls.exams

    @classmethod
    def _rule(cls, code=None, **vals):
        """A coverage rule of the convênio; about one procedure when `code` is given."""
        if code:
            vals["product_tmpl_id"] = cls.products[code].product_tmpl_id.id
        return cls.env["tiss.coverage"].create({"contract_id": cls.contract.id, **vals})

    def _ask(self, code=CONSULTATION, day=DAY, *args, card=None, **details):
        return self.contract.coverage_for(
            self.card if card is None else card, self.products[code], day, *args, **details
        )

    def _visit(self, day, *visits, **vals):
        """Closed encounters on `day`."""
        return self._create_encounters(*(visits or [CONSULTATION]), date=day, **vals)

    def _get_item(self, code):
        template = self.products[code].product_tmpl_id
        return self.contract.price_item_ids.filtered(lambda item: item.product_tmpl_id == template)

    @staticmethod
    def _codes(answer):
        return [reason["code"] for reason in answer["reasons"]]

    def assertReason(self, answer, code, words, kind, record=None):
        """One reason `code` whose sentence matches `words` and which points to `record`."""
        found = [reason for reason in answer["reasons"] if reason["code"] == code]
        self.assertEqual(len(found), 1, self._codes(answer))
        self.assertRegex(found[0]["message"], words)
        self.assertEqual(found[0]["kind"], kind)
        if record:
            self.assertEqual((found[0]["model"], found[0]["res_id"]), (record._name, record.id))

    def assertBlocked(self, answer, code, words, record=None):
        self.assertReason(answer, code, words, "block", record)
        self.assertFalse(answer["covered"])
        self.assertEqual(answer["operadora_amount"], 0)

    def assertWarned(self, answer, code, words, record=None):
        self.assertReason(answer, code, words, "warn", record)
        self.assertTrue(answer["covered"])

    def assertAmounts(self, answer, patient, operadora):
        self.assertEqual(
            (answer["patient_amount"], answer["operadora_amount"]),
            (Decimal(patient), Decimal(operadora)),
        )

    def _add_unpriced(self):
        term = self.env["tiss.term"]._get("22", UNPRICED)
        self.products[UNPRICED] = term.create_products().product_variant_id
