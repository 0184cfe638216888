"""Speed of reading a lote of another system, run by ``./dev bench`` on a database of its own.

A lote XML of 100 guias of 5 items into guias: once where everybody in it is known, once where every
beneficiary and professional has to be created. Queries do not depend on how busy the machine is.
"""

import random
import statistics
from datetime import timedelta

from odoo.fields import Command

from odoo.addons.l10n_br_tiss import standard
from odoo.addons.l10n_br_tiss.demo.clinic import Clinic
from odoo.addons.l10n_br_tiss.scripts.bench_tools import Bench

GUIAS, ROUNDS, SECONDS = 100, 3, 5
ITEMS = ["40304361", "90055888", "40302040", "40301605", "20104103"]  # the second is an expense


class ImportBench(Bench):
    """The demo's clinic and its first convênio."""

    def __init__(self, env):
        self.clinic = Clinic(env, encounters=0).build()
        super().__init__(self.clinic.env)
        self.random = random.Random(1)
        self.contract = self.clinic.contracts[0]

    def imports(self):
        known = self._make_file()
        self._measure("everybody known", known)
        self._measure("nobody known", self._make_strange(known))

    def _measure(self, title, content):
        times = []
        for _round in range(ROUNDS):
            with self.undone():
                lote, seconds, queries = self.cost(
                    self.env["tiss.lote"].import_file, "lote.xml", content
                )
                times.append(seconds)
                items = len(lote.guia_ids.line_ids)
        print(
            f"\nImport of a lote XML, {GUIAS} guias with {items} items ({len(content):,} bytes),"
            f" {title}: {statistics.median(times):.2f} s in {queries} queries"
        )
        self.judge(f"under {SECONDS} s", statistics.median(times) < SECONDS)

    def _make_file(self):
        """A lote of ours, undone again, so that its numbers are free."""
        with self.undone():
            encounters = self.env["tiss.encounter"].create(
                [self._prepare_encounter() for _ in range(GUIAS)]
            )
            encounters.action_done()
            lote = encounters.create_guias().create_lotes()
            lote.build()
            return lote.get_xml()

    def _prepare_encounter(self):
        cards = self.clinic.cards.filtered(
            lambda card: card.operadora_id == self.contract.partner_id
        )
        card = self.random.choice(cards)
        return {
            "patient_id": card.patient_id.id,
            "card_id": card.id,
            "date": self.clinic.today - timedelta(days=self.random.randrange(1, 15)),
            "professional_id": self.random.choice(self.clinic.professionals).id,
            "line_ids": [
                Command.create({"product_id": self.clinic.products[code].id}) for code in ITEMS
            ],
        }

    def _make_strange(self, content):
        """The same lote with another card and another professional in every guia."""
        schema = standard.load(self.contract.version)
        values = schema.decode(content)
        del values["epilogo"]
        guias = values["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaSP-SADT"]
        for place, guia in enumerate(guias):
            card = guia["dadosBeneficiario"]["numeroCarteira"]
            guia["dadosBeneficiario"]["numeroCarteira"] = f"{place:0{len(card)}}"
            professional = guia["dadosSolicitante"]["profissionalSolicitante"]
            professional["numeroConselhoProfissional"] = str(900_000 + place)
        return schema.encode(values)


bench = ImportBench(env)  # noqa: F821
bench.run(bench.imports)
