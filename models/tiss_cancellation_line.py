from odoo import api, fields, models
from odoo.exceptions import UserError

from .system_fields import refuse_forged
from .tiss_term import term_field

ACCEPTED, REFUSED, IN_PROCESS = "1", "2", "4"  # T46
REQUEST, BILL = "1", "2"  # tipoGuia


class TissCancellationLine(models.Model):
    """One guia, or one request, that the operadora is told to cancel, and its answer."""

    _name = "tiss.cancellation.line"
    _description = "Guia to Cancel"
    _order = "cancellation_id, id"
    _check_company_auto = True

    cancellation_id = fields.Many2one(
        "tiss.cancellation", required=True, index=True, check_company=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="cancellation_id.company_id", store=True, index=True)
    contract_id = fields.Many2one(related="cancellation_id.contract_id")
    guia_id = fields.Many2one(
        "tiss.guia",
        check_company=True,
        index="btree_not_null",
        domain="[('contract_id', '=', contract_id), ('state', '=', 'sent')]",
        ondelete="restrict",
    )
    authorization_id = fields.Many2one(
        "tiss.authorization",
        "Request",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    patient_id = fields.Many2one("res.partner", compute="_compute_record")
    protocol_number = fields.Char("Protocolo", related="guia_id.lote_id.protocol_number")
    status_id = term_field("46", "Answer", readonly=True, copy=False)

    _record_check = models.Constraint(
        "CHECK(num_nonnulls(guia_id, authorization_id) = 1)",
        "A line cancels one guia or one request.",
    )
    _guia_uniq = models.UniqueIndex(
        "(cancellation_id, guia_id) WHERE guia_id IS NOT NULL",
        "A guia stands once in a cancellation.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("guia_id", "authorization_id")
    def _compute_record(self):
        for line in self:
            line.patient_id = line._get_record().patient_id

    @api.depends("guia_id", "authorization_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line._get_record().name

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = refuse_forged(self, {"status_id"}, vals_list)
        lines = super(TissCancellationLine, model).create(vals_list)
        lines.cancellation_id._reopen()
        return lines

    def write(self, vals):
        if self.env.su:
            return super().write(vals)
        if "status_id" in vals:
            raise UserError(self.env._("What becomes of a guia is said by the operadora."))
        before = self.cancellation_id
        before._check_editable()
        result = super().write(vals)
        # A line may have been moved to another one.
        (before | self.cancellation_id)._reopen()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        self.cancellation_id._reopen()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_record(self):
        """What one line cancels."""
        return self.guia_id or self.authorization_id

    def _get_key(self):
        """(tipoGuia, number), by which a receipt names a line."""
        return (BILL if self.guia_id else REQUEST, self._get_record().name)

    def _is_decided(self):
        return bool(self.status_id) and self.status_id.code != IN_PROCESS

    def _get_problems(self):
        """Why this cannot be cancelled, in sentences."""
        other = self._find_other()
        if other:
            return [
                self.env._(
                    "%(guia)s is being cancelled already with %(other)s.",
                    guia=self._get_record().name,
                    other=other.cancellation_id.name,
                )
            ]
        if self.guia_id:
            problem = self.guia_id._get_withdraw_problem()
            return [problem] if problem else []
        if self.authorization_id._is_away():
            return []
        return [self.env._("Request %s was not sent.", self.authorization_id.name)]

    def _find_other(self):
        """Another line about the same that the operadora has not answered yet."""
        link = "guia_id" if self.guia_id else "authorization_id"
        return self.search(
            [
                (link, "=", self[link].id),
                ("cancellation_id.state", "in", ("validated", "sending", "unknown", "sent")),
                ("cancellation_id", "!=", self.cancellation_id._origin.id),
            ],
            limit=1,
        )

    def _prepare_tiss_line(self):
        kind, number = self._get_key()
        return {
            "tipoGuia": kind,
            "numeroGuiaPrestador": number,
            "numeroGuiaOperadora": self._get_record().operadora_number or None,
            "numeroProtocolo": self.protocol_number or None,
        }

    def _withdraw(self):
        """The operadora cancelled these lines: so it is here."""
        if self.guia_id:
            self.cancellation_id._withdraw_guias(self.guia_id)
        self.authorization_id.action_cancel()
