import copy

from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import DIPYRONE, ECG, TissCommon
from .question_records import QuestionRecords
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMutatedAnswers(QuestionRecords, TissCommon):
    """Each element of each answer missing, empty or with nonsense: a sentence, no crash."""

    def _mutate(self, content):
        """(what was done, bytes) of every mutation of one element."""
        tree = etree.fromstring(content)
        for position, element in enumerate(tree.iter("{*}*")):
            if element is tree:
                continue
            for name, change in self.CHANGES.items():
                mutated = copy.deepcopy(tree)
                changed = list(mutated.iter("{*}*"))[position]
                change(changed)
                label = f"{etree.QName(element).localname} {name}"
                yield label, etree.tostring(mutated, encoding="ISO-8859-1")

    def _empty(element):
        element.clear()

    def _fill(element):
        element.clear()
        element.text = "X" * 40

    CHANGES = {
        "missing": lambda element: element.getparent().remove(element),
        "empty": _empty,
        "nonsense": _fill,
    }

    def _get_crashes(self, content):
        """What broke in another way than by a sentence for the person."""
        crashes = []
        for label, mutated in self._mutate(content):
            try:
                with self.env.cr.savepoint() as savepoint:
                    self._receive(mutated)
                    self.env.flush_all()
                    savepoint.rollback()
            except UserError:
                pass
            except Exception as error:
                crashes.append(f"{label}: {error!r}"[:200])
            self.env.invalidate_all()
        return crashes

    def assertNoCrash(self, *contents):
        crashes = {crash for content in contents for crash in self._get_crashes(content)}
        self.assertEqual(sorted(crashes), [])

    def test_receipts(self):
        lote = self._create_lote({ECG: 1, DIPYRONE: 2})
        lote.send()
        answer = self._simulate().receive(lote.get_xml(), self.today)
        self.assertNoCrash(answer)

    def test_demonstrativos(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        name = lote.guia_ids.name
        self.assertNoCrash(
            analysis_message(lote, {(name, 1): 41.10, (name, 2): (4.90, "1705")}, "D1"),
            payment_message(lote, {name: 56.00}, "P1", [("01", "IRRF", 1.19)]),
        )

    def test_status_of_a_protocolo(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        lote.query_status()
        names = lote.guia_ids.mapped("name")
        self.assertNoCrash(
            self._answer_status("2", "1002", lote.name, names), self._refuse_status("1001")
        )

    def test_cancellation(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        self.env["tiss.cancellation"]._create_for(lote.guia_ids, "engano").send()
        self.assertNoCrash(
            self._answer_cancelled_guias({lote.guia_ids.name: "1"}), self._refuse_cancellation()
        )
