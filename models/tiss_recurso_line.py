import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import standard
from ..standard.money import allocate, from_cents, to_cents, to_decimal
from ..standard.text import to_ascii
from .system_fields import refuse_forged
from .tiss_appeal_text import MAX_TEXT

CODES = "prestadorParaOperadora/recursoGlosa/guiaRecursoGlosa/opcaoRecurso/recursoProtocolo"
# What is typed of an answer that came outside of a file.
ANSWER_FIELDS = {"amount_granted", "answer_note"}
SYSTEM_FIELDS = {
    "recurso_id", "company_id", "glosa_id", "guia_line_id", "guia_id", "amount", "is_current",
    "is_answered", "amount_appealed", "amount_recovered",
}  # fmt: skip


class TissRecursoLine(models.Model):
    """One glosa that a recurso contests: why, what the operadora said, what it paid.

    The line keeps what it contested, also where the glosa disappears with its demonstrativo.
    """

    _name = "tiss.recurso.line"
    _description = "Contested Glosa"
    _order = "recurso_id, id"
    _check_company_auto = True

    recurso_id = fields.Many2one(
        "tiss.recurso", required=True, index=True, check_company=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="recurso_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    glosa_id = fields.Many2one(
        "tiss.glosa", check_company=True, index="btree_not_null", ondelete="set null"
    )
    glosa_code = fields.Char("Code Received", related="glosa_id.code")
    term_id = fields.Many2one("tiss.term", "Reason", compute="_compute_term_id")
    guia_line_id = fields.Many2one(
        "tiss.guia.line", "Item", required=True, index=True, check_company=True, ondelete="restrict"
    )
    guia_id = fields.Many2one(
        related="guia_line_id.guia_id", store=True, index=True, precompute=True
    )
    code = fields.Char("Glosa Code", size=4)
    amount = fields.Monetary("Contested", required=True)
    justification = fields.Text(help="At most 500 characters: facts, dates, the password.")
    is_current = fields.Boolean(
        compute="_compute_is_current", store=True, precompute=True, readonly=True
    )

    # ---- Answer
    is_answered = fields.Boolean("Answered", readonly=True, copy=False)
    amount_granted = fields.Monetary("Granted", copy=False)
    amount_kept = fields.Monetary("Kept", compute="_compute_amount_kept")
    answer_note = fields.Char("Remark of the Operadora", size=500, copy=False)
    amount_appealed = fields.Monetary("Under Recurso", readonly=True, copy=False)
    amount_recovered = fields.Monetary(readonly=True, copy=False)

    _glosa_uniq = models.UniqueIndex(
        "(glosa_id) WHERE is_current", "This glosa is contested in another recurso already."
    )
    _amount_positive = models.Constraint(
        "CHECK(amount > 0 AND COALESCE(amount_granted, 0) BETWEEN 0 AND amount)",
        "No more is granted than was contested.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("guia_id", "guia_line_id", "code")
    def _compute_display_name(self):
        for line in self:
            parts = [line.code, line.guia_id.name, str(line.guia_line_id.sequence_item)]
            line.display_name = " · ".join(filter(None, parts))

    @api.depends("code")
    def _compute_term_id(self):
        for line in self:
            line.term_id = self.env["tiss.term"]._get("38", line.code)

    @api.depends("recurso_id.state")
    def _compute_is_current(self):
        for line in self:
            line.is_current = line.recurso_id.state not in ("answered", "cancelled")

    @api.depends("is_answered", "amount", "amount_granted")
    def _compute_amount_kept(self):
        for line in self:
            kept = to_cents(line.amount) - to_cents(line.amount_granted)
            line.amount_kept = float(from_cents(kept)) if line.is_answered else 0

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = refuse_forged(self, SYSTEM_FIELDS | ANSWER_FIELDS, vals_list)
        # The unique index must not see as current what was answered or given up just now.
        self.flush_model(["is_current"])
        return super(TissRecursoLine, model).create(vals_list)

    def write(self, vals):
        if self.env.su:
            return super().write(vals)
        if SYSTEM_FIELDS & set(vals):
            raise UserError(self.env._("A recurso contests what was denied, no more and no less."))
        if ANSWER_FIELDS & set(vals):
            self.recurso_id._check_state("sent", "unknown", "received")
            if any(self.mapped("is_answered")):
                raise UserError(self.env._("The operadora answered this already."))
        if set(vals) - ANSWER_FIELDS:
            self.recurso_id._reopen()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        self.recurso_id._reopen()

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        """What this line lacks, as rows of `_get_problem_rows`."""
        place = self.display_name
        problems = []
        if not self.glosa_id or to_cents(self.glosa_id.amount_open) != to_cents(self.amount):
            sentence = self.env._("%s: the glosa has changed since: take the line out.", place)
            problems.append(sentence)
        if not self.code:
            sentence = self.env._(
                "%s: the operadora gave no code: type the one that it told you.", place
            )
            problems.append(sentence)
        elif self.glosa_code and self.code != self.glosa_code:
            problems.append(self.env._("%s: contest the code that was received.", place))
        elif self.code not in self._get_known_codes():
            sentence = self.env._(
                "%(place)s: version %(version)s of the standard does not have this code.",
                place=place,
                version=self.recurso_id.version,
            )
            problems.append(sentence)
        length = len(to_ascii(self.justification or ""))
        if not length:
            problems.append(self.env._("%s: say why it is contested.", place))
        elif length > MAX_TEXT:
            sentence = self.env._(
                "%(place)s: the justification has %(length)s characters; 500 can be sent.",
                place=place,
                length=length,
            )
            problems.append(sentence)
        return [(sentence, self, None) for sentence in problems]

    def _get_known_codes(self):
        """The codes of T38 that the version of the recurso can carry."""
        schema = standard.load(self.recurso_id.version)
        return schema.field(f"{CODES}/codigoGlosaProtocolo").type.enumeration

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _get_justification(self):
        return to_ascii(self.justification or "", MAX_TEXT)

    def _prepare_tiss_item(self):
        """itensGuia: what identifies the item repeats the original (guide §5.8)"""
        item = self.guia_line_id
        has_centers = self.recurso_id.version >= "4.03.00"
        is_fee = item.guia_type == "honorarios"
        return {
            "sequencialItem": item.sequence_item,
            "dataInicio": item.date,
            "procRecurso": item._prepare_tiss_procedure(),
            "grauParticipacao": is_fee and item.participation_id.code or None,
            "centroConsumo": has_centers and item._get_cost_center() or None,
            "codGlosaItem": self.code,
            "valorRecursado": to_decimal(self.amount),
            "justificativaItem": self._get_justification(),
        }

    def _prepare_tiss_dental(self):
        """recursoProcedimento of a GTO (guide §5.8)"""
        item = self.guia_line_id
        return {
            "sequencialItem": item.sequence_item,
            "dataRealizacao": item.date,
            **item._prepare_tiss_place(),
            "quantidade": int(item.quantity),
            "procRecurso": item._prepare_tiss_procedure(),
            "codGlosaProc": self.code,
            "justificativaProc": self._get_justification(),
            "valorRecursado": to_decimal(self.amount),
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _fill_justification(self):
        """Begin with the text that the clinic keeps for the code."""
        Text = self.env["tiss.appeal.text"]
        for company, lines in self.grouped("company_id").items():
            texts = Text._get_texts(company)
            for line in lines:
                # As superuser: a recurso is written by who bills, its terms are the system's.
                line.sudo().justification = Text._choose(texts, line.code)._fill(line)

    def _copy_justification(self, source):
        """Say what was said of an equal glosa, about these guias and items.

        :param source: `tiss.recurso.line` whose text was found good
        """
        values = self.env["tiss.appeal.text"]._get_line_values
        before = values(source)
        for line in self:
            text = source.justification or ""
            for name, told in values(line).items():
                if before[name] and told:
                    # A short number may stand for anything: only after its own word.
                    word = rf"\b{name}\s+" if len(before[name]) < 5 else ""
                    pattern = rf"(?i)({word})(?<!\w){re.escape(before[name])}(?!\w)"
                    text = re.sub(pattern, lambda found, told=told: found[1] + told, text)
            line.sudo().justification = text[:MAX_TEXT]

    def _update_amounts(self):
        """What is under recurso and recovered := sums of the movements."""
        sums = {}
        for line, source, target, amount in self.env["tiss.movement"]._read_group(
            [("recurso_line_id", "in", self.ids)],
            ["recurso_line_id", "from_bucket", "to_bucket"],
            ["amount:sum"],
        ):
            for bucket, sign in ((source, -1), (target, 1)):
                sums[line.id, bucket] = sums.get((line.id, bucket), 0) + sign * to_cents(amount)
        for line in self.sudo():
            line.amount_appealed = float(from_cents(sums.get((line.id, "appealed"), 0)))
            line.amount_recovered = float(from_cents(sums.get((line.id, "paid"), 0)))

    def _prepare_entry(self, kind, cents, **values):
        """A movement about one line, for `tiss.movement._record`."""
        buckets = {
            "appeal": ("denied", "appealed"),
            "keep": ("appealed", "denied"),
            "recover": ("appealed", "paid"),
        }
        source, target = buckets[kind]
        return {
            "line": self.guia_line_id,
            "recurso_line": self,
            "kind": kind,
            "from_bucket": source,
            "to_bucket": target,
            "cents": cents,
            **values,
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def _share(self, granted):
        """{line: cents} of what was granted of these lines together."""
        amounts = [to_cents(line.amount) for line in self]
        if isinstance(granted, bool):
            parts = amounts if granted else [0] * len(amounts)
        else:
            parts = allocate(granted, amounts)
        return dict(zip(self, parts, strict=True))

    def _share_recovery(self, cents):
        """What a payment about these lines of one guia pays of each.

        :return: {line: cents}; None where only the answer to the recurso could tell
        """
        waiting = self.filtered("amount_appealed")
        answered = waiting.filtered("is_answered")
        granted = sum(to_cents(line.amount_appealed) for line in answered)
        lines = answered if answered and cents <= granted else waiting
        weights = [to_cents(line.amount_appealed) for line in lines]
        if cents != sum(weights) and len(lines) > 1 and lines != answered:
            return None
        return dict(zip(lines, allocate(cents, weights), strict=True)) if lines else {}

    def _check_granted(self, cents):
        if self.is_answered:
            raise UserError(self.env._("%s was answered before, and otherwise.", self.display_name))
        if not to_cents(self.amount_recovered) <= cents <= to_cents(self.amount):
            money = self.currency_id.format
            raise UserError(
                self.env._(
                    "%(place)s: %(granted)s would be granted, of %(amount)s that was contested and"
                    " %(paid)s that was paid already.",
                    place=self.display_name,
                    granted=money(float(from_cents(cents))),
                    amount=money(self.amount),
                    paid=money(self.amount_recovered),
                )
            )
