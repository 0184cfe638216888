import unittest

from odoo.tests import HttpCase, tagged

from .. import standard
from .bank_records import BankRecords
from .common import CONSULTATION, ClinicCase, TissRecords
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

    def browser_js(self, *args, **kwargs):
        """Odoo skips it without a browser; then nobody would notice that it never ran."""
        try:
            return super().browser_js(*args, **kwargs)
        except unittest.SkipTest as error:
            return self.fail(f"This needs Chromium: {error}")


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


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMoneyTour(BankRecords, TourCase):
    """A biller explains a deposit and contests a glosa, from the list to the protocolo."""

    groups = "l10n_br_tiss.group_tiss_billing"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_convenio()

    def test_a_deposit_and_a_recurso(self):
        lote = self._create_received_lote({CONSULTATION: 1}, protocol="1001")
        content = analysis_message(lote, {(lote.guia_ids.name, 1): (100, TOO_HIGH)}, "D1")
        self.env["tiss.demonstrativo"].import_file("analise.xml", content).post()
        payment = self._post_payment(137.66, "P1")
        line = self._deposit(137.66, "TED 001 MANTENEDORA FICTICIA", after=0)
        self.assertFalse(self.env["tiss.bank.match"].find()[0], "nothing says who paid")
        self.start_tour("/odoo", "l10n_br_tiss_money", login="tiss_test", timeout=120)
        self.assertEqual((line.tiss_state, payment.is_matched), ("matched", True))
        recurso = lote.glosa_ids.recurso_id
        self.assertEqual((recurso.state, recurso.protocol_number), ("received", "778899"))
        self.assertEqual((lote.glosa_ids.state, recurso.amount_total), ("appealed", 50))
        self.assertEqual(self.contract.check_ledger(), [])


# What is asked on the page while it waits for an answer, and what it shows then.
LATE_ANSWER = """
const text = () => document.querySelector("[name=eligibility_text]")?.innerText || "";
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function see(words) {
    for (let tries = 0; !text().includes(words); tries++) {
        if (tries > 100) {
            throw new Error(`${words} is not in: ${text()}`);
        }
        await wait(100);
    }
}

async function main() {
    await see("ainda não respondeu");
    const input = document.querySelector("[name=number] input");
    input.focus();
    const params = {
        model: "tiss.delivery", method: "action_stop", args: [[DELIVERY_ID]], kwargs: {},
    };
    const reply = await fetch("/web/dataset/call_kw", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", method: "call", id: 1, params }),
    });
    const { error } = await reply.json();
    await wait(2500);
    if (error || !text().includes("ainda não respondeu")) {
        throw new Error(error ? error.data.message : "read again while somebody types");
    }
    input.blur();
    await see("não conseguiu verificar");
    console.log("test successful");
}
main().catch((error) => console.error(error.message));
"""


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLateAnswer(TourCase):
    """The reception waits on the page of the card; the answer comes without loading it again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_convenio()

    def test_the_page_reads_it_but_not_while_somebody_types(self):
        self.contract.environment = "demo"
        endpoint = {
            "contract_id": self.contract.id,
            "environment": "demo",
            "service": "tissVerificaElegibilidade",
            "url": "http://127.0.0.1:9/tissVerificaElegibilidade",
        }
        self.env["tiss.endpoint"].create(endpoint)
        delivery = self.card.verify_eligibility().delivery_ids
        self.env.flush_all()
        self.browser_js(
            f"/odoo/tiss.card/{self.card.id}",
            LATE_ANSWER.replace("DELIVERY_ID", str(delivery.id)),
            ready="Boolean(document.querySelector('.o_form_view'))",
            login="tiss_test",
        )
