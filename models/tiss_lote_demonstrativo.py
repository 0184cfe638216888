from odoo import fields, models


class TissLote(models.Model):
    """The demonstrativos that were asked for of a lote."""

    _inherit = "tiss.lote"

    demonstrativo_request_ids = fields.Many2many(
        "tiss.demonstrativo.request",
        "tiss_demonstrativo_request_lote_rel",
        "lote_id",
        "request_id",
        "Requests for Demonstrativos",
        copy=False,
        readonly=True,
    )

    def action_ask_demonstrativo(self):
        """Ask for the analysis of these lotes; one file for a portal is downloaded."""
        requests = self.request_demonstrativo()
        if len(requests) == 1 and not requests.goes_by_service:
            return requests.action_download()
        return requests._get_records_action(name=self.env._("Requests for Demonstrativos"))

    def request_demonstrativo(self):
        """Ask for the analysis of the protocolos of these lotes, thirty a message (guide §5.2).

        :return: `tiss.demonstrativo.request`
        """
        self.check_access("write")
        self._check_state("received", "processed", "closed")
        return self.env["tiss.demonstrativo.request"]._ask_analysis(self)
