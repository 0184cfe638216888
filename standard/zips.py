"""What zipfile raises for a zip that is damaged or locked: also what others raise in it."""

import lzma
import zipfile
import zlib

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,  # a password
    OSError,
    UnicodeDecodeError,  # a name
)
