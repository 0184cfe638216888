"""A month's statement of the demo clinic's bank, as its site would save it."""

import base64

OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>BRL
<BANKACCTFROM><BANKID>0341<ACCTID>0987 12345-6<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>{day}<DTEND>{day}
{rows}
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
ROW = """<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{day}100000[-3:BRT]<TRNAMT>{amount:.2f}
<FITID>N{number:05d}<MEMO>{label}</STMTTRN>"""
FEE = 8.50


class Bank:
    """Deposits of the operadoras: one exact, one by an unknown name, one less a fee; and others."""

    def __init__(self, job):
        self.job = job
        self.env = job.env

    def show(self):
        """Import the statement; returns the lines of the bank."""
        company = self.job.clinic.company
        company.sudo().write({"tiss_bank_fee": 10.00, "tiss_bank_tolerance": 0.05})
        wizard = self.env["tiss.bank.import"].create(
            {"file": base64.b64encode(self.make_file()), "file_name": "extrato.ofx"}
        )
        wizard.action_read()
        wizard.action_import()
        bank = wizard.account_ids.journal_id
        return self.env["account.bank.statement.line"].search([("journal_id", "=", bank.id)])

    def make_file(self):
        rows = [self._make_row(*row) for row in enumerate(self._get_movements(), 1)]
        text = OFX.format(day=f"{self.job.clinic.today:%Y%m%d}", rows="\n".join(rows))
        return text.encode("cp1252")

    def _get_movements(self):
        """(amount, label) of each movement."""
        payments = self.job.demonstrativos.payment_ids.payment_id.sorted("id")
        labels = (
            "TED RECEBIDA {cnpj} {name}",
            "TED 001 MANTENEDORA FICTICIA 4471",
            "PIX RECEBIDO {cnpj}",
        )
        for number, payment in enumerate(payments):
            partner = payment.partner_id
            label = labels[number % 3].format(cnpj=partner.vat or "", name=partner.name[:20])
            yield payment.amount - (FEE if number % 3 == 2 else 0), label
        last = payments[-1:].partner_id
        yield 1873.40, f"TED RECEBIDA {last.vat} {last.name[:20]}"
        yield 250.00, "PIX RECEBIDO PACIENTE FICTICIO"
        yield -39.90, "TARIFA PACOTE DE SERVICOS"

    def _make_row(self, number, movement):
        amount, label = movement
        return ROW.format(
            kind="CREDIT" if amount > 0 else "DEBIT",
            day=f"{self.job.clinic.today:%Y%m%d}",
            amount=amount,
            number=number,
            label=label,
        )
