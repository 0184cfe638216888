from odoo import api, fields, models

from ..standard.money import from_cents, to_cents


class TissGlosa(models.Model):
    """A glosa that the operadora paid in the end, though nobody contested it."""

    _inherit = "tiss.glosa"

    amount_repaid = fields.Monetary("Paid without a Recurso", readonly=True)

    @api.depends("amount_repaid")
    def _compute_amounts(self):
        return super()._compute_amounts()

    def _get_gone_cents(self):
        appealed, recovered = super()._get_gone_cents()
        return appealed, recovered + to_cents(self.amount_repaid)

    @api.model
    def _repay(self, entries):
        """Note on each glosa, and on the row that pays it, what was paid of it.

        :param entries: as for `tiss.movement._record`; those about a glosa name it
        """
        words = {}
        for entry in entries:
            glosa, line = entry.get("glosa"), entry["demonstrativo_line"]
            if glosa:
                glosa._add_repaid(entry["cents"])
                line.sudo().repaid = [*(line.repaid or []), [glosa.id, entry["cents"]]]
                words[glosa.id] = self.env._(
                    "Paid without a recurso: demonstrativo %s", line.demonstrativo_id.name
                )
        self.browse(words)._message_log_batch(words)

    def _add_repaid(self, cents):
        self.ensure_one()
        repaid = to_cents(self.amount_repaid) + cents
        self.sudo().amount_repaid = float(from_cents(repaid))
