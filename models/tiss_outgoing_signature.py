from odoo import models

from .. import standard
from ..standard.signature import GUIA_FIELD, unsigned


class TissOutgoing(models.AbstractModel):
    """Signatures, in the order of the standard: guias, hash, message (guide §2.3, §2.5)."""

    _inherit = "tiss.outgoing"

    def _seal(self, values, element="mensagemTISS", **options):
        # Of a message that is sealed once more, say for a web service, only that of the whole
        # is made anew: a guia keeps the signature that it was given.
        values = unsigned(values)
        signer = self.contract_id._get_signer()
        if not signer:
            return super()._seal(values, element=element, **options)
        schema = standard.load(self.version)
        if self.contract_id.sign_guias:
            values = signer.sign_guias(schema, values, element=element)
        content = super()._seal(values, element=element, **options)
        if self.contract_id.sign_messages:
            content = signer.sign_message(schema, content, element=element)
        return content

    def _cut(self, content, login):
        contract = self.contract_id
        if contract.sign_guias and GUIA_FIELD.encode() not in content:
            # Built before the convênio wanted it: guias are signed one by one, in values.
            return None
        cut = super()._cut(content, login)
        signer = contract._get_signer()
        if not cut or not signer or not contract.sign_messages:
            return cut
        schema = standard.load(self.version)
        return cut._replace(xml=signer.sign_message(schema, cut.xml, element=cut.element))
