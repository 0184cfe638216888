import base64
from datetime import timedelta
from pathlib import Path

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..models.deadlines import REMINDER
from ..standard.certificate import from_pem
from ..standard.tests import certificates as made
from .common import TissCommon
from .terms_records import make_a1

CERTIFICATES = "tiss.certificate"
NEUTRALIZE = Path(__file__).resolve().parents[1] / "data" / "neutralize.sql"


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCertificate(TissCommon):
    """A1 certificates: what is taken, how it is kept, who is reminded."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate = cls._upload()

    @classmethod
    def _upload(cls, password=made.PASSWORD, **options):
        return cls.env[CERTIFICATES].create({"file": make_a1(**options), "password": password})

    def activities(self):
        return self.certificate.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref(REMINDER)
        )

    # ------------------------------------------------------------------
    # Upload
    # ------------------------------------------------------------------

    def test_the_form_takes_a_file_and_says_whose_it_is(self):
        with Form(self.env[CERTIFICATES]) as form:
            form.file = make_a1()
            form.password = made.PASSWORD
        certificate = form.record
        self.assertRecordValues(
            certificate,
            [
                {
                    "holder": made.CLINIC,
                    "document": made.CNPJ,
                    "issuer": "AC FICTICIA v5",
                    "state": "valid",
                    "is_other_holder": False,
                    "user_id": self.env.uid,
                    "company_id": self.company.id,
                }
            ],
        )
        identity = certificate._get_certificate().identity
        self.assertEqual(certificate.valid_until, identity.not_after.replace(tzinfo=None))
        self.assertIn(made.CLINIC, certificate.display_name)

    def test_files_that_cannot_be_used(self):
        expired, early = made.issue(days=(-20, -1)), made.issue(days=(1, 20))
        files = {
            "not a certificate file": base64.b64encode(b"isto nao e um certificado"),
            "no private key": make_a1(with_key=False),
            "has expired": make_a1(certificate=expired),
            "not valid yet": make_a1(certificate=early),
            "not made for signing": make_a1(certificate=made.issue(signs=False)),
            "not RSA": make_a1(private_key=made.elliptic_key()),
            "less than 2048 bits": make_a1(private_key=made.key("short", 1024)),
            "has more than 1 MB": base64.b64encode(b"0" * (2**20 + 1)),
        }
        for words, file in files.items():
            with self.subTest(words), self.assertRefused(words):
                self.env[CERTIFICATES].create({"file": file, "password": made.PASSWORD})

    def test_a_wrong_password_is_not_repeated(self):
        for password in ("errada-zzyx", "", False):
            with self.assertRefused(r"^The password is wrong, or the file is damaged\.$"):
                self._upload(password)

    def test_without_a_file(self):
        with self.assertRefused("Choose the file"):
            self.env[CERTIFICATES].create({"password": made.PASSWORD})

    def test_a_certificate_of_somebody_else_is_pointed_out(self):
        cnpj = made.complete_cnpj("111222330001")
        names = {made.COMPANY_OID: cnpj}
        certificate = self._upload(certificate=made.issue(names=names))
        self.assertTrue(certificate.is_other_holder)
        branch = made.complete_cnpj(f"{made.CNPJ[:8]}0002")
        certificate = self._upload(certificate=made.issue(names={made.COMPANY_OID: branch}))
        self.assertFalse(certificate.is_other_holder)

    def test_the_new_one_takes_the_place_of_the_old(self):
        self.contract.certificate_id = self.certificate
        old = self.certificate.serial
        self.certificate.write({"file": make_a1(), "password": made.PASSWORD})
        self.assertNotEqual(self.certificate.serial, old)
        serial = self.contract.certificate_id._get_certificate().identity.serial
        self.assertEqual(serial, self.certificate.serial)

    # ------------------------------------------------------------------
    # How it is kept
    # ------------------------------------------------------------------

    def test_neither_file_nor_password_nor_key_is_in_the_database(self):
        self.env.flush_all()
        row = self._row()
        key = made.clinic().pem()
        for secret in (made.PASSWORD, "PRIVATE KEY", base64.b64encode(key[100:160]).decode()):
            self.assertNotIn(secret, row)
        self.assertIn(self.certificate.sudo().sealed_key, row)
        attachments = self.env["ir.attachment"].sudo().search([("res_model", "=", CERTIFICATES)])
        self.assertFalse(attachments)

    def _row(self):
        self.env.cr.execute(
            "SELECT t::text FROM tiss_certificate t WHERE id = %s", [self.certificate.id]
        )
        return self.env.cr.fetchone()[0]

    def test_nobody_reads_exports_or_changes_the_key(self):
        self.assertNotIn("sealed_key", self.certificate.fields_get())
        roads = {
            "read": lambda: self.certificate.read(["sealed_key"]),
            "attribute": lambda: self.certificate.sealed_key,
            "export": lambda: self.certificate.export_data(["sealed_key"]),
            "search": lambda: self.certificate.search([("sealed_key", "!=", False)]),
            "write": lambda: self.certificate.write({"sealed_key": "x"}),
        }
        for road, walk in roads.items():
            with self.subTest(road), self.assertRaises(UserError):
                self.env.invalidate_all()
                walk()
        self.env.invalidate_all()
        self.assertFalse(self.certificate.file)
        self.assertFalse(self.certificate.password)

    def test_what_the_file_says_is_not_typed(self):
        for vals in ({"valid_until": "2099-01-01"}, {"document": made.CPF}, {"holder": "X"}):
            with self.assertRefused("comes from its file"):
                self.certificate.write(vals)
            with self.assertRefused("comes from its file"):
                self.env[CERTIFICATES].create({"file": make_a1(), **vals})

    def test_it_is_not_duplicated_and_does_not_travel_with_a_convenio(self):
        with self.assertRefused("not duplicated"):
            self.certificate.copy()
        self.contract.write({"certificate_id": self.certificate.id, "sign_messages": True})
        [values] = self.contract.copy_data()
        for name in ("certificate_id", "sign_guias", "sign_messages"):
            self.assertFalse(values.get(name), name)

    def test_it_opens_a_connection(self):
        found = from_pem(self.certificate._get_pem())
        self.assertEqual(found.identity.serial, self.certificate.serial)
        self.assertEqual(found.chain, (made.authority(),))

    def test_a_web_service_is_called_with_it(self):
        endpoint = self.env["tiss.endpoint"].search([("contract_id", "=", self.contract.id)])
        endpoint = endpoint or self.env["tiss.endpoint"].create(
            {
                "contract_id": self.contract.id,
                "environment": "homologation",
                "service": "tissLoteGuias",
                "url": "https://exemplo.invalid/tissLoteGuias",
            }
        )
        self.assertIsNone(endpoint._get_client_certificate())
        self.contract.certificate_id = self.certificate
        billing = self._create_user("c.envio", "billing")
        pem = endpoint.with_user(billing)._get_client_certificate()
        self.assertEqual(from_pem(pem).identity.document, made.CNPJ)

    def test_a_neutralised_copy_has_no_key(self):
        self.env.flush_all()
        self.env.cr.execute(NEUTRALIZE.read_text("utf-8"))
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "not in this copy of the database"):
            self.certificate._get_certificate()

    def test_who_may_do_what(self):
        billing = self._create_user("c.faturamento", "billing")
        certificate = self.certificate.with_user(billing)
        self.assertEqual(certificate.holder, made.CLINIC)
        for forbidden in (
            lambda: certificate.write({"file": make_a1(), "password": made.PASSWORD}),
            lambda: certificate.unlink(),
            lambda: certificate.create({"file": make_a1(), "password": made.PASSWORD}),
        ):
            with self.assertRaises(AccessError):
                forbidden()
        reception = self._create_user("c.recepcao", "reception")
        with self.assertRaises(AccessError):
            self.certificate.with_user(reception).read(["holder"])
        contract = self.contract.with_user(reception)
        self.assertNotIn("certificate_id", contract.fields_get())
        contract.read()

    def test_one_that_is_in_use_is_not_deleted(self):
        self.contract.certificate_id = self.certificate
        with self.assertRefused("", ValidationError):
            self.certificate.unlink()

    # ------------------------------------------------------------------
    # Expiry
    # ------------------------------------------------------------------

    def _run_cron(self, days_left):
        until = fields.Datetime.now() + timedelta(days=days_left, hours=1)
        self.certificate.sudo().valid_until = until
        self.env[CERTIFICATES]._cron_expiry()
        return len(self.activities())

    def test_reminded_thirty_fifteen_and_seven_days_before(self):
        seen = []
        for days_left in (31, 30, 29, 16, 15, 8, 7, 1, 0, -3):
            self._run_cron(days_left)
            seen.append((days_left, self.certificate.warned_days, len(self.activities())))
        reached = [(31, 0), (30, 30), (29, 30), (16, 30), (15, 15), (8, 15), (7, 7), (1, 7)]
        reached += [(0, 7), (-3, 7)]
        self.assertEqual(seen, [(left, warned, min(warned, 1)) for left, warned in reached])

    def test_a_reminder_that_was_done_does_not_come_back(self):
        self._run_cron(20)
        self.assertEqual(self.activities().user_id, self.env.user)
        self.assertIn(made.CLINIC, self.activities().summary)
        self.activities().action_done()
        self.assertEqual(self._run_cron(19), 0)
        self.assertEqual(self._run_cron(14), 1)

    def test_the_new_one_ends_the_reminder(self):
        self._run_cron(5)
        self.assertEqual(self.certificate.state, "expiring")
        self.certificate.write({"file": make_a1(), "password": made.PASSWORD})
        self.assertFalse(self.activities())
        self.assertEqual((self.certificate.state, self.certificate.warned_days), ("valid", 0))

    def test_an_archived_one_is_not_reminded_of(self):
        self.certificate.active = False
        self.assertEqual(self._run_cron(5), 0)
