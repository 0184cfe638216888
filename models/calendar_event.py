from odoo import fields, models

RECEPTION = "l10n_br_tiss.group_tiss_reception"


class CalendarEvent(models.Model):
    """An appointment with card and procedure, whose coverage is checked at booking."""

    _inherit = "calendar.event"

    tiss_patient_id = fields.Many2one("res.partner", "Patient", groups=RECEPTION)
    tiss_card_id = fields.Many2one(
        "tiss.card", "Card", domain="[('patient_id', '=', tiss_patient_id)]", groups=RECEPTION
    )
    tiss_product_id = fields.Many2one(
        "product.product", "Procedure", domain=[("tiss_code", "!=", False)], groups=RECEPTION
    )
    tiss_mode = fields.Selection(
        [("on_site", "On-site"), ("tele", "Telehealth")], "Attendance", groups=RECEPTION
    )
