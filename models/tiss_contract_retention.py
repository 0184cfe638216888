from odoo import api, fields, models

from ..standard.money import from_cents, to_cents, to_decimal

FEDERAL = {"01", "04", "05", "06"}  # T27: IRRF, PIS, COFINS, CSLL
# What is withheld together is dispensed together (accounting.md §7): IRRF, the three, each other.
GROUPS = ({"01"}, {"04", "05", "06"}, {"02"}, {"03"})
DISPENSED_CENTS = 1000  # no federal tax is withheld up to R$ 10.00 of a payment
TOLERANCE_CENTS = 5


class TissContract(models.Model):
    """Which taxes an operadora is expected to withhold; it only warns, never books."""

    _inherit = "tiss.contract"

    retention_rule = fields.Selection(
        [
            ("unchecked", "Not checked"),
            ("rates", "At the rates below"),
            ("simples", "Simples Nacional: no federal tax"),
            ("hospital", "Hospital activity: no federal tax"),
        ],
        "Taxes Withheld",
        default="unchecked",
        required=True,
        help="What a demonstrativo withholds otherwise is shown as a discrepancy. What is booked"
        " is always what the operadora withheld.",
    )
    retention_irrf = fields.Float("IRRF (%)", digits=(6, 3), default=1.5)
    retention_iss = fields.Float("ISS (%)", digits=(6, 3))
    retention_inss = fields.Float("INSS (%)", digits=(6, 3))
    retention_pis = fields.Float("PIS (%)", digits=(6, 3), default=0.65)
    retention_cofins = fields.Float("COFINS (%)", digits=(6, 3), default=3)
    retention_csll = fields.Float("CSLL (%)", digits=(6, 3), default=1)

    reinf_nature = fields.Char(
        "Nature of Income",
        size=5,
        default="15026",
        help="Of the EFD-Reinf (R-4020), as the operadora reports what it pays and withholds:"
        " 15026 is medicine, except by hospitals, outpatient clinics and the like.",
    )

    _reinf_nature_digits = models.Constraint(
        "CHECK(reinf_nature ~ '^[0-9]{5}$')", "A nature of income has five digits."
    )
    _retention_range = models.Constraint(
        "CHECK(LEAST(retention_irrf, retention_iss, retention_inss, retention_pis,"
        " retention_cofins, retention_csll) >= 0 AND GREATEST(retention_irrf, retention_iss,"
        " retention_inss, retention_pis, retention_cofins, retention_csll) <= 100)",
        "A rate is between 0 and 100 %.",
    )

    @api.model
    def _get_retention_fields(self):
        """T27 code → field with the rate."""
        return {
            "01": "retention_irrf",
            "02": "retention_iss",
            "03": "retention_inss",
            "04": "retention_pis",
            "05": "retention_cofins",
            "06": "retention_csll",
        }

    @api.model
    def _get_retention_name(self, code):
        """The name of a tax, as everybody knows it: IRRF, ISS…"""
        return self._fields[self._get_retention_fields()[code]].string.split(" ")[0]

    def _adopt_retention(self, tax, gross_cents, withheld):
        """Take the rate that a payment shows of one tax.

        Where no federal tax was expected at all, those that it withholds are from now on.

        :param tax: as in `_get_retention_name`
        :param withheld: {T27 code: cents} of the payment
        """
        self.ensure_one()
        fields_of = self._get_retention_fields()
        codes = {code for code in fields_of if self._get_retention_name(code) == tax}
        vals = {}
        if codes <= FEDERAL and self.retention_rule in ("simples", "hospital"):
            vals["retention_rule"] = "rates"
            codes = FEDERAL
        for code in codes:
            rate = to_decimal(from_cents(withheld.get(code, 0)) * 100 / from_cents(gross_cents), 3)
            vals[fields_of[code]] = float(rate)
        self.write(vals)

    def _get_retention_rates(self):
        """{T27 code: percent} that the operadora has to withhold, as `Decimal`."""
        self.ensure_one()
        spared = FEDERAL if self.retention_rule in ("simples", "hospital") else ()
        return {
            code: to_decimal(0 if code in spared else self[name], 3)
            for code, name in self._get_retention_fields().items()
        }

    def _get_expected_retentions(self, gross_cents):
        """{T27 code: cents} that should be withheld of a payment, by the rates of this contract."""
        self.ensure_one()
        expected = {}
        for code, rate in self._get_retention_rates().items():
            expected[code] = to_cents(from_cents(gross_cents) * rate / 100)
        for codes in GROUPS:
            if codes & FEDERAL and sum(expected[code] for code in codes) <= DISPENSED_CENTS:
                expected.update(dict.fromkeys(codes, 0))
        return expected

    def _compare_retentions(self, gross_cents, withheld):
        """(T27 code, expected cents, withheld cents) of each tax that differs.

        :param withheld: {T27 code: cents} of one payment
        """
        self.ensure_one()
        if self.retention_rule == "unchecked":
            return []
        return [
            (code, cents, withheld.get(code, 0))
            for code, cents in self._get_expected_retentions(gross_cents).items()
            if abs(cents - withheld.get(code, 0)) > TOLERANCE_CENTS
        ]
