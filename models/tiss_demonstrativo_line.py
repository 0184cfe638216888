from odoo import api, fields, models
from odoo.fields import Domain

from ..standard.money import from_cents, to_cents

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

    @api.model
    def _get_differing_domain(self):
        """Lines that do not simply agree; the same question as `status` asks."""
        return (
            Domain("amount_difference", ">", 0)
            | Domain("amount_difference", "<", 0)
            | Domain("discrepancy_ids", "any", [("is_blocking", "=", True)])
        )

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _prepare_from_protocol(self, protocol):
        """Values of the line of a dadosProtocolo that names no guia (guide §5.3)"""
        reason = protocol.get("GlosaProtocolo")
        return {
            "level": "protocol",
            "protocol_number": protocol["numeroProtocolo"],
            "lote_number": protocol["numeroLotePrestador"],
            **self._prepare_amounts(protocol, "Protocolo"),
            "reasons": [[reason["codigoGlosa"], None]] if reason else [],
        }

    @api.model
    def _prepare_from_guia(self, guia, protocol):
        """Values of the line of one relacaoGuias that names no item."""
        return {
            **self._prepare_guia_place(guia, protocol),
            "level": "guia",
            **self._prepare_amounts(guia, "Guia"),
            "reasons": self._get_guia_reasons(guia),
        }

    @api.model
    def _prepare_from_item(self, item, guia, protocol):
        """Values of the line of one detalhesGuia; without a glosa of its own, those of the guia."""
        return {
            **self._prepare_guia_place(guia, protocol),
            "level": "item",
            "sequence_item": item["sequencialItem"],
            "code": item["procedimento"]["codigoProcedimento"],
            "service_date": item.get("dataRealizacao"),
            **self._prepare_amounts(item),
            "reasons": [
                [reason["tipoGlosa"], self._get_reason_cents(reason)]
                for reason in item.get("relacaoGlosa") or []
            ]
            or self._get_guia_reasons(guia),
        }

    @api.model
    def _prepare_guia_place(self, guia, protocol):
        return {
            "protocol_number": protocol["numeroProtocolo"],
            "lote_number": protocol["numeroLotePrestador"],
            "guia_number": guia["numeroGuiaPrestador"],
            "operadora_number": guia.get("numeroGuiaOperadora"),
        }

    @api.model
    def _get_guia_reasons(self, guia):
        return [[reason["codigoGlosa"], None] for reason in guia.get("motivoGlosaGuia") or []]

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

    def _get_place(self):
        """Where the line stands in the file, e.g. "900123 / 501 / 2"."""
        self.ensure_one()
        numbers = [
            self.protocol_number or self.lote_number,
            self.guia_number or self.operadora_number,
            self.sequence_item or self.code,
        ]
        return " / ".join(str(number) for number in numbers if number)
