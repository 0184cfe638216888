from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .bulk import lock
from .system_fields import refuse_forged

SYSTEM_FIELDS = {"copayment_move_id"}


class TissEncounter(models.Model):
    """What the patient pays at the desk, on the day of the visit: before the operadora has it.

    The invoice is made at once; the co-payment of the protocolo finds it and makes no second one.
    """

    _inherit = "tiss.encounter"

    copayment_move_id = fields.Many2one(
        "account.move",
        "Co-payment Invoice",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="l10n_br_tiss.group_tiss_billing",
    )
    amount_to_collect = fields.Monetary(
        "The Patient Pays Here",
        compute="_compute_amount_to_collect",
        # The desk collects it, and sees no invoices.
        compute_sudo=True,
    )
    copayment_state = fields.Selection(
        [("invoiced", "Invoiced, Not Paid"), ("paid", "Paid")],
        "Co-payment",
        compute="_compute_copayment_state",
        compute_sudo=True,
        help="Of what the patient pays at the desk; empty again once that was given back.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "state",
        "line_ids.patient_amount",
        "line_ids.is_collected_here",
        "copayment_move_id.state",
        "copayment_move_id.reversal_move_ids.state",
        "guia_ids.copayment_ids",
    )
    def _compute_amount_to_collect(self):
        """Of a visit that is closed and in no protocolo yet; nothing once it is invoiced."""
        for encounter in self:
            cents = 0
            if encounter.state in ("done", "billed") and not encounter._get_visit_invoice():
                cents = encounter._get_collected_cents()
            if encounter.sudo().guia_ids.copayment_ids:
                cents = 0
            encounter.amount_to_collect = float(from_cents(cents))

    @api.depends(
        "copayment_move_id.state",
        "copayment_move_id.payment_state",
        "copayment_move_id.reversal_move_ids.state",
    )
    def _compute_copayment_state(self):
        """The desk is asked “have I paid?” and sees no invoices."""
        for encounter in self:
            invoice = encounter._get_visit_invoice()
            is_paid = invoice.payment_state in ("paid", "in_payment")
            encounter.copayment_state = invoice and ("paid" if is_paid else "invoiced")

    def _get_collected_cents(self):
        lines = self.line_ids.filtered("is_collected_here")
        return sum(to_cents(line.patient_amount or 0) for line in lines)

    def _get_visit_invoice(self):
        """The invoice of the desk, unless somebody cancelled or credited it."""
        moves = self.sudo().copayment_move_id
        return moves.filtered(lambda move: not move._tiss_is_taken_back())

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        model = refuse_forged(self, SYSTEM_FIELDS, vals_list)
        return super(TissEncounter, model).create(vals_list)

    def write(self, vals):
        if SYSTEM_FIELDS & set(vals) and not self.env.su:
            raise UserError(self.env._("The invoice of a visit is made by its button."))
        return super().write(vals)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_invoice_copayment(self):
        return self.invoice_copayment()._get_records_action(name=self.env._("Invoices"))

    def action_view_copayment_invoice(self):
        return self.copayment_move_id._get_records_action()

    def action_draft(self):
        self._check_not_collected()
        return super().action_draft()

    def action_cancel(self):
        self._check_not_collected()
        return super().action_cancel()

    def _check_not_collected(self):
        self.check_access("write")
        paid = self.filtered(lambda encounter: encounter._get_visit_invoice())
        if paid:
            raise UserError(
                self.env._(
                    "The patient was invoiced for %(visit)s by %(invoice)s: cancel that first.",
                    visit=paid[0].name,
                    invoice=paid[0]._get_visit_invoice().name,
                )
            )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def invoice_copayment(self):
        """One posted invoice per visit over what the patient pays to the clinic.

        :return: `account.move`
        """
        self.check_access("write")
        lock(self)
        waiting = self.filtered(lambda encounter: to_cents(encounter.amount_to_collect))
        if not waiting:
            raise UserError(self.env._("There is nothing to collect from these patients here."))
        moves = self.env["account.move"]
        for contract, visits in waiting.grouped("contract_id").items():
            created = contract._create_patient_invoices(
                [
                    contract._prepare_patient_invoice(
                        visit.patient_id,
                        visit.patient_id,
                        self.env._(
                            "Co-payment · %(contract)s · Visit %(visit)s",
                            contract=contract.name,
                            visit=visit.name,
                        ),
                        visit.amount_to_collect,
                    )
                    for visit in visits
                ]
            )
            for visit, move in zip(visits, created, strict=True):
                visit.sudo().copayment_move_id = move
            moves |= created
        return moves
