from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from ..standard.money import to_decimal
from ..standard.text import to_ascii
from .annex_records import AnnexRecords
from .common import TissCommon
from .guia_records import VERSIONS, GuiaRecords
from .test_guia_generated import characters, generated, numbers

FAR = 3000  # days


def texts(size, *, required=False):
    """What may be typed into a box of this size, measured as it is sent."""
    drawn = st.one_of(
        st.text(characters, max_size=60),
        st.sampled_from(["Dor – “forte” 😀", "β-HCG", "病院", " "]),
    )
    # Something that can be sent is in it, or it is empty.
    return drawn.map(lambda text: f"{'A' if required else ''}{text}").filter(
        lambda text: len(to_ascii(text)) <= size
    )


def said(text):
    return to_ascii(text or "") or None


def decimals(largest):
    return st.integers(1, largest).map(lambda number: number / 100)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGeneratedAnnexes(AnnexRecords, GuiaRecords, TissCommon):
    """Whatever may be filled in gives a valid message, which says the same values again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls._setup_requester()
        cls.codes = {}
        for term in cls.env["tiss.term"].search(
            [("table_code", "in", ["28", "29", "30", "31", "33", "44", "58", "60", "62", "65",
                                   "66", "67", "opcaoFabricante"])]
        ):  # fmt: skip
            cls.codes.setdefault(term.table_code, {})[term.id] = term.code
        cls.request = cls._create_request()
        cls.dental_request = cls._create_request("odonto")

    def _terms(self, table, *, optional=False):
        ids = list(self.codes[table])
        return st.sampled_from([False, *ids] if optional else ids)

    def _code(self, table, term_id):
        return self.codes[table][term_id] if term_id else None

    def _past(self):
        return st.one_of(
            st.just(False),
            st.integers(0, FAR).map(lambda days: self.visit_date - timedelta(days=days)),
        )

    def _coming(self):
        return st.integers(0, FAR).map(lambda days: self.visit_date + timedelta(days=days))

    def _build(self, annex_type, draw, vals):
        """What the XML of an annex with these values says, without what is empty."""
        vals = {"operadora_number": draw(numbers), **vals}
        annex = self._create_annex(
            annex_type,
            self.dental_request if annex_type == "situacao_inicial" else self.request,
            **vals,
        )
        self.contract.version = draw(st.sampled_from(VERSIONS))
        self.assertFalse(annex.problems)
        annex.build()
        values = self._decode_annex(annex)
        header = values[0] if annex_type == "situacao_inicial" else values["cabecalhoAnexo"]
        self.assertEqual(header.get("numeroGuiaOperadora"), vals["operadora_number"] or None)
        return values

    def _draw_diagnosis(self, draw):
        return {
            "diagnosis_date": draw(self._past()),
            **{
                f"diagnosis_{place}": draw(st.from_regex(r"\A([A-Z][0-9]{2}(\.[0-9])?)?\Z"))
                for place in (1, 2, 3, 4)
            },
            "staging_id": draw(self._terms("31")),
            "purpose_id": draw(self._terms("33")),
            "ecog_id": draw(self._terms("30")),
            "histology": draw(texts(1000)),
            "relevant_information": draw(texts(1000)),
            "surgery": draw(texts(40)),
            "surgery_date": draw(self._past()),
            "observation": draw(texts(500)),
        }

    def _assertSays(self, values, **expected):
        for name, value in expected.items():
            self.assertEqual(values.get(name), value, name)

    def _assert_diagnosis(self, values, vals):
        cids = [vals[f"diagnosis_{place}"].replace(".", "") for place in (1, 2, 3, 4)]
        self._assertSays(
            values,
            dataDiagnostico=vals["diagnosis_date"] or None,
            diagnosticoCID=[cid for cid in cids if cid] or None,
            estadiamento=self._code("31", vals["staging_id"]),
            finalidade=self._code("33", vals["purpose_id"]),
            ecog=self._code("30", vals["ecog_id"]),
            diagnosticoHispatologico=said(vals["histology"]),
            infoRelevantes=said(vals["relevant_information"]),
        )

    @generated
    @given(data=st.data())
    def test_opme(self, data):
        draw = data.draw
        items = [
            {
                "description": draw(texts(150, required=True)),
                "manufacturer_choice_id": draw(self._terms("opcaoFabricante")),
                "quantity": draw(st.integers(1, 999)),
                "unit_price": draw(st.integers(0, 9_999_999_999)) / 100,
                "anvisa_number": draw(texts(15)),
                "manufacturer_reference": draw(texts(60)),
                "company_licence": draw(texts(30)),
            }
            for _item in range(draw(st.integers(1, 4)))
        ]
        vals = {
            "technical_justification": draw(texts(1000, required=True)),
            "material_specification": draw(texts(500)),
            "observation": draw(texts(500)),
            "line_ids": [self._material(**item) for item in items],
        }
        values = self._build("opme", draw, vals)
        self._assertSays(
            values,
            justificativaTecnica=said(vals["technical_justification"]),
            especificacaoMaterial=said(vals["material_specification"]),
            Observacao=said(vals["observation"]),
        )
        for item, sent in zip(items, values["opmeSolicitadas"]["opmeSolicitada"], strict=True):
            description = sent["identificacaoOPME"]["descricaoProcedimento"]
            self.assertEqual(description, said(item["description"]))
            self._assertSays(
                sent,
                opcaoFabricante=self._code("opcaoFabricante", item["manufacturer_choice_id"]),
                quantidadeSolicitada=item["quantity"],
                valorSolicitado=to_decimal(item["unit_price"]) if item["unit_price"] else None,
                registroANVISA=said(item["anvisa_number"]),
                codigoRefFabricante=said(item["manufacturer_reference"]),
                autorizacaoFuncionamento=said(item["company_licence"]),
            )

    @generated
    @given(data=st.data())
    def test_quimio(self, data):
        draw = data.draw
        drugs = [
            {
                "expected_date": draw(self._coming()),
                "doses": draw(decimals(9_999_999)),
                "unit_id": draw(self._terms("60")),
                "route_id": draw(self._terms("62")),
                "frequency": draw(st.integers(1, 99)),
            }
            for _drug in range(draw(st.integers(1, 4)))
        ]
        cycles = draw(st.integers(1, 99))
        vals = {
            **self._draw_diagnosis(draw),
            "weight": draw(decimals(99_999)),
            "height": draw(decimals(99_999)),
            "body_surface": draw(decimals(9_999)),
            "tumor_id": draw(self._terms("67")),
            "node_id": draw(self._terms("66")),
            "metastasis_id": draw(self._terms("65")),
            "chemotherapy_id": draw(self._terms("58")),
            "therapy_plan": draw(texts(1000, required=True)),
            "cycle_count": cycles,
            "current_cycle": draw(st.integers(1, cycles)),
            "cycle_days": draw(st.integers(1, 999)),
            "cycle_interval": draw(st.integers(0, 999)),
            "irradiated_area": draw(texts(40)),
            "irradiation_date": draw(self._past()),
            "line_ids": [self._drug(**drug) for drug in drugs],
        }
        values = self._build("quimio", draw, vals)
        diagnosis = values["diagnosticoOncologicoQuimioterapia"]
        self._assert_diagnosis(diagnosis["diagQuimio"], vals)
        self._assertSays(
            diagnosis,
            tumor=self._code("67", vals["tumor_id"]),
            nodulo=self._code("66", vals["node_id"]),
            metastase=self._code("65", vals["metastasis_id"]),
            tipoQuimioterapia=self._code("58", vals["chemotherapy_id"]),
            planoTerapeutico=said(vals["therapy_plan"]),
        )
        self._assertSays(
            values["dadosComplementaresBeneficiario"],
            peso=to_decimal(vals["weight"]),
            altura=to_decimal(vals["height"]),
            superficieCorporal=to_decimal(vals["body_surface"]),
        )
        self._assertSays(
            values.get("tratamentosAnteriores", {}),
            cirurgia=said(vals["surgery"]),
            datacirurgia=vals["surgery_date"] or None,
            areaIrradiada=said(vals["irradiated_area"]),
            dataIrradiacao=vals["irradiation_date"] or None,
        )
        self._assertSays(
            values,
            numeroCiclos=cycles,
            cicloAtual=vals["current_cycle"],
            diasCicloAtual=vals["cycle_days"],
            intervaloCiclos=vals["cycle_interval"],
            observacao=said(vals["observation"]),
        )
        for drug, sent in zip(drugs, values["drogasSolicitadas"]["drogaSolicitada"], strict=True):
            self._assertSays(
                sent,
                dataProvavel=drug["expected_date"],
                qtDoses=to_decimal(drug["doses"]),
                unidadeMedida=self._code("60", drug["unit_id"]),
                viaAdministracao=self._code("62", drug["route_id"]),
                frequencia=drug["frequency"],
            )

    @generated
    @given(data=st.data())
    def test_radio(self, data):
        draw = data.draw
        total = draw(st.integers(1, 9999))
        vals = {
            **self._draw_diagnosis(draw),
            "imaging_id": draw(self._terms("29", optional=True)),
            "field_count": draw(st.integers(1, 999)),
            "field_dose": draw(st.integers(1, total)),
            "total_dose": total,
            "day_count": draw(st.integers(1, 999)),
            "expected_date": draw(self._coming()),
            "chemotherapy": draw(texts(40)),
            "chemotherapy_date": draw(self._past()),
        }
        values = self._build("radio", draw, vals)
        diagnosis = values["diagnosticoOncologicoRadio"]
        self._assert_diagnosis(diagnosis["diagRadio"], vals)
        self._assertSays(diagnosis, diagnosticoImagem=self._code("29", vals["imaging_id"]))
        self._assertSays(
            values.get("tratamentosAnteriores", {}),
            cirurgia=said(vals["surgery"]),
            datacirurgia=vals["surgery_date"] or None,
            quimioterapia=said(vals["chemotherapy"]),
            dataQuimioterapia=vals["chemotherapy_date"] or None,
        )
        self._assertSays(
            values,
            numeroCampos=vals["field_count"],
            doseCampo=vals["field_dose"],
            doseTotal=total,
            nrDias=vals["day_count"],
            dtPrevistaInicio=vals["expected_date"],
            observacao=said(vals["observation"]),
        )

    @generated
    @given(data=st.data())
    def test_situacao_inicial(self, data):
        draw = data.draw
        teeth = draw(
            st.lists(st.tuples(self._terms("28"), self._terms("44")), min_size=1, max_size=8)
        )
        vals = {
            "tooth_ids": [
                Command.create({"tooth_id": tooth, "condition_id": condition})
                for tooth, condition in teeth
            ],
            "has_periodontal_disease": draw(st.booleans()),
            "has_soft_tissue_change": draw(st.booleans()),
            "initial_note": draw(texts(500)),
        }
        [values] = self._build("situacao_inicial", draw, vals)
        condition = values["ct_situacaoInicial"]
        self.assertEqual(
            condition["situacaoClinica"]["dentes"],
            [
                {
                    "elementoDentario": self._code("28", tooth),
                    "condicaoClinica": self._code("44", state),
                }
                for tooth, state in teeth
            ],
        )
        self._assertSays(
            condition,
            doencaPeriodontal=vals["has_periodontal_disease"],
            alteracaoTecidoMole=vals["has_soft_tissue_change"],
            observacao=said(vals["initial_note"]),
        )

    @generated
    @given(weight=st.integers(1, 99_999), height=st.integers(1, 99_999))
    def test_body_surface(self, weight, height):
        """Mosteller: surface² = height (cm) × weight (kg) / 3600, to a hundredth of a m²."""
        annex = self.env["tiss.annex"].sudo().new({"weight": weight / 100, "height": height / 100})
        surface = Decimal(str(annex.body_surface))
        half = Decimal("0.0050001")
        square = Decimal(weight) * height / 10_000 / 3600
        self.assertLessEqual(max(surface - half, 0) ** 2, square)
        self.assertGreaterEqual((surface + half) ** 2, square)
