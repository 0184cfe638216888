from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.signature import (
    DEFAULT_POLICY,
    RSA_SHA1,
    RSA_SHA256,
    XADES_AD_RB,
    XMLDSIG,
    Signer,
)


class TissContract(models.Model):
    """With which certificate messages to this operadora are signed, and how (guide §2.5)."""

    _inherit = "tiss.contract"

    certificate_id = fields.Many2one(
        "tiss.certificate",
        "Digital Certificate",
        check_company=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        groups="l10n_br_tiss.group_tiss_billing",
        help="Signs what is sent, and identifies the clinic to the web service where it asks.",
    )
    sign_guias = fields.Boolean(
        "Sign Each Guia",
        copy=False,
        tracking=True,
        help="Each guia of a lote carries a signature of its own, which counts in the hash.",
    )
    sign_messages = fields.Boolean(
        "Sign Each Message",
        copy=False,
        tracking=True,
        help="Every message carries one signature at its end, after the hash.",
    )
    signature_form = fields.Selection(
        [(XMLDSIG, "XMLDSig"), (XADES_AD_RB, "XAdES AD-RB (ICP-Brasil)")],
        default=XMLDSIG,
        required=True,
        help="AD-RB adds the signature policy of ICP-Brasil and the time. Ask the operadora which"
        " one it reads.",
    )
    signature_algorithm = fields.Selection(
        [(RSA_SHA256, "RSA-SHA256"), (RSA_SHA1, "RSA-SHA1 (old)")],
        default=RSA_SHA256,
        required=True,
        help="RSA-SHA1 only for an operadora that reads nothing newer: it is no longer safe.",
    )
    signature_policy = fields.Selection(
        [("2.4", "AD-RB 2.4"), ("2.5", "AD-RB 2.5")],
        default=DEFAULT_POLICY,
        required=True,
        help="Of ICP-Brasil (DOC-ICP-15.03). 2.4 is in force until 2029; 2.5, of 2025, also covers"
        " certificates under the root v12. Ask the operadora.",
    )

    @api.constrains(
        "certificate_id", "sign_guias", "sign_messages", "signature_form", "signature_algorithm"
    )
    def _check_signature(self):
        for contract in self.sudo():
            if (contract.sign_guias or contract.sign_messages) and not contract.certificate_id:
                raise ValidationError(
                    self.env._("To sign, choose the digital certificate to sign with.")
                )
            if (
                contract.signature_form == XADES_AD_RB
                and contract.signature_algorithm != RSA_SHA256
            ):
                raise ValidationError(
                    self.env._("The policies of ICP-Brasil (AD-RB) allow only RSA-SHA256.")
                )

    def _get_signer(self):
        """`standard.signature.Signer` of one contract; None where nothing is to be signed.

        :raises UserError: when the certificate has expired or cannot be opened
        """
        # As superuser: whoever may send signs, without seeing the certificate.
        contract = self.sudo()
        if not (contract.sign_guias or contract.sign_messages):
            return None
        return Signer(
            contract.certificate_id._get_certificate(),
            algorithm=contract.signature_algorithm,
            form=contract.signature_form,
            policy=contract.signature_policy,
        )
