import unittest

from odoo.tests import HttpCase, tagged

from .. import standard
from .common import ClinicCase, TissRecords
from .return_messages import analysis_message, payment_message

TOO_HIGH = "1705"  # T38: VALOR APRESENTADO A MAIOR


class TourCase(TissRecords, ClinicCase, HttpCase):
    """An ordinary user who reads Portuguese."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        root = cls.env(su=True)
        root["res.lang"]._activate_lang("pt_BR")
        root.ref("base.module_l10n_br_tiss")._update_translations(["pt_BR"])
        cls.env.user.sudo().write({"lang": "pt_BR", "tz": "America/Sao_Paulo"})

    def start_tour(self, *args, **kwargs):
        """Odoo skips a tour without a browser; then nobody would notice that it never ran."""
        try:
            return super().start_tour(*args, **kwargs)
        except unittest.SkipTest as error:
            return self.fail(f"The tour needs Chromium: {error}")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractTour(TourCase):
    """A manager registers a convênio in three steps, changes a price and deletes it again."""

    def test_three_steps_a_new_price_and_the_end(self):
        operadora = self.env["tiss.operadora.registry"].search([("ans_code", "=", "006246")])
        self.start_tour("/odoo", "l10n_br_tiss_contract_create", login="tiss_test", timeout=120)
        partner = self.env["res.partner"].search([("tiss_ans_code", "=", operadora.ans_code)])
        self.assertTrue(partner)
        self.assertFalse(self.env["tiss.contract"].search([("partner_id", "=", partner.id)]))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMainJobTour(TourCase):
    """A biller does the whole main job in a browser, in Portuguese; what it leaves is checked."""

    groups = "l10n_br_tiss.group_tiss_billing"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.professional = cls._create_professional("Médica Exemplo")

    def test_from_the_card_to_the_paid_invoice(self):
        self.start_tour("/odoo", "l10n_br_tiss_main_job", login="tiss_test", timeout=180)
        lote = self._check_sent_lote()

        self._publish("analise.xml", analysis_message(lote, {("501", 1): (100, TOO_HIGH)}, "77"))
        self._publish("pagamento.xml", payment_message(lote, {"501": 100}, "78"))
        self.start_tour("/odoo", "l10n_br_tiss_main_job_returns", login="tiss_test", timeout=180)
        self._check_booked(lote)

    def _publish(self, name, content):
        """Put a file where the browser can fetch it, to upload it as a person would."""
        self.env["ir.attachment"].sudo().create(
            {"name": name, "url": f"/l10n_br_tiss/tour/{name}", "raw": content, "public": True}
        )

    def _check_sent_lote(self):
        lote = self.env["tiss.lote"].search([("protocol_number", "=", "900123")])
        self.assertEqual((lote.name, lote.guia_ids.name, lote.state), ("41", "501", "received"))
        self.assertEqual(lote.guia_ids.card_number, "0123456789")
        content = lote.get_xml()
        self.assertTrue(standard.load(lote.version).validate(content))
        answer = self.url_open(lote.action_download()["url"])
        self.assertEqual(answer.content, content)
        self.assertEqual(lote.invoice_id.amount_residual, 150)
        return lote

    def _check_booked(self, lote):
        self.assertEqual(lote.state, "processed")
        self.assertEqual(lote.invoice_id.payment_state, "partial")
        self.assertEqual(lote.invoice_id.amount_residual, 50)
        glosa = lote.glosa_ids
        self.assertEqual((glosa.code, glosa.amount, glosa.state), (TOO_HIGH, 50, "open"))
        demonstrativos = self.env["tiss.demonstrativo"].search([])
        self.assertEqual(set(demonstrativos.mapped("state")), {"posted"})
        self.assertEqual(lote.contract_id.check_ledger(), [])
