"""Guias of the types that are typed by hand, complete enough for a lote."""

from odoo.fields import Command

from .. import standard
from ..standard import identifiers

ELEMENTS = {
    "consulta": "guiaConsulta",
    "sp_sadt": "guiaSP-SADT",
    "resumo_internacao": "guiaResumoInternacao",
    "honorarios": "guiaHonorarios",
    "odonto": "guiaOdonto",
}
VERSIONS = ("4.02.00", "4.03.00")


class GuiaRecords:
    """Made for classes that have the records of `TissRecords`."""

    @classmethod
    def _term(cls, table, code):
        term = cls.env["tiss.term"]._get(table, code)
        assert term, (table, code)
        return term.id

    @classmethod
    def _setup_people(cls):
        """A hospital, a dentist and a second surgeon."""
        cls.hospital = cls.env["res.partner"].create(
            {
                "name": "Hospital Fictício São José",
                "is_company": True,
                "tiss_is_hospital": True,
                "tiss_cnes": "7654321",
                "country_id": cls.env.ref("base.br").id,
                "vat": identifiers.complete_cnpj("112223330001"),
            }
        )
        cls.dentist = cls._create_professional("Dentista Exemplo", "9876")
        cls.dentist.write(
            {
                "tiss_council_id": cls._term("26", "08"),
                "tiss_cbo_id": cls._term("24", "223208"),
            }
        )
        cls.assistant = cls._create_professional("Auxiliar Exemplo", "777")

    @classmethod
    def _item(cls, sequence, code, unit_price, quantity=1, table="22", **vals):
        """Values of one item; `team` is a list of (professional, T35 code or None)."""
        team = vals.pop("team", [])
        members = [
            {
                "professional_id": professional.id,
                "participation_id": participation and cls._term("35", participation),
            }
            for professional, participation in team
        ]
        return Command.create(
            {
                "sequence_item": sequence,
                "date": cls.visit_date,
                "table_code": table,
                "code": code,
                "description": f"Item {sequence}",
                "quantity": quantity,
                "unit_price": unit_price,
                "member_ids": [Command.create(member) for member in members],
                **vals,
            }
        )

    @classmethod
    def _expense(cls, sequence, kind, code, unit_price, quantity=1, table="18", **vals):
        vals = {"expense_kind_id": cls._term("25", kind), "unit_id": cls._term("60", "036"), **vals}
        return cls._item(sequence, code, unit_price, quantity, table, **vals)

    @classmethod
    def _create_guia(cls, guia_type, *items, **vals):
        return cls.env["tiss.guia"].create(
            {
                "contract_id": cls.contract.id,
                "guia_type": guia_type,
                "date": cls.visit_date,
                "patient_id": cls.patient.id,
                "card_id": cls.card.id,
                "professional_id": cls.professional.id,
                "line_ids": list(items),
                **vals,
            }
        )

    @classmethod
    def _create_honorarios(cls, *items, **vals):
        vals = {
            "main_number": "SOL-1",
            "hospital_id": cls.hospital.id,
            "care_character_id": cls._term("23", "1"),
            "start_date": cls.visit_date,
            "end_date": cls.visit_date,
            "issue_date": cls.today,
            **vals,
        }
        surgeon = [(cls.professional, "00")]
        return cls._create_guia(
            "honorarios", *(items or [cls._item(1, "31005470", 1000, team=surgeon)]), **vals
        )

    @classmethod
    def _create_internacao(cls, *items, **vals):
        vals = {
            "main_number": "SOL-1",
            "authorization_date": cls.visit_date,
            "authorization_password": "S123",
            "care_character_id": cls._term("23", "1"),
            "billing_type_id": cls._term("55", "4"),
            "start_date": cls.visit_date,
            "start_time": 8.5,
            "end_date": cls.today,
            "end_time": 10.25,
            "hospitalization_type_id": cls._term("57", "2"),
            "hospitalization_regime_id": cls._term("41", "1"),
            "accident_id": cls._term("36", "9"),
            "discharge_reason_id": cls._term("39", "12"),
            **vals,
        }
        items = items or [
            cls._item(1, "10102019", 98.76, 3),
            cls._expense(2, "05", "60000694", 455),
        ]
        return cls._create_guia("resumo_internacao", *items, **vals)

    @classmethod
    def _create_odonto(cls, *items, **vals):
        vals = {
            "professional_id": cls.dentist.id,
            "dental_type_id": cls._term("51", "1"),
            "billing_type_id": cls._term("55", "4"),
            "treatment_end_date": cls.today,
            **vals,
        }
        return cls._create_guia("odonto", *(items or [cls._item(1, "81000030", 60)]), **vals)

    @classmethod
    def _create_by_type(cls, guia_type, **vals):
        """A complete guia of any type."""
        common = {
            "accident_id": cls._term("36", "9"),
            "regime_id": cls._term("76", "01"),
            "care_character_id": cls._term("23", "1"),
        }
        if guia_type == "consulta":
            first = cls._term("52", "1")
            item = cls._item(1, "10101012", 150)
            return cls._create_guia(
                guia_type, item, **{**common, "consultation_type_id": first, **vals}
            )
        if guia_type == "sp_sadt":
            exam = cls._term("50", "23")
            items = [cls._item(1, "40101010", 41.10), cls._expense(2, "07", "60022965", 18)]
            return cls._create_guia(
                guia_type, *items, **{**common, "attendance_type_id": exam, **vals}
            )
        create = {
            "honorarios": cls._create_honorarios,
            "resumo_internacao": cls._create_internacao,
            "odonto": cls._create_odonto,
        }[guia_type]
        return create(**vals)

    def _send(self, guias, version=None):
        """The lote of these guias, built by this user; its guias become ready on the way."""
        if version:
            self.contract.version = version
        guias.action_check()
        lote = guias.create_lotes()
        lote.build()
        return lote

    def _decode(self, lote):
        """The guias of a built lote as its XML says them, found valid by the official schema."""
        schema = standard.load(lote.version)
        content = lote.get_xml()
        self.assertTrue(schema.validate(content))
        body = schema.decode(content)["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]
        return body[ELEMENTS[lote.guia_type]]
