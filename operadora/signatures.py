"""XML signatures of messages and guias, verified with lxml's canonicalisation and `cryptography`.

What is signed is always the element that holds the signature, as a document of its own, without
the signature (guide §2.5). In a file message it is a ds:Signature; in a web service and in guias
it stands under a name of ANS with the same content.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from .message import SIGNATURES
from .official import NS, parser

DS = {"ds": "http://www.w3.org/2000/09/xmldsig#"}
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENVELOPED = f"{DS['ds']}enveloped-signature"
# Algorithm → is it exclusive? Those with comments are not of use here.
CANONICAL = {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": False,
    "http://www.w3.org/2001/10/xml-exc-c14n#": True,
}
METHODS = {
    f"{DS['ds']}rsa-sha1": hashes.SHA1,
    f"{MORE}rsa-sha256": hashes.SHA256,
    f"{MORE}rsa-sha384": hashes.SHA384,
    f"{MORE}rsa-sha512": hashes.SHA512,
}
DIGESTS = {
    f"{DS['ds']}sha1": hashes.SHA1,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512,
}
MESSAGE, GUIA = "message", "guia"
GUIA_SIGNATURE = f"{{{NS}}}assinaturaDigitalGuia"
GUIAS = ("guiaConsulta", "guiaSP-SADT", "guiaResumoInternacao", "guiaHonorarios", "guiaOdonto")


class Bad(ValueError):
    """Why a signature is worth nothing, in Portuguese; `reason` is a key of REASONS."""

    def __init__(self, words: str, reason: str = "signature"):
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True)
class Finding:
    """One signature: what it signs, who signed, and why it is not good."""

    kind: str
    where: str
    holder: str = ""
    problem: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.problem or f'válida, {self.holder}'}"


def examine(root: etree._Element, on: date) -> list[Finding]:
    """What each signature of a message is worth on that day."""
    return [_judge(kind, holder, place, on) for kind, holder, place in _places(root)]


def unsigned_guias(root: etree._Element) -> int:
    """How many guias of a lote carry no signature."""
    guias = (node for name in GUIAS for node in root.iter(f"{{{NS}}}{name}"))
    return sum(1 for guia in guias if guia.find(GUIA_SIGNATURE) is None)


def _places(root: etree._Element) -> Iterator[tuple[str, etree._Element, int]]:
    """The kind, the element that is signed, and the place of the signature in it."""
    for place, child in enumerate(root):
        if etree.QName(child).localname in SIGNATURES:
            yield MESSAGE, root, place
    for signature in root.iter(GUIA_SIGNATURE):
        guia = signature.getparent()
        yield GUIA, guia, guia.index(signature)


def _judge(kind: str, holder: etree._Element, place: int, on: date) -> Finding:
    where = etree.QName(holder).localname
    try:
        certificate = _verify(holder, place)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else "?"
        if on > certificate.not_valid_after_utc.date():
            raise Bad("certificado vencido", "certificate expired")
        if on < certificate.not_valid_before_utc.date():
            raise Bad("certificado ainda não vale", "certificate")
        return Finding(kind, where, name)
    except Bad as error:
        return Finding(kind, where, problem=str(error), reason=error.reason)
    except InvalidSignature:
        return Finding(kind, where, problem="não confere com a chave", reason="signature")
    except (binascii.Error, ValueError, KeyError, AttributeError, etree.LxmlError):
        return Finding(kind, where, problem="assinatura ilegível", reason="signature")


def _verify(holder: etree._Element, place: int) -> x509.Certificate:
    """The certificate of a good signature; Bad or InvalidSignature for another."""
    document = _alone(holder)
    signature = document[place]
    info = signature.find("ds:SignedInfo", DS)
    certificate = x509.load_der_x509_certificate(_decode(_text(signature, ".//ds:X509Certificate")))
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise Bad("chave que não é RSA", "certificate")
    method = METHODS[info.find("ds:SignatureMethod", DS).get("Algorithm")]
    canonical = _canonical(info, info.find("ds:CanonicalizationMethod", DS))
    key.verify(
        _decode(_text(signature, "ds:SignatureValue")), canonical, padding.PKCS1v15(), method()
    )
    references = info.findall("ds:Reference", DS)
    if not any(each.get("URI") == "" for each in references):
        raise Bad("não assina o elemento em que está")
    for reference in references:
        _check_reference(reference, document, place)
    return certificate


def _check_reference(reference: etree._Element, document: etree._Element, place: int) -> None:
    """The digest of what a reference points to, after its transforms."""
    uri = reference.get("URI")
    target = _target(uri, document)
    method = None
    for transform in reference.iterfind("ds:Transforms/ds:Transform", DS):
        if transform.get("Algorithm") == ENVELOPED:
            target = _without(target, place)
        else:
            method = transform
    digest = hashes.Hash(DIGESTS[reference.find("ds:DigestMethod", DS).get("Algorithm")]())
    digest.update(_canonical(target, method))
    if digest.finalize() != _decode(_text(reference, "ds:DigestValue")):
        raise Bad("o conteúdo mudou depois de assinado")


def _target(uri: str | None, document: etree._Element) -> etree._Element:
    if uri == "":
        return document
    if not uri or not uri.startswith("#"):
        raise Bad("assina o que está fora da mensagem")
    found = [node for node in document.iter("*") if node.get("Id") == uri[1:]]
    if len(found) != 1:
        raise Bad("assina o que não está na mensagem")
    return found[0]


def _without(document: etree._Element, place: int) -> etree._Element:
    """A copy without the signature, whose tail stays."""
    again = _alone(document)
    signature = again[place]
    if signature.tail:
        before = signature.getprevious()
        if before is None:
            again.text = (again.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
    again.remove(signature)
    return again


def _canonical(node: etree._Element, method: etree._Element | None) -> bytes:
    """Canonical bytes as `method` says, by default inclusive."""
    name = next(iter(CANONICAL)) if method is None else method.get("Algorithm")
    exclusive, prefixes = CANONICAL[name], None
    if exclusive and method is not None:
        inclusive = method.find("{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")
        prefixes = None if inclusive is None else inclusive.get("PrefixList", "").split()
    return etree.tostring(
        _alone(node),
        method="c14n",
        exclusive=exclusive,
        inclusive_ns_prefixes=prefixes,
        with_comments=False,
    )


def _alone(node: etree._Element) -> etree._Element:
    """The element as the root of a document, with the namespaces that it stood in."""
    return etree.fromstring(etree.tostring(node, with_tail=False), parser())


def _text(node: etree._Element, path: str) -> str:
    return node.findtext(path, "", DS)


def _decode(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)
