from odoo.tests import tagged

from .common import BLOOD_COUNT, DIPYRONE, TissCommon
from .return_messages import analysis_message, payment_message

VISIT = {BLOOD_COUNT: 1, DIPYRONE: 2}  # 33.33 + 14.90
OF_ENTRY = 15  # queries
FEW, MANY = 10, 20  # guias; both fit one batch of Odoo's INSERT and UPDATE (100 rows)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPerformance(TissCommon):
    """The number of queries does not depend on the number of guias or of lines."""

    @classmethod
    def _count(cls, work, *args):
        """(result, queries) of work(*args) from a cold record cache to the last write."""
        cls.env.invalidate_all()
        start = cls.env.cr.sql_log_count
        result = work(*args)
        cls.env.flush_all()
        return result, cls.env.cr.sql_log_count - start

    @classmethod
    def _run_job(cls, lote, number):
        """Send, invoice, analyse and pay a lote: {step: queries}."""
        counts = {}
        _, counts["send"] = cls._count(lote.send)
        _, counts["protocol"] = cls._count(lote.register_protocol, number)
        released = {}
        for guia in lote.guia_ids:
            released |= {(guia.name, 1): 33.33, (guia.name, 2): (10.00, "1705")}
        analysis = analysis_message(lote, released, f"A{number}")
        payment = payment_message(lote, dict.fromkeys(lote.guia_ids.mapped("name"), 43.33), number)
        receive = cls.env["tiss.message"].receive_file
        for name, content in (("analysis", analysis), ("payment", payment)):
            demonstrativo, counts[f"import of {name}"] = cls._count(
                receive, f"{number}-{name}.xml", content
            )
            _, counts[f"posting of {name}"] = cls._count(demonstrativo.post)
        return counts

    def _count_by_size(self, make, work, sizes=(FEW, MANY)):
        """Queries of work(make(size)) by size, without what a process reads once and keeps."""
        self._count(work, make(1))
        return {size: self._count(work, make(size))[1] for size in sizes}

    def _make_guias(self, size):
        return self._create_encounters(*[VISIT] * size).create_guias()

    def test_create_guias(self):
        counts = self._count_by_size(
            lambda size: self._create_encounters(*[VISIT] * size),
            lambda encounters: encounters.create_guias(),
        )
        self.assertEqual(counts[MANY], counts[FEW])
        self.assertEqual(len(self.contract.guia_ids), 1 + FEW + MANY)

    def test_cancel_copy_and_replace(self):
        for name, *args in (("cancel", "Why"), ("create_substitute", "Why"), ("copy",)):
            with self.subTest(name):
                counts = self._count_by_size(
                    self._make_guias,
                    lambda guias, name=name, args=args: getattr(guias, name)(*args),
                )
                self.assertEqual(counts[MANY], counts[FEW])

    def test_withdraw(self):
        def receive(size):
            guias = self._make_guias(size)
            lote = guias.create_lotes()
            lote.send()
            lote.register_protocol(f"W{size}", self.today)
            return guias

        counts = self._count_by_size(receive, lambda guias: guias.withdraw("Why"))
        # One more when an entry takes a new number out of a sequence.
        self.assertLessEqual(counts[MANY], counts[FEW] + 2)

    def test_generate_guias(self):
        """The same by way of a generation, with a row for each visit."""
        counts = self._count_by_size(
            lambda size: self._create_encounters(*[VISIT] * size),
            lambda encounters: self.env["tiss.guia.run"].start(encounters),
        )
        self.assertEqual(counts[MANY], counts[FEW])
        self.assertEqual(len(self.contract.guia_ids), 1 + FEW + MANY)

    def test_merge_into_guias(self):
        """Many visits in one guia cost no more than few."""
        self.contract.guia_grouping = "month"
        counts = self._count_by_size(
            lambda size: self._create_encounters(*[VISIT] * size),
            lambda encounters: encounters.create_guias(),
        )
        self.assertEqual(counts[MANY], counts[FEW])
        self.assertEqual(len(self.contract.guia_ids), 3)

    def test_reprice(self):
        counts = self._count_by_size(self._make_guias, lambda guias: guias.reprice())
        self.assertEqual(counts[MANY], counts[FEW])

    def test_create_lotes(self):
        counts = self._count_by_size(self._make_guias, lambda guias: guias.create_lotes())
        self.assertEqual(counts[MANY], counts[FEW])
        self.assertEqual(sum(self.contract.lote_ids.mapped("guia_count")), 1 + FEW + MANY)

    def test_build(self):
        """From records to the stored and valid XML of a full lote in ten queries."""
        counts = self._count_by_size(
            lambda size: self._make_guias(size).create_lotes(),
            lambda lote: lote.build(),
            sizes=(FEW, 100),
        )
        self.assertEqual(counts[100], counts[FEW])
        self.assertLessEqual(counts[100], 10)
        full = self.contract.lote_ids.filtered(lambda lote: lote.guia_count == 100)
        self.assertEqual(full.get_xml().count(b"<ans:guiaSP-SADT>"), 100)

    def test_create_products(self):
        """Products of terms; each is found by its code, as itself and as its only variant."""
        # Of one chapter: each chapter's category is looked up once.
        unused = self.env["tiss.term"].search(
            [("table_code", "=", "22"), ("code", "=like", "4%"), ("product_ids", "=", False)],
            limit=1 + FEW + MANY,
        )
        batches = {1: unused[:1], FEW: unused[1 : 1 + FEW], MANY: unused[1 + FEW :]}
        counts = self._count_by_size(batches.get, lambda terms: terms.create_products())
        self.assertEqual(counts[MANY], counts[FEW])
        products = unused.product_ids
        codes = unused.mapped("code")
        self.assertEqual(products.mapped("default_code"), codes)
        self.assertEqual(products.product_variant_ids.mapped("default_code"), codes)
        self.assertEqual(products.product_variant_ids.mapped("tiss_code"), codes)
        self.assertFalse(any(products.mapped("image_128")))

    def test_readjustment(self):
        """Simulated and applied to few prices of one convênio and to many of another."""
        terms = self.env["tiss.term"].search([("table_code", "=", "22")], limit=MANY)
        contracts = {}
        for code, size in (("006246", 1), ("005711", FEW), ("339679", MANY)):
            contracts[size] = self._create_contract(code)
            self.env["product.pricelist.item"].create(
                [
                    {
                        "pricelist_id": contracts[size].pricelist_id.id,
                        "tiss_term_id": term.id,
                        "compute_price": "fixed",
                        "fixed_price": 100,
                    }
                    for term in terms[:size]
                ]
            )

        def work(contract):
            readjustment = self.env["tiss.readjustment"].create(
                {"contract_id": contract.id, "percent": 4.5, "date": "2030-01-01"}
            )
            readjustment.simulate()
            readjustment.apply()
            return readjustment

        counts = self._count_by_size(contracts.get, work)
        self.assertEqual(counts[MANY], counts[FEW])
        prices = contracts[MANY].price_item_ids.mapped("fixed_price")
        self.assertEqual(sorted(prices), [100.0] * MANY + [104.5] * MANY)

    def test_answers(self):
        """Protocolo with its invoice, and both demonstrativos imported and posted."""
        self._run_job(self._create_lote(VISIT), "1000")
        few = self._run_job(self._create_lote(*[VISIT] * FEW), "1001")
        many = self._run_job(self._create_lote(*[VISIT] * MANY), "1002")
        for step, queries in many.items():
            # Odoo may look once more for the last number of a journal; a guia more costs nothing.
            self.assertLessEqual(queries, few[step] + 2, step)
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPerformanceOfLotes(TissCommon):
    """What is booked for many lotes at once costs each of them no more than its own entry."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = 0

    def _receive(self, size, visit=VISIT):
        """Lotes with a guia each that have their protocolos."""
        lotes = self.env["tiss.lote"]
        for guia in self._create_encounters(*[visit] * size).create_guias():
            lotes |= guia.create_lotes()
        lotes.send()
        for lote in lotes:
            type(self).number += 1
            lote.register_protocol(f"L{self.number}", self.today)
        return lotes

    def _analyse(self, lotes):
        """Of each item 23.33 and 10.00 are released of 33.33 and 14.90."""
        for lote in lotes:
            guia = lote.guia_ids.name
            released = {(guia, 1): (23.33, "1705"), (guia, 2): (10.00, "1806")}
            content = analysis_message(lote, released, f"A{lote.protocol_number}")
            self.env["tiss.message"].receive_file(f"{lote.name}.xml", content).post()
        return lotes

    def _pay(self, lotes):
        guias = dict.fromkeys(lotes.guia_ids.mapped("name"), 30.00)
        content = payment_message(lotes, guias, f"P{lotes[0].protocol_number}")
        demonstrativo = self.env["tiss.message"].receive_file("pagamento.xml", content)
        demonstrativo.post()
        return demonstrativo

    def assertCheap(self, make, *works):
        """Each work on make(size) costs a lote more no more than Odoo's own queries for its entry.

        Odoo itself asks nearly so much for each invoice that it numbers, posts or takes back.
        """
        counts = {}
        for size in (2, 4):
            ids = make(size).ids
            for step, work in enumerate(works):
                self.env.flush_all()
                self.env.invalidate_all()
                start = self.env.cr.sql_log_count
                work(ids)
                self.env.flush_all()
                counts[step, size] = self.env.cr.sql_log_count - start
        for step in range(len(works)):
            self.assertLessEqual(counts[step, 4] - counts[step, 2], 2 * OF_ENTRY, counts)
        self.assertLedgerSound()

    def test_what_is_given_up_and_denied_again(self):
        glosas = self.env["tiss.glosa"]
        self.assertCheap(
            lambda size: self._analyse(self._receive(size)).glosa_ids,
            lambda ids: glosas.browse(ids).accept(),
            lambda ids: glosas.browse(ids).reopen("Foi paga"),
        )

    def test_withdraw(self):
        self.assertCheap(
            lambda size: self._receive(size).guia_ids,
            lambda ids: self.env["tiss.guia"].browse(ids).withdraw("Why"),
        )

    def test_invoices_of_what_was_written_off(self):
        self.contract.write({"invoice_moment": "month", "glosa_policy": "at_once"})
        self.assertCheap(
            lambda size: self._analyse(self._receive(size)),
            lambda ids: self.env["tiss.lote"].browse(ids)._create_invoices(),
        )

    def test_what_followed_a_payment_goes_with_it(self):
        """Credit notes over what was written off."""
        self.contract.glosa_policy = "at_once"
        self.assertCheap(
            lambda size: self._pay(self._receive(size, BLOOD_COUNT)),
            lambda ids: self.env["tiss.demonstrativo"].browse(ids).undo(),
        )
