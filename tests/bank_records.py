from ..standard.money import to_cents
from ..standard.workdays import shift_workdays
from .common import CONSULTATION
from .return_messages import payment_message

OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
ENCODING:USASCII
CHARSET:1252

<OFX><BANKMSGSRSV1>{statements}</BANKMSGSRSV1></OFX>
"""
STATEMENT = """<STMTTRNRS><STMTRS><CURDEF>{currency}<BANKACCTFROM><BANKID>341<ACCTID>{account}
<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20260801<DTEND>20260831
{rows}</BANKTRANLIST></STMTRS></STMTTRNRS>"""
ROW = """<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{day}120000[-3:BRT]<TRNAMT>{amount:.2f}<FITID>{fitid}
<MEMO>{memo}</STMTTRN>
"""


def ofx_file(rows, account="00012-3", currency="BRL"):
    """OFX of one account; rows: (date, amount, label[, FITID])."""
    return OFX.format(statements=ofx_statement(rows, account, currency)).encode("cp1252")


def ofx_statement(rows, account="00012-3", currency="BRL"):
    text = ""
    for number, (day, amount, memo, *fitid) in enumerate(rows):
        text += ROW.format(
            day=f"{day:%Y%m%d}", amount=amount, memo=memo, fitid=(fitid or [f"F{number}"])[0]
        )
    return STATEMENT.format(rows=text, account=account, currency=currency)


class BankRecords:
    """Short ways to deposits and to demonstrativos that were posted; for TissRecords."""

    @classmethod
    def _post_payment(cls, net, number, contract=None, **options):
        """A posted demonstrativo that pays one consultation of `net` reais: its payment."""
        lote = cls._create_received_lote({CONSULTATION: 1}, protocol=f"B{number}")
        adjustments = []
        price = lote.guia_ids.amount_total
        if net < price:
            adjustments = [("07", "DESCONTO", round(price - net, 2))]
        content = payment_message(
            lote, {lote.guia_ids.name: price}, number, adjustments=adjustments, **options
        )
        demonstrativo = cls.env["tiss.demonstrativo"].import_file(f"{number}.xml", content)
        demonstrativo.post()
        return demonstrativo.payment_ids.payment_id

    @classmethod
    def _deposit(cls, amount, label="", after=1, **vals):
        """A line of the bank, so many working days after today."""
        return cls.env["account.bank.statement.line"].create(
            {
                "journal_id": cls.contract.bank_journal_id.id,
                "date": shift_workdays(cls.today, after) if after else cls.today,
                "amount": amount,
                "payment_ref": label or f"TED {cls.operadora.vat} OPERADORA",
                **vals,
            }
        )

    def _balances(self):
        """{account code: cents} of all that is posted in this company."""
        self.env.flush_all()
        rows = self.env["account.move.line"]._read_group(
            [("parent_state", "=", "posted"), ("company_id", "=", self.env.company.id)],
            ["account_id", "partner_id"],
            ["balance:sum", "amount_residual:sum"],
        )
        balances = {
            (account.code, partner.id): (to_cents(balance), to_cents(residual))
            for account, partner, balance, residual in rows
        }
        return {key: value for key, value in balances.items() if any(value)}
