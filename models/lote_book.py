"""The records that the guias of one lote file are about: found in a few queries, or created."""

from odoo.fields import Command

from ..standard import cards, identifiers
from ..standard.text import to_ascii
from .bulk import skip_images
from .guia_reader import CRO, Person, Place
from .tiss_term import PROCEDURE_TABLES

COUNCIL = ("tiss_council_id", "tiss_council_number", "tiss_council_state_id")
MAX_NAMES = 30  # told of each kind before an import
QUIET = {"tracking_disable": True, "mail_create_nosubscribe": True}
CHILDREN = {
    "line_ids": "tiss.guia.line",
    "member_ids": "tiss.guia.member",
    "declaration_ids": "tiss.guia.declaration",
    "tooth_ids": "tiss.guia.tooth",
}


class LoteBook:
    """Patients, professionals, hospitals, procedures and terms of read guias (`guia_reader`).

    `find` looks everything up; `new_cards`, `new_people` and `new_places` are then what the clinic
    does not know; `create_missing` creates them; `prepare` gives values for `create`.
    """

    def __init__(self, contract, guias):
        self.env = contract.env
        self.contract = contract
        self.guias = guias
        self.people = {}  # key of a Person: partner
        self.nobody = self.env["res.partner"]
        self.find()

    # ------------------------------------------------------------------
    # Finding
    # ------------------------------------------------------------------

    def find(self):
        self._find_cards()
        self._find_people()
        self._find_places()
        self._find_items()
        self.terms = {
            (term.table_code, term.code): term.id
            for term in self.env["tiss.term"]
            .sudo()
            .search_fetch(
                [("table_code", "not in", (*PROCEDURE_TABLES, "38"))], ["code", "table_code"]
            )
        }

    def _find_cards(self):
        """Also archived ones: the guias may be old."""
        wanted = {}
        for guia in self.guias:
            wanted.setdefault(cards.clean(guia["card_number"]), guia)
        found = (
            self.env["tiss.card"]
            .with_context(active_test=False)
            .search_fetch(
                [
                    ("company_id", "=", self.contract.company_id.id),
                    ("operadora_id", "=", self.contract.partner_id.id),
                    ("number", "in", list(wanted)),
                ],
                ["number", "patient_id", "plan_id", "is_newborn", "active"],
            )
        )
        ranked = found.sorted(lambda card: (not card.active, card.is_newborn, card.id))
        self.cards = ranked.grouped("number")
        self.new_cards = {
            number: guia for number, guia in wanted.items() if number not in self.cards
        }

    def _find_people(self):
        self.wanted_people = self._collect_people()
        numbers = [person.number.strip() for person in self.wanted_people.values()]
        found = self.env["res.partner"].search_fetch(
            [
                ("tiss_council_number", "in", numbers),
                "|",
                ("tiss_is_professional", "=", True),
                ("tiss_is_referrer", "=", True),
            ],
            ["name", "tiss_is_professional", *COUNCIL],
        )
        self._by_key = found.grouped(get_key)
        self._by_number = found.grouped("tiss_council_number")
        for key, person in self.wanted_people.items():
            partner = self._match_person(person)
            if partner:
                self.people[key] = partner
        self.new_people = {
            key: person for key, person in self.wanted_people.items() if key not in self.people
        }
        self.lacks_performer = any(not guia["professional_id"] for guia in self.guias)

    def _collect_people(self):
        """{key: Person}, with what the file says of him in different places put together."""
        wanted = {}
        for person in self._walk(Person):
            known = wanted.get(person.key, person)
            names = ("council", "number", "state", "name", "cbo", "code", "cpf")
            details = {name: getattr(known, name) or getattr(person, name) for name in names}
            wanted[person.key] = Person(**details, is_ours=known.is_ours or person.is_ours)
        return wanted

    def _match_person(self, person):
        found = self._by_key.get(person.key)
        if not found and person.council == CRO and person.name:
            # A GTO has no place for the council, and not only dentists ask for treatments.
            found = self._by_number.get(person.number.strip(), self.nobody).filtered(
                lambda partner: (
                    partner.tiss_council_state_id.code == person.state
                    and to_ascii(partner.name, 70) == to_ascii(person.name, 70)
                )
            )
        if not found:
            return None
        return found.sorted(
            lambda partner: (
                partner.tiss_is_professional != person.is_ours,
                to_ascii(partner.name or "", 70) != to_ascii(person.name, 70),
                partner.id,
            )
        )[0]

    def _find_places(self):
        wanted = set(self._walk(Place))
        found = self.env["res.partner"].search_fetch(
            [("tiss_is_hospital", "=", True)], ["tiss_provider_code", "tiss_cnes", "vat"]
        ) if wanted else self.nobody  # fmt: skip
        self.places = {}
        for place in wanted:
            partner = next((each for each in found if is_place(each, place)), None)
            if partner:
                self.places[place] = partner
        self.new_places = {}
        for place in wanted - set(self.places):
            self.new_places.setdefault((place.code, place.cnpj), place)

    def _find_items(self):
        wanted = {
            (line["table_code"], line["code"]): line.get("description")
            for guia in self.guias
            for line in guia["line_ids"]
        }
        codes = [code for _table, code in wanted]
        products = self.env["product.product"].search_fetch(
            [("tiss_code", "in", codes)], ["tiss_table", "tiss_code", "name"]
        )
        self.products = products.grouped(lambda each: (each.tiss_table, each.tiss_code))
        self.unknown_items = {
            item: text for item, text in wanted.items() if item not in self.products
        }
        unnamed = [code for (_table, code), text in self.unknown_items.items() if not text]
        terms = self.env["tiss.term"].search_fetch(
            [("table_code", "=", "22"), ("code", "in", unnamed)], ["table_code", "code", "name"]
        ) if unnamed else self.env["tiss.term"]  # fmt: skip
        self.item_names = {(term.table_code, term.code): term.name for term in terms}

    def _walk(self, kind):
        """Every Person or Place of all guias."""
        for guia in self.guias:
            yield from (value for value in guia.values() if isinstance(value, kind))
            for line in guia["line_ids"]:
                for member in line["member_ids"]:
                    yield from (value for value in member.values() if isinstance(value, kind))

    # ------------------------------------------------------------------
    # Creating
    # ------------------------------------------------------------------

    def create_missing(self):
        """Create who and what the clinic does not know, marked as to be completed."""
        self._create_people()
        self._create_places()
        self._create_cards()

    def _create_partners(self, vals_list):
        Partner = self.env["res.partner"].with_context(**QUIET)
        # Asked once: for every partner that is created, Odoo would look for it anew.
        default = Partner.default_get(["l10n_latam_identification_type_id"])
        partners = Partner.create([{**default, **vals} for vals in vals_list])
        skip_images(partners)
        return partners.with_env(self.env)

    def _create_people(self):
        partners = self._create_partners(
            [self._prepare_person(person) for person in self.new_people.values()]
        )
        self.people.update(zip(self.new_people, partners, strict=True))
        if self.lacks_performer:
            self.nobody = self._get_nobody()

    def _prepare_person(self, person):
        name = person.name.strip() or self.env._(
            "Professional %(number)s/%(state)s",
            number=person.number,
            state=self._get_state_name(person.state),
        )
        vals = {
            "name": name,
            "tiss_is_professional": person.is_ours,
            "tiss_is_referrer": not person.is_ours,
            "tiss_council_id": self.terms.get(("26", person.council)),
            "tiss_council_number": person.number.strip(),
            "tiss_council_state_id": self.terms.get(("59", person.state)),
            "tiss_cbo_id": self.terms.get(("24", person.cbo)),
            "tiss_provider_code": person.code,
            "tiss_is_incomplete": not person.name.strip(),
        }
        if identifiers.valid_cpf(person.cpf):
            vals |= {"vat": person.cpf, "country_id": self.env.ref("base.br").id}
        return vals

    def _get_state_name(self, code):
        term = self.env["tiss.term"].browse(self.terms.get(("59", code)))
        return term.name or code

    def _get_nobody(self):
        """Whom guias name that do not say who attended: one placeholder for all of them."""
        name = self.env._("Professional Not Informed")
        known = self.env["res.partner"].search(
            [("name", "=", name), ("tiss_is_incomplete", "=", True)], limit=1
        )
        return known or self._create_partners(
            [{"name": name, "tiss_is_professional": True, "tiss_is_incomplete": True}]
        )

    def _create_places(self):
        partners = self._create_partners(
            [self._prepare_place(place) for place in self.new_places.values()]
        )
        created = dict(zip(self.new_places, partners, strict=True))
        for place in self._walk(Place):
            if place not in self.places:
                self.places[place] = created[place.code, place.cnpj]

    def _prepare_place(self, place):
        vals = {
            "name": place.name.strip() or place.code or place.cnpj,
            "is_company": True,
            "tiss_is_hospital": True,
            "tiss_cnes": place.cnes,
            "tiss_provider_code": place.code,
        }
        if identifiers.valid_cnpj(place.cnpj):
            vals |= {"vat": place.cnpj, "country_id": self.env.ref("base.br").id}
        return vals

    def _create_cards(self):
        """A message has no names: a patient is called by his card until he is completed."""
        plans = self._get_plans()
        numbers = list(self.new_cards)
        patients = self._create_partners(
            [
                {
                    "name": self.env._("Beneficiary %s", number),
                    "tiss_is_patient": True,
                    "tiss_is_incomplete": True,
                }
                for number in numbers
            ]
        )
        created = self.env["tiss.card"].create(
            [
                {
                    "company_id": self.contract.company_id.id,
                    "patient_id": patient.id,
                    "plan_id": plans[self._get_plan_name(number)].id,
                    "number": number,
                }
                for number, patient in zip(numbers, patients, strict=True)
            ]
        )
        self.cards |= created.grouped("number")

    def _get_plans(self):
        """{name: plan} for the new cards; only a GTO names the plan."""
        names = {self._get_plan_name(number) for number in self.new_cards}
        if not names:
            return {}
        operadora = self.contract.partner_id
        Plan = self.env["tiss.plan"].with_context(active_test=False)
        plans = {
            to_ascii(plan.name, 40): plan
            for plan in Plan.search_fetch([("operadora_id", "=", operadora.id)], ["name"])
        }
        missing = {to_ascii(name, 40): name for name in names if to_ascii(name, 40) not in plans}
        created = Plan.create(
            [{"operadora_id": operadora.id, "name": name} for name in missing.values()]
        )
        plans.update(zip(missing, created, strict=True))
        return {name: plans[to_ascii(name, 40)] for name in names}

    def _get_plan_name(self, number):
        return self.new_cards[number].get("plan_name") or self.env._("Plan Not Informed")

    def get_card_problems(self):
        """Why new cards cannot be created, as sentences: the operadora's rules for its numbers."""
        if not self.new_cards:
            return []
        rules = self.contract.partner_id.tiss_card_rule_ids.filtered(lambda rule: not rule.plan_id)
        problems = []
        for number in self.new_cards:
            problem = (
                rules._get_problem(number) if number else self.env._("It has no letter or digit.")
            )
            if problem:
                problems.append(
                    self.env._("Card %(card)s: %(problem)s", card=number, problem=problem)
                )
        return problems

    # ------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------

    def prepare(self, guia):
        """Values of `create` for one guia, without those of its lote."""
        card = self._get_card(guia)
        vals = self._prepare_record("tiss.guia", guia)
        vals.pop("plan_name", None)
        vals |= {
            "company_id": self.contract.company_id.id,
            "contract_id": self.contract.id,
            "patient_id": card.patient_id.id,
            "card_id": card.id,
            "professional_id": vals["professional_id"] or self.nobody.id,
        }
        return vals

    def _get_card(self, guia):
        """The newborn's own entry of his parent's card when there is one."""
        found = self.cards[cards.clean(guia["card_number"])]
        return found.filtered(lambda card: card.is_newborn == guia["is_newborn"])[:1] or found[0]

    def _prepare_record(self, model, values):
        fields = self.env[model]._fields
        vals = {}
        for name, value in values.items():
            if isinstance(value, Person):
                vals[name] = self.people[value.key].id
            elif isinstance(value, Place):
                vals[name] = self.places[value].id
            elif name in CHILDREN:
                vals[name] = [
                    Command.create(self._prepare_child(CHILDREN[name], child)) for child in value
                ]
            elif name in fields and fields[name].comodel_name == "tiss.term":
                vals[name] = self.terms.get((fields[name].domain[0][2], value))
            else:
                vals[name] = value
        return vals

    def _prepare_child(self, model, values):
        vals = self._prepare_record(model, values)
        if model == "tiss.guia.line":
            vals.pop("linked_item", None)
            item = (values["table_code"], values["code"])
            product = self.products.get(item, self.env["product.product"])[:1]
            vals["product_id"] = product.id
            vals["description"] = (
                values.get("description") or product.name or self.item_names.get(item) or item[1]
            )
        return vals

    # ------------------------------------------------------------------
    # Telling
    # ------------------------------------------------------------------

    def describe(self):
        """Who and what is known, and what is going to be created, as sentences."""
        return [*self._describe_people(), *self._describe_gaps()]

    def _describe_people(self):
        new_people = [person.name or person.number for person in self.new_people.values()]
        new_places = [place.name for place in self.new_places.values()]
        rows = [
            (self.env._("Beneficiaries"), self.cards, list(self.new_cards)),
            (self.env._("Professionals"), self.people, new_people),
            (self.env._("Hospitals"), self.places, new_places),
        ]
        return [
            self.env._(
                "%(kind)s: %(known)s known, %(new)s will be created%(names)s",
                kind=kind,
                known=len(known),
                new=len(new),
                names=self._join(new),
            )
            for kind, known, new in rows
            if known or new
        ]

    def _describe_gaps(self):
        sentences = []
        if self.new_cards:
            sentences.append(
                self.env._(
                    "The file has no names of beneficiaries: who is created is called by the card"
                    " number and marked as to be completed."
                )
            )
        if self.lacks_performer:
            sentences.append(
                self.env._(
                    "Some guias do not say who attended: they get “Professional Not Informed”."
                )
            )
        unknown = [" ".join(item) for item in self.unknown_items]
        if unknown:
            sentences.append(
                self.env._(
                    "Items that are no procedure of the clinic and stay as they are:"
                    " %(count)s%(names)s",
                    count=len(unknown),
                    names=self._join(unknown),
                )
            )
        return sentences

    @staticmethod
    def _join(names):
        """The first names in brackets, or nothing."""
        more = " …" if len(names) > MAX_NAMES else ""
        return f" ({', '.join(names[:MAX_NAMES])}{more})" if names else ""


def get_key(partner):
    """The key of a `Person` for a partner."""
    return (
        partner.tiss_council_id.code or "",
        (partner.tiss_council_number or "").strip(),
        partner.tiss_council_state_id.code or "",
    )


def is_place(partner, place):
    """Whether a hospital is the one that the message means."""
    if place.code and partner.tiss_provider_code:
        return partner.tiss_provider_code == place.code
    if place.cnpj and partner.vat:
        return identifiers.compact(partner.vat) == place.cnpj
    known = place.cnes != identifiers.NO_CNES
    return known and partner.tiss_cnes == place.cnes
