"""xmlsec1, the reference implementation of XML signatures, as a judge that owes us nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import certificates as made

PROGRAM = shutil.which("xmlsec1")
NO_XMLSEC = "no xmlsec1 on this machine (./dev test gets it where apt has it)"
_PROPERTIES = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"


def verify(xml: bytes) -> bool:
    """Whether it finds the first ds:Signature right, made by who our authority certified."""
    return _run(xml, "--verify", "--trusted-pem", "ca.pem").returncode == 0


def sign(template: bytes) -> bytes:
    """Fill in the empty signature of a document, with the clinic's key."""
    run = _run(template, "--sign", "--privkey-pem", "key.pem,clinic.pem", "--output", "out.xml")
    if run.returncode:
        raise AssertionError(run.stderr.decode())
    return run.stdout


def _run(xml: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryDirectory(prefix="tiss-xmlsec-") as name:
        folder = Path(name)
        (folder / "in.xml").write_bytes(xml)
        (folder / "ca.pem").write_bytes(made.authority().public_bytes(Encoding.PEM))
        (folder / "clinic.pem").write_bytes(made.clinic().x509.public_bytes(Encoding.PEM))
        (folder / "key.pem").write_bytes(
            made.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        command = [PROGRAM, arguments[0], "--id-attr:Id", _PROPERTIES, *arguments[1:], "in.xml"]
        run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
        if (folder / "out.xml").exists():
            run.stdout = (folder / "out.xml").read_bytes()
        return run
