from odoo import models


class TissEndpoint(models.Model):
    """Mutual TLS: the clinic shows the certificate of the convênio to whoever asks for one."""

    _inherit = "tiss.endpoint"

    def _get_client_certificate(self):
        # As superuser: whoever may send shows it, nobody reads it.
        certificate = self.contract_id.sudo().certificate_id
        return certificate._get_pem() if certificate else super()._get_client_certificate()
