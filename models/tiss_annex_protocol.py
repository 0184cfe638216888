from odoo import fields, models


class TissAnnex(models.Model):
    """The protocolo of annexes that went to a portal, typed by whoever saw it there."""

    _inherit = "tiss.annex"

    def action_register_protocol(self):
        self.ensure_one()
        return self.env["tiss.annex.protocol"]._get_annex_action(self)

    def register_protocol(self, number, date=None):
        """The operadora has the annexes: keep the protocolo of their message.

        :param number: the protocolo as a person read it; never ours
        :param date: day of the protocolo, today by default
        :return: all annexes of the message
        """
        self.check_access("write")
        self.ensure_one()
        self._check_alone()
        vals = self._prepare_protocol(number, date or fields.Date.context_today(self))
        annexes = self._get_bundle()
        annexes._check_state("sent", "unknown")
        annexes.sudo().write({"state": "received", "rejection_reason": False, **vals})
        return annexes
