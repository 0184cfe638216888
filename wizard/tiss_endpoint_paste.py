from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import standard
from ..models.tiss_endpoint import ENVIRONMENTS
from ..standard.addresses import find_addresses


class TissEndpointPaste(models.TransientModel):
    """The addresses of an operadora's letter, pasted at once: each one finds its service."""

    _name = "tiss.endpoint.paste"
    _description = "Paste Addresses"

    contract_id = fields.Many2one("tiss.contract", required=True, readonly=True)
    environment = fields.Selection(ENVIRONMENTS, required=True)
    text = fields.Text("Addresses")
    found_text = fields.Text("What Was Found", compute="_compute_found")
    unknown_text = fields.Text("Not Recognised", compute="_compute_found")

    @api.depends("text")
    def _compute_found(self):
        """What will happen, before it does."""
        services = dict(
            self.env["tiss.endpoint"]._fields["service"]._description_selection(self.env)
        )
        for wizard in self:
            found, unknown = wizard._read_text()
            wizard.found_text = "\n".join(
                " · ".join(filter(None, (services[service], version, url)))
                for (service, version), url in found.items()
            )
            wizard.unknown_text = "\n".join(unknown)

    @api.model
    def _open(self, contract):
        """Open the wizard for one convênio."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Addresses of %s", contract.name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_contract_id": contract.id,
                "default_environment": contract.environment,
            },
        }

    def _read_text(self):
        """({(service, version): url}, [url of no service, or of one that has an address])"""
        found, unknown = {}, []
        for url, service, version in find_addresses(self.text or ""):
            # A version that is not installed is not written either.
            is_usable = service and (not version or version in standard.versions())
            if is_usable and (service, version) not in found:
                found[service, version] = url
            else:
                unknown.append(url)
        return found, unknown

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_add(self):
        """Add what was found; an address that is there already is replaced."""
        self.ensure_one()
        found, _unknown = self._read_text()
        if not found:
            raise UserError(self.env._("No address of a web service is in this text."))
        present = {
            (endpoint.service, endpoint.version or ""): endpoint
            for endpoint in self.contract_id.endpoint_ids
            if endpoint.environment == self.environment
        }
        vals_list = []
        for (service, version), url in found.items():
            if (service, version) in present:
                present[service, version].url = url
                continue
            vals_list.append(
                {
                    "contract_id": self.contract_id.id,
                    "environment": self.environment,
                    "service": service,
                    "version": version,
                    "url": url,
                }
            )
        self.env["tiss.endpoint"].create(vals_list)
        return {"type": "ir.actions.act_window_close"}
