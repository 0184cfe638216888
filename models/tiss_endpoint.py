import hashlib
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..standard import soap
from ..standard.addresses import canonical

ENVIRONMENTS = [
    ("demo", "Demonstration"),
    ("homologation", "Homologação"),
    ("production", "Production"),
]
# Somebody waits at the desk for these: seconds, instead of those of `soap`.
AT_THE_DESK = 20
SERVICES_AT_THE_DESK = (
    "tissSolicitacaoProcedimento",
    "tissSolicitacaoStatusAutorizacao",
    "tissVerificaElegibilidade",
)
# The twelve services (guide §7.1) in the order in which a clinic needs them, and lists them.
SERVICES = [
    ("tissVerificaElegibilidade", "Eligibility"),
    ("tissSolicitacaoProcedimento", "Requests for Authorisation"),
    ("tissSolicitacaoStatusAutorizacao", "Status of Requests"),
    ("tissLoteAnexo", "Annexes"),
    ("tissComunicacaoBeneficiario", "Admissions and Discharges"),
    ("tissLoteGuias", "Lotes of Guias"),
    ("tissSolicitacaoStatusProtocolo", "Status of Protocolos"),
    ("tissEnvioDocumentos", "Documents"),
    ("tissCancelaGuia", "Cancellations"),
    ("tissSolicitacaoDemonstrativoRetorno", "Demonstrativos"),
    ("tissRecursoGlosa", "Appeals"),
    ("tissSolicitacaoStatusRecursoGlosa", "Status of Appeals"),
]

_logger = logging.getLogger(__name__)


