"""XML signatures of guias and messages: enveloped XMLDSig, and XAdES AD-RB of ICP-Brasil.

TISS has three places for one (guide §2.5, §7.1): ``ds:Signature`` at the end of a file message,
``Signature`` or ``Signatures`` at the end of a SOAP body element, and ``assinaturaDigitalGuia``
at the end of a guia. The last two are in the namespace of ANS, with the content of
``ds:Signature``. No element of TISS has an ``Id``, so the reference is always ``URI=""``: what is
signed is the element that holds the signature, taken as a document of its own, without it.

Canonicalisation is exclusive: what is signed depends on no namespace that stands around it, so
a signed guia is worth the same alone, in a file and in a SOAP envelope.

The order is: sign the guias, encode (which makes the hash over their signatures too), sign the
message, whose signature is not part of the hash (guide §2.3).
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConfiguration,
    SignatureConstructionMethod,
    SignatureMethod,
    XMLSigner,
    XMLVerifier,
)
from signxml.exceptions import InvalidDigest, InvalidSignature, SignXMLException

from . import parser
from .certificate import Certificate, Identity, identify, issued_by
from .codec import local_name
from .errors import DecodeError, EncodeError, Violation
from .plan import Complex, Field, complex_of
from .schema import Schema

# At level debug it writes what it signs: the whole message, with the login.
logging.getLogger("signxml").setLevel(logging.INFO)

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
RSA_SHA256 = "rsa-sha256"
RSA_SHA1 = "rsa-sha1"
XMLDSIG, XADES_AD_RB = "xmldsig", "xades"
GUIA_FIELD = "assinaturaDigitalGuia"
_MESSAGE_FIELDS = ("Signature", "Signatures")
_EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
_ALGORITHMS = {
    RSA_SHA256: (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256),
    RSA_SHA1: (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA1),
}
_TRANSFORMS = {
    SignatureConstructionMethod.enveloped.value,
    *(each.value for each in CanonicalizationMethod),
}
_SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_BRASILIA = datetime.timezone(datetime.timedelta(hours=-3))
MAX_SIGNATURES = 1000
# What signxml and the libraries below it raise for a signature that is none.
_REFUSED = (
    SignXMLException,
    DecodeError,
    UnsupportedAlgorithm,
    etree.LxmlError,
    AssertionError,
    AttributeError,
    NotImplementedError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Policy:
    """A signature policy of ICP-Brasil: XAdES with basic reference (AD-RB, DOC-ICP-15.03).

    The digest is ``SignPolicyDigest`` of the policy file that ITI publishes, which is what ITI's
    own verifier compares, not the digest of that file. Source: the files PA_AD_RB_v2_4.xml and
    PA_AD_RB_v2_5.xml as the signer of SERPRO (demoiselle) carries them.
    """

    identifier: str
    sha256: str
    address: str


POLICIES = {
    "2.4": Policy(
        "urn:oid:2.16.76.1.7.1.6.2.4",
        "V1oxev3+Z5tia7oVifHtePiXskTb6LP9K1QE2u1zoV4=",
        "http://politicas.icpbrasil.gov.br/PA_AD_RB_v2_4.xml",
    ),
    "2.5": Policy(
        "urn:oid:2.16.76.1.7.1.6.2.5",
        "68MGt+PxAOyh6mLwiAgyBsbsWsQMOuGNQmlR9lbh7hg=",
        "http://politicas.icpbrasil.gov.br/PA_AD_RB_v2_5.xml",
    ),
}
DEFAULT_POLICY = "2.4"  # in force until 2029, and known to more verifiers than 2.5 of 2025


# ---------------------------------------------------------------------------
# Signing
# ---------------------------------------------------------------------------


class Signer:
    """Signs with one certificate in one way.

    ``form`` is XMLDSIG or XADES_AD_RB, ``algorithm`` RSA_SHA256 or, for older operadoras,
    RSA_SHA1, which the policies of ICP-Brasil do not allow. ``policy`` is a key of POLICIES.
    """

    def __init__(
        self,
        certificate: Certificate,
        *,
        algorithm: str = RSA_SHA256,
        form: str = XMLDSIG,
        policy: str = DEFAULT_POLICY,
    ) -> None:
        if form == XADES_AD_RB and algorithm != RSA_SHA256:
            raise ValueError(f"the policy of {form} does not allow {algorithm}")
        self._certificate = certificate
        method, digest = _ALGORITHMS[algorithm]
        self._signer = _XMLSigner(
            signature_algorithm=method, digest_algorithm=digest, c14n_algorithm=_EXCLUSIVE
        )
        self._signer.signature_annotators = [self._add_key_info]
        if form == XADES_AD_RB:
            self._policy = POLICIES[policy]
            self._signer.signature_annotators.append(self._add_properties)

    def __repr__(self) -> str:
        return f"<Signer {self._certificate!r}>"

    def sign_guias(
        self, schema: Schema, values: Mapping[str, Any], *, element: str = "mensagemTISS"
    ) -> dict[str, Any]:
        """The values of a message with every guia in it signed; a signed one stays as it is.

        Raises EncodeError, with the path in the message, for what cannot be sent.
        """
        schema.encode(values, element=element)
        return self._sign_in(schema, complex_of(schema.plan.elements[element]), values)

    def sign_message(
        self, schema: Schema, content: bytes, *, element: str = "mensagemTISS"
    ) -> bytes:
        """An encoded message with its signature at the end; no other byte of it changes."""
        fields = complex_of(schema.plan.elements[element]).fields
        name = next((each for each in _MESSAGE_FIELDS if each in fields), None)
        if name is None:
            raise EncodeError(Violation("unexpected", _MESSAGE_FIELDS[0]))
        root = parser.parse(content)
        if root.find(fields[name].tag) is not None:
            raise EncodeError(Violation("too_many", name, limit=1))
        signature = self._signature(root, fields[name].tag).encode("ascii")
        end = content.rindex(b"</")
        return content[:end] + signature + content[end:]

    def _sign_in(self, schema: Schema, plan: Complex, values: Mapping[str, Any]) -> dict[str, Any]:
        signed = dict(values)
        for name in values:
            field = plan.fields.get(name)
            if field is None or not isinstance(field.type, Complex) or not values[name]:
                continue
            sign = self._sign_guia if GUIA_FIELD in field.type.fields else self._sign_child
            if field.many:
                signed[name] = [sign(schema, field, each) for each in values[name]]
            else:
                signed[name] = sign(schema, field, values[name])
        return signed

    def _sign_child(self, schema: Schema, field: Field, values: Mapping[str, Any]) -> Any:
        return self._sign_in(schema, complex_of(field), values)

    def _sign_guia(self, schema: Schema, field: Field, values: Mapping[str, Any]) -> dict[str, Any]:
        if values.get(GUIA_FIELD):
            return dict(values)
        root = parser.parse(schema.encode_part(field, values))
        tag = complex_of(field).fields[GUIA_FIELD].tag
        return {**values, GUIA_FIELD: self._signature(root, tag)}

    def _signature(self, root: etree._Element, tag: str) -> str:
        """The signature of an element, as a document of its own in ASCII."""
        signed = self._signer.sign(root, key=self._certificate.key)
        signature = signed[-1]
        signature.tag = tag
        return etree.tostring(signature, encoding="us-ascii").decode("ascii")

    def _add_key_info(self, signature: etree._Element, signing_settings: Any) -> None:
        data = etree.SubElement(_ds(signature, "KeyInfo"), f"{{{DS}}}X509Data")
        # In one line: a line break in it would count in the hash of the message.
        _ds(data, "X509Certificate", self._certificate.der_base64)

    def _add_properties(self, signature: etree._Element, signing_settings: Any) -> None:
        """QualifyingProperties with the two that AD-RB asks for, the time, and their reference."""
        number = uuid.uuid4().hex
        signature.set("Id", f"signature-{number}")
        properties = etree.SubElement(
            _ds(signature, "Object"), f"{{{XADES}}}QualifyingProperties", nsmap={"xades": XADES}
        )
        properties.set("Target", f"#signature-{number}")
        signed = _xades(properties, "SignedProperties")
        signed.set("Id", f"properties-{number}")
        found = _xades(signed, "SignedSignatureProperties")
        now = datetime.datetime.now(datetime.timezone.utc)
        _xades(found, "SigningTime", now.isoformat(timespec="seconds"))
        self._add_signing_certificate(found)
        self._add_policy(found)
        _add_reference(signature, signed)

    def _add_signing_certificate(self, properties: etree._Element) -> None:
        certificate = self._certificate.x509
        entry = _xades(_xades(properties, "SigningCertificate"), "Cert")
        digest = hashlib.sha256(base64.b64decode(self._certificate.der_base64)).digest()
        _add_digest(_xades(entry, "CertDigest"), base64.b64encode(digest).decode("ascii"))
        issuer = _xades(entry, "IssuerSerial")
        _ds(issuer, "X509IssuerName", certificate.issuer.rfc4514_string())
        _ds(issuer, "X509SerialNumber", str(certificate.serial_number))

    def _add_policy(self, properties: etree._Element) -> None:
        policy = _xades(_xades(properties, "SignaturePolicyIdentifier"), "SignaturePolicyId")
        identifier = _xades(_xades(policy, "SigPolicyId"), "Identifier", self._policy.identifier)
        identifier.set("Qualifier", "OIDAsURN")
        _add_digest(_xades(policy, "SigPolicyHash"), self._policy.sha256)
        qualifier = _xades(_xades(policy, "SigPolicyQualifiers"), "SigPolicyQualifier")
        _xades(qualifier, "SPURI", self._policy.address)


def unsigned(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a message that was read, without the signature of the whole of it."""
    return {name: value for name, value in values.items() if name not in _MESSAGE_FIELDS}


