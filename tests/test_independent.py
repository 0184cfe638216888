from lxml import etree
from tiss import sandbox, validate

from odoo.fields import Command
from odoo.tests import tagged

from .. import standard
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon

SP_SADT = {ECG: 1, BLOOD_COUNT: 3, DIPYRONE: 2, ROOM_FEE: 1}  # 41.10 + 99.99 + 14.90 + 18.00


@tagged("post_install", "-at_install", "post_install_l10n")
class TestIndependent(TissCommon):
    """The PyPI package `tiss`, written by others, judges our lotes and answers them."""

    def _findings(self, lote):
        return sorted({finding.code for finding in validate(lote.get_xml()).findings})

    def _send(self, lote, scenario="aprovado"):
        """Send to the sandbox; (lote with its protocolo, imported analysis)."""
        answer = sandbox.enviar_lote(lote.get_xml(), cenario=scenario)
        self.assertTrue(answer["aceito"], answer["findings"])
        self.assertEqual(answer["numero_lote"], lote.name)
        lote.send()
        lote.register_protocol(answer["numero_protocolo"], self.today)
        content = sandbox.demonstrativo(answer["protocolo"])
        analysis = self.env["tiss.message"].receive_file("analise.xml", content)
        self.assertEqual(self.env["tiss.message"].receive_file("analise.xml", content), analysis)
        return analysis

    # ------------------------------------------------------------------
    # Its validator
    # ------------------------------------------------------------------

    def test_it_finds_nothing_in_our_lotes(self):
        referrer = self._create_professional("Solicitante Inventada", number="654321")
        referrer.write({"tiss_is_professional": False, "tiss_is_referrer": True})
        participation = self.env["tiss.term"]._get("35", "12")
        for version in ("4.02.00", "4.03.00"):
            self.contract.version = version
            visits = {
                "consulta": ([CONSULTATION, CONSULTATION], {}),
                "expenses": ([SP_SADT, {ROOM_FEE: 2}], {}),
                "authorised": (
                    [SP_SADT],
                    {
                        "requester_id": referrer.id,
                        "request_date": self.visit_date,
                        "authorization_number": "OP77",
                        "authorization_date": self.visit_date,
                        "authorization_password": "S123",
                        "authorization_validity_date": self.today,
                    },
                ),
                "telehealth": ([{CONSULTATION: 1, ECG: 1}], {"mode": "tele"}),
            }
            for name, (items, vals) in visits.items():
                with self.subTest(f"{name} {version}"):
                    lote = self._create_lote(*items, **vals)
                    report = validate(lote.get_xml(), version=version)
                    self.assertEqual(report.findings, ())
                    self.assertTrue(report.valid)
            with self.subTest(f"team {version}"):
                encounter = self._create_encounters(ECG, done=False)
                encounter.line_ids.participation_id = participation
                encounter.action_done()
                lote = encounter.create_guias().create_lotes()
                lote.build()
                self.assertEqual(validate(lote.get_xml()).findings, ())

    def test_it_does_find_what_is_wrong(self):
        """A judge that accepts everything would prove nothing."""
        lote = self._create_lote(SP_SADT)
        content = lote.get_xml()
        wrong = content.replace(b"valorTotalGeral>173.99<", b"valorTotalGeral>173.90<")
        self.assertNotEqual(wrong, content)
        codes = {finding.code for finding in validate(wrong).findings}
        self.assertEqual(codes, {"lote.hash_divergente", "lote.valor_total_geral"})

    def test_a_full_lote_of_a_hundred_guias(self):
        lote = self._create_lote(*[{ECG: 1, DIPYRONE: 1}] * 100)
        self.assertEqual(validate(lote.get_xml()).findings, ())

    # ------------------------------------------------------------------
    # Its known defects (guide Appendix D), each seen on its own
    # ------------------------------------------------------------------

    def _assert_known_defect(self, lote, *codes):
        self.assertTrue(standard.load(lote.version).validate(lote.get_xml()))
        self.assertIn(b"numeroProtocolo", self._simulate().receive(lote.get_xml(), self.today))
        self.assertEqual(self._findings(lote), sorted(codes))

    def test_it_ignores_the_factor_of_an_item(self):
        encounter = self._create_encounters(ECG, done=False)
        encounter.line_ids.factor = 0.5
        encounter.action_done()
        lote = encounter.create_guias().create_lotes()
        lote.build()
        self.assertEqual(lote.amount_total, 20.55)
        self._assert_known_defect(lote, "item.valor_divergente")

    def test_it_refuses_an_item_of_no_value(self):
        rule = self.contract.price_item_ids.filtered(
            lambda item: item.tiss_term_id.code == ROOM_FEE
        )
        rule.fixed_price = 0
        lote = self._create_lote({ECG: 1, ROOM_FEE: 1})
        self._assert_known_defect(lote, "item.valor_zerado")

    def test_it_wants_items_without_gaps(self):
        guia = self._create_encounters({ECG: 1, BLOOD_COUNT: 1, DIPYRONE: 1}).create_guias()
        guia.line_ids = [Command.delete(guia.line_ids[1].id)]
        self.assertEqual(guia.line_ids.mapped("sequence_item"), [1, 3], "items keep their numbers")
        lote = guia.create_lotes()
        lote.build()
        self._assert_known_defect(lote, "guia.sequencial")

    # ------------------------------------------------------------------
    # Its operadora
    # ------------------------------------------------------------------

    def _sum_released(self, lote):
        return round(sum(lote.guia_ids.line_ids.mapped("amount_released")), 2)

    def test_approved(self):
        lote = self._create_lote(SP_SADT, {ECG: 1}, {BLOOD_COUNT: 1})
        analysis = self._send(lote)
        self.assertFalse(analysis.discrepancy_ids.mapped("display_name"))
        analysis.post()
        self.assertEqual(lote.state, "processed")
        self.assertEqual(self._sum_released(lote), 248.42)
        self.assertFalse(analysis.glosa_ids)
        self.assertLedgerSound()

    def test_all_denied_as_a_duplicate(self):
        lote = self._create_lote(SP_SADT)
        analysis = self._send(lote, "duplicidade")
        analysis.post()
        self.assertEqual(sorted(analysis.glosa_ids.mapped("amount")), [14.90, 18.00, 41.10, 99.99])
        self.assertEqual(set(analysis.glosa_ids.mapped("code")), {"3209"})
        self.assertEqual(lote.amount_denied, 173.99)
        self.assertEqual(lote.amount_open, 173.99, "a glosa stays open until it is accepted")
        self.assertLedgerSound()

    def test_first_guia_denied_for_want_of_authorisation(self):
        lote = self._create_lote({ECG: 1}, {BLOOD_COUNT: 1})
        self._send(lote, "sem_autorizacao").post()
        first, second = lote.guia_ids.sorted("number")
        self.assertEqual((first.amount_denied, second.amount_denied), (41.10, 0))
        self.assertEqual(first.glosa_ids.code, "1818")
        self.assertEqual(second.line_ids.amount_released, 33.33)
        self.assertLedgerSound()

    def test_expired_card(self):
        lote = self._create_lote({ECG: 1})
        analysis = self._send(lote, "carteirinha_vencida")
        analysis.post()
        self.assertEqual(analysis.glosa_ids.term_id.code, "1017")
        analysis.glosa_ids.accept()
        self.assertEqual(lote.state, "closed")
        self.assertEqual(lote.invoice_id.amount_residual, 0)
        self.assertLedgerSound()

    def test_twenty_guias_in_each_version(self):
        for version in ("4.02.00", "4.03.00"):
            self.contract.version = version
            lote = self._create_lote(*[{BLOOD_COUNT: 1}] * 20)
            self._send(lote).post()
            self.assertEqual(self._sum_released(lote), 666.60)
        self.assertLedgerSound()

    def test_its_analysis_knows_nothing_of_a_consulta(self):
        """It sums only numbered items, which a guia de consulta has not: nothing is posted."""
        lote = self._create_lote(CONSULTATION)
        analysis = self._send(lote)
        self.assertEqual(set(analysis.discrepancy_ids.mapped("code")), {"informed_differs"})
        with self.assertRefused("Presented amount differs"):
            analysis.post()
        self.assertEqual(lote.amount_open, 150.00)
        self.assertLedgerSound()

    def test_its_refusal_leaves_the_lote_ours(self):
        lote = self._create_lote(SP_SADT)
        answer = sandbox.enviar_lote(lote.get_xml().replace(b">173.99<", b">1.00<"))
        self.assertFalse(answer["aceito"])
        self.assertEqual(answer["numero_lote"], lote.name)
        lote.send()
        guia = lote.guia_ids
        lote.action_reject()
        again = guia.create_lotes()
        again.build()
        self.assertTrue(sandbox.enviar_lote(again.get_xml())["aceito"])

    def test_it_reads_what_we_wrote(self):
        lote = self._create_lote(SP_SADT)
        summary = sandbox.enviar_lote(lote.get_xml())["resumo"]
        self.assertEqual(summary["registro_ans"], "326305")
        self.assertEqual(summary["prestador"]["valor"], "12345")
        [guia] = summary["guias"]
        self.assertEqual(guia["numero_carteira"], "0123456789")
        self.assertEqual(
            [item["valor_total"] for item in guia["itens"]], ["41.10", "99.99", "14.90", "18.00"]
        )
        root = etree.fromstring(lote.get_xml())
        self.assertEqual(len(root.findall(".//{*}despesa")), 2)
