"""The TISS standard (padrão TISS of ANS) without Odoo: codec, schemas, terminology, identifiers.

>>> schema = load("4.03.00")
>>> xml = schema.encode(values)
>>> schema.validate(xml), schema.decode(xml) == values
"""

from .codec import Decoded, digest, matching_charset
from .errors import (
    DecodeError,
    EncodeError,
    PackageError,
    TissError,
    UnknownVersion,
    UnsafeXML,
    Violation,
)
from .schema import Schema, load, register, register_folder, versions

__all__ = [
    "DecodeError",
    "Decoded",
    "EncodeError",
    "PackageError",
    "Schema",
    "TissError",
    "UnknownVersion",
    "UnsafeXML",
    "Violation",
    "digest",
    "load",
    "matching_charset",
    "register",
    "register_folder",
    "versions",
]
