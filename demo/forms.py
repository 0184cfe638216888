"""The forms that the clinic's everyday visits do not need: requests, annexes, stays, dentistry.

One of each kind for each convênio, made as people make them: the visit is asked for, its annexes
go with the request or after it, and what the operadora grants is done and billed with the rest.
"""

import base64
import itertools
from datetime import timedelta

from odoo.fields import Command

from ..standard import identifiers
from .errand import Errand

HOSPITAL_CNPJ = identifiers.complete_cnpj("112223330001")
SPECIALISTS = [
    ("Íris Cirurgiã Inventada", "06", "225225", "surgery"),
    ("Jonas Dentista Fictício", "08", "223208", "dentistry"),
]
HOLTER, SURGERY, DAILY_RATE, INPATIENT_VISIT = "20102038", "31005470", "60000694", "10102019"
DENTAL_VISIT, FILLING = "81000065", "85100196"
CHEMOTHERAPY, RADIOTHERAPY = "20104294", "41203070"
PRICES = {
    SURGERY: 1850.00,
    DAILY_RATE: 412.35,
    INPATIENT_VISIT: 98.76,
    DENTAL_VISIT: 75.50,
    FILLING: 142.90,
}
DENTAL_SHARE = 42.90  # what the patient pays of a filling
STAY_DAYS = 3
ATTEMPTS = 10  # visits that are asked for until one is granted
# One empty page stands for the report.
PDF = (
    b"%PDF-1.4\n"
    b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


class Forms(Errand):
    """Asks the operadoras of a `Job` and hands it the visits that they granted."""

    def __init__(self, job):
        super().__init__(job)
        self.requests = self.env["tiss.authorization"]
        self.annexes = self.env["tiss.annex"]
        self.notices = self.env["tiss.stay.notice"]
        self.documents = self.env["tiss.document"]
        self.encounters = self.env["tiss.encounter"]
        self._answers = itertools.count(1)

    def ask(self):
        """Everything that comes before the bill; returns self."""
        self._build_people()
        self._build_products()
        for contract, cards in self._get_convenios():
            self._ask_exams(cards)
            self._ask_oncology(contract, cards[0])
            self._ask_stay(cards)
            self._ask_surgery(cards)
            self._ask_dentistry(cards)
        return self

    # ------------------------------------------------------------------
    # Who, what and for how much
    # ------------------------------------------------------------------

    def _term(self, table, code):
        return self.env["tiss.term"]._get(table, code).id

    def _build_people(self):
        self.surgeon, self.dentist = self.clinic.create_professionals(SPECIALISTS, first=50)
        people = self.clinic.professionals | self.surgeon | self.dentist
        for i, person in enumerate(people):
            person.write({"phone": f"+55 11 5555-01{i:02d}", "email": f"pessoa{i}@exemplo.example"})
        for i, card in enumerate(self.clinic.cards):
            card.patient_id.tiss_sex = "fm"[i % 2]
        self.hospital = self.env["res.partner"].create(
            {
                "name": "Hospital Fictício São José",
                "is_company": True,
                "tiss_is_hospital": True,
                "tiss_cnes": "7654321",
                "country_id": self.env.ref("base.br").id,
                "vat": HOSPITAL_CNPJ,
            }
        )
        self.clinic.company.partner_id.write({"tiss_is_hospital": True, "tiss_cnes": "9999999"})

    def _build_products(self):
        self.products = {**self.clinic.products, **self.clinic.create_products(PRICES)}
        self.env["product.pricelist.item"].create(
            [
                {
                    "pricelist_id": contract.pricelist_id.id,
                    "tiss_term_id": self.products[code].tiss_term_id.id,
                    "compute_price": "fixed",
                    "fixed_price": price,
                }
                for contract in self.clinic.contracts
                for code, price in PRICES.items()
            ]
        )

    # ------------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------------

    def send(self, record):
        """Take what one record says to its operadora and bring the answer back."""
        for message in record.send():
            self.job._keep(message.file_name, message._get_content())
        self.bring_answer(record)

    def bring_answer(self, record):
        """The operadora's answer to what one record sent, read by whoever does the job."""
        contract = record.contract_id
        operadora = self.job.operadoras[contract.with_env(self.job.env)]
        answer = operadora.receive(record.get_xml(), self.today)
        self.job._receive(f"resposta-{contract.ans_code}-{next(self._answers):03d}.xml", answer)
        record.invalidate_recordset()

    def _create_visit(self, card, professional, items, **vals):
        """An open visit of today.

        :param items: list of (TUSS code, values of the item)
        """
        lines = [{"product_id": self.products[code].id, **item} for code, item in items]
        return self.env["tiss.encounter"].create(
            {
                "patient_id": card.patient_id.id,
                "card_id": card.id,
                "date": self.today,
                "professional_id": professional.id,
                "clinical_indication": "Indicação de demonstração",
                "line_ids": [Command.create(line) for line in lines],
                **vals,
            }
        )

    def _request(self, visit, annex=None, **vals):
        """Ask for a visit and bring the answer; `annex` is what goes inside the request."""
        visit.action_request_authorization()
        request = visit.authorization_id
        if vals:
            request.write(vals)
        if annex:
            self._create_annex(annex, request, "request")
        self.send(request)
        self.requests |= request
        self.encounters |= visit
        if request.state in ("denied", "partial"):
            # It is not done as planned; a visit that waits for its answer stays open.
            visit.action_cancel()
            self.encounters -= visit
        return request

    def _request_until_granted(self, cards, create, **options):
        """Visits of one patient after the other, until one is granted in full."""
        for card in itertools.islice(itertools.cycle(cards), ATTEMPTS):
            visit = create(card)
            request = self._request(visit, **options)
            if request.state == "authorized":
                return visit
        return self.env["tiss.encounter"]

    def _close(self, visit):
        """It was done as granted: the billing desk sees it."""
        request = visit.authorization_id
        if visit.guia_type in ("resumo_internacao", "honorarios"):
            visit.main_number = request.operadora_number or request.name
        visit.action_done()

    # ------------------------------------------------------------------
    # One form after the other
    # ------------------------------------------------------------------

    def _ask_exams(self, cards):
        """Solicitação de SP/SADT."""
        for card in cards[:4]:
            visit = self._create_visit(card, self.clinic.professionals[2], [(HOLTER, {})])
            if self._request(visit).state == "authorized":
                self._close(visit)

    def _ask_oncology(self, contract, card):
        """Quimioterapia inside a request, radioterapia after one."""
        for annex_type, code, transport in (
            ("quimio", CHEMOTHERAPY, "request"),
            ("radio", RADIOTHERAPY, "request"),
            ("radio", RADIOTHERAPY, "alone"),
            ("quimio", CHEMOTHERAPY, "alone"),
        ):
            term = self.env["tiss.term"]._get("22", code)
            item = {
                "sequence_item": 1,
                "table_code": "22",
                "code": code,
                "description": term.name,
                "quantity": 1,
            }
            request = self.env["tiss.authorization"].create(
                {
                    "request_type": "sp_sadt",
                    "contract_id": contract.id,
                    "patient_id": card.patient_id.id,
                    "card_id": card.id,
                    "professional_id": self.clinic.professionals[0].id,
                    "care_character_id": self._term("23", "1"),
                    "clinical_indication": "Indicação de demonstração",
                    "line_ids": [Command.create(item)],
                }
            )
            if transport == "request":
                self._create_annex(annex_type, request, transport)
            self.send(request)
            self.requests |= request
            if transport == "alone":
                self.send(self._create_annex(annex_type, request, transport))

    def _ask_stay(self, cards):
        """Internação in the clinic itself, with its OPME, its extension and its two notices."""
        visit = self._request_until_granted(
            cards,
            self._create_stay,
            annex="opme",
            hospital_id=self.clinic.company.partner_id.id,
            days_requested=STAY_DAYS,
        )
        if not visit:
            return
        self._tell(visit, "admission")
        extension = self._extend(visit.authorization_id)
        self.send(extension)
        self.requests |= extension
        self._tell(visit, "discharge")
        self._close(visit)

    def _extend(self, request):
        """More days, from the form that the button opens: it sends what it was opened with."""
        context = request.action_extend()["context"]
        opened = {name.removeprefix("default_"): value for name, value in context.items()}
        return self.env["tiss.authorization"].create(
            {**opened, "days_requested": 2, "clinical_indication": "Indicação de demonstração"}
        )

    def _create_stay(self, card):
        start = self.today - timedelta(days=STAY_DAYS)
        return self._create_visit(
            card,
            self.surgeon,
            [
                (SURGERY, {"participation_id": self._term("35", "00"), "date": start}),
                (
                    INPATIENT_VISIT,
                    {"participation_id": self._term("35", "12"), "quantity": STAY_DAYS},
                ),
                (DAILY_RATE, {"quantity": STAY_DAYS}),
            ],
            care_character_id=self._term("23", "2"),
            start_date=start,
            start_time=8.5,
            end_date=self.today,
            end_time=10.25,
            hospitalization_type_id=self._term("57", "2"),
            hospitalization_regime_id=self._term("41", "1"),
            discharge_reason_id=self._term("39", "12"),
            diagnosis_1="K802",
        )

    def _ask_surgery(self, cards):
        """Internação in another hospital, of which the clinic bills honorários."""
        visit = self._request_until_granted(cards[::-1], self._create_surgery, days_requested=1)
        if visit:
            self.send(self._create_annex("opme", visit.authorization_id, "alone"))
            self._close(visit)

    def _create_surgery(self, card):
        return self._create_visit(
            card,
            self.surgeon,
            [(SURGERY, {"participation_id": self._term("35", "00")})],
            care_character_id=self._term("23", "2"),
            hospital_id=self.hospital.id,
            start_date=self.today,
            end_date=self.today,
            hospitalization_type_id=self._term("57", "2"),
        )

    def _ask_dentistry(self, cards):
        """Tratamento odontológico, and the situação inicial by itself."""
        visit = self._request_until_granted(cards, self._create_treatment)
        if visit:
            request = visit.authorization_id
            self.send(self._create_annex("situacao_inicial", request, "alone"))
            self._close(visit)

    def _create_treatment(self, card):
        place = {"tooth_id": self._term("28", "36"), "faces": "O"}
        return self._create_visit(
            card,
            self.dentist,
            [(DENTAL_VISIT, {}), (FILLING, place)],
            dental_type_id=self._term("51", "1"),
            treatment_end_date=self.today,
        )

    # ------------------------------------------------------------------
    # Annexes
    # ------------------------------------------------------------------

    def _create_annex(self, annex_type, request, transport):
        annex = self.env["tiss.annex"].create(
            {
                "annex_type": annex_type,
                "authorization_id": request.id,
                "transport": transport,
                **getattr(self, f"_prepare_{annex_type}")(),
            }
        )
        self.annexes |= annex
        return annex

    def _prepare_opme(self):
        material = self.env["tiss.term"].search([("table_code", "=", "19")], order="code", limit=1)
        item = {
            "table_code": "19",
            "code": material.code,
            "description": material.name,
            "manufacturer_choice_id": self._term("opcaoFabricante", "1"),
            "quantity": 2,
        }
        return {
            "technical_justification": "Justificativa de demonstração",
            "line_ids": [Command.create(item)],
        }

    def _prepare_diagnosis(self):
        return {
            "staging_id": self._term("31", "2"),
            "purpose_id": self._term("33", "3"),
            "ecog_id": self._term("30", "1"),
        }

    def _prepare_quimio(self):
        drug = {
            "table_code": "20",
            "code": "90055888",
            "description": self.products["90055888"].name,
            "expected_date": self.today,
            "doses": 120.5,
            "unit_id": self._term("60", "022"),
            "route_id": self._term("62", "19"),
            "frequency": 1,
        }
        return {
            **self._prepare_diagnosis(),
            "weight": 70,
            "height": 175,
            "tumor_id": self._term("67", "2"),
            "node_id": self._term("66", "4"),
            "metastasis_id": self._term("65", "2"),
            "chemotherapy_id": self._term("58", "1"),
            "therapy_plan": "Plano de demonstração",
            "cycle_count": 6,
            "current_cycle": 1,
            "cycle_days": 1,
            "cycle_interval": 21,
            "line_ids": [Command.create(drug)],
        }

    def _prepare_radio(self):
        return {
            **self._prepare_diagnosis(),
            "field_count": 2,
            "field_dose": 2,
            "total_dose": 50,
            "day_count": 25,
            "expected_date": self.today + timedelta(days=7),
        }

    def _prepare_teeth(self):
        tooth = {"tooth_id": self._term("28", "36"), "condition_id": self._term("44", "C")}
        return [Command.create(tooth)]

    def _prepare_situacao_inicial(self):
        return {"tooth_ids": self._prepare_teeth()}

    # ------------------------------------------------------------------
    # Notices, what the dentist adds to the guia, documents
    # ------------------------------------------------------------------

    def _tell(self, stay, event):
        notice = stay.create_stay_notices(event)
        self.send(notice)
        self.notices |= notice

    def complete(self, guias):
        """What only the guia of a treatment says: the first condition, and the patient's share."""
        dental = guias.with_env(self.env).filtered(lambda guia: guia.guia_type == "odonto")
        for guia in dental:
            guia.tooth_ids = self._prepare_teeth()
            fillings = guia.line_ids.filtered(lambda line: line.code == FILLING)
            fillings.amount_patient = DENTAL_SHARE
        dental.action_check()

    def prove(self, guias):
        """One report for each convênio, on a guia that its operadora has received."""
        sent = guias.with_env(self.env).filtered(
            lambda guia: guia.guia_type == "sp_sadt" and guia.lote_id.protocol_number
        )
        for own in sent.grouped("contract_id").values():
            document = self.env["tiss.document"].create(
                {
                    "guia_id": own[0].id,
                    "kind_id": self._term("tipoDocumento", "02"),
                    "file": base64.b64encode(PDF),
                    "file_name": "laudo.pdf",
                }
            )
            self.send(document)
            self.documents |= document
