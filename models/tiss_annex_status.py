from odoo import api, fields, models
from odoo.fields import Domain

from .tiss_annex_answer import ANSWER_ELEMENTS
from .tiss_protocoled import STATUS_FIELDS

DECIDED = ("1", "3", "6", "7")  # T45, after which nothing comes


class TissAnnex(models.Model):
    """What the operadora says of a lote of annexes: its status, and by now its decision."""

    _name = "tiss.annex"
    _inherit = ["tiss.protocoled", "tiss.annex"]

    protocol_query_ids = fields.One2many(
        "tiss.protocol.query", "annex_id", "Questions", groups="l10n_br_tiss.group_tiss_billing"
    )

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | STATUS_FIELDS

    @api.model
    def _get_query_link(self):
        return "annex_id"

    def _get_asked(self):
        """One question for all annexes of a message: the first one stands for them."""
        bundles = self._get_bundle().grouped(lambda annex: (annex.contract_id, annex.lote_number))
        return self.browse().union(*(bundle[0] for bundle in bundles.values()))

    def _get_lote_number(self):
        return self.lote_number

    @api.model
    def _get_due_domain(self, contract):
        return (
            super()._get_due_domain(contract)
            & Domain("state", "=", "received")
            & Domain("annex_type", "!=", "situacao_inicial")
            & (Domain("answer_id", "=", False) | Domain("answer_id.code", "not in", DECIDED))
        )

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def _take_told(self, status, term, moment):
        """The operadora has these annexes, and maybe it decided."""
        waiting = self.filtered(lambda annex: not annex.protocol_number)
        waiting._take_protocol(status)
        self._take_status(term, moment)
        for element in ANSWER_ELEMENTS.values():
            answer = (status.annexes or {}).get(element)
            if answer:
                self[0]._read_answer(answer)

    def _take_protocol(self, status):
        """The answer to a status query is the receipt that never came."""
        self.sudo().write(
            {
                "state": "received",
                "protocol_number": status.protocol,
                "protocol_date": status.sent_date,
            }
        )
