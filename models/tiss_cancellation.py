from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .deadlines import REMINDER
from .tiss_cancellation_line import ACCEPTED, IN_PROCESS, REFUSED
from .tiss_term import term_field

WAITING = ("sent", "unknown")


class TissCancellation(models.Model):
    """Cancelamento de guia: the operadora is told to give back a lote, guias or requests.

    It answers for each of them; what it cancelled is withdrawn here, what it did not stays owed.

    Flow: draft → validated → sent → received, when all is answered; rejected, cancelled.
    """

    _name = "tiss.cancellation"
    _description = "Cancellation at the Operadora"
    _inherit = ["tiss.submission", "tiss.checked", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "lote_id"]

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    lote_id = fields.Many2one(
        "tiss.lote",
        "Whole Lote",
        check_company=True,
        index="btree_not_null",
        domain="[('contract_id', '=', contract_id)]",
        ondelete="restrict",
    )
    line_ids = fields.One2many("tiss.cancellation.line", "cancellation_id", "Guias")
    reason = fields.Char(
        required=True,
        help="Everybody who bills reads it in the history of the guia: nothing about the patient's"
        " health. The operadora is not told.",
    )
    follow_up = fields.Selection(
        [
            ("withdraw", "There is nothing more to bill"),
            ("rebill", "It is billed again, corrected"),
        ],
        "Afterwards",
        required=True,
        default="withdraw",
    )
    lote_status_id = term_field("46", "Answer", readonly=True, copy=False)
    problem = fields.Text("What Is Left to Do", readonly=True, copy=False)
    result = fields.Selection(
        [
            ("accepted", "Cancelled"),
            ("partial", "Partly Cancelled"),
            ("in_process", "In Process"),
            ("refused", "Not Cancelled"),
        ],
        compute="_compute_result",
        store=True,
    )
    substitute_count = fields.Integer("Substitutes", compute="_compute_substitute_count")

    _lote_uniq = models.UniqueIndex(
        "(lote_id) WHERE state IN ('draft', 'validated', 'sending', 'unknown', 'sent')",
        "This lote is being cancelled already.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id")
    def _compute_display_name(self):
        for cancellation in self:
            parts = [cancellation._get_shown_number(), cancellation.contract_id.name]
            cancellation.display_name = " · ".join(filter(None, parts))

    @api.depends("lote_status_id", "line_ids.status_id")
    def _compute_result(self):
        for cancellation in self:
            codes = set(cancellation._get_codes()) - {False}
            if IN_PROCESS in codes:
                cancellation.result = "in_process"
            elif ACCEPTED in codes:
                cancellation.result = "partial" if codes - {ACCEPTED} else "accepted"
            else:
                cancellation.result = "refused" if codes else False

    @api.depends("line_ids.guia_id.replaced_by_ids", "lote_id.guia_ids.replaced_by_ids")
    def _compute_substitute_count(self):
        for cancellation in self:
            cancellation.substitute_count = len(cancellation._get_guias().replaced_by_ids)

    @api.depends(
        "state", "contract_id.provider_code", "lote_id.state", "line_ids.guia_id.state",
        "line_ids.authorization_id.state", "reason",
    )  # fmt: skip
    def _compute_problems(self):
        return super()._compute_problems()

    def _get_codes(self):
        """T46 of all that was asked for; False where nothing was answered."""
        if self.lote_id:
            return [self.lote_status_id.code]
        return [line.status_id.code for line in self.line_ids]

    def _get_guias(self):
        return self.lote_id.guia_ids | self.line_ids.guia_id

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_frozen_fields(self):
        return {"company_id", "contract_id", "lote_id", "line_ids", "reason", "follow_up"}

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {"lote_status_id", "problem", "result"}

    @api.model_create_multi
    def create(self, vals_list):
        # The unique index must not see as open what was answered just now.
        self.flush_model(["state"])
        return super().create(vals_list)

    @api.model
    def _create_for(self, records, reason, follow_up="withdraw"):
        """Tell the operadoras of these guias, or requests, that they are cancelled.

        :return: `tiss.cancellation`, one per convênio; those with a web service are on their way
        """
        link = "guia_id" if records._name == "tiss.guia" else "authorization_id"
        cancellations = self.create(
            [
                {
                    "company_id": contract.company_id.id,
                    "contract_id": contract.id,
                    "reason": reason,
                    "follow_up": follow_up,
                    "line_ids": [Command.create({link: record.id}) for record in own],
                }
                for contract, own in records.grouped("contract_id").items()
            ]
        )
        cancellations.build()
        cancellations.filtered("goes_by_service").send()
        return cancellations

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_substitutes(self):
        return self._get_guias().replaced_by_ids._get_records_action(name=self.env._("Guias"))

    def action_accept(self):
        """The operadora said outside of a file that it cancelled what was still open."""
        self._settle_rest(ACCEPTED)

    def action_reject(self):
        """The operadora said outside of a file that it did not cancel what was still open."""
        self._settle_rest(REFUSED)

    def _settle_rest(self, code):
        self._check_state(*WAITING)
        for cancellation in self:
            undecided = cancellation.line_ids.filtered(lambda line: not line._is_decided())
            cancellation._take_codes(dict.fromkeys(undecided, code), code)

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        problems = [*super()._get_problem_rows(), *self._get_missing("reason")]
        if bool(self.lote_id) == bool(self.line_ids):
            sentence = self.env._("Choose a whole lote, or else single guias.")
            problems.append((sentence, self, "lote_id"))
        records = self.lote_id or self.line_ids.guia_id or self.line_ids.authorization_id
        if records and records.contract_id != self.contract_id:
            sentence = self.env._("What is to be cancelled is of another convênio.")
            problems.append((sentence, self, "contract_id"))
        problems += [(said, self, "lote_id") for said in self._get_lote_problems()]
        for line in self.line_ids:
            problems += [(said, line._get_record(), None) for said in line._get_problems()]
        return problems

    def _get_lote_problems(self):
        lote = self.lote_id
        if not lote:
            return []
        if lote.state in ("sent", "unknown"):
            return []
        if lote.state != "received" or any(guia._is_answered() for guia in lote.guia_ids):
            return [
                self.env._(
                    "Lote %s was not sent, or the operadora already answered about its money.",
                    lote.name,
                )
            ]
        return []

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "CANCELA_GUIA"

    def _prepare_tiss_body(self):
        """ct_guiaCancelamento (guide §4.3)"""
        lote = self.lote_id
        wanted = (
            {
                "tipoCancelamentoLote": {
                    "numeroLote": lote.name,
                    "numeroProtocolo": lote.protocol_number or None,
                }
            }
            if lote
            else {"tipoCancelamentoGuia": [line._prepare_tiss_line() for line in self.line_ids]}
        )
        return {
            "dadosPrestador": self.contract_id._get_provider_identification(),
            "tipoCancelamento": wanted,
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a reciboCancelaGuia: what became of the lote, or of each guia (guide §4.3).

        :return: the cancellation that was answered
        """
        receipt = body.get("reciboCancelaGuia")
        if receipt is None:
            return self._receive_error(name, content, values, body)
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        told = receipt["retornoStatus"]
        if "loteCancelado" in told:
            return self._receive_lote(name, content, values, contract, told["loteCancelado"])
        return self._receive_lines(
            name, content, values, contract, told["guiasCanceladas"]["dadosGuia"]
        )

    @api.model
    def _receive_lote(self, name, content, values, contract, told):
        number = told["numeroLote"]
        cancellation = self._find_waiting(contract, [("lote_id.name", "=", number)], number)
        cancellation._record_answer(name, content, values)
        cancellation._take_codes({}, told["statusCancelamento"])
        return cancellation

    @api.model
    def _receive_lines(self, name, content, values, contract, told):
        """The receipt names guias and no cancellation: it is the one that asked for all of them."""
        keys = {(each["tipoGuia"], each["numeroGuiaPrestador"]): each for each in told}
        waiting = self._search_answered(
            [("contract_id", "=", contract.id), ("state", "in", WAITING)], order="id"
        )
        asked = waiting.filtered(
            lambda each: set(keys) <= {line._get_key() for line in each.line_ids}
        )[:1]
        if not asked:
            raise UserError(
                self.env._(
                    "Guia %s: no cancellation of it waits for an answer here.",
                    told[0]["numeroGuiaPrestador"],
                )
            )
        asked._record_answer(name, content, values)
        lines = {line._get_key(): line for line in asked.line_ids}
        asked._take_codes(
            {lines[key]: each["statusCancelamento"] for key, each in keys.items()}, None
        )
        return asked

    def _take_codes(self, line_codes, lote_code):
        """Keep what was answered and do what follows from it.

        :param line_codes: {line: code of T46}
        :param lote_code: code of T46 for a whole lote
        """
        self.check_access("write")
        self.ensure_one()
        for code in set(line_codes.values()):
            lines = self.line_ids.filtered(lambda line, code=code: line_codes.get(line) == code)
            lines.sudo().status_id = self._get_status("46", code)
        if self.lote_id:
            self.sudo().lote_status_id = self._get_status("46", lote_code)
            if lote_code == ACCEPTED:
                self._follow(self._withdraw_lote)
        else:
            self._follow_lines(
                self.line_ids.filtered(lambda line: line_codes.get(line) == ACCEPTED)
            )
        codes = self._get_codes()
        if all(codes) and IN_PROCESS not in codes:
            self._accept()
        elif self.state == "unknown":
            self.sudo().state = "sent"

    def _follow_lines(self, lines):
        """All in one go, with one credit note a lote; where one cannot, the others still can."""
        try:
            with self.env.cr.savepoint():
                lines._withdraw()
        except UserError:
            self.env.invalidate_all()
            for line in lines:
                self._follow(line._withdraw)

    def _follow(self, withdraw):
        """Do here what the operadora did; what it did is kept even where this is not possible."""
        try:
            with self.env.cr.savepoint():
                withdraw()
        except UserError as error:
            self.env.invalidate_all()
            self.sudo().problem = "\n".join(filter(None, [self.problem, str(error)]))
            self.activity_schedule(
                REMINDER,
                summary=self.env._("Cancelled at the operadora, not here"),
                note=str(error),
                user_id=self.create_uid.id,
            )

    def _withdraw_lote(self):
        """Without a protocolo the guias are free again; with one their money is taken back."""
        lote, guias = self.lote_id, self.lote_id.guia_ids
        if not lote.protocol_number:
            lote._reject(self.env._("Cancelled: %s", self.reason))
            if self.follow_up == "withdraw":
                guias.cancel(self.reason)
            return
        self._withdraw_guias(guias.filtered(lambda guia: guia.state != "cancelled"))

    def _withdraw_guias(self, guias):
        """Nothing is owed for these any more; where they are billed again, substitutes are made."""
        guias.withdraw(self.reason)
        if self.follow_up == "rebill":
            guias.create_substitute(self.reason)
