import base64
from datetime import timedelta

from odoo.fields import Command

from ..standard.tests.certificates import PASSWORD, pkcs12_file
from .common import CONSULTATION, ECG

# A code that the common price list does not have, so that its price comes out of the table.
TABLE_CODE = "40301630"


def make_a1(**options):
    """The file of an A1 of the tests' clinic, as a form sends it; options of `pkcs12_file`."""
    return base64.b64encode(pkcs12_file(**options))


def create_terms(contract, professional, products):
    """One record of each model that says what a convênio agreed on, in the contract's company.

    :param contract: `tiss.contract`, in the environment and company that the records are made in
    :param products: {TUSS code: product}
    :return: the procedure priced by the table: porte 2B of 88.50 and UCO 2 × 1.25, 91.00 together
    """
    env = contract.env
    own = {"contract_id": contract.id}
    env["tiss.coverage"].create(
        {**own, "product_tmpl_id": products[CONSULTATION].product_tmpl_id.id, "note": "Trazer RG"}
    )
    env["tiss.accreditation"].create(
        {**own, "professional_id": professional.id, "network_status": "preferential"}
    )
    env["tiss.certificate"].create({"file": make_a1(), "password": PASSWORD})
    env["tiss.endpoint"].create(
        {
            **own,
            "environment": "production",
            "service": "tissLoteGuias",
            "url": "https://exemplo.invalid/tissLoteGuias",
        }
    )
    env["tiss.price.source"].create(
        {
            "name": "Lista da operadora",
            "signature": "0" * 64,
            "mapping": {"roles": {"code": 0, "price": 1}, "mark": ","},
        }
    )
    env["tiss.payment.day"].create({**own, "until_day": 20, "pay_day": 10})
    # What the night finds is written by the system alone.
    check = env["tiss.ledger.check"]._run(contract)
    env["tiss.ledger.breach"].sudo().create(
        {"check_id": check.id, "code": "open", "name": "Lote 1: 1.00, but 2.00"}
    )
    env["tiss.return.map"].create(
        {
            **own,
            "name": "Planilha do portal",
            "titles": "Protocolo\nGuia\nApresentado\nLiberado",
            "roles": {"protocol": 0, "guia": 1, "informed": 2, "released": 3},
        }
    )
    term = env["tiss.term"]._get("22", TABLE_CODE)
    product = term.product_ids[:1] or term.create_products()
    _create_table_price(contract, product)
    readjustment = env["tiss.readjustment"].create(
        {**own, "percent": 5, "date": contract._get_today() + timedelta(days=30)}
    )
    readjustment.simulate()
    return product.product_variant_id


def _create_table_price(contract, product):
    env = contract.env
    # Fee rules are the company's own here; the addon's are of all companies.
    policy = env["tiss.price.policy"].create(
        {"name": "Regras da clínica", "company_id": contract.company_id.id}
    )
    row = {"code": TABLE_CODE, "tuss_code": TABLE_CODE, "name": "Exame", "porte": "2B", "uco": 2}
    table = env["tiss.price.table"].create(
        {
            "name": "Tabela inventada",
            "kind": "cbhpm",
            "policy_id": policy.id,
            "line_ids": [Command.create(row)],
        }
    )
    edition = env["tiss.porte.edition"].create(
        {
            "name": "Valores inventados",
            "uco_amount": 1.25,
            "value_ids": [Command.create({"porte": "2B", "amount": 88.5})],
        }
    )
    table.action_publish()
    edition.action_publish()
    env["product.pricelist.item"].create(
        {
            "pricelist_id": contract.pricelist_id.id,
            "applied_on": "1_product",
            "display_applied_on": "1_product",
            "product_tmpl_id": product.id,
            "compute_price": "tiss_table",
            "tiss_price_table_id": table.id,
            "tiss_porte_edition_id": edition.id,
        }
    )


def create_shared_terms(env, operadora, products):
    """One record of each model that is not of a company; returns a package with a component."""
    own = {"operadora_id": operadora.id}
    env["tiss.card.rule"].create({**own, "card_length": 10})
    env["tiss.network.level"].create({**own, "name": "Plus"})
    # Only the loading of a terminology writes these two.
    edition = (
        env["tiss.terminology.edition"]
        .sudo()
        .create({"table_code": "22", "name": "209901", "is_installed": False})
    )
    env["tiss.term.history"].sudo().create(
        {
            "term_id": env["tiss.term"]._get("22", ECG).id,
            "name": "Nome anterior",
            "edition_id": edition.id,
        }
    )
    version = {"name": "4.98.00", "file_name": "tiss.zip", "package": b"eA==", "sha256": "0" * 64}
    env["tiss.version"].sudo().create(version)
    return env["product.template"].create(
        {
            "name": "Pacote inventado",
            "type": "service",
            "tiss_table": "98",
            "tiss_code": "98000025",
            "tiss_component_ids": [
                Command.create({"product_tmpl_id": products[ECG].product_tmpl_id.id})
            ],
        }
    )


def create_denied_request(guia):
    """A request of authorisation about the bearer of a guia, denied with a reason."""
    item = {"table_code": "22", "code": ECG, "description": "Exame", "quantity": 2}
    request = guia.env["tiss.authorization"].create(
        {
            "company_id": guia.company_id.id,
            "contract_id": guia.contract_id.id,
            "patient_id": guia.patient_id.id,
            "card_id": guia.card_id.id,
            "professional_id": guia.professional_id.id,
            "line_ids": [Command.create(item)],
        }
    )
    request.register_answer("3", reasons=["1426"])
    return request


def create_questions(guia):
    """A question of each kind about a received guia, and its cancellation before it is sent."""
    env = guia.env
    own = {"company_id": guia.company_id.id, "contract_id": guia.contract_id.id}
    env["tiss.eligibility"].create(
        {**own, "patient_id": guia.patient_id.id, "card_id": guia.card_id.id}
    )
    guia.lote_id.query_status()
    env["tiss.demonstrativo.request"].create(
        {**own, "kind_id": env["tiss.term"]._get("53", "1").id, "payment_date": guia.date}
    )
    line = Command.create({"guia_id": guia.id})
    env["tiss.cancellation"].create({**own, "reason": "Duplicidade", "line_ids": [line]})


def create_delivery(lote):
    """The lote's message in the queue of a web service; nothing sends it."""
    Delivery = lote.env["tiss.delivery"].sudo()
    endpoint = lote.contract_id.sudo().endpoint_ids[:1]
    return Delivery.create(Delivery._prepare_delivery(lote.message_id.sudo(), endpoint))


def create_bank(contract):
    """A deposit that somebody matched, with the name it taught, and one that is proposed."""
    bank = contract.bank_journal_id
    lines = contract.env["account.bank.statement.line"].create(
        [
            {"journal_id": bank.id, "payment_ref": label, "amount": amount}
            for label, amount in (("TED PAGADORA FICTICIA", 7.00), ("TED", 8.00))
        ]
    )
    Choose = contract.env["tiss.bank.choose"]
    operadora = contract.partner_id
    Choose.create({"line_ids": lines[0].ids, "partner_id": operadora.id}).action_match()
    lines[1].partner_id = operadora
    contract.env["tiss.bank.match"].propose(bank)
    return lines
