from odoo import api, models
from odoo.exceptions import UserError

from .system_fields import refuse_forged


class TissSubmission(models.AbstractModel):
    """A record that is typed, sent as one message of its own and answered.

    It is changed until it is sent, and again once it was refused: then it is corrected and sent
    with the number that it has. It is cancelled, never deleted.
    """

    _name = "tiss.submission"
    _description = "Typed and Sent as One TISS Message"
    _inherit = "tiss.outgoing"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = refuse_forged(self, self._get_system_fields() - {"name", "version"}, vals_list)
        numbered = [vals for vals in vals_list if vals.get("name", "/") != "/"]
        if numbered and not self.env.su:
            raise UserError(self.env._("Numbers are given by the system: leave them empty."))
        for vals in vals_list:
            vals["name"] = vals.get("name") or "/"
            if vals["name"] == "/":
                vals["name"] = self.env["ir.sequence"].next_by_code(self._name)
        return super(TissSubmission, model).create(vals_list)

    def write(self, vals):
        content = set(vals) & self._get_frozen_fields()
        if content:
            self._check_editable()
        result = super().write(vals)
        if content:
            self._drop_xml()
        return result

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {"name"}

    @api.model
    def _get_frozen_fields(self):
        """What the message says, or what it follows from."""
        raise NotImplementedError

    def _check_editable(self):
        frozen = self.filtered(lambda record: record.state not in ("draft", "validated"))
        if frozen:
            raise UserError(
                self.env._(
                    "%s was sent or cancelled: its content can no longer change.",
                    frozen[0].display_name,
                )
            )

    def _reopen(self):
        """What the message says is changed in another record, while it still can be."""
        self._check_editable()
        self._drop_xml()

    def _drop_xml(self):
        """The XML says what the records said before: it has to be made again."""
        self.filtered(lambda record: record.state == "validated").sudo().state = "draft"

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("What has a number keeps it for ever: cancel it instead of deleting it.")
        )

    def _get_shown_number(self):
        """The number of one record; None while there is none."""
        return self.name if self.name != "/" else None

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_cancel(self):
        """Give up what the operadora does not have."""
        self.check_access("write")
        self._check_state("draft", "validated", "rejected")
        self.sudo().state = "cancelled"

    def action_correct(self):
        """Open what was refused, to be corrected and sent again."""
        self.check_access("write")
        self._check_state("rejected")
        self.sudo().write({"state": "draft", "sent_date": False})

    def action_accept(self):
        """The operadora took it in and said so outside of a file."""
        self._accept()

    def action_reject(self):
        """The operadora refused it outside of a file."""
        self._reject(self.env._("Refused by the operadora."))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _check_content(self):
        problems = self._get_problems()
        if problems:
            raise UserError(" ".join([f"{self.display_name}:", *problems]))

    def _accept(self, **vals):
        self.check_access("write")
        self._check_state("sent", "unknown")
        self.sudo().write({"state": "received", "rejection_reason": False, **vals})

    def _reject(self, reason):
        self.check_access("write")
        self._check_state("sent", "unknown")
        self.sudo().write({"state": "rejected", "rejection_reason": reason})

    @api.model
    def _get_status(self, table, code):
        """The term of a status that was answered; one that the table does not have is refused."""
        term = self.env["tiss.term"]._get(table, code)
        if not term:
            raise UserError(
                self.env._("The answer has a status that nobody knows: %s.", code or "?")
            )
        return term

    @api.model
    def _receive_error(self, name, content, values, body):
        """Take in an answer that only says why: the operadora refused what waits for it.

        :return: the record that was refused
        """
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        record = self._find_waiting(contract)
        reason = self._read_refusal(body)
        record._record_answer(name, content, values, reason)
        record._reject(reason)
        return record

    @api.model
    def _find_waiting(self, contract, domain=(), name=None):
        """The one record that an answer is about; a refusal often does not say which.

        :param domain: what the answer says of it
        :param name: how the answer calls it
        """
        waiting = self._search_answered(
            [("contract_id", "=", contract.id), ("state", "in", ("sent", "unknown")), *domain],
            limit=2,
        )
        kind = self.env["ir.model"]._get(self._name).name
        if not waiting:
            raise UserError(
                self.env._(
                    "%(kind)s %(name)s does not wait for an answer here.",
                    kind=kind,
                    name=name or "?",
                )
            )
        if len(waiting) > 1:
            raise UserError(
                self.env._(
                    "%(kind)s: the answer does not say which one it is about, and several wait for"
                    " one: open it and say there how it was answered.",
                    kind=kind,
                )
            )
        return waiting
