"""Passwords and private keys in the database, sealed with a key that is not in the database.

A dump, or a copy of the database on another server, then holds no secret.
"""

import contextlib
import os
import tempfile
import uuid
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo.exceptions import UserError
from odoo.tools import config

# Several keys, separated by commas: the first one seals, any of them opens.
VARIABLE = "TISS_SECRET_KEY"
OPTION = "tiss_secret_key"


def seal(env, secret):
    """Encrypt `secret` (bytes) for a field of this database; its key is made where there is none.

    :rtype: str
    """
    return _get_cipher(env, create=True).encrypt(secret).decode("ascii")


def unseal(env, sealed):
    """What was sealed, as bytes.

    :raises UserError: when the key is not on this server, or is another one
    """
    try:
        return _get_cipher(env, create=False).decrypt(sealed)
    except InvalidToken as error:
        raise UserError(
            env._(
                "The stored password or certificate was sealed with another key than the one on"
                " this server: enter it again."
            )
        ) from error


def _get_cipher(env, create):
    keys = os.environ.get(VARIABLE) or config.get(OPTION)
    if keys:
        return _make_cipher(env, keys.split(","))
    path = _get_key_file(env)
    if not path.exists():
        if not create:
            raise UserError(
                env._(
                    "The key that opens the stored passwords and certificates is not on this"
                    " server (%s). If the database was moved or copied, bring that file along, or"
                    " enter the passwords and certificates again.",
                    path.name,
                )
            )
        _create_key_file(path)
    return _make_cipher(env, path.read_text("latin-1").split(","))


def _make_cipher(env, keys):
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys])
    except ValueError as error:
        raise UserError(
            env._("The key for stored passwords and certificates on this server is damaged.")
        ) from error


def _get_key_file(env):
    """Beside the filestore, not in it: a backup of database and files does not carry the key."""
    # A copy that Odoo makes has another number, so it cannot open what it brought along.
    number = uuid.UUID(env["ir.config_parameter"].sudo().get_param("database.uuid"))
    return Path(config["data_dir"], "tiss_keys", f"{number}.key")


def _create_key_file(path):
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made whole under another name: of two workers at once, one wins and both read its key.
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
