"""The TISS standard (padrão TISS of ANS) without Odoo: codec, schemas, terminology, identifiers.

>>> schema = load("4.03.00")
>>> xml = schema.encode(values)
>>> schema.validate(xml), schema.decode(xml) == values
"""

from .codec import Decoded, Peek, digest, matching_charset, peek
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
from .walk import Disordered

__all__ = [
    "DecodeError",
    "Decoded",
    "Disordered",
    "EncodeError",
    "PackageError",
    "Peek",
    "Schema",
    "TissError",
    "UnknownVersion",
    "UnsafeXML",
    "Violation",
    "digest",
    "load",
    "matching_charset",
    "peek",
    "register",
    "register_folder",
    "versions",
]
