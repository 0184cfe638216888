from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from ..standard.text import to_ascii
from .bulk import lock
from .tiss_glosa_recurso import MAX_GUIAS

WAITING = ("sent", "unknown", "received")
LEVELS = [("item", "Items"), ("guia", "Whole Guias"), ("protocol", "Whole Protocolo")]
INSTANCES = [("1", "First"), ("2", "Second")]


class TissRecurso(models.Model):
    """Recurso de glosa: the clinic contests what an operadora denied (guide §5.8, §6.4).

    It is made from glosas of one protocolo. What it contests is `appealed` from the moment it
    leaves, and stays open on the invoice until it is paid or denied again.

    Flow: draft → validated → sent → received under a protocolo of its own → answered; rejected,
    cancelled.
    """

    _name = "tiss.recurso"
    _description = "Recurso de Glosa"
    _inherit = ["tiss.submission", "tiss.checked", "mail.thread", "mail.activity.mixin"]
    _order = "deadline_date, id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "protocol_number", "lote_id"]

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    company_id = fields.Many2one("res.company", required=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    lote_id = fields.Many2one(
        "tiss.lote", required=True, index=True, check_company=True, ondelete="restrict"
    )
    contested_protocol = fields.Char("Contested Protocolo", related="lote_id.protocol_number")
    level = fields.Selection(LEVELS, "Contests", required=True, default="item")
    instance = fields.Selection(INSTANCES, required=True, default="1", readonly=True)
    previous_id = fields.Many2one(
        "tiss.recurso",
        "First Instance",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    line_ids = fields.One2many("tiss.recurso.line", "recurso_id", "Glosas")
    guia_numbers = fields.Char("Guias", compute="_compute_guia_numbers")
    user_id = fields.Many2one("res.users", "Owner", default=lambda self: self.env.user)
    state = fields.Selection(
        selection_add=[("answered", "Answered"), ("rejected",)],
        ondelete={"answered": "cascade"},
    )
    deadline_date = fields.Date(
        "Contest Until", compute="_compute_deadline_date", store=True, precompute=True
    )
    is_late = fields.Boolean("Deadline Passed", compute="_compute_is_late")
    reminded_days = fields.Integer(readonly=True, copy=False)
    protocol_number = fields.Char(
        "Protocolo of the Recurso", readonly=True, copy=False, size=12, index="btree_not_null"
    )
    protocol_date = fields.Date(readonly=True, copy=False)
    amount_total = fields.Monetary("Contested", compute="_compute_amounts", store=True)
    amount_granted = fields.Monetary("Granted", compute="_compute_amounts", store=True)
    amount_kept = fields.Monetary("Kept", compute="_compute_amounts", store=True)
    amount_recovered = fields.Monetary(compute="_compute_amounts", store=True)

    _name_uniq = models.Constraint("UNIQUE(name)", "The number of a recurso is used once.")
    _protocol_uniq = models.UniqueIndex(
        "(contract_id, protocol_number) WHERE protocol_number IS NOT NULL",
        "Another recurso of this convênio already has this protocolo.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id")
    def _compute_display_name(self):
        for recurso in self:
            parts = [recurso.name, recurso.contract_id.name]
            recurso.display_name = " · ".join(filter(None, parts))

    @api.depends("line_ids.guia_id.name")
    def _compute_guia_numbers(self):
        for recurso in self:
            recurso.guia_numbers = ", ".join(recurso.line_ids.guia_id.mapped("name"))

    @api.depends("line_ids.glosa_id.deadline_date", "state")
    def _compute_deadline_date(self):
        """The earliest of its glosas; what was sent keeps the day that it was sent for."""
        for recurso in self:
            dates = [date for date in recurso.line_ids.glosa_id.mapped("deadline_date") if date]
            if not recurso.deadline_date or recurso.state in ("draft", "validated"):
                recurso.deadline_date = min(dates, default=False)

    @api.depends("deadline_date", "state")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for recurso in self:
            waits = recurso.state in ("draft", "validated", "rejected")
            late = recurso.deadline_date and recurso.deadline_date < today
            recurso.is_late = bool(waits and late)

    @api.depends(
        "line_ids.amount",
        "line_ids.is_answered",
        "line_ids.amount_granted",
        "line_ids.amount_recovered",
    )
    def _compute_amounts(self):
        for recurso in self:
            lines = recurso.line_ids
            answered = lines.filtered("is_answered")
            recurso.amount_total = sum(lines.mapped("amount"))
            recurso.amount_granted = sum(answered.mapped("amount_granted"))
            recurso.amount_kept = sum(answered.mapped("amount_kept"))
            recurso.amount_recovered = sum(lines.mapped("amount_recovered"))

    @api.depends(
        "state", "level", "contract_id.provider_code", "lote_id.protocol_number",
        "line_ids.justification", "line_ids.code", "line_ids.glosa_id.amount_open",
    )  # fmt: skip
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_frozen_fields(self):
        """Not the lines: they see to it themselves, for on them the answer is typed."""
        return {"company_id", "contract_id", "lote_id", "level"}

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            "company_id", "contract_id", "lote_id", "instance", "previous_id", "protocol_number",
            "protocol_date", "reminded_days",
        }  # fmt: skip

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_fill_justification(self):
        """Write the texts of the clinic anew over all lines."""
        self.check_access("write")
        self._reopen()
        self.line_ids._fill_justification()

    def action_view_lote(self):
        return self.lote_id._get_records_action()

    def action_view_glosas(self):
        return self.line_ids.glosa_id._get_records_action(name=self.env._("Glosas"))

    def action_view_previous(self):
        return self.previous_id._get_records_action()

    def action_register_protocol(self):
        self.ensure_one()
        return self.env["tiss.recurso.protocol"]._get_recurso_action(self)

    def action_create_next_instance(self):
        return self.create_next_instance()._get_records_action(name=self.env._("Recursos"))

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        problems = super()._get_problem_rows()
        number = self.contested_protocol or ""
        if not (number.isascii() and number.isdigit() and len(number) <= 12):
            sentence = self.env._(
                "The protocolo %s is not a number of at most 12 digits, and a recurso can carry"
                " nothing else: contest it in the portal of the operadora.",
                number,
            )
            problems.append((sentence, self.lote_id, None))
        if not self.line_ids:
            problems.append((self.env._("Nothing is contested."), self, "line_ids"))
        if len(self.line_ids.guia_id) > MAX_GUIAS and self.level != "protocol":
            sentence = self.env._("A recurso contests at most 100 guias.")
            problems.append((sentence, self, "line_ids"))
        for line in self.line_ids:
            problems += [(said, self, None) for said, _line, _field in line._get_problem_rows()]
        return problems + self._get_whole_problems() + self._get_other_problems()

    def _get_whole_problems(self):
        """Where a guia or a protocolo is contested as a whole, each code has one text."""
        if self.level == "item":
            return []
        problems = []
        if self.level == "protocol" and len(set(self.line_ids.mapped("code"))) > 1:
            sentence = self.env._(
                "A whole protocolo is contested for one code: contest the guias or the items."
            )
            problems.append((sentence, self, "level"))
        for lines in self.line_ids.grouped(self._get_whole_key).values():
            if len(set(lines.mapped("justification"))) > 1:
                sentence = self.env._(
                    "%s: of a whole there is one justification: write the same on each line.",
                    lines[0].display_name,
                )
                problems.append((sentence, self, None))
        return problems

    def _get_other_problems(self):
        """An operadora takes one recurso at a time about a guia or a protocolo (2904)."""
        waiting = self.search(
            [
                ("lote_id", "=", self.lote_id.id),
                ("state", "in", ("sending", *WAITING)),
                ("id", "!=", self._origin.id),
            ]
        )
        guias = self.line_ids.guia_id
        for other in waiting:
            wholes = {self.level, other.level} - {"item"}
            if "protocol" in wholes or (wholes and other.line_ids.guia_id & guias):
                sentence = self.env._(
                    "Recurso %s about the same waits for its answer: it has to come first.",
                    other.name,
                )
                return [(sentence, other, None)]
        return []

    @api.model
    def _get_whole_key(self, line):
        """(guia, code) by which lines are told together, where guias are contested as a whole."""
        by_protocol = line.recurso_id.level == "protocol"
        return (None if by_protocol else line.guia_id, line.code)

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "RECURSO_GLOSA"

    def _is_dental(self):
        return self.lote_id.guia_type == "odonto"

    def _prepare_tiss_body(self):
        """ct_guiaRecursoLote (guide §5.8)"""
        contract, lote = self.contract_id, self.lote_id
        name = "guiaRecursoGlosaOdonto" if self._is_dental() else "guiaRecursoGlosa"
        return {
            name: {
                "registroANS": contract.ans_code,
                "numeroGuiaRecGlosaPrestador": self.name,
                "nomeOperadora": to_ascii(contract.partner_id.name, 70),
                "objetoRecurso": "1" if self.level == "protocol" else "2",
                "dadosContratado": contract._get_provider_identification(),
                "numeroLote": lote.name,
                "numeroProtocolo": int(lote.protocol_number),
                "opcaoRecurso": self._prepare_tiss_claims(),
                "valorTotalRecursado": from_cents(
                    sum(to_cents(line.amount) for line in self.line_ids)
                ),
                "dataRecurso": fields.Date.context_today(self),
            }
        }

    def _prepare_tiss_claims(self):
        """opcaoRecurso: the whole protocolo, or guias"""
        if self.level == "protocol":
            line = self.line_ids[0]
            return {
                "recursoProtocolo": {
                    "codigoGlosaProtocolo": line.code,
                    "justificativaProtocolo": line._get_justification(),
                }
            }
        prepare = self._prepare_tiss_dental if self._is_dental() else self._prepare_tiss_guia
        guias = self.line_ids.grouped("guia_id").values()
        return {"recursoGuia": [each for lines in guias for each in prepare(lines)]}

    def _prepare_tiss_guia(self, lines):
        """recursoGuia of a medical guia: each code of the whole, or each item"""
        if self.level == "item":
            claims = {"itensGuia": [line._prepare_tiss_item() for line in lines]}
        else:
            claims = {
                "recursoGuiaCompleta": [
                    {"codGlosaGuia": code, "justificativaGuia": same[0]._get_justification()}
                    for code, same in lines.grouped("code").items()
                ]
            }
        guia = lines.guia_id
        return [
            {
                "numeroGuiaOrigem": guia.name,
                "numeroGuiaOperadora": guia.operadora_number or None,
                "senha": guia.authorization_password or None,
                "opcaoRecursoGuia": claims,
            }
        ]

    def _prepare_tiss_dental(self, lines):
        """recursoGuia of a GTO: it has one code, also where its items are contested"""
        guia = lines.guia_id
        by_item = self.level == "item"
        batches = [lines] if by_item else lines.grouped("code").values()
        return [
            {
                "numeroGuiaPrestador": guia.name,
                "numeroGuiaOperadora": guia.operadora_number or None,
                "senha": guia.authorization_password or None,
                "codGlosaGuia": batch[0].code,
                "justificativaGuia": batch[0]._get_justification(),
                "recursoProcedimento": [line._prepare_tiss_dental() for line in batch]
                if by_item
                else None,
            }
            for batch in batches
        ]

    # ------------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------------

    def _leave(self, state):
        """What is contested is denied no longer: it is under recurso."""
        result = super()._leave(state)
        self._contest()
        return result

    def _take_back(self, reason):
        self._uncontest()
        return super()._take_back(reason)

    def _reject(self, reason):
        result = super()._reject(reason)
        self._uncontest()
        return result

    def _contest(self):
        if not self:
            return
        lines = self.line_ids
        lock(self.lote_id)
        lock(lines.glosa_id)
        # Checked again: the XML may be older than what was done since.
        changed = lines.filtered(
            lambda line: to_cents(line.glosa_id.amount_open) != to_cents(line.amount)
        )
        if changed:
            raise UserError(
                self.env._(
                    "The glosa %s has changed since the XML was written: take it out of the"
                    " recurso.",
                    changed[0].display_name,
                )
            )
        self.env["tiss.movement"]._record(
            [line._prepare_entry("appeal", to_cents(line.amount)) for line in lines],
            fields.Date.context_today(self),
        )
        self.lote_id._check_tie_out()

    def _uncontest(self):
        """What the operadora did not take is denied as before."""
        Movement = self.env["tiss.movement"]
        mine = Movement.search([("recurso_line_id", "in", self.line_ids.ids)])
        (mine.filtered(lambda move: move.kind == "appeal") - mine.reverses_id)._undo()

    def register_protocol(self, number, date=None):
        """The operadora took the recurso: keep its protocolo.

        :param number: as it was answered, or as a person typed it
        :param date: day of the protocolo, today by default
        :return: self
        """
        self.ensure_one()
        vals = self.env["tiss.lote"]._prepare_protocol(
            number, date or fields.Date.context_today(self)
        )
        if self.state == "validated":
            self.check_access("write")
            self._leave("sent")
        self._accept(**vals)
        return self

    def create_next_instance(self):
        """Contest once more what the operadora kept denied.

        :return: `tiss.recurso`
        """
        self._check_state("answered")
        kept = self.line_ids.glosa_id.filtered(lambda glosa: glosa.state == "kept")
        recursos = self.browse()
        for recurso in self:
            own = kept & recurso.line_ids.glosa_id
            recursos |= own.create_recurso(recurso.level)
        return recursos
