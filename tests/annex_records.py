"""Annexes of every type, complete enough to be sent, and the request that they belong to."""

from datetime import timedelta

from odoo.fields import Command

from .. import standard

SENT_AS = {
    "opme": "anexoSolicitacaoOPME",
    "quimio": "anexoSolicitacaoQuimio",
    "radio": "anexoSolicitacaoRadio",
    "situacao_inicial": "anexoSituacaoInicial",
}
ANNEX_TYPES = tuple(SENT_AS)


class AnnexRecords:
    """Made for classes that have the records of `TissRecords` and `GuiaRecords`."""

    @classmethod
    def _setup_requester(cls):
        cls.professional.write({"phone": "+55 (11) 98888-0000", "email": "medica@exemplo.example"})
        cls.patient.write({"tiss_birth_date": "1970-03-01", "tiss_sex": "f"})

    @classmethod
    def _create_request(cls, request_type="sp_sadt", **vals):
        item = {
            "sequence_item": 1,
            "table_code": "22",
            "code": "40101010",
            "description": "Item 1",
            "product_id": cls.products["40101010"].id,
        }
        vals = {
            "request_type": request_type,
            "contract_id": cls.contract.id,
            "patient_id": cls.patient.id,
            "card_id": cls.card.id,
            "professional_id": cls.professional.id,
            "care_character_id": cls._term("23", "1"),
            "date": cls.visit_date,
            "line_ids": [Command.create(item)],
            **vals,
        }
        return cls.env["tiss.authorization"].create(vals)

    @classmethod
    def _material(cls, code="70000001", **vals):
        return Command.create(
            {
                "table_code": "19",
                "code": code,
                "description": "Placa bloqueada 3,5",
                "manufacturer_choice_id": cls._term("opcaoFabricante", "1"),
                "quantity": 2,
                **vals,
            }
        )

    @classmethod
    def _drug(cls, code="90055888", **vals):
        return Command.create(
            {
                "table_code": "20",
                "code": code,
                "description": "Droga inventada",
                "expected_date": cls.today,
                "doses": 120.5,
                "unit_id": cls._term("60", "022"),
                "route_id": cls._term("62", "19"),
                "frequency": 1,
                **vals,
            }
        )

    @classmethod
    def _tooth(cls, tooth="36", condition="C"):
        vals = {"tooth_id": cls._term("28", tooth), "condition_id": cls._term("44", condition)}
        return Command.create(vals)

    @classmethod
    def _diagnosis(cls):
        return {
            "staging_id": cls._term("31", "2"),
            "purpose_id": cls._term("33", "3"),
            "ecog_id": cls._term("30", "1"),
        }

    @classmethod
    def _get_annex_vals(cls, annex_type):
        """What each type cannot do without."""
        return {
            "opme": lambda: {
                "technical_justification": "Fratura inventada",
                "line_ids": [cls._material()],
            },
            "quimio": lambda: {
                **cls._diagnosis(),
                "weight": 70,
                "height": 175,
                "tumor_id": cls._term("67", "2"),
                "node_id": cls._term("66", "4"),
                "metastasis_id": cls._term("65", "2"),
                "chemotherapy_id": cls._term("58", "1"),
                "therapy_plan": "Protocolo inventado",
                "cycle_count": 6,
                "current_cycle": 1,
                "cycle_days": 1,
                "cycle_interval": 21,
                "line_ids": [cls._drug()],
            },
            "radio": lambda: {
                **cls._diagnosis(),
                "field_count": 2,
                "field_dose": 2,
                "total_dose": 50,
                "day_count": 25,
                "expected_date": cls.today + timedelta(days=7),
            },
            "situacao_inicial": lambda: {"tooth_ids": [cls._tooth()]},
        }[annex_type]()

    @classmethod
    def _create_annex(cls, annex_type, request=None, alone=True, **vals):
        """A complete annex, by itself unless told otherwise; made by who may see all of it."""
        kind = "odonto" if annex_type == "situacao_inicial" else "sp_sadt"
        vals = {
            "annex_type": annex_type,
            "authorization_id": (request or cls._create_request(kind)).id,
            "transport": "alone" if alone else "request",
            "date": cls.visit_date,
            **cls._get_annex_vals(annex_type),
            **vals,
        }
        return cls.env["tiss.annex"].sudo().create(vals).sudo(False)

    def _decode_annex(self, annexes):
        """The annexes of a built message as its XML says them, found valid by the schema."""
        schema = standard.load(annexes[0].version)
        content = annexes[0].get_xml()
        self.assertTrue(schema.validate(content), schema.explain(content))
        body = schema.decode(content)["prestadorParaOperadora"]["loteAnexos"]
        self.assertEqual(body["numeroLote"], annexes[0].lote_number)
        return body["AnexosGuiasTISS"][SENT_AS[annexes[0].annex_type]]
