"""Bank statements as banks write them, and files that are none."""

from __future__ import annotations

import unittest
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from .. import ofx
from ..ofx import OfxError, read_ofx

SGML = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS>
<DTSERVER>20260807100000[-3:BRT]<LANGUAGE>POR</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1>{statements}</BANKMSGSRSV1>
</OFX>
"""
STATEMENT = """<STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>
<CURDEF>BRL<BANKACCTFROM><BANKID>0341<ACCTID>{account}<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260801<DTEND>20260831
{rows}
</BANKTRANLIST><LEDGERBAL><BALAMT>1000,50<DTASOF>20260831</LEDGERBAL></STMTRS></STMTTRNRS>
"""


def row(amount: str, fitid="A1", day="20260806", memo="TED 001", extra="") -> str:
    return (
        f"<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>{day}\n<TRNAMT>{amount}\n<FITID>{fitid}\n"
        f"<MEMO>{memo}\n{extra}</STMTTRN>"
    )


def sgml(*rows: str, account="12345-6") -> str:
    return SGML.format(statements=STATEMENT.format(account=account, rows="\n".join(rows)))


def read(*rows: str) -> ofx.Statement:
    [statement] = read_ofx(sgml(*rows).encode("cp1252"))
    return statement


class TestReading(unittest.TestCase):
    def test_sgml(self) -> None:
        statement = read(row("17210.21", memo="TED 001 OPERADORA SA"), row("-12,34", "A2"))
        self.assertEqual(statement.number, "341/12345-6")
        self.assertEqual((statement.currency, statement.balance), ("BRL", 100050))
        self.assertEqual(statement.end, date(2026, 8, 31))
        first, second = statement.transactions
        self.assertEqual((first.cents, first.date), (1721021, date(2026, 8, 6)))
        self.assertEqual((first.label, first.fitid), ("TED 001 OPERADORA SA", "A1"))
        self.assertEqual(second.cents, -1234)
        self.assertEqual(statement.unread, 0)

    def test_amounts_as_banks_write_them(self) -> None:
        for text, cents in (
            ("1000", 100000), ("1000.5", 100050), ("1000,50", 100050), ("1.234,56", 123456),
            ("1,234.56", 123456), ("+7.00", 700), ("-0.01", -1), ("  12.00 ", 1200),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertEqual(read(row(text)).transactions[0].cents, cents)

    def test_the_day_is_the_bank_s_whatever_the_zone_says(self) -> None:
        for text in (
            "20260806", "20260806120000", "20260806235959[-3:BRT]", "20260806000000[-03:EST]",
            "20260806220000.000[-3:GMT]", "20260806000000[5:XX]",
        ):  # fmt: skip
            with self.subTest(text):
                self.assertEqual(read(row("1.00", day=text)).transactions[0].date, date(2026, 8, 6))

    def test_bytes_are_read_as_what_they_are(self) -> None:
        text = sgml(row("1.00", memo="SAÚDE IMAGINÁRIA")).replace("\n", "\r\n")
        for encoding in ("cp1252", "latin-1", "utf-8", "utf-8-sig", "utf-16"):
            with self.subTest(encoding):
                [statement] = read_ofx(text.encode(encoding))
                self.assertEqual(statement.transactions[0].label, "SAÚDE IMAGINÁRIA")

    def test_xml(self) -> None:
        text = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>BRL</CURDEF><BANKACCTFROM><BANKID>001</BANKID>
<ACCTID>77</ACCTID><ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM><BANKTRANLIST>
<DTSTART>20260801</DTSTART><DTEND>20260831</DTEND><STMTTRN><TRNTYPE>CREDIT</TRNTYPE>
<DTPOSTED>20260806</DTPOSTED><TRNAMT>42.00</TRNAMT><FITID>X1</FITID>
<NAME>VIDA &amp; MENTIRA</NAME><MEMO>PIX &quot;9&quot;</MEMO></STMTTRN></BANKTRANLIST>
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""
        [statement] = read_ofx(text.encode())
        [only] = statement.transactions
        self.assertEqual((only.cents, only.payee), (4200, "VIDA & MENTIRA"))
        self.assertEqual(only.label, 'VIDA & MENTIRA PIX "9"')

    def test_several_accounts(self) -> None:
        text = SGML.format(
            statements=STATEMENT.format(account="1", rows=row("1.00"))
            + STATEMENT.format(account="2", rows=row("2.00") + row("3.00", "A2"))
        )
        found = [(each.account, len(each.transactions)) for each in read_ofx(text.encode())]
        self.assertEqual(found, [("1", 1), ("2", 2)])

    def test_a_statement_without_movements(self) -> None:
        self.assertEqual(read().transactions, ())

    def test_a_movement_that_cannot_be_read_is_counted_and_the_rest_is_read(self) -> None:
        statement = read(row("1.00"), row("abc", "A2"), row("2.00", "A3", day="99999999"))
        self.assertEqual([each.cents for each in statement.transactions], [100])
        self.assertEqual(statement.unread, 2)


class TestIdentity(unittest.TestCase):
    def keys(self, *rows: str) -> list[str]:
        return [each.key for each in read(*rows).transactions]

    def test_the_same_movement_has_the_same_key_in_every_file(self) -> None:
        [one] = self.keys(row("1.00"))
        self.assertEqual(self.keys(row("2.00", "A0"), row("1.00", memo="OUTRO TEXTO"))[1], one)

    def test_an_identifier_used_again_on_another_day_is_another_movement(self) -> None:
        first, second, third = self.keys(row("1.00"), row("1.00", day="20260807"), row("2.00"))
        self.assertEqual(len({first, second, third}), 3)

    def test_a_repeated_identifier_is_pointed_out(self) -> None:
        statement = read(row("1.00"), row("1.00"), row("5.00", "A9"))
        self.assertEqual(statement.repeated, {1})

    def test_without_identifiers_equal_movements_are_counted(self) -> None:
        for fitid in ("", "0", "000000"):
            statement = read(row("1.00", fitid), row("1.00", fitid))
            self.assertEqual(statement.repeated, frozenset())
            self.assertEqual(len({each.key for each in statement.transactions}), 2)
            self.assertEqual(self.keys(row("1.00", fitid))[0], statement.transactions[0].key)


class TestRefusal(unittest.TestCase):
    def refuse(self, content: bytes, code: str) -> None:
        with self.assertRaises(OfxError) as refused:
            read_ofx(content)
        self.assertEqual(refused.exception.code, code)

    def test_no_statement(self) -> None:
        self.refuse(b"", "empty")
        self.refuse(b" \r\n", "empty")
        for content in (b"%PDF-1.4 ...", b"Data;Valor\n1;2", b"PK\x03\x04", b"<html>OFX</html>"):
            self.refuse(content, "not_ofx")
        self.refuse(b"<OFX></OFX>", "no_account")

    def test_cut_off_anywhere_after_the_first_movement(self) -> None:
        content = sgml(row("1.00"), row("2.00", "A2")).encode()
        for end in range(content.index(b"</STMTTRN>"), content.index(b"</OFX>") + 5):
            self.refuse(content[:end], "truncated")

    def test_a_hole_in_the_middle(self) -> None:
        content = sgml(row("1.00"), row("2.00", "A2")).encode()
        self.refuse(content.replace(b"</STMTTRN>", b"", 1), "truncated")

    def test_hostile_definitions(self) -> None:
        bomb = '<!DOCTYPE o [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
        self.refuse((bomb + sgml(row("1.00"))).encode(), "unsafe")
        self.refuse(sgml(row("1.00", memo="<!ENTITY x SYSTEM 'file:///x'>")).encode(), "unsafe")

    def test_an_unknown_entity_stays_text(self) -> None:
        self.assertIn("A &xyz", read(row("1.00", memo="A &xyz; B")).transactions[0].label)

    def test_too_large(self) -> None:
        content = sgml(row("1.00")).encode()
        self.refuse(content + b" " * ofx.MAX_BYTES, "too_large")
        rows = "".join(row("1.00", str(i)) for i in range(ofx.MAX_TRANSACTIONS + 1))
        self.refuse(sgml(rows).encode(), "too_many")

    @given(st.binary(max_size=300), st.integers(0, 2000))
    def test_noise_is_read_or_refused_but_breaks_nothing(self, noise: bytes, at: int) -> None:
        content = sgml(row("1.00"), row("2.00", "A2")).encode()
        for each in (noise, content[:at] + noise + content[at:]):
            try:
                read_ofx(each)
            except OfxError as refused:
                self.assertIn(
                    refused.code,
                    ("empty", "not_ofx", "unsafe", "truncated", "damaged", "no_account"),
                )
