from odoo import api, fields, models
from odoo.exceptions import UserError


class TissLote(models.Model):
    """Contingency: a lote that is handed over on paper, when nothing else works (guide §4)."""

    _inherit = "tiss.lote"

    is_on_paper = fields.Boolean("Delivered on Paper", readonly=True, copy=False)
    paper_person = fields.Char("Received By", readonly=True, copy=False, tracking=True)

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {"is_on_paper", "paper_person"}

    def action_deliver_on_paper(self):
        self.ensure_one()
        return self.env["tiss.lote.paper"]._get_lote_action(self)

    def deliver_on_paper(self, person, date=None):
        """Freeze lotes that were printed and handed over; the protocolo is typed when it comes.

        Their XML is built all the same: what is on paper is what it says.

        :param person: who took the paper at the operadora
        :param date: day on which it was handed over, today by default
        :return: self
        """
        self.check_access("write")
        self._check_state("draft", "validated")
        person = " ".join((person or "").split())
        date = date or fields.Date.context_today(self)
        if not person:
            raise UserError(self.env._("Say who took the paper at the operadora."))
        if date > fields.Date.context_today(self):
            raise UserError(self.env._("The day of the delivery is in the future."))
        self.filtered(lambda lote: lote.state == "draft").build()
        self._leave("sent")
        self.sudo().write({"is_on_paper": True, "paper_person": person, "sent_date": date})
        self._message_log_batch(
            bodies={lote.id: self.env._("Delivered on paper to %s.", person) for lote in self}
        )
        return self
