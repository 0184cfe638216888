import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import NO_ACCESS

from ..standard import soap
from ..standard.message import SERVICE_OF
from .environment_label import add_label
from .secrets import seal, unseal
from .system_fields import without_defaults
from .tiss_endpoint import ENVIRONMENTS

MANAGER = "l10n_br_tiss.group_tiss_manager"
MANAGERS = f"{MANAGER},base.group_system"
# Only the switch to production writes these.
PRODUCTION_FIELDS = {"production_user_id", "production_date", "production_database"}
MAX_LOGIN, MAX_PASSWORD = 20, 32  # characters, st_texto20 and st_texto32


class TissContract(models.Model):
    """How messages reach the operadora: environment, web services and login.

    Production is a switch of its own, and holds in the database that it was made in only. Login
    and password go in and never come out: what is kept is sealed, the password as it is sent.
    """

    _inherit = "tiss.contract"

    environment = fields.Selection(
        ENVIRONMENTS, required=True, default="homologation", copy=False, tracking=True
    )
    shown_environment = fields.Selection(
        [
            ("demo", "DEMONSTRATION · simulated operadora"),
            ("homologation", "HOMOLOGAÇÃO · test system of the operadora"),
            ("production", "PRODUCTION · what is sent reaches the operadora"),
            ("blocked", "NOTHING IS SENT FROM THIS DATABASE"),
        ],
        "Environment Label",
        compute="_compute_shown_environment",
        compute_sudo=True,
    )
    endpoint_ids = fields.One2many(
        "tiss.endpoint",
        "contract_id",
        "Web Services",
        groups="l10n_br_tiss.group_tiss_billing",
    )
    production_user_id = fields.Many2one(
        "res.users", "In Production by", readonly=True, copy=False, ondelete="restrict"
    )
    production_date = fields.Datetime("In Production since", readonly=True, copy=False)
    production_database = fields.Char(readonly=True, copy=False, groups=NO_ACCESS)
    service_credentials = fields.Char(readonly=True, copy=False, groups=NO_ACCESS)
    service_login = fields.Char(
        "Login",
        compute="_compute_service_login",
        inverse="_inverse_service_login",
        groups=MANAGERS,
        help="Goes in and never comes out: empty does not say that there is none.",
    )
    service_password = fields.Char(
        "Password",
        compute="_compute_service_login",
        inverse="_inverse_service_login",
        groups=MANAGERS,
        help="The password itself, also where its MD5 is what is sent.",
    )
    password_form = fields.Selection(
        [("md5", "As Its MD5 (usual)"), ("plain", "As It Is Typed")],
        "Password Is Sent",
        required=True,
        default="md5",
        copy=False,
        groups=MANAGERS,
        tracking=True,
        help="Nearly all operadoras take the MD5 of the password. A few refuse it, and want the"
        " password itself: choose that only where the operadora says so.",
    )
    has_login = fields.Boolean("Login is There", compute="_compute_has_login", compute_sudo=True)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "environment",
        "production_database",
        "endpoint_ids.active",
        "endpoint_ids.environment",
    )
    def _compute_shown_environment(self):
        """What the label says; nothing where all goes by file, in earnest since ever."""
        neutralized = self._is_neutralized()
        for contract in self:
            shown = contract.environment
            if neutralized:
                shown = "blocked"
            elif shown != "demo" and shown not in contract.endpoint_ids.mapped("environment"):
                shown = False
            elif shown == "production" and not contract._is_production_armed():
                shown = "blocked"
            contract.shown_environment = shown

    def _compute_service_login(self):
        self.service_login = self.service_password = False

    @api.depends("service_credentials")
    def _compute_has_login(self):
        for contract in self:
            contract.has_login = bool(contract.service_credentials)

    def _inverse_service_login(self):
        for contract in self:
            login, password = contract.service_login, contract.service_password
            if login or password:
                contract._seal_login(login and login.strip(), password)
        # What was typed stays in no cache, from which a form would be filled again.
        self.invalidate_recordset(["service_login", "service_password"], flush=False)

    def _seal_login(self, login, password):
        """Keep what was typed; what was not stays as it was."""
        self.ensure_one()
        if login and len(login) > MAX_LOGIN:
            raise ValidationError(self.env._("A login has at most %s characters.", MAX_LOGIN))
        # As superuser: nobody may read what is kept, also not who changes it.
        contract = self.sudo()
        kept = {}
        if contract.service_credentials and not (login and password):
            kept = contract._get_kept_login()
        if login:
            kept["login"] = login
        if password:
            kept |= self._prepare_password(password, contract.password_form)
        contract.service_credentials = seal(self.env, json.dumps(kept).encode())
        self._message_log(body=self.env._("The login of the web services was changed."))

    @api.model
    def _prepare_password(self, password, form):
        """What is kept of a password: it as it is sent, and which form that is (guide §2.5)."""
        try:
            digest = soap.password_digest(password)
        except UnicodeEncodeError:
            raise ValidationError(
                self.env._("The password has a character that TISS cannot carry.")
            ) from None
        if form == "md5":
            return {"password": digest, "form": form}
        if len(password) > MAX_PASSWORD or not password.isprintable():
            raise ValidationError(
                self.env._(
                    "A password that is sent as it is typed has at most %s characters.",
                    MAX_PASSWORD,
                )
            )
        return {"password": password, "form": form}

    def _follow_password_form(self):
        """What is kept of each password is what is sent from now on.

        :raise UserError: where only the MD5 is kept, from which nobody gets the password back
        """
        for contract in self.sudo().filtered("service_credentials"):
            kept, form = contract._get_kept_login(), contract.password_form
            if "password" not in kept or kept.get("form", "md5") == form:
                continue
            if form == "plain":
                raise UserError(
                    self.env._(
                        "Only the MD5 of the password is kept: to send it as it is typed, type the"
                        " password again together with this choice."
                    )
                )
            kept |= self._prepare_password(kept["password"], form)
            contract.service_credentials = seal(self.env, json.dumps(kept).encode())

    def _get_kept_login(self):
        """What was typed before, to be completed by what is typed now."""
        try:
            return self._unseal_login()
        except UserError as error:
            raise UserError(
                self.env._(
                    "The login that is kept cannot be opened on this server: type both login and"
                    " password."
                )
            ) from error

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_switch(vals)
        model = without_defaults(self, {"environment"} | PRODUCTION_FIELDS)
        return super(TissContract, model).create(vals_list)

    def write(self, vals):
        self._check_switch(vals)
        result = super().write(vals)
        if "password_form" in vals:
            self._follow_password_form()
        return result

    def _check_switch(self, vals):
        """Nobody gets into production by writing a field, and only managers leave it."""
        if self.env.su or not ({"environment"} | PRODUCTION_FIELDS) & vals.keys():
            return
        if PRODUCTION_FIELDS & vals.keys():
            raise AccessError(self.env._("Only the switch to production writes this."))
        before = self.mapped("environment") or [self.default_get(["environment"])["environment"]]
        if set(before) == {vals["environment"]}:
            return
        if vals["environment"] == "production":
            raise UserError(self._get_switch_problem())
        self._check_exchange_rights()

    @api.model
    def _get_switch_problem(self):
        return self.env._("A convênio gets into production by its own button, on purpose.")

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        add_label(arch, view_type)
        return arch, view

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open_production_switch(self):
        """Ask what has to be typed before messages go out in earnest."""
        self.ensure_one()
        return self.env["tiss.production.switch"]._open(self)

    def action_paste_addresses(self):
        """Take the addresses over from the operadora's letter."""
        self.ensure_one()
        return self.env["tiss.endpoint.paste"]._open(self)

    def action_use_environment(self):
        """Leave production, or go between the other two; `tiss_environment` in the context."""
        self._check_exchange_rights()
        environment = self.env.context.get("tiss_environment")
        if environment not in ("demo", "homologation"):
            raise UserError(self._get_switch_problem())
        self.environment = environment

    def action_forget_login(self):
        """Remove login and password."""
        self._check_exchange_rights()
        self.check_access("write")
        self.sudo().service_credentials = False
        for contract in self:
            contract._message_log(body=self.env._("The login of the web services was removed."))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _check_exchange_rights(self):
        if not self.env.su and not self.env.user.has_groups(MANAGERS):
            raise AccessError(self.env._("Only a manager of convênios changes where messages go."))

    def _arm_production(self):
        """Send in earnest from now on, from this database only."""
        self._check_exchange_rights()
        self.check_access("write")
        self.sudo().write(
            {
                "environment": "production",
                "production_user_id": self.env.uid,
                "production_date": fields.Datetime.now(),
                "production_database": self._get_database_mark(),
            }
        )

    def _is_production_armed(self):
        """Whether one convênio was put into production, and in this very database."""
        self.ensure_one()
        contract = self.sudo()
        return (
            contract.environment == "production"
            and contract.production_database == self._get_database_mark()
            and not self._is_neutralized()
        )

    @api.model
    def _get_database_mark(self):
        """A copy has another number where Odoo made it, another name where PostgreSQL did."""
        number = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return f"{number} {self.env.cr.dbname}"

    @api.model
    def _is_neutralized(self):
        value = self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized")
        return bool(value) and value.lower() not in ("false", "0")

    def _get_endpoint(self, transaction, version=None):
        """Where a message of this tipoTransacao goes, as superuser.

        :param version: TISS version of the message; that of the convênio when not given
        :return: `tiss.endpoint`; empty where it goes as a file to the portal
        :raise UserError: where only messages of other versions have an address
        """
        self.ensure_one()
        endpoints = self._get_service_endpoints(transaction)
        version = version or self.version
        exact = endpoints.filtered(lambda each: each.version == version)
        found = exact or endpoints.filtered(
            lambda each: not each.version and version == self.version
        )
        if endpoints and not found:
            # As a file it would seem to be sent, and nobody would carry it to the portal.
            raise UserError(
                self.env._(
                    "%(service)s: %(contract)s has no address for TISS %(version)s, only for"
                    " another version.",
                    service=endpoints[0].display_name,
                    contract=self.name,
                    version=version,
                )
            )
        return found

    def _has_endpoint(self, transaction):
        """Whether messages of this tipoTransacao go by web service, whatever their version."""
        return bool(self._get_service_endpoints(transaction))

    def _get_service_endpoints(self, transaction):
        """The addresses in use for messages of this tipoTransacao, as superuser."""
        service = SERVICE_OF.get(transaction)
        # As superuser: whoever may send need not see addresses. A list may show archived ones.
        return self.sudo().endpoint_ids.filtered(
            lambda each: (
                each.active and each.environment == self.environment and each.service == service
            )
        )

    def _get_login(self):
        """(loginPrestador, senhaPrestador), or None where the operadora wants none.

        :raise UserError: when it was sealed with a key that is not on this server
        """
        self.ensure_one()
        if not self.env.su:
            raise AccessError(self.env._("Nobody reads a login."))
        if not self.service_credentials:
            return None
        kept = self._unseal_login()
        if not kept.get("login") or not kept.get("password"):
            raise UserError(
                self.env._("%s needs both login and password: type the missing one.", self.name)
            )
        return kept["login"], kept["password"]

    def _unseal_login(self):
        return json.loads(unseal(self.env, self.service_credentials))
