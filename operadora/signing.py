"""The operadora's own signature on what it answers: enveloped XMLDSig, RSA-SHA256, exclusive."""

import base64
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from .official import parser
from .signatures import DS, ENVELOPED, MORE

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
FILE_SIGNATURE = f"{{{DS['ds']}}}Signature"


class Signer:
    """Signs with the key and the certificate of one PEM; ValueError when it holds no RSA key."""

    def __init__(self, pem: bytes):
        self._key = serialization.load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificate(pem)
        self._certificate = base64.b64encode(
            certificate.public_bytes(serialization.Encoding.DER)
        ).decode()

    def sign(self, xml: bytes, tag: str) -> bytes:
        """The message with a signature called `tag` at its end; no other byte changes."""
        root = etree.fromstring(xml, parser())
        name = etree.QName(tag)
        signature = etree.Element(tag, nsmap={"ds": DS["ds"], root.prefix: name.namespace})
        info = _add(signature, "SignedInfo")
        _add(info, "CanonicalizationMethod", Algorithm=EXCLUSIVE)
        _add(info, "SignatureMethod", Algorithm=f"{MORE}rsa-sha256")
        reference = _add(info, "Reference", URI="")
        transforms = _add(reference, "Transforms")
        for each in (ENVELOPED, EXCLUSIVE):
            _add(transforms, "Transform", Algorithm=each)
        _add(reference, "DigestMethod", Algorithm=SHA256)
        digest = hashlib.sha256(_canonical(root)).digest()
        _add(reference, "DigestValue").text = base64.b64encode(digest).decode()
        value = self._key.sign(_canonical(info), padding.PKCS1v15(), hashes.SHA256())
        _add(signature, "SignatureValue").text = base64.b64encode(value).decode()
        data = _add(_add(signature, "KeyInfo"), "X509Data")
        _add(data, "X509Certificate").text = self._certificate
        end = xml.rindex(b"</")
        return xml[:end] + etree.tostring(signature) + xml[end:]


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{DS['ds']}}}{name}", **attributes)


def _canonical(node: etree._Element) -> bytes:
    return etree.tostring(node, method="c14n", exclusive=True, with_comments=False)