class TissEndpoint(models.Model):
    """Where the messages of one web service of an operadora go, in one environment.

    The address is whole: operadoras agree on neither hosts nor paths, and ANS prescribes none.
    A transaction without an endpoint goes as a file to the operadora's portal.
    """

    _name = "tiss.endpoint"
    _description = "Web Service of an Operadora"
    _inherit = ["tiss.contract.log"]
    _order = "contract_id, environment, service, version, id"
    _check_company_auto = True
    _tiss_log_fields = (
        "environment",
        "service",
        "version",
        "url",
        "soap_action",
        "gzip",
        "timeout",
        "authority",
        "active",
    )
    _tiss_log_in_label = ("environment", "service")

    active = fields.Boolean(default=True)
    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    environment = fields.Selection(
        ENVIRONMENTS,
        compute="_compute_environment",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    service = fields.Selection(SERVICES, required=True)
    url = fields.Char(
        "Address",
        required=True,
        help="The whole address as the operadora gives it, for this service and this version.",
    )
    version = fields.Selection(
        selection=lambda self: self.env["tiss.contract"]._selection_version(),
        string="TISS Version",
        help="Empty: the version of the convênio.",
    )
    soap_action = fields.Char(
        "SOAPAction", help="Empty, as ANS prescribes, unless the operadora asks for one."
    )
    gzip = fields.Boolean("Compressed", help="Send compressed (gzip): only where it is asked for.")
    timeout = fields.Integer(
        "Wait (s)",
        compute="_compute_timeout",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="Seconds to wait for the answer, before nobody knows whether the message arrived.",
    )
    authority = fields.Text(
        "Certificate Authorities",
        help="In PEM: the only ones to trust for this address. Empty: the usual ones.",
    )

    _service_uniq = models.UniqueIndex(
        "(contract_id, environment, service, COALESCE(version, '')) WHERE active",
        "This service already has an address in this environment.",
    )
    _timeout_range = models.Constraint(
        "CHECK(timeout BETWEEN 5 AND 600)", "Wait between 5 seconds and 10 minutes for an answer."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("contract_id")
    def _compute_environment(self):
        for endpoint in self:
            endpoint.environment = endpoint.environment or endpoint.contract_id.environment

    @api.depends("service")
    def _compute_timeout(self):
        for endpoint in self:
            waits = endpoint.service in SERVICES_AT_THE_DESK
            endpoint.timeout = AT_THE_DESK if waits else soap.ANSWER_SECONDS

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """Services as they are listed in SERVICES, not by their technical name."""
        if field_name != "service":
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        return SQL(
            "array_position(%s, %s::text) %s %s",
            [name for name, _label in SERVICES],
            self._field_to_sql(alias, field_name, query),
            direction,
            nulls,
        )

    @api.depends("service", "environment")
    def _compute_display_name(self):
        services, environments = (
            dict(self._fields[name]._description_selection(self.env))
            for name in ("service", "environment")
        )
        for endpoint in self:
            parts = (services.get(endpoint.service), environments.get(endpoint.environment))
            endpoint.display_name = " · ".join(filter(None, parts))

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("url", "environment")
    def _check_url(self):
        for endpoint in self:
            if not endpoint._is_address_allowed():
                raise ValidationError(
                    self.env._(
                        "“%s” is no address that messages may go to: it has to begin with https://"
                        " and to hold no password. Only the demonstration may use http://, and"
                        " only on this server.",
                        endpoint.url,
                    )
                )

    @api.constrains("url", "environment", "contract_id")
    def _check_url_of_one_environment(self):
        """An address of production under another name would send in earnest, unnoticed."""
        others = self.contract_id.with_context(active_test=False).endpoint_ids
        for endpoint in self:
            if any(
                canonical(other.url) == canonical(endpoint.url)
                and other.environment != endpoint.environment
                and other.contract_id == endpoint.contract_id
                for other in others
            ):
                raise ValidationError(
                    self.env._(
                        "The address %s already belongs to another environment of this convênio.",
                        endpoint.url,
                    )
                )

    @api.constrains("soap_action")
    def _check_soap_action(self):
        for endpoint in self.filtered("soap_action"):
            if not endpoint.soap_action.isascii() or not endpoint.soap_action.isprintable():
                raise ValidationError(
                    self.env._(
                        "A SOAPAction has letters without accents, digits and signs only: “%s”.",
                        endpoint.soap_action,
                    )
                )

    @api.constrains("authority")
    def _check_authority(self):
        for endpoint in self.filtered("authority"):
            if not soap.are_authorities(endpoint.authority.encode()):
                raise ValidationError(
                    self.env._(
                        "The certificate authorities cannot be read: paste them in PEM, from"
                        " “BEGIN CERTIFICATE” to “END CERTIFICATE”."
                    )
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._strip(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._strip(vals))

    @api.model
    def _strip(self, vals):
        """Addresses are pasted, with the blanks around them."""
        return {
            name: value.strip() if name in ("url", "soap_action") and value else value
            for name, value in vals.items()
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_test(self):
        """Knock at the address without saying anything: network, encryption and certificates."""
        self.ensure_one()
        self.check_access("write")
        try:
            kind, message = "success", self._knock()
        except soap.TransportError as error:
            kind = "danger"
            message = self._explain_error(error)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": kind, "title": self.display_name, "message": message},
        }

    def _knock(self):
        """What a server that answers said, in words."""
        if self.contract_id._is_neutralized():
            raise UserError(self._get_neutralized_problem())
        status = soap.reach(
            self.url,
            verify=self.authority.encode() if self.authority else True,
            certificate=self._get_client_certificate(),
        )
        if status in (401, 403, 404):
            return self.env._(
                "The server answers, but with “%s”: the address or the access may be wrong.",
                status,
            )
        if not soap.check_url(self.url or "", plain_loopback=False):
            return self.env._("The server answers, on this very computer and without encryption.")
        return self.env._("The server answers, and the connection is secure.")

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _tiss_log_format(self, name, value):
        """Of what servers are trusted by, a note says which it is; nobody reads it there."""
        if name == "authority" and value:
            return hashlib.sha256(value.strip().encode()).hexdigest()[:16]
        return super()._tiss_log_format(name, value)

    def _is_address_allowed(self):
        # Homologação is the operadora's own system, with a real login: never in plain text.
        return soap.check_url(self.url or "", plain_loopback=self.environment == "demo")

    def _check_armed(self):
        """Refuse to send from a copy, to an environment that is not the one in use, in plain text.

        :raise UserError: saying why nothing may go there now
        """
        for endpoint in self:
            contract = endpoint.contract_id
            if contract._is_neutralized():
                problem = self._get_neutralized_problem()
            elif not endpoint.active or endpoint.environment != contract.environment:
                problem = self.env._("%s is not in use now.", endpoint.display_name)
            elif not endpoint._is_address_allowed():
                problem = self.env._("%s has no safe address.", endpoint.display_name)
            elif contract.environment == "production" and not contract._is_production_armed():
                problem = self.env._(
                    "%s was put into production in another database: a manager has to do so here"
                    " too, before anything is sent.",
                    contract.name,
                )
            else:
                continue
            raise UserError(problem)

    @api.model
    def _get_neutralized_problem(self):
        return self.env._("This database is a copy for tests: nothing is sent from it.")

    def _post(self, payload):
        """Send one message and read the answer; nothing is written.

        :param payload: bytes of the element that the service takes, as `to_service` names it
        :return: `soap.Reply`
        :raise soap.TransportError: where no answer came; it says whether the message can be there
        """
        self.ensure_one()
        try:
            self._check_armed()
        except UserError as error:
            # Whoever sends asks before; meanwhile somebody may have changed it.
            raise soap.TransportError("environment", False, str(error)) from None
        return soap.post(
            self.url,
            payload,
            soap_action=self.soap_action or "",
            timeout=(soap.CONNECT_SECONDS, self.timeout),
            verify=self.authority.encode() if self.authority else True,
            certificate=self._get_client_certificate(),
            gzip=self.gzip,
        )

    def _get_client_certificate(self):
        """PEM of key and chain with which the clinic shows who it is, or None."""
        # As superuser: whoever may send shows it, nobody reads it.
        certificate = self.contract_id.sudo().certificate_id
        try:
            return certificate._get_pem() if certificate else None
        except UserError as error:
            raise soap.TransportError("environment", False, str(error)) from None
        except (OSError, ValueError):
            # Nothing has left yet, whatever is wrong with the key or its file.
            _logger.exception("The key of a certificate cannot be opened")
            problem = self.env._("The key of the certificate cannot be opened on this server.")
            raise soap.TransportError("environment", False, problem) from None
