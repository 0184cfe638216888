from odoo.fields import Command

from .common import ECG


def create_closing_rows(guia):
    """What an accountant makes of a guia that was received: repasse, co-payment, a month."""
    env = guia.env
    env["tiss.repasse.rule"].create({"company_id": guia.company_id.id, "percent": 10})
    basis = env["tiss.repasse.rule"].create(
        {
            "company_id": guia.company_id.id,
            "professional_id": guia.professional_id.id,
            "basis": "production",
            "percent": 50,
        }
    )
    env["tiss.repasse"].generate(guia.lote_id.protocol_date)
    env["tiss.closing"].create({"company_id": guia.company_id.id})
    rows = env["tiss.copayment"].sudo()
    rows.create({**rows._prepare_vals(guia.lote_id, guia, 100), "is_cancelled": True})
    create_receipt(guia)
    return basis


def create_receipt(guia):
    """An invoice of 1.00 that the patient of a guia paid at the desk."""
    contract = guia.contract_id
    vals = contract._prepare_patient_invoice(guia.patient_id, guia.patient_id, "Recepção", 1.00)
    invoice = contract._create_patient_invoices([vals])
    guia.env["account.payment.register"].with_context(
        active_model="account.move", active_ids=invoice.ids
    ).create({})._create_payments()
    return invoice


def create_copayment(contract, percent=20, code=ECG, products=None, **vals):
    """A coverage rule of the contract: the patient pays a percent of one procedure."""
    return contract.env["tiss.coverage"].create(
        {
            "contract_id": contract.id,
            "product_tmpl_id": products[code].product_tmpl_id.id,
            "copayment_kind": "percent",
            "copayment_percent": percent,
            **vals,
        }
    )


def create_deposit(contract, amount, date, label="TED 001 OPERADORA"):
    """A line of the bank statement that nobody explained."""
    line = contract.env["account.bank.statement.line"].sudo()
    return line.create(
        {
            "journal_id": contract.bank_journal_id.id,
            "date": date,
            "payment_ref": label,
            "amount": amount,
        }
    )


def create_entry(company, date, amount, debit, credit, partner):
    """A posted journal entry that somebody typed."""
    env = company.env(su=True)
    journal = env["account.journal"].search(
        [("type", "=", "general"), ("company_id", "=", company.id)], limit=1
    )
    entry = env["account.move"].create(
        {
            "journal_id": journal.id,
            "date": date,
            "line_ids": [
                Command.create({"account_id": debit.id, "partner_id": partner.id, "debit": amount}),
                Command.create(
                    {"account_id": credit.id, "partner_id": partner.id, "credit": amount}
                ),
            ],
        }
    )
    entry.action_post()
    return entry
