import json

from odoo import api, fields, models

from ..standard.money import allocate, from_cents, to_cents
from .bulk import insert
from .return_targets import ReturnTargets

# Where a row stands in its file: all that it is matched by, beside the amounts.
PLACE = (
    "level", "protocol_number", "lote_number", "guia_number", "operadora_number", "sequence_item",
    "code", "service_date",
)  # fmt: skip
COLUMNS = (
    "demonstrativo_id", "company_id", *PLACE, "is_appeal", "amount_informed", "amount_processed",
    "amount_released", "reasons", "lote_id", "guia_id", "guia_line_id", "amount_ours",
    "amount_difference",
)  # fmt: skip
LEVELS = [("item", "Item"), ("guia", "Guia"), ("protocol", "Protocolo")]


class TissDemonstrativoLine(models.Model):
    """A row of a demonstrativo: what the operadora says of one item, guia or protocolo.

    An analysis speaks of items where it can; a payment stops at the guia (guide §5.3, §5.4).
    """

    _name = "tiss.demonstrativo.line"
    _description = "Demonstrativo Line"
    _order = "demonstrativo_id.id, id"

    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo",
        compute="_compute_demonstrativo_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        ondelete="cascade",
    )
    payment_id = fields.Many2one(
        "tiss.demonstrativo.payment", index="btree_not_null", ondelete="cascade", readonly=True
    )
    company_id = fields.Many2one(
        related="demonstrativo_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    level = fields.Selection(LEVELS, required=True, readonly=True)
    protocol_number = fields.Char("Protocolo", readonly=True)
    lote_number = fields.Char(readonly=True)
    guia_number = fields.Char(readonly=True)
    operadora_number = fields.Char("Guia Number at the Operadora", readonly=True)
    sequence_item = fields.Integer("Item", readonly=True)
    code = fields.Char(readonly=True)
    service_date = fields.Date("Performed On", readonly=True)
    is_appeal = fields.Boolean("Of a Recurso", readonly=True)
    amount_informed = fields.Float("Presented", digits=(10, 2), readonly=True)
    amount_processed = fields.Float("Processed", digits=(10, 2), readonly=True)
    amount_released = fields.Float("Released", digits=(10, 2), readonly=True)
    reasons = fields.Json(readonly=True, help="Glosas of the row: [[T38 code, cents], …].")
    amount_denied = fields.Float(
        "Glosa",
        digits=(10, 2),
        compute="_compute_amount_denied",
        help="Presented minus released, whatever the operadora states.",
    )
    amount_unexplained = fields.Float(
        "Glosa Without a Code",
        digits=(10, 2),
        compute="_compute_amount_denied",
        help="What presented minus released leaves after the amounts of the glosa codes.",
    )
    reasons_text = fields.Char("Glosa Codes", compute="_compute_reasons_text")
    lote_id = fields.Many2one("tiss.lote", index="btree_not_null", readonly=True)
    guia_id = fields.Many2one("tiss.guia", index="btree_not_null", readonly=True)
    guia_line_id = fields.Many2one("tiss.guia.line", index="btree_not_null", readonly=True)
    amount_ours = fields.Float("Ours", digits=(10, 2), readonly=True)
    amount_difference = fields.Float("Difference", digits=(10, 2), readonly=True)
    status = fields.Selection(
        [("agrees", "Agrees"), ("decide", "To Decide"), ("blocked", "Blocked")],
        compute="_compute_status",
    )
    discrepancy_ids = fields.One2many("tiss.discrepancy", "line_id", "Discrepancies")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("payment_id")
    def _compute_demonstrativo_id(self):
        for line in self:
            line.demonstrativo_id = line.payment_id.demonstrativo_id or line.demonstrativo_id

    @api.depends("reasons")
    def _compute_reasons_text(self):
        for line in self:
            line.reasons_text = ", ".join(code for code, _cents in line.reasons or [])

    @api.depends("amount_informed", "amount_released", "reasons")
    def _compute_amount_denied(self):
        """A code without an amount explains whatever is left."""
        for line in self:
            cents = to_cents(line.amount_informed) - to_cents(line.amount_released)
            parts = [part for _code, part in line.reasons or []]
            line.amount_denied = float(from_cents(cents)) if line.amount_informed else 0
            left = 0 if None in parts or cents <= 0 else cents - sum(parts)
            line.amount_unexplained = float(from_cents(max(left, 0))) if line.amount_informed else 0

    @api.depends("discrepancy_ids.is_blocking", "amount_difference")
    def _compute_status(self):
        for line in self:
            if any(line.discrepancy_ids.mapped("is_blocking")):
                line.status = "blocked"
            else:
                line.status = "decide" if line.amount_difference else "agrees"

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _prepare_from_protocol(self, protocol):
        """Values of the lines of one dadosProtocolo of an analysis, at the finest level given."""
        common = {
            "protocol_number": protocol["numeroProtocolo"],
            "lote_number": protocol["numeroLotePrestador"],
        }
        guias = protocol.get("relacaoGuias") or []
        if not guias:
            reasons = [protocol["GlosaProtocolo"]] if protocol.get("GlosaProtocolo") else []
            return [
                {
                    **common,
                    "level": "protocol",
                    **self._prepare_amounts(protocol, "Protocolo"),
                    "reasons": [[reason["codigoGlosa"], None] for reason in reasons],
                }
            ]
        return [vals for guia in guias for vals in self._prepare_from_guia(guia, common)]

    @api.model
    def _prepare_from_guia(self, guia, common):
        common = {
            **common,
            "guia_number": guia["numeroGuiaPrestador"],
            "operadora_number": guia.get("numeroGuiaOperadora"),
        }
        guia_reasons = [
            [reason["codigoGlosa"], None] for reason in guia.get("motivoGlosaGuia") or []
        ]
        items = guia.get("detalhesGuia") or []
        if not items:
            return [
                {
                    **common,
                    "level": "guia",
                    **self._prepare_amounts(guia, "Guia"),
                    "reasons": guia_reasons,
                }
            ]
        return [
            {
                **common,
                "level": "item",
                "sequence_item": item["sequencialItem"],
                "code": item["procedimento"]["codigoProcedimento"],
                "service_date": item.get("dataRealizacao"),
                **self._prepare_amounts(item),
                "reasons": [
                    [reason["tipoGlosa"], self._get_reason_cents(reason)]
                    for reason in item.get("relacaoGlosa") or []
                ]
                or guia_reasons,
            }
            for item in items
        ]

    @api.model
    def _get_reason_cents(self, reason):
        """What a code denies; None when the file does not divide the amount among its codes."""
        amount = reason["valorGlosa"]
        return None if amount is None else to_cents(amount)

    @api.model
    def _prepare_amounts(self, values, suffix=""):
        return {
            "amount_informed": values.get(f"valorInformado{suffix}") or 0,
            "amount_processed": values.get(f"valorProcessado{suffix}") or 0,
            "amount_released": values.get(f"valorLiberado{suffix}") or 0,
        }

    @api.model
    def _prepare_from_paid_guia(self, protocol, guia):
        """Values of one guiasDoLote of a payment; it does not say what was presented."""
        return {
            "level": "guia",
            "protocol_number": protocol["numeroProtocolo"],
            "lote_number": protocol["numeroLote"],
            "guia_number": guia["numeroGuiaPrestador"],
            "operadora_number": guia.get("numeroGuiaOperadora"),
            "is_appeal": str(guia.get("tipoPagamento")) == "2",
            **self._prepare_amounts(guia, "Guia"),
        }

    @api.model
    def _check_analysis_sums(self, part):
        """Levels of an analysis whose sums disagree, as discrepancy values (guide §5.5)."""
        Discrepancy = self.env["tiss.discrepancy"]
        rows = []
        protocols = part["dadosConta"]["dadosProtocolo"]
        rows += Discrepancy._compare_sums(part, "Geral", protocols, "Protocolo")
        for protocol in protocols:
            guias = protocol.get("relacaoGuias") or []
            label = protocol["numeroProtocolo"]
            rows += Discrepancy._compare_sums(protocol, "Protocolo", guias, "Guia", label)
            for guia in guias:
                items = guia.get("detalhesGuia") or []
                label = guia["numeroGuiaPrestador"]
                rows += Discrepancy._compare_sums(guia, "Guia", items, "", label)
        return rows

    # ------------------------------------------------------------------
    # Matching and checking
    # ------------------------------------------------------------------

    def _match(self):
        """Find the lote, guia and item of each line; what is found already is not written again."""
        names = (*PLACE, "is_appeal", "amount_informed", "amount_released")
        rows = [
            {"is_payment": bool(line.payment_id), **{name: line[name] for name in names}}
            for line in self
        ]
        found = self._find_targets(self.demonstrativo_id.contract_id, rows)
        for line, target in zip(self, found, strict=True):
            for name, value in target.items():
                known = line[name]
                if (known.id if name.endswith("_id") else known) != value:
                    line[name] = value

    @api.model
    def _find_targets(self, contract, rows):
        """What lines are about, in three queries for all of them, as values of each.

        What a line lacks is made up for as in guide §5.5: the lote by its own number, the guia by
        the operadora's, the item by its code, day and amount.

        :param rows: values of lines, or of lines that are not created yet
        :return: for each row the values of lote_id, guia_id, guia_line_id and the amounts compared
        """
        book = ReturnTargets(self.env, contract, rows)
        targets = []
        for row in rows:
            lote, guia, item = book.find(row)
            ours = book.get_our_cents(row, lote, guia, item)
            theirs = to_cents(row.get("amount_released") or 0)
            targets.append(
                {
                    "lote_id": lote["id"] if lote else False,
                    "guia_id": guia["id"] if guia else False,
                    "guia_line_id": item["id"] if item else False,
                    "amount_ours": 0.0 if ours is None else float(from_cents(ours)),
                    "amount_difference": 0.0 if ours is None else float(from_cents(theirs - ours)),
                }
            )
        return targets

    @api.model
    def _insert(self, demonstrativos, vals_lists):
        """Create the lines of analyses, matched, in one COPY: there can be fifty thousand.

        :param vals_lists: for each demonstrativo the values of its lines
        """
        rows = []
        for demonstrativo, vals_list in zip(demonstrativos, vals_lists, strict=True):
            common = {
                "demonstrativo_id": demonstrativo.id,
                "company_id": demonstrativo.company_id.id,
            }
            targets = self._find_targets(demonstrativo.contract_id, vals_list)
            rows += [
                {**common, **vals, **target}
                for vals, target in zip(vals_list, targets, strict=True)
            ]
        insert(self, COLUMNS, (tuple(_to_column(row, name) for name in COLUMNS) for row in rows))
        # A new record is taken to have no lines.
        demonstrativos.invalidate_recordset(["line_ids", "differing_line_ids", "agreeing_count"])

    def _find_discrepancies(self):
        """Lines that cannot be booked as they are, as discrepancy values."""
        rows = []
        targets = self.grouped(
            lambda line: (line.lote_id, line.guia_id, line.guia_line_id, line.is_appeal)
        )
        for same in targets.values():
            for line in same:
                code, ours, theirs = line._find_discrepancy(same)
                if code:
                    rows.append(
                        {
                            "line_id": line.id,
                            "code": code,
                            "amount_ours": ours,
                            "amount_theirs": theirs,
                        }
                    )
        return rows

    def _find_discrepancy(self, same):
        """(discrepancy code or None, our amount, their amount) of one line.

        :param same: all lines of the file on the same item, guia or protocolo
        """
        if not self.lote_id:
            return "unknown_protocol", 0, self.amount_released
        if self.level != "protocol" and not self.guia_id:
            return "unknown_guia", 0, self.amount_released
        if self.level == "item" and not self.guia_line_id:
            return "unknown_item", 0, self.amount_released
        if self.payment_id:
            return self._find_payment_discrepancy(same)
        if len(same) > 1:
            return "repeated", self.amount_ours, self.amount_released
        if to_cents(self.amount_informed) != to_cents(self.amount_ours):
            return "informed_differs", self.amount_ours, self.amount_informed
        if not 0 <= to_cents(self.amount_released) <= to_cents(self.amount_ours):
            return "released_above", self.amount_ours, self.amount_released
        decided, waiting = self._get_decided_cents()
        rest = to_cents(self.amount_released) - decided
        if not 0 <= rest <= waiting:
            code = "contradicts" if waiting else "already_processed"
            return code, float(from_cents(decided)), self.amount_released
        return None, 0, 0

    def _find_payment_discrepancy(self, same):
        paid = sum(to_cents(line.amount_released) for line in same)
        items = self.guia_id.line_ids
        released = sum(to_cents(item.amount_released) for item in items)
        waiting = sum(to_cents(item.amount_to_process) for item in items)
        ours = float(from_cents(released + waiting))
        if self.is_appeal:
            return self._find_recovery_discrepancy(paid)
        if not self.lote_id.invoice_id:
            return "no_invoice", ours, self.amount_released
        if paid < 0 or paid > released + waiting:
            return "paid_above", ours, self.amount_released
        if paid not in (released, released + waiting) and waiting and len(items) > 1:
            return "detail_missing", ours, self.amount_released
        return None, 0, 0

    def _find_recovery_discrepancy(self, paid):
        """What a recurso recovered: no more than is contested, and of items that are known.

        :param paid: cents of all lines of the payment about this
        """
        appealed = sum(to_cents(item.amount_appealed) for item in self.guia_id.line_ids)
        ours = float(from_cents(appealed))
        if not self.lote_id.invoice_id:
            return "no_invoice", ours, self.amount_released
        if not 0 <= paid <= appealed:
            return "paid_above" if appealed else "appeal_payment", ours, self.amount_released
        if self.guia_id.recurso_line_ids._share_recovery(paid) is None:
            return "appeal_payment", ours, self.amount_released
        return None, 0, 0

    def _get_place(self):
        """Where the line stands in the file, e.g. "900123 / 501 / 2"."""
        self.ensure_one()
        numbers = [
            self.protocol_number or self.lote_number,
            self.guia_number or self.operadora_number,
            self.sequence_item or self.code,
        ]
        return " / ".join(str(number) for number in numbers if number)

    def _get_targets(self):
        """Items that this line speaks of."""
        if self.level == "item":
            return self.guia_line_id
        return self.guia_id.line_ids if self.level == "guia" else self.lote_id.guia_ids.line_ids

    def _get_decided_cents(self):
        """What earlier demonstrativos released of the targets, and what of them still waits."""
        targets = self._get_targets()
        decided = sum(to_cents(item.amount_released + item.amount_paid) for item in targets)
        return decided, sum(to_cents(item.amount_to_process) for item in targets)

    # ------------------------------------------------------------------
    # Planning
    # ------------------------------------------------------------------

    def _plan_analysis(self):
        """Entries that release and deny what waited for analysis.

        A line may speak of a whole guia of which some items were decided before: only the rest
        of its amount is for the items that wait.
        """
        entries = []
        for line in self:
            decided, total_waiting = line._get_decided_cents()
            rest = line._get_booked_cents() - decided
            if not total_waiting or not 0 <= rest <= total_waiting:
                continue  # nothing waits, or a discrepancy that keeps it from being posted
            targets = line._get_targets().filtered("amount_to_process")
            weights = [to_cents(item.amount_to_process) for item in targets]
            released = allocate(rest, weights)
            for item, waiting, part in zip(targets, weights, released, strict=True):
                entry = {"line": item, "from_bucket": "to_process", "demonstrativo_line": line}
                entries += [
                    {**entry, "kind": "release", "to_bucket": "released", "cents": part},
                    {**entry, "kind": "deny", "to_bucket": "denied", "cents": waiting - part},
                ]
        return [entry for entry in entries if entry["cents"]]

    def _plan_recovery(self):
        """Entries that pay what was contested of one guia."""
        paid = sum(line._get_booked_cents() for line in self)
        shares = self.guia_id.recurso_line_ids._share_recovery(paid) or {}
        return [
            line._prepare_entry("recover", cents, demonstrativo_line=self[:1])
            for line, cents in shares.items()
            if cents
        ]

    def _plan_payment(self):
        """Entries that pay one guia: released items first, then what waited for analysis.

        A guia may stand in several lines of one payment, which pay it together.
        """
        entry = {"demonstrativo_line": self[:1]}
        items = self.guia_id.line_ids
        released = [to_cents(item.amount_released) for item in items]
        paid = sum(line._get_booked_cents() for line in self)
        from_released = min(paid, sum(released))
        entries = [
            {**entry, "line": item, "kind": "pay", "from_bucket": "released",
             "to_bucket": "paid", "cents": part}
            for item, part in zip(items, allocate(from_released, released), strict=True)
        ]  # fmt: skip
        rest = paid - from_released
        for item in items.filtered("amount_to_process"):
            waiting = to_cents(item.amount_to_process)
            part = min(waiting, rest)
            rest -= part
            source = {**entry, "line": item, "from_bucket": "to_process"}
            if paid > from_released:
                entries.append({**source, "kind": "pay", "to_bucket": "paid", "cents": part})
                entries.append(
                    {**source, "kind": "deny", "to_bucket": "denied", "cents": waiting - part}
                )
        return [row for row in entries if row["cents"]]

    def _complete_reasons(self):
        """Give their code to glosas that a payment had to open without one."""
        for line in self.filtered("reasons"):
            nameless = line.guia_line_id.glosa_ids.filtered(
                lambda glosa: glosa.state == "open" and not glosa.code
            )
            if len(nameless) == 1 and nameless.demonstrativo_id != line.demonstrativo_id:
                nameless._set_code(line.reasons[0][0], line.demonstrativo_id)


def _to_column(row, name):
    """The value of a new line as a COPY takes it."""
    value = row.get(name)
    if name == "reasons":
        return None if value is None else json.dumps(value)
    if name == "is_appeal":
        return bool(value)
    if name == "sequence_item" or name.startswith("amount_"):
        return value or 0
    return value or None
