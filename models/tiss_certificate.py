import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..standard import identifiers
from ..standard.certificate import CertificateError, from_pem, load_pkcs12
from .deadlines import REMINDER
from .secrets import seal, unseal
from .upload import decode_upload

MAX_SIZE = 1024 * 1024  # bytes of a .pfx; real ones have some 10 kB
WARNING_DAYS = (7, 15, 30)
# What only follows from the file that was uploaded.
SYSTEM_FIELDS = {
    "document", "holder", "issuer", "sealed_key", "serial", "valid_from", "valid_until",
    "warned_days",
}  # fmt: skip


class TissCertificate(models.Model):
    """An A1 certificate (e-CNPJ, e-CPF) of the clinic: it signs, and opens mutual TLS.

    Key and certificate are kept sealed (see `secrets`); the file and its password are never
    stored. Nobody can read the key, export it or download the file again.
    """

    _name = "tiss.certificate"
    _description = "Digital Certificate"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "valid_until desc, id desc"
    _rec_name = "holder"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: self.env.user,
        help="Who is reminded before the certificate expires.",
    )
    holder = fields.Char(readonly=True)
    document = fields.Char("CNPJ or CPF", readonly=True)
    issuer = fields.Char(readonly=True)
    serial = fields.Char("Serial Number", readonly=True)
    valid_from = fields.Datetime(readonly=True)
    valid_until = fields.Datetime(readonly=True)
    state = fields.Selection(
        [
            ("valid", "Valid"),
            ("expiring", "Expires Soon"),
            ("expired", "Expired"),
        ],
        compute="_compute_state",
    )
    is_other_holder = fields.Boolean(
        "Is of Somebody Else",
        compute="_compute_is_other_holder",
        help="Neither head office nor branch of this clinic is the holder.",
    )
    contract_ids = fields.One2many("tiss.contract", "certificate_id", "Convênios")
    # Neither is a column: what is uploaded is read, sealed and forgotten.
    file = fields.Binary(
        "File (.pfx or .p12)", compute="_compute_upload", inverse="_inverse_upload"
    )
    password = fields.Char(
        "Password of the File", compute="_compute_upload", inverse="_inverse_upload"
    )
    sealed_key = fields.Text(
        groups=fields.NO_ACCESS, copy=False, readonly=True, prefetch=False, exportable=False
    )
    warned_days = fields.Integer(readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("valid_until")
    def _compute_state(self):
        now = fields.Datetime.now()
        for certificate in self:
            days_left = ((certificate.valid_until or now) - now).days
            if certificate.valid_until and certificate.valid_until < now:
                certificate.state = "expired"
            else:
                certificate.state = "expiring" if days_left <= WARNING_DAYS[-1] else "valid"

    @api.depends("document", "company_id.vat")
    def _compute_is_other_holder(self):
        """The first eight characters of a CNPJ are those of all its branches."""
        for certificate in self:
            ours = identifiers.compact(certificate.company_id.vat or "")
            certificate.is_other_holder = bool(
                certificate.document and certificate.document[:8] != ours[:8]
            )

    @api.depends("holder", "valid_until")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for certificate in self:
            if not certificate.holder:
                certificate.display_name = self.env._("New")
                continue
            certificate.display_name = self.env._(
                "%(holder)s, until %(date)s",
                holder=certificate.holder,
                date=format_date(self.env, certificate.valid_until),
            )

    def _compute_upload(self):
        self.file = False
        self.password = False

    def _inverse_upload(self):
        for certificate in self:
            if certificate.file:
                content = decode_upload(certificate, MAX_SIZE)
                certificate._keep(certificate._read_file(content, certificate.password or ""))
        self.invalidate_recordset(["file", "password"])

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_system_fields(vals)
        certificates = super().create(vals_list)
        if not all(certificates.sudo().mapped("sealed_key")):
            raise UserError(self.env._("Choose the file of the certificate (.pfx or .p12)."))
        return certificates

    def write(self, vals):
        self._check_system_fields(vals)
        return super().write(vals)

    @api.model
    def _check_system_fields(self, vals):
        if SYSTEM_FIELDS & set(vals) and not self.env.su:
            raise UserError(self.env._("What a certificate says comes from its file alone."))

    def copy_data(self, default=None):
        raise UserError(self.env._("A certificate is not duplicated: upload its file again."))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_certificate(self):
        """`standard.certificate.Certificate` of one record that may sign now; holds the key.

        :raises UserError: when it has expired, or its key cannot be opened on this server
        """
        self.ensure_one()
        # As superuser: whoever may send signs with it, nobody reads it.
        sealed = self.sudo().sealed_key
        if not sealed:
            raise UserError(
                self.env._(
                    "The key of the certificate of %s is not in this copy of the database: upload"
                    " its file again.",
                    self.holder,
                )
            )
        certificate = from_pem(unseal(self.env, sealed))
        try:
            certificate.check(datetime.datetime.now(datetime.timezone.utc))
        except CertificateError as error:
            raise UserError(
                self.env._(
                    "The certificate of %(holder)s cannot be used: %(reason)s Upload the new one"
                    " under Configuration, Digital Certificates.",
                    holder=self.holder,
                    reason=self._describe_error(error.code),
                )
            ) from error
        return certificate

    def _get_pem(self):
        """Key, certificate and chain of one record for a TLS connection, as bytes in the clear."""
        return self._get_certificate().pem()

    def _read_file(self, content, password):
        try:
            certificate = load_pkcs12(content, password)
            certificate.check(datetime.datetime.now(datetime.timezone.utc))
        except CertificateError as error:
            raise UserError(self._describe_error(error.code)) from error
        return certificate

    def _keep(self, certificate):
        identity = certificate.identity
        self.sudo().write(
            {
                "sealed_key": seal(self.env, certificate.pem()),
                "holder": identity.holder,
                "document": identity.document,
                "issuer": identity.issuer,
                "serial": identity.serial,
                "valid_from": identity.not_before.replace(tzinfo=None),
                "valid_until": identity.not_after.replace(tzinfo=None),
                "warned_days": 0,
            }
        )
        self.activity_unlink([REMINDER])
        self._message_log(
            body=self.env._(
                "Certificate of %(holder)s uploaded, serial number %(serial)s, valid until"
                " %(date)s.",
                holder=identity.holder,
                serial=identity.serial,
                date=format_date(self.env, self.valid_until),
            )
        )

    @api.model
    def _describe_error(self, code):
        sentences = {
            "not_pkcs12": self.env._(
                "This is not a certificate file: choose the .pfx or .p12 that the certification"
                " authority gave you (type A1)."
            ),
            "password": self.env._("The password is wrong, or the file is damaged."),
            "no_certificate": self.env._("The file holds no certificate."),
            "no_key": self.env._(
                "The file holds no private key: export the certificate again, with its key."
            ),
            "key_type": self.env._("The key of the certificate is not RSA, as ANS asks for."),
            "key_size": self.env._("The key of the certificate has less than 2048 bits."),
            "usage": self.env._("The certificate is not made for signing."),
            "expired": self.env._("The certificate has expired."),
            "not_yet_valid": self.env._("The certificate is not valid yet."),
        }
        return sentences[code]

    # ------------------------------------------------------------------
    # Expiry
    # ------------------------------------------------------------------

    @api.model
    def _cron_expiry(self):
        """Remind of each certificate 30, 15 and 7 days before it expires, once each time."""
        now = fields.Datetime.now()
        limit = now + datetime.timedelta(days=WARNING_DAYS[-1] + 1)
        for certificate in self.search([("valid_until", "<", limit)]):
            days_left = max((certificate.valid_until - now).days, 0)
            reached = next(days for days in WARNING_DAYS if days_left <= days)
            if not certificate.warned_days or reached < certificate.warned_days:
                certificate._remind(reached)

    def _remind(self, reached):
        self.ensure_one()
        user = self.user_id or self.create_uid
        self = self.with_context(lang=user.lang)
        date = self.valid_until.date()
        self.activity_unlink([REMINDER])
        self.activity_schedule(
            REMINDER,
            date_deadline=date,
            summary=self.env._(
                "The certificate of %(holder)s expires on %(date)s: get the new one and upload it"
                " here",
                holder=self.holder,
                date=format_date(self.env, date),
            ),
            user_id=user.id,
        )
        self.sudo().warned_days = reached
