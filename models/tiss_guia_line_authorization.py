from odoo import models


class TissGuiaLine(models.Model):
    """How an item of a guia is found among those that an authorisation names."""

    _inherit = "tiss.guia.line"

    def _get_key(self, request):
        """By what an item is found among those that were asked for in `request`."""
        self.ensure_one()
        is_dental = request.request_type == "odonto"
        places = (self.tooth_id.id, self.region_id.id) if is_dental else (False, False)
        return (self.table_code, self.code, *places)
