from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .tiss_protocoled import STATUS_FIELDS


class TissLote(models.Model):
    """What the operadora says of a lote; and whether it has one that got no answer."""

    _name = "tiss.lote"
    _inherit = ["tiss.protocoled", "tiss.lote"]

    protocol_query_ids = fields.One2many(
        "tiss.protocol.query", "lote_id", "Questions", groups="l10n_br_tiss.group_tiss_billing"
    )

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | STATUS_FIELDS

    @api.model
    def _get_query_link(self):
        return "lote_id"

    def _get_lote_number(self):
        return self.name

    @api.model
    def _get_due_domain(self, contract):
        return super()._get_due_domain(contract) & Domain("state", "in", ("received", "processed"))

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def _take_told(self, status, term, moment):
        """The operadora has this lote: a protocolo that was not known here becomes known."""
        self.ensure_one()
        self._check_guias_named(status.guias)
        if not self.protocol_number:
            self._take_protocol(status)
        self._take_status(term, moment)

    def _check_guias_named(self, names):
        """Numbers of lotes repeat from clinic to clinic: the guias must be those of this one."""
        strange = set(names) - set(self.guia_ids.mapped("name"))
        if strange:
            raise UserError(
                self.env._(
                    "The answer names guia %(guia)s, which is not in lote %(lote)s: it is about"
                    " another one.",
                    guia=min(strange),
                    lote=self.name,
                )
            )

    def _take_protocol(self, status):
        """The answer to a status query is the receipt that never came."""
        self.register_protocol(status.protocol, status.sent_date)
