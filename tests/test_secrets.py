import os
import stat
import tempfile
import uuid
from pathlib import Path
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from ..models import secrets

SECRET = b"senha de mentira"


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSecrets(TransactionCase):
    """What the database holds opens only with a key that is not in it."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.startPatcher(patch.dict(config.options, {"data_dir": folder.name}))
        environment = {key: value for key, value in os.environ.items() if key != secrets.VARIABLE}
        self.startPatcher(patch.dict(os.environ, environment, clear=True))
        self.env["ir.config_parameter"].set_param("database.uuid", str(uuid.uuid4()))

    def key_files(self):
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def test_what_is_sealed_opens_again(self):
        sealed = secrets.seal(self.env, SECRET)
        self.assertIsInstance(sealed, str)
        self.assertNotIn(SECRET.decode(), sealed)
        self.assertEqual(secrets.unseal(self.env, sealed), SECRET)

    def test_the_same_secret_never_looks_the_same(self):
        self.assertNotEqual(secrets.seal(self.env, SECRET), secrets.seal(self.env, SECRET))

    def test_one_key_that_only_the_server_can_read_and_no_backup_carries(self):
        secrets.seal(self.env, SECRET)
        secrets.seal(self.env, b"outra")
        (path,) = self.key_files()
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
        filestore = Path(config.filestore(self.env.cr.dbname))
        self.assertNotIn(filestore, path.parents)

    def test_without_the_key_a_person_learns_what_to_do(self):
        sealed = secrets.seal(self.env, SECRET)
        self.key_files()[0].unlink()
        with self.assertRaisesRegex(UserError, "not on this server"):
            secrets.unseal(self.env, sealed)
        self.assertEqual(self.key_files(), [], "opening must not make a key")

    def test_a_copy_of_the_database_cannot_open_it(self):
        sealed = secrets.seal(self.env, SECRET)
        self.env["ir.config_parameter"].set_param("database.uuid", str(uuid.uuid4()))
        with self.assertRaisesRegex(UserError, "not on this server"):
            secrets.unseal(self.env, sealed)
        secrets.seal(self.env, b"outra")
        with self.assertRaisesRegex(UserError, "another key"):
            secrets.unseal(self.env, sealed)

    def test_a_changed_text_does_not_open(self):
        sealed = secrets.seal(self.env, SECRET)
        changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
        with self.assertRaisesRegex(UserError, "another key"):
            secrets.unseal(self.env, changed)

    def test_a_damaged_key_is_said_to_be_damaged(self):
        sealed = secrets.seal(self.env, SECRET)
        self.key_files()[0].write_text("isto não é uma chave", "utf-8")
        with self.assertRaisesRegex(UserError, "damaged"):
            secrets.unseal(self.env, sealed)

    def test_the_key_may_come_from_the_environment_and_be_changed(self):
        old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        with patch.dict(os.environ, {secrets.VARIABLE: old}):
            sealed = secrets.seal(self.env, SECRET)
        with patch.dict(os.environ, {secrets.VARIABLE: f"{new}, {old}"}):
            self.assertEqual(secrets.unseal(self.env, sealed), SECRET)
            resealed = secrets.seal(self.env, SECRET)
        with patch.dict(os.environ, {secrets.VARIABLE: new}):
            self.assertEqual(secrets.unseal(self.env, resealed), SECRET)
            with self.assertRaisesRegex(UserError, "another key"):
                secrets.unseal(self.env, sealed)
        self.assertEqual(self.key_files(), [])

    def test_the_key_may_come_from_the_configuration(self):
        with patch.dict(config.options, {secrets.OPTION: Fernet.generate_key().decode()}):
            self.assertEqual(secrets.unseal(self.env, secrets.seal(self.env, SECRET)), SECRET)
        self.assertEqual(self.key_files(), [])

    def test_two_workers_make_one_key(self):
        path = secrets._get_key_file(self.env)
        secrets._create_key_file(path)
        first = path.read_bytes()
        secrets._create_key_file(path)
        self.assertEqual(path.read_bytes(), first)
        self.assertEqual(self.key_files(), [path])
