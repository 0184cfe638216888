"""What zipfile raises when a zip is damaged, hostile or locked: it lets through what others raise."""

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