class _XMLSigner(XMLSigner):
    def check_deprecated_methods(self) -> None:
        """SHA-1 is there for operadoras that know nothing else; only a contract can choose it."""


class _XMLVerifier(XMLVerifier):
    def _c14n(self, nodes: Any, algorithm: Any, inclusive_ns_prefixes: Any = None) -> bytes:
        """As a document of its own: lxml undeclares the default namespace of an inner element.

        Which is how most of the tools in use in Brazil write a signature.
        """
        alone = [parser.parse(_standalone(each)) for each in _listed(nodes)]
        return super()._c14n(alone, algorithm, inclusive_ns_prefixes)


def _listed(nodes: Any) -> list[etree._Element]:
    return nodes if isinstance(nodes, list) else [nodes]


def _ds(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    return _add(parent, f"{{{DS}}}{name}", text)


def _xades(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    return _add(parent, f"{{{XADES}}}{name}", text)


def _add(parent: etree._Element, tag: str, text: str | None) -> etree._Element:
    child = etree.SubElement(parent, tag)
    child.text = text
    return child


def _add_digest(parent: etree._Element, value: str) -> None:
    _ds(parent, "DigestMethod").set("Algorithm", DigestAlgorithm.SHA256.value)
    _ds(parent, "DigestValue", value)


def _add_reference(signature: etree._Element, signed: etree._Element) -> None:
    reference = _ds(signature.find(f"{{{DS}}}SignedInfo"), "Reference")
    reference.set("URI", f"#{signed.get('Id')}")
    reference.set("Type", _SIGNED_PROPERTIES)
    # Without it a verifier canonicalises inclusively, and every namespace around it counts.
    _ds(_ds(reference, "Transforms"), "Transform").set("Algorithm", _EXCLUSIVE.value)
    canonical = etree.tostring(signed, method="c14n", exclusive=True, with_comments=False)
    _add_digest(reference, base64.b64encode(hashlib.sha256(canonical).digest()).decode("ascii"))


# ---------------------------------------------------------------------------
# Verifying
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What one signature of a message is worth.

    ``where`` is the path of what it signs, below and including the root:
    ``mensagemTISS``, ``mensagemTISS/prestadorParaOperadora/loteGuias/guiasTISS/guiaConsulta[2]``.
    ``code`` is empty for a valid one: ``structure``, ``algorithm`` (SHA-1 not accepted, or
    unknown), ``reference`` (it covers something else, or an address outside the message),
    ``transform``, ``no_certificate``, ``certificate`` (unreadable), ``digest`` (the content was
    changed), ``signature`` (made with another key, or changed), ``expired``, ``not_yet_valid``,
    ``untrusted`` (no chain to the trusted ones given), ``not_checked`` (too many signatures).
    ``identity`` is the holder the certificate names: true only when ``trusted`` ones were given.
    """

    where: str
    code: str = ""
    identity: Identity | None = None
    algorithm: str = ""
    form: str = XMLDSIG
    moment: datetime.datetime | None = None

    @property
    def valid(self) -> bool:
        return not self.code


def verify(
    xml: bytes | str,
    *,
    accept_sha1: bool = False,
    trusted: tuple[x509.Certificate, ...] = (),
    moment: datetime.datetime | None = None,
    limit: int = parser.MAX_BYTES,
) -> list[Verdict]:
    """Every signature of a message, file or SOAP, in document order; empty when it has none.

    Nothing is fetched, and only the certificate in the signature itself is used. ``moment``
    (aware) is when it was signed, where the signature or the header of the message do not say.
    Raises DecodeError or UnsafeXML for what cannot be read at all.
    """
    root, _ = parser.parse_repaired(xml, limit=limit)
    moment = _header_moment(root) or moment or datetime.datetime.now(datetime.timezone.utc)
    found = []
    for count, signature in enumerate(list(_signatures(root))):
        owner = signature.getparent()
        if count >= MAX_SIGNATURES:
            found.append(Verdict(_path(owner), "not_checked"))
            continue
        found.append(_Check(signature, owner, accept_sha1, trusted, moment).verdict())
    return found


def _signatures(root: etree._Element) -> Iterator[etree._Element]:
    """What holds a SignedInfo, whatever its own name; the root itself signs nothing."""
    for info in root.iter(f"{{{DS}}}SignedInfo"):
        parent = info.getparent()
        if parent is not None and parent.getparent() is not None:
            yield parent


class _Refusal(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Check:
    """One signature: what it must look like is checked before any cryptography is done."""

    def __init__(
        self,
        signature: etree._Element,
        owner: etree._Element,
        accept_sha1: bool,
        trusted: tuple[x509.Certificate, ...],
        moment: datetime.datetime,
    ) -> None:
        self._signature = signature
        self._owner = owner
        self._trusted = trusted
        self._accepted = (RSA_SHA256, *((RSA_SHA1,) if accept_sha1 else ()))
        self._moment = moment
        self._identity: Identity | None = None
        self._algorithm = ""
        self._form = XMLDSIG

    def verdict(self) -> Verdict:
        code = ""
        try:
            self._run()
        except _Refusal as refusal:
            code = refusal.code
        return Verdict(
            _path(self._owner), code, self._identity, self._algorithm, self._form, self._moment
        )

    def _run(self) -> None:
        self._check_place()
        certificates = self._certificates()
        self._read_properties()
        self._check_algorithms()
        self._check_references()
        self._check_cryptography(certificates[0])
        if problem := self._identity.problem(self._moment):
            raise _Refusal(problem)
        if self._trusted and not issued_by(certificates[0], tuple(certificates[1:]), self._trusted):
            raise _Refusal("untrusted")

    def _check_place(self) -> None:
        """No other signature beside it, which a verifier could take for this one."""
        for each in self._owner:
            if each is not self._signature and (
                each.tag == f"{{{DS}}}Signature" or each.find(f"{{{DS}}}SignedInfo") is not None
            ):
                raise _Refusal("structure")

    def _certificates(self) -> list[x509.Certificate]:
        found = self._signature.findall(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")
        if not found:
            raise _Refusal("no_certificate")
        try:
            read = [x509.load_der_x509_certificate(base64.b64decode(each.text)) for each in found]
            self._identity = identify(read[0])
        except (ValueError, TypeError, x509.DuplicateExtension) as error:
            raise _Refusal("certificate") from error
        return read

    def _read_properties(self) -> None:
        time = self._signature.find(
            f".//{{{XADES}}}SignedSignatureProperties/{{{XADES}}}SigningTime"
        )
        if self._signature.find(f".//{{{XADES}}}SignedProperties") is not None:
            self._form = XADES_AD_RB
        if time is not None:
            self._moment = _aware(time.text) or self._moment

    def _check_algorithms(self) -> None:
        info = self._only("SignedInfo", self._signature)
        method = self._only("SignatureMethod", info).get("Algorithm", "")
        _, _, self._algorithm = method.partition("#")
        if self._algorithm not in self._accepted:
            raise _Refusal("algorithm")

    def _check_references(self) -> None:
        """One reference to what holds the signature; any other points into the signature."""
        info = self._only("SignedInfo", self._signature)
        addresses = []
        for reference in info.findall(f"{{{DS}}}Reference"):
            addresses.append(reference.get("URI"))
            for transform in reference.iter(f"{{{DS}}}Transform"):
                if transform.get("Algorithm") not in _TRANSFORMS:
                    raise _Refusal("transform")
        if addresses.count("") != 1:
            raise _Refusal("reference")
        for each in addresses:
            if each != "" and not self._is_inside(each):
                raise _Refusal("reference")
        enveloped = info.find(f"{{{DS}}}Reference[@URI='']/{{{DS}}}Transforms/{{{DS}}}Transform")
        if enveloped is None:
            raise _Refusal("transform")

    def _is_inside(self, address: str | None) -> bool:
        if not address or not address.startswith("#") or not address[1:]:
            return False
        owners = [
            each
            for each in self._owner.iter("{*}*")
            if address[1:] in (each.get("Id"), each.get("ID"), each.get("id"))
        ]
        return len(owners) == 1 and self._signature in owners[0].iterancestors()

    def _only(self, name: str, parent: etree._Element) -> etree._Element:
        found = parent.findall(f"{{{DS}}}{name}")
        if len(found) != 1:
            raise _Refusal("structure")
        return found[0]

    def _check_cryptography(self, certificate: x509.Certificate) -> None:
        # Who signed inclusively may have had the namespaces of the message around, or not.
        failure = _Refusal("digest")
        for document in self._documents():
            try:
                self._verify(document, certificate)
                return
            except (InvalidDigest, InvalidSignature) as error:
                failure = _Refusal("digest" if isinstance(error, InvalidDigest) else "signature")
        raise failure

    def _documents(self) -> Iterator[etree._Element]:
        """The signed element as a document, with its signature under the name of the standard."""
        place = self._owner.index(self._signature)
        document = parser.parse(_standalone(self._owner))
        document[place].tag = f"{{{DS}}}Signature"
        yield document
        etree.cleanup_namespaces(document)
        yield document

    def _verify(self, document: etree._Element, certificate: x509.Certificate) -> None:
        config = SignatureConfiguration(
            location="./",
            expect_references=False,
            signature_methods=frozenset(_ALGORITHMS[each][0] for each in self._accepted),
            digest_algorithms=frozenset(_ALGORITHMS[each][1] for each in self._accepted),
            # Whether it was valid is said apart from whether it signed.
            verification_time=certificate.not_valid_before_utc,
            default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
        )
        try:
            _XMLVerifier().verify(document, x509_cert=certificate, expect_config=config)
        except (InvalidDigest, InvalidSignature):
            raise
        except _REFUSED as error:
            raise _Refusal("structure") from error


def _standalone(element: etree._Element) -> bytes:
    return etree.tostring(element, encoding="utf-8", with_tail=False)


def _path(element: etree._Element) -> str:
    """Names from the root on, with the position of each that has brothers of its name."""
    names = []
    for each in (element, *element.iterancestors()):
        name, parent = local_name(each.tag), each.getparent()
        brothers = parent.findall(each.tag) if parent is not None else []
        names.append(f"{name}[{brothers.index(each) + 1}]" if len(brothers) > 1 else name)
    return "/".join(reversed(names))


def _header_moment(root: etree._Element) -> datetime.datetime | None:
    """When the message says it was made: local time of Brasília (guide §2.1)."""
    day = root.findtext(".//{*}cabecalho//{*}dataRegistroTransacao")
    hour = root.findtext(".//{*}cabecalho//{*}horaRegistroTransacao")
    return _aware(f"{(day or '').strip()}T{(hour or '').strip()}")


def _aware(text: str | None) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat((text or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=_BRASILIA)
