import datetime

from hypothesis import given
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from .. import standard
from ..standard.money import line_total, to_decimal
from .common import TissCommon
from .generated import examples
from .guia_records import VERSIONS, GuiaRecords

# Each example makes a guia and a lote: enough of them to meet every box, few enough to wait for.
generated = examples(10)
# PostgreSQL stores neither NUL nor half of a surrogate pair.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.one_of(
    st.just(""),
    st.text(characters, max_size=60),
    st.sampled_from(["Dor – “forte” 😀", "ß" * 700, " ", "病院"]),
)
numbers = st.one_of(st.just(False), st.from_regex(r"\A[0-9A-Z]{1,20}\Z"))
tokens = st.one_of(st.just(False), st.from_regex(r"\A[0-9A-Z]{1,10}\Z"))
cents = st.integers(0, 9_999_99).map(lambda number: number / 100)
hours = st.integers(0, 23 * 60 + 59).map(lambda minutes: minutes / 60)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGeneratedGuias(GuiaRecords, TissCommon):
    """Whatever a biller may fill in gives a message that the official schema finds valid."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.terms = {}

    # ------------------------------------------------------------------
    # What may stand in a guia
    # ------------------------------------------------------------------

    def _terms(self, table, *, optional=True, only=None):
        """Ids of the terms of a domain table; False among them where the box may stay empty."""
        if table not in self.terms:
            terms = self.env["tiss.term"].search([("table_code", "=", table)])
            self.terms[table] = [(term.id, term.code) for term in terms]
        ids = [term_id for term_id, code in self.terms[table] if not only or code in only]
        return st.sampled_from([False, *ids] if optional else ids)

    def _days(self):
        """From the first to the last day of the period."""
        return st.integers(0, 3).map(lambda days: self.visit_date + datetime.timedelta(days=days))

    def _procedures(self, draw, guia_type):
        """Values of 1 to 4 procedures, numbered from 1."""
        items = []
        for sequence in range(1, draw(st.integers(1, 4)) + 1):
            vals = {"date": draw(self._days()), "description": f"Item {draw(texts)}"}
            if guia_type == "odonto":
                place = draw(st.sampled_from(["", "tooth", "region"]))
                if place == "tooth":
                    vals["tooth_id"] = draw(self._terms("28", optional=False))
                    vals["faces"] = draw(st.text("OLMVDIP", max_size=5))
                elif place == "region":
                    vals["region_id"] = draw(self._terms("42", optional=False))
                vals["us_quantity"] = draw(cents)
                vals["is_authorized"] = draw(st.booleans())
                quantity, price = draw(st.integers(1, 99)), draw(cents)
                share = draw(st.integers(0, 100)) / 100
                vals["amount_patient"] = int(quantity * price * share * 100) / 100
            else:
                vals |= {
                    "access_route_id": draw(self._terms("61")),
                    "technique_id": draw(self._terms("48")),
                    "start_time": draw(hours),
                    "end_time": draw(hours),
                    "factor": draw(st.integers(1, 999)) / 100,
                    "cost_center_id": draw(self._terms("centroConsumo")),
                    "team": [
                        (person, draw(st.sampled_from(["00", "01", "06", "12"])))
                        for person in draw(
                            st.lists(
                                st.sampled_from([self.professional, self.assistant]),
                                min_size=guia_type == "honorarios",
                                max_size=2,
                                unique=True,
                            )
                        )
                    ],
                }
                quantity, price = draw(st.integers(1, 999)), draw(cents)
            items.append(self._item(sequence, "31005470", price, quantity, **vals))
        return items

    def _expenses(self, draw):
        """Values of up to 3 expenses, numbered from 11."""
        return [
            self._expense(
                sequence,
                draw(st.sampled_from(["01", "02", "03", "05", "07", "08"])),
                "60000694",
                draw(cents),
                draw(st.integers(1, 9_999_999)) / 10_000,
                date=draw(self._days()),
                unit_id=draw(self._terms("60", optional=False)),
                factor=draw(st.integers(1, 999)) / 100,
                cost_center_id=draw(self._terms("centroConsumo")),
                anvisa_number=draw(tokens),
            )
            for sequence in range(11, 11 + draw(st.integers(0, 3)))
        ]

    def _draw_common(self, draw):
        token, reason = draw(st.sampled_from([("token", None), (None, "reason"), (None, None)]))
        return {
            "main_number": draw(numbers) or "SOL",
            "operadora_number": draw(numbers),
            "authorization_date": self.visit_date,
            "authorization_password": draw(numbers) or "S1",
            "authorization_validity_date": draw(st.sampled_from([False, self.today])),
            "validation_code": token and draw(tokens),
            "no_validation_code_id": reason and draw(self._terms("74")),
            "identification_type_id": draw(self._terms("72")),
            "is_newborn": draw(st.booleans()),
            "observation": draw(texts),
        }

    def _draw_period(self, draw):
        first = draw(hours)
        return {
            "start_date": self.visit_date,
            "start_time": first,
            "end_date": self.today,
            "end_time": draw(hours),
        }

    def _draw_consulta(self, draw):
        return {
            "accident_id": draw(self._terms("36", optional=False)),
            "regime_id": draw(self._terms("76", optional=False)),
            "consultation_type_id": draw(self._terms("52", optional=False)),
            "special_coverage_id": draw(self._terms("75")),
            "occupational_health_id": draw(self._terms("77")),
            "line_ids": [self._item(1, "10101012", draw(cents))],
        }

    def _draw_sp_sadt(self, draw):
        return {
            **self._draw_consulta(draw),
            "care_character_id": draw(self._terms("23", optional=False)),
            "attendance_type_id": draw(self._terms("50", optional=False)),
            "discharge_reason_id": draw(self._terms("39", only=("41", "42", "43"))),
            "requester_id": draw(st.sampled_from([False, self.assistant.id])),
            "request_date": draw(st.sampled_from([False, self.visit_date])),
            "line_ids": self._procedures(draw, "sp_sadt") + self._expenses(draw),
        }

    def _draw_honorarios(self, draw):
        return {
            **self._draw_period(draw),
            "care_character_id": draw(self._terms("23", optional=False)),
            "issue_date": self.today,
            "line_ids": self._procedures(draw, "honorarios"),
        }

    def _draw_resumo_internacao(self, draw):
        stays = draw(st.booleans())
        declarations = [
            {
                "birth_number": draw(numbers) and "30123",
                "death_number": draw(st.from_regex(r"\A[0-9A-Za-z]{1,11}\Z")),
                "death_cid": draw(st.sampled_from([False, "P22.0", "i46"])),
                "is_newborn_death": draw(st.booleans()),
            }
            for _declaration in range(draw(st.integers(1, 8)))
        ]
        return {
            **self._draw_period(draw),
            "care_character_id": draw(self._terms("23", optional=False)),
            "billing_type_id": self._term("55", "1") if stays else self._term("55", "4"),
            "discharge_reason_id": self._term("39", "28")
            if stays
            else draw(self._terms("39", optional=False)),
            "hospitalization_type_id": draw(self._terms("57", optional=False)),
            "hospitalization_regime_id": draw(self._terms("41", optional=False)),
            "accident_id": draw(self._terms("36", optional=False)),
            "diagnosis_1": draw(st.sampled_from([False, "k80.2", "I10", "Z999"])),
            "declaration_ids": [Command.create(vals) for vals in declarations],
            "line_ids": self._procedures(draw, "resumo_internacao") + self._expenses(draw),
        }

    def _draw_odonto(self, draw):
        teeth = [
            {
                "tooth_id": draw(self._terms("28", optional=False)),
                "condition_id": draw(self._terms("44", optional=False)),
            }
            for _tooth in range(draw(st.integers(0, 3)))
        ]
        return {
            "dental_type_id": draw(self._terms("51", optional=False)),
            "billing_type_id": draw(self._terms("55", optional=False, only=("1", "4"))),
            "treatment_end_date": self.today,
            "employer_name": draw(texts),
            "second_professional_id": draw(st.sampled_from([False, self.dentist.id])),
            "requester_id": draw(st.sampled_from([False, self.professional.id])),
            "has_periodontal_disease": draw(st.booleans()),
            "initial_note": draw(texts),
            "tooth_ids": [Command.create(vals) for vals in teeth],
            "line_ids": self._procedures(draw, "odonto"),
        }

    # ------------------------------------------------------------------
    # The law
    # ------------------------------------------------------------------

    def _check_type(self, guia_type):
        @generated
        @given(st.data(), st.sampled_from(VERSIONS))
        def check(data, version):
            self._check_example(data.draw, guia_type, version)

        check()

    def _check_example(self, draw, guia_type, version):
        lote = self._draw_lote(draw, guia_type, version)
        [values] = self._decode(lote)
        self.assertEqual(self._said_total(values), self._worked_total(lote.guia_ids))
        self.assertTrue(standard.load(version).validate(lote.get_xml()))
        answer = self._simulate().receive(lote.get_xml(), self.today)
        self.assertIn(b"<ans:numeroProtocolo>", answer)

    def _draw_lote(self, draw, guia_type, version):
        """A built lote with one guia of any values."""
        vals = self._draw_common(draw) | getattr(self, f"_draw_{guia_type}")(draw)
        items = vals.pop("line_ids")
        person = self.dentist if guia_type == "odonto" else self.professional
        vals["professional_id"] = person.id
        # As superuser: the diagnoses are not for the biller who makes the rest.
        guia = self._create_guia(guia_type).sudo()
        guia.write({**vals, "hospital_id": self.hospital.id, "line_ids": items})
        self.assertFalse(guia.problems)
        return self._send(guia.sudo(False), version)

    def _worked_total(self, guia):
        """What the items are worth, without the patient's share being taken off."""
        return sum(
            line_total(line.quantity, line.unit_price, line.factor) for line in guia.line_ids
        )

    def _said_total(self, values):
        totals = values.get("valorTotal", {})
        return (
            totals.get("valorTotalGeral")
            or values.get("valorTotalHonorarios")
            or values.get("valorTotalProc")
            or values.get("dadosAtendimento", {}).get("procedimento", {}).get("valorProcedimento")
            or to_decimal(0)
        )

    def test_consulta(self):
        self._check_type("consulta")

    def test_sp_sadt(self):
        self._check_type("sp_sadt")

    def test_honorarios(self):
        self._check_type("honorarios")

    def test_resumo_internacao(self):
        self._check_type("resumo_internacao")

    def test_odonto(self):
        self._check_type("odonto")
