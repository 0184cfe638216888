from odoo import models


class TissContract(models.Model):
    """What an operadora still owes back of taxes that it withheld wrongly."""

    _inherit = "tiss.contract"

    def _get_open_claims(self):
        """`tiss.discrepancy` whose claims are booked and not paid back yet, the oldest first."""
        # As superuser: whoever imports a file may not see the queue.
        return (
            self.env["tiss.discrepancy"]
            .sudo()
            .search(
                [
                    ("contract_id", "in", self.ids),
                    ("resolution", "=", "reclaim"),
                    ("state", "=", "asked"),
                    ("move_id.state", "=", "posted"),
                ],
                order="id",
            )
        )
