import base64
import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal

import openpyxl

from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message

AMIL = (
    "FATURA;LOTE;DATA ENVIO LOTE;NRO PROTOCOLO;VALOR PROTOCOLO;VALOR GLOSA PROTOCOLO;"
    "COD GLOSA PROTOCOLO;NRO BENEFICIÁRIO;BENEFICIÁRIO;NRO GUIA PRESTADOR;NRO GUIA OPERADORA;"
    "DATA REALIZAÇÃO;CODIGO SERVIÇO;DESCRIÇÃO;QTD EXECUTADA;VALOR INFORMADO;VALOR LIBERADO;"
    "VALOR DA GLOSA;CODIGO DA GLOSA;DESCR. DA GLOSA;CODIGO/DESCRIÇÃO DA GLOSA AMIL"
)
PLAIN = ["Protocolo", "Guia", "Item", "Valor informado", "Valor liberado", "Código glosa"]
PAID = ["Protocolo", "Guia", "Data pagamento", "Valor liberado", "IRRF", "ISS", "Valor líquido"]


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReturnTables(TissCommon):
    """Demonstrativos that come as a table: read once their columns are known, else asked about."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # One guia of 150.00 in one item, one of 41.10 + 14.90 = 56.00 in two.
        cls.consulta = cls._create_received_lote(CONSULTATION, protocol="1001")
        cls.sadt = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        cls.guia = cls.sadt.guia_ids
        cls.maps = cls.env["tiss.return.map"]

    # ------------------------------------------------------------------
    # Files and maps
    # ------------------------------------------------------------------

    def _amil(self, *rows, before=("Relatório de análise de contas", "")):
        """A file in the layout of the example; rows are (lote, item, released, code, denied)."""
        lines = []
        for lote, item, released, code, denied in rows:
            line = lote.guia_ids.line_ids.filtered(lambda line, n=item: line.sequence_item == n)
            cells = [
                "77001", lote.name, "01/03/2026", lote.protocol_number,
                _brl(lote.amount_total), "", "", "0099", "PACIENTE INVENTADO",
                lote.guia_ids.name, "", f"{line.date:%d/%m/%Y}", f'="{line.code}"', "ITEM", "1",
                _brl(line.amount), released, denied, code, "", "",
            ]  # fmt: skip
            lines.append(";".join(cells))
        return "\r\n".join([*before, AMIL, *lines, ""]).encode("latin-1")

    def _learn_amil(self):
        example = self.env.ref("l10n_br_tiss.tiss_return_map_amil")
        return example.copy({"contract_id": self.contract.id})

    def _learn(self, titles, roles, kind="analysis", **vals):
        return self.maps.create(
            {
                "name": "Portal",
                "contract_id": self.contract.id,
                "kind": kind,
                "titles": "\n".join(titles),
                "roles": {role: column for column, role in enumerate(roles) if role},
                **vals,
            }
        )

    def _learn_plain(self, **vals):
        titles = ["Fatura", *PLAIN]
        roles = ["number", "protocol", "guia", "item", "informed", "released", "reason"]
        return self._learn(titles, roles, **vals)

    def _learn_paid(self, **vals):
        roles = ["number", "protocol", "guia", "payment_date", "released", "irrf", "iss", "net"]
        return self._learn(["Fatura", *PAID], roles, "payment", **vals)

    def _csv(self, titles, *rows, separator=";", before=()):
        lines = [*before, *(separator.join(map(str, row)) for row in (titles, *rows))]
        return "\n".join(lines).encode()

    def _plain(self, *rows, **options):
        return self._csv(["Fatura", *PLAIN], *rows, **options)

    def _xlsx(self, *rows):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        stream = io.BytesIO()
        book.save(stream)
        return stream.getvalue()

    def _receive(self, content, name="retorno.csv"):
        return self.env["tiss.message"].receive_file(name, content)

    def _rows(self, first="41,10", second="14,90"):
        """The two items of the guia of 56.00."""
        own = ("D1", "1002", self.guia.name)
        return (*own, 1, "41,10", first, ""), (*own, 2, "14,90", second, "")

    # ------------------------------------------------------------------
    # Analyses
    # ------------------------------------------------------------------

    def test_the_layout_of_the_example(self):
        """56.00 presented, 46.00 released: 10.00 of the second item denied for reason 1705."""
        self._learn_amil()
        analysis = self._receive(
            self._amil((self.sadt, 1, "41,10", "", "0,00"), (self.sadt, 2, "4,90", "1705", "10,00"))
        )
        self.assertEqual((analysis.kind, analysis.name), ("analysis", "77001"))
        self.assertEqual((analysis.amount_informed, analysis.amount_released), (56.00, 46.00))
        self.assertFalse(analysis.discrepancy_ids)
        self.assertEqual(analysis.line_ids.guia_line_id, self.guia.line_ids)
        self.assertEqual(
            analysis.preview()["amounts"],
            {"release": Decimal("46.00"), "deny": Decimal("10.00")},
        )
        analysis.post()
        [glosa] = analysis.glosa_ids
        self.assertEqual((glosa.code, glosa.amount), ("1705", 10.00))
        self.assertLedgerSound()

    def test_a_table_and_an_xml_post_the_same(self):
        self._learn_plain()
        results = []
        items = {(self.guia.name, 1): 41.10, (self.guia.name, 2): (4.90, "1705")}
        own = ("D1", "1002", self.guia.name)
        for content in (
            analysis_message(self.sadt, items, "D1"),
            self._plain((*own, 1, "41,10", "41,10", ""), (*own, 2, "14,90", "4,90", "1705")),
        ):
            with self.env.cr.savepoint() as savepoint:
                analysis = self._receive(content)
                analysis.post()
                results.append(
                    [
                        [
                            (line.level, line.sequence_item, line.amount_released, line.reasons)
                            for line in analysis.line_ids
                        ],
                        self.guia.line_ids.mapped("amount_denied"),
                        analysis.glosa_ids.mapped("code"),
                    ]
                )
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0][1], [0, 10.00])

    def test_the_same_table_again_is_the_same_record(self):
        self._learn_plain()
        content = self._plain(*self._rows())
        first = self._receive(content)
        self.assertEqual(self._receive(content, "copia.csv"), first)
        self.assertEqual(first.message_id._get_content(), content)
        self.assertEqual(first.message_id.direction, "in")
        self.assertIn("Spreadsheet", first.message_id.transaction_name)
        first.post()
        self.assertEqual(self._receive(content), first)

    def test_another_table_of_the_same_number_is_a_difference(self):
        self._learn_plain()
        first = self._receive(self._plain(*self._rows()))
        first.sudo().issue_date = self.today - timedelta(days=3)
        second = self._receive(self._plain(*self._rows(second="4,90")))
        self.assertEqual((second.state, second.other_id), ("held", first))
        same = self._receive(self._plain(*self._rows(), before=["Emitido de novo"]))
        self.assertEqual(same, first)

    def test_two_protocolos_and_two_demonstrativos(self):
        self._learn_plain()
        other = self.consulta.guia_ids.name
        both = self._receive(
            self._plain(*self._rows(), ("D1", "1001", other, 1, "150,00", "150,00", ""))
        )
        self.assertEqual(both.amount_released, 206.00)
        self.assertEqual(set(both.line_ids.mapped("protocol_number")), {"1001", "1002"})
        both.unlink()
        two = self._receive(
            self._plain(*self._rows(), ("D2", "1001", other, 1, "150,00", "120,00", "1705"))
        )
        self.assertEqual(two.mapped("name"), ["D1", "D2"])
        two.post()
        self.assertEqual(self.consulta.amount_denied, 30.00)
        self.assertLedgerSound()

    def test_a_table_of_guias_without_items(self):
        """Half of 41.10 + 14.90 by largest remainder: 20.55 + 7.45."""
        self._learn_plain()
        analysis = self._receive(
            self._plain(("D1", "1002", self.guia.name, "", "56,00", "28,00", "1705"))
        )
        self.assertEqual(analysis.line_ids.level, "guia")
        analysis.post()
        released = self.guia.line_ids.sorted("sequence_item").mapped("amount_released")
        self.assertEqual(released, [20.55, 7.45])

    def test_items_without_a_number_are_found_by_code_day_and_amount(self):
        self._learn_amil()
        rows = [(self.sadt, 2, "4,90", "1705", "10,00"), (self.sadt, 1, "41,10", "", "0,00")]
        analysis = self._receive(self._amil(*rows))
        self.assertEqual(
            analysis.line_ids.mapped("guia_line_id.sequence_item"), [2, 1], "not by their order"
        )

    def test_a_guia_by_the_operadoras_number_and_a_lote_by_its_own(self):
        self.guia.sudo().flush_recordset()
        self.env.cr.execute(
            "UPDATE tiss_guia SET operadora_number = '900800700' WHERE id = %s", [self.guia.id]
        )
        self.env.invalidate_all()
        titles = ["Fatura", "Lote", "Guia operadora", "Item", "Valor informado", "Valor liberado"]
        roles = ["number", "lote", "operadora_guia", "item", "informed", "released"]
        self._learn(titles, roles)
        analysis = self._receive(
            self._csv(titles, ("D1", self.sadt.name, "900800700", 1, "41,10", "41,10"))
        )
        self.assertFalse(analysis.discrepancy_ids)
        self.assertEqual(analysis.line_ids.guia_id, self.guia)

    # ------------------------------------------------------------------
    # Payments
    # ------------------------------------------------------------------

    def test_a_payment_with_taxes(self):
        """150.00 + 56.00 − IRRF 2.25 − 0.84 − ISS 3.00 − 1.12: 198.79 in the bank."""
        self._learn_paid()
        other = self.consulta.guia_ids.name
        payment = self._receive(
            self._csv(
                ["Fatura", *PAID],
                ("P1", "1001", other, "10/03/2026", "150,00", "2,25", "3,00", "144,75"),
                ("P1", "1002", self.guia.name, "10/03/2026", "56,00", "0,84", "1,12", "54,04"),
            )
        )
        self.assertEqual(payment.kind, "payment")
        self.assertEqual(payment.payment_ids.payment_date, date(2026, 3, 10))
        self.assertEqual(set(payment.discrepancy_ids.mapped("code")), {"early_payment"})
        taxes = payment.payment_ids.adjustment_ids.mapped(
            lambda row: (row.code, row.direction, row.amount)
        )
        self.assertEqual(taxes, [("01", "debit", 3.09), ("02", "debit", 4.12)])
        payment.post()
        self.assertEqual(payment.payment_ids.payment_id.amount, 198.79)
        self.assertEqual((self.consulta | self.sadt).mapped("amount_open"), [0, 0])
        self.assertLedgerSound()

    def test_taxes_below_zero_are_taken_off_as_well(self):
        self._learn_paid()
        payment = self._receive(
            self._csv(
                ["Fatura", *PAID],
                ("P1", "1001", self.consulta.guia_ids.name, "10/03/2026", "150,00", "-2,25",
                 "-3,00", "144,75"),
            )
        )  # fmt: skip
        self.assertEqual(payment.amount_net, 144.75)
        adjustments = payment.payment_ids.adjustment_ids
        self.assertEqual(set(adjustments.mapped("direction")), {"debit"})
        self.assertEqual(set(payment.discrepancy_ids.mapped("code")), {"early_payment"})

    def test_two_days_are_two_payments(self):
        self._learn_paid()
        other = self.consulta.guia_ids.name
        payment = self._receive(
            self._csv(
                ["Fatura", *PAID],
                ("P1", "1001", other, "10/03/2026", "150,00", "", "", ""),
                ("P1", "1002", self.guia.name, "11/03/2026", "56,00", "", "", ""),
            )
        )
        self.assertEqual(payment.payment_ids.mapped("amount_net"), [150.00, 56.00])

    def test_a_net_that_does_not_add_up_blocks(self):
        self._learn_paid()
        payment = self._receive(
            self._csv(
                ["Fatura", *PAID],
                ("P1", "1001", self.consulta.guia_ids.name, "10/03/2026", "150,00", "2,25", "",
                 "147,00"),
            )
        )  # fmt: skip
        blocking = payment.discrepancy_ids.filtered("is_blocking")
        self.assertEqual(blocking.mapped("code"), ["sums_disagree"])

    def test_the_payment_of_a_recurso(self):
        titles = ["Fatura", "Protocolo", "Guia", "Tipo pagamento", "Valor liberado"]
        roles = ["number", "protocol", "guia", "payment_kind", "released"]
        known = self._learn(titles, roles, "payment")
        with self.assertRefused("Line 2 does not say when it is paid"):
            self._receive(self._csv(titles, ("P1", "1002", self.guia.name, "Recurso", "10,00")))
        content = self._csv(titles, ("P1", "1002", self.guia.name, "Recurso", "10,00"))
        table = self._open(content)
        payment = known._import_table("r.csv", content, table, payment_date=self.today)
        self.assertEqual(payment.discrepancy_ids.mapped("code"), ["appeal_payment"])

    def _open(self, content):
        return self.env["tiss.return.import"].create({})._open_table(content)

    # ------------------------------------------------------------------
    # Sums
    # ------------------------------------------------------------------

    def test_totals_of_the_file_are_compared(self):
        self._learn_plain()
        total = ("", "Total", "", "", "56,00", "{}", "")
        for stated, codes in (("56,00", []), ("55,99", ["sums_disagree"])):
            with self.subTest(stated):
                last = tuple(cell.format(stated) for cell in total)
                analysis = self._receive(self._plain(*self._rows(), last))
                self.assertEqual(analysis.discrepancy_ids.mapped("code"), codes)
                self.assertEqual(len(analysis.line_ids), 2, "a total is no line")
                analysis.unlink()

    def test_the_protocolo_column_is_compared(self):
        self._learn_amil()
        content = self._amil(
            (self.sadt, 1, "41,10", "", "0,00"), (self.sadt, 2, "14,90", "", "0,00")
        )
        analysis = self._receive(content.replace(b";56,00;", b";65,00;", 2))
        self.assertIn("1002 valorInformadoProtocolo", analysis.discrepancy_ids.mapped("place"))

    # ------------------------------------------------------------------
    # Cells as people and portals write them
    # ------------------------------------------------------------------

    def test_a_workbook_with_numbers_dates_and_formulas(self):
        """Numbers as numbers, a code as a float, a blank row, a title above and a note below."""
        self._learn_plain()
        own = ("D1", 1002, int(self.guia.name))
        content = self._xlsx(
            ["Demonstrativo"],
            [],
            ["Fatura", *PLAIN],
            [*own, 1.0, 41.1, 41.1, None],
            [],
            [*own, 2, 14.9, 4.9, 1705],
            ["Valores em reais"],
        )
        analysis = self._receive(content, "retorno.xlsx")
        self.assertFalse(analysis.discrepancy_ids)
        self.assertEqual(analysis.amount_released, 46.00)
        self.assertEqual(analysis.line_ids.mapped("reasons_text"), ["", "1705"])

    def test_a_formula_without_its_result_is_no_zero(self):
        self._learn_plain()
        own = ("D1", "1002", self.guia.name)
        content = self._xlsx(["Fatura", *PLAIN], [*own, 1, "41,10", "=41.10*1", None])
        with self.assertRefused("Line 2 lacks an amount"):
            self._receive(content, "retorno.xlsx")
        with self.assertRefused("Line 2, Valor liberado: “=41,10.” is no number"):
            self._receive(self._plain((*own, 1, "41,10", "=41,10*", "")))

    def test_days_of_a_spreadsheet_and_american_dates(self):
        other = self.consulta.guia_ids.name
        row = ("P1", "1001", other, "{}", "150,00", "", "", "")
        for form, text, day in (
            ("dmy", "10/03/2026", date(2026, 3, 10)),
            ("dmy", "2026-03-10", date(2026, 3, 10)),
            ("dmy", "46091", date(2026, 3, 10)),
            ("dmy", "10/03/2026 00:00:00", date(2026, 3, 10)),
            ("mdy", "03/10/2026", date(2026, 3, 10)),
        ):
            with self.subTest(text):
                known = self._learn_paid(date_form=form)
                row_of_day = tuple(cell.format(text) for cell in row)
                payment = self._receive(self._csv(["Fatura", *PAID], row_of_day))
                self.assertEqual(payment.payment_ids.payment_date, day)
                payment.unlink()
                known.unlink()
        self._learn_paid()
        content = self._xlsx(["Fatura", *PAID], ["P1", "1001", other, 46091.0, 150.0])
        self.assertEqual(self._receive(content).payment_ids.payment_date, date(2026, 3, 10))

    def test_thousands_and_the_decimal_mark_of_the_map(self):
        lote = self._create_received_lote({CONSULTATION: 1}, protocol="1004")
        line = lote.guia_ids.line_ids
        for mark, informed, released in (
            (",", "1.150,00", "1.150,00"),
            (".", "1,150.00", "1,150.00"),
            (False, "R$ 1.150,00", "1150,00"),
            (",", "1.150", "1.150"),
        ):
            with self.subTest(informed):
                known = self._learn_plain(decimal_mark=mark)
                row = ("D1", "1004", lote.guia_ids.name, 1, f'"{informed}"', f'"{released}"', "")
                analysis = self._receive(self._plain(row))
                self.assertEqual(analysis.amount_informed, 1150.00)
                self.assertEqual(analysis.discrepancy_ids.mapped("code"), ["informed_differs"])
                self.assertEqual(analysis.line_ids.guia_line_id, line)
                analysis.unlink()
                known.unlink()

    def test_negative_amounts_wait_for_a_person(self):
        self._learn_plain()
        for first in ("-41,10", "(41,10)"):
            analysis = self._receive(self._plain(*self._rows(first=first)))
            self.assertIn("released_above", analysis.discrepancy_ids.mapped("code"))
            with self.assertRefused("cannot be posted yet"):
                analysis.post()
            analysis.unlink()

    # ------------------------------------------------------------------
    # Refused, with the line that is to blame
    # ------------------------------------------------------------------

    def test_cells_that_cannot_be_read_are_named(self):
        self._learn_plain()
        own = ("D1", "1002", self.guia.name)
        for row, words in (
            ((*own, 1, "41,10", "quarenta", ""), "Line 3, Valor liberado: “quarenta” is no number"),
            ((*own, "um", "41,10", "41,10", ""), "Line 3, Item: “um” is no number"),
            ((*own, 1, "41,10"), "Line 3 lacks an amount: is the file cut off"),
            ((*own, 1, "41", "10", "41", "10", ""), "more cells than there are titles"),
            (("D1", "", "", 1, "41,10", "41,10", ""), "Line 3 names no guia"),
            ((*own, 1, "41,10", "9" * 12, ""), "is too much"),
        ):
            with self.subTest(row), self.assertRefused(words):
                self._receive(self._plain(self._rows()[1], row))
        self.assertFalse(self.env["tiss.message"].search([("file_name", "=", "retorno.csv")]))

    def test_a_wrong_separator(self):
        """Commas that separate the columns and the cents: the cents stand in cells of their own."""
        self._learn_plain()
        with self.assertRefused("more cells than there are titles"):
            self._receive(self._plain(*self._rows(), separator=","))
        quoted = [tuple(f'"{cell}"' for cell in row) for row in self._rows()]
        analysis = self._receive(self._plain(*quoted, separator=","))
        self.assertEqual(analysis.amount_released, 56.00)

    def test_a_file_that_was_cut_off(self):
        self._learn_plain()
        content = self._plain(*self._rows())
        with self.assertRefused("lacks an amount"):
            self._receive(content[:-8])
        with self.assertRefused("ends in the middle of line 3"):
            self._receive(content[:-3])
        book = self._xlsx(["Fatura", *PLAIN], *self._rows())
        with self.assertRefused("not a TISS file|damaged"):
            self._receive(book[: len(book) // 2], "retorno.xlsx")
        with self.assertRefused("no row of a guia"):
            self._receive(content.split(b"\n")[0])

    def test_another_clinic_or_operadora(self):
        titles = ["Fatura", "CNPJ prestador", "Registro ANS", "Protocolo", "Guia", "Item",
                  "Valor informado", "Valor liberado"]  # fmt: skip
        self._learn(titles, ["number", "provider", "ans_code", "protocol", "guia", "item",
                             "informed", "released"])  # fmt: skip
        rest = ("1002", self.guia.name, 1, "41,10", "41,10")
        ours = self.company.vat
        with self.assertRefused("addressed to another provider"):
            self._receive(
                self._csv(titles, ("D1", "11.222.333/0001-81", self.contract.ans_code, *rest))
            )
        with self.assertRefused("is of the operadora 005711"):
            self._receive(self._csv(titles, ("D1", ours, "005711", *rest)))
        analysis = self._receive(self._csv(titles, ("D1", ours, self.contract.ans_code, *rest)))
        self.assertEqual(analysis.contract_id, self.contract)

    def test_another_clinic_above_the_titles(self):
        self._learn_plain()
        with self.assertRefused("addressed to another provider"):
            self._receive(
                self._plain(*self._rows(), before=["Prestador: 11.222.333/0001-81;Março"])
            )
        for cnpj in (self.company.vat, self.operadora.vat):
            content = self._plain(*self._rows(), before=[f"CNPJ {cnpj}"])
            self.assertEqual(self._receive(content).name, "D1")

    def test_unknown_columns_are_not_guessed_without_a_person(self):
        with self.assertRefused("columns of this file are not known yet"):
            self._receive(self._plain(*self._rows()))
        self._learn_plain()
        swapped = ["Fatura", *PLAIN[:3], PLAIN[4], PLAIN[3], PLAIN[5]]
        with self.assertRefused("columns of this file are not known yet"):
            self._receive(self._csv(swapped, *self._rows()))

    # ------------------------------------------------------------------
    # The wizard
    # ------------------------------------------------------------------

    def _start(self, user, content, name="retorno.csv"):
        form = Form(self.env["tiss.return.import"].with_user(user))
        form.file = base64.b64encode(content).decode()
        wizard = form.save()
        wizard.file_name = name
        return wizard, wizard.action_import()

    def test_a_biller_says_once_what_the_columns_mean(self):
        biller = self._create_user("planilha.um", "billing")
        content = self._csv(PLAIN, *(row[1:] for row in self._rows(second="4,90")))
        wizard, action = self._start(biller, content, "analise-marco.csv")
        self.assertEqual((action["res_model"], wizard.state), ("tiss.return.import", "columns"))
        roles = wizard.column_ids.mapped(lambda column: (column.title, column.role))
        self.assertEqual(roles[:2], [("Protocolo", "protocol"), ("Guia", "guia")])
        self.assertIn("14,90", wizard.column_ids[3].examples)
        with self.assertRefused("Choose the convênio"):
            wizard.action_import()
        wizard.contract_id = self.contract
        self.assertEqual(wizard.number, "analise-marco")
        wizard.write({"number": "D77", "issue_date": "2026-03-09"})
        action = wizard.action_import()
        analysis = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((analysis.name, analysis.issue_date), ("D77", date(2026, 3, 9)))
        analysis.with_user(biller).action_post()
        self.assertEqual(self.sadt.amount_denied, 10.00)
        # The next one asks only for its number.
        wizard, _action = self._start(biller, content.replace(b"4,90", b"5,90"), "abril.csv")
        self.assertEqual((wizard.contract_id, wizard.state), (self.contract, "columns"))
        self.assertEqual(len(self.maps.search([("contract_id", "=", self.contract.id)])), 1)

    def test_titles_that_nobody_has_seen(self):
        biller = self._create_user("planilha.dois", "billing")
        titles = ["Ref", "Doc", "Apres", "Pg"]
        content = self._csv(titles, ("1002", self.guia.name, "56,00", "56,00"))
        wizard, _action = self._start(biller, content)
        self.assertEqual(wizard.column_ids.mapped("role"), [False] * 4)
        wizard.contract_id = self.contract
        with self.assertRefused("Say under Columns which one is “Guia number of the clinic”"):
            wizard.action_import()
        for column, role in zip(
            wizard.column_ids, ("protocol", "guia", "informed", "informed"), strict=True
        ):
            column.role = role
        with self.assertRefused("Two columns are said to be “Presented”"):
            wizard.action_import()
        wizard.column_ids[3].role = "released"
        action = wizard.action_import()
        analysis = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((analysis.amount_released, analysis.blocking_count), (56.00, 0))

    def test_the_example_becomes_the_convenios_own(self):
        biller = self._create_user("planilha.tres", "billing")
        content = self._amil((self.sadt, 1, "41,10", "", ""), (self.sadt, 2, "14,90", "", ""))
        wizard, _action = self._start(biller, content)
        self.assertEqual((wizard.map_name, wizard.decimal_mark), ("Amil", ","))
        self.assertTrue(wizard.has_number)
        wizard.contract_id = self.contract
        wizard.action_import()
        own = self.maps.search([("contract_id", "=", self.contract.id)])
        self.assertEqual((own.name, own.company_id), ("Amil", self.company))
        self.assertIn("NRO PROTOCOLO: Protocolo", own.roles_text)

    def test_tables_in_a_zip(self):
        self._learn_plain()
        biller = self._create_user("planilha.quatro", "billing")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("a.csv", self._plain(*self._rows()))
            file.writestr("b.csv", self._csv(PLAIN, ("1", "2", "3", "4", "5", "6")))
            file.writestr("c.xlsx", self._xlsx(["Fatura", *PLAIN], *self._rows()))
        wizard, _action = self._start(biller, archive.getvalue(), "todos.zip")
        self.assertEqual(wizard.line_ids.mapped("state"), ["read", "failed", "read"])
        self.assertIn("not known yet", wizard.line_ids[1].result)
        self.assertEqual(wizard.line_ids[0].res_id, wizard.line_ids[2].res_id)

    def test_what_is_no_table_is_refused_as_before(self):
        biller = self._create_user("planilha.cinco", "billing")
        for content, name in (
            (b"rubbish", "x.txt"),
            (b"%PDF-1.7\n1 0 obj", "x.pdf"),
            (b"a;b\n1;2\n", "x.csv"),
        ):
            with self.subTest(name), self.assertRefused("not a TISS|No row with the titles"):
                self._start(biller, content, name)

    def test_a_map_belongs_to_one_clinic(self):
        self._learn_plain()
        other = self._create_other_clinic().company_id
        stranger = self._create_user(
            "planilha.outra",
            "billing",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        seen = self.maps.with_user(stranger).search([])
        self.assertFalse(seen.contract_id)
        self.assertTrue(seen, "the example is everybody's")


def _brl(amount):
    return f"{amount:.2f}".replace(".", ",")
