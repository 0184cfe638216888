"""Files of a number that another one has already are queued to be decided about."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    held = env["tiss.demonstrativo"].search([("state", "=", "held")])
    for company, demonstrativos in held.grouped("company_id").items():
        demonstrativos.with_company(company)._queue_held()
