"""A co-payment whose invoice a credit note took back is to be invoiced again."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    rows = env["tiss.copayment"].search([("invoice_id.reversal_move_ids", "!=", False)])
    env.add_to_compute(rows._fields["state"], rows)
    rows.flush_recordset(["state"])
