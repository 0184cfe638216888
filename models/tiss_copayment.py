from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .bulk import lock

SYSTEM_FIELDS = {
    "company_id", "contract_id", "lote_id", "guia_id", "patient_id", "date", "amount",
    "amount_at_visit", "credit_note_id", "invoice_id", "is_cancelled",
}  # fmt: skip


class TissCopayment(models.Model):
    """What the clinic collects from the patient of one guia, as the contract says it has to.

    It leaves what the operadora owes by a credit note of the protocolo and comes back as an
    invoice of who pays: the payer and the beneficiary are what the DMED asks for.
    """

    _name = "tiss.copayment"
    _description = "Co-payment Collected by the Clinic"
    _inherit = ["tiss.system.made", "mail.thread"]
    _order = "date desc, id desc"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    lote_id = fields.Many2one(
        "tiss.lote",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    guia_id = fields.Many2one(
        "tiss.guia",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    patient_id = fields.Many2one(
        "res.partner",
        "Beneficiary",
        required=True,
        index=True,
        readonly=True,
        ondelete="restrict",
    )
    payer_id = fields.Many2one(
        "res.partner",
        "Paid By",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        help="Who pays, with a CPF: the patient himself, or a parent.",
    )
    date = fields.Date(required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    amount_at_visit = fields.Monetary(
        "Invoiced at the Visit",
        readonly=True,
        help="The patient paid it at the desk, before the protocolo.",
    )
    credit_note_id = fields.Many2one(
        "account.move",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="It takes the co-payment off what the operadora owes; none where it never was in.",
    )
    invoice_id = fields.Many2one(
        "account.move",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
    )
    is_cancelled = fields.Boolean("Cancelled", readonly=True)
    state = fields.Selection(
        [
            ("to_invoice", "To Invoice"),
            ("invoiced", "Invoiced"),
            ("paid", "Paid"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        compute="_compute_state",
        store=True,
        precompute=True,
        index=True,
    )

    _guia_uniq = models.UniqueIndex(
        "(guia_id) WHERE is_cancelled IS NOT TRUE", "This guia has its co-payment already."
    )
    _amount_positive = models.Constraint("CHECK(amount > 0)", "A co-payment is above zero.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("guia_id", "patient_id")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.guia_id.name} · {row.patient_id.name}"

    @api.depends(
        "is_cancelled",
        "invoice_id.state",
        "invoice_id.payment_state",
        "invoice_id.reversal_move_ids.state",
    )
    def _compute_state(self):
        """An invoice that somebody cancelled, or credited after its month, is to be made again."""
        for row in self:
            invoice = row.invoice_id
            if row.is_cancelled:
                row.state = "cancelled"
            elif not invoice or invoice._tiss_is_taken_back():
                row.state = "to_invoice"
            else:
                is_paid = invoice.payment_state in ("paid", "in_payment")
                row.state = "paid" if is_paid else "invoiced"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if not self.env.su:
            if SYSTEM_FIELDS & set(vals):
                raise UserError(self.env._("A co-payment follows from its guia."))
            if "payer_id" in vals and any(row.state != "to_invoice" for row in self):
                raise UserError(
                    self.env._("There is an invoice already: cancel it to choose another payer.")
                )
        return super().write(vals)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_invoice(self):
        return self.create_invoices()._get_records_action(name=self.env._("Invoices"))

    def action_cancel(self):
        self.cancel()

    def action_view_invoice(self):
        return self.invoice_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def create_invoices(self):
        """One posted invoice per co-payment, to who pays it.

        :return: `account.move`
        """
        self.check_access("write")
        lock(self)
        self.filtered(lambda row: row.state == "to_invoice")._follow_visits()
        waiting = self.filtered(lambda row: row.state == "to_invoice")
        moves = waiting.contract_id._create_patient_invoices(
            [row._prepare_invoice() for row in waiting]
        )
        for row, move in zip(waiting.sudo(), moves, strict=True):
            row.invoice_id = move
        return moves

    def _prepare_invoice(self):
        """Of what was not invoiced on the day of the visit."""
        self.ensure_one()
        name = self.env._(
            "Co-payment · %(contract)s · Guia %(guia)s",
            contract=self.contract_id.name,
            guia=self.guia_id.name,
        )
        rest = to_cents(self.amount) - to_cents(self.amount_at_visit)
        return self.contract_id._prepare_patient_invoice(
            self.payer_id, self.patient_id, name, float(from_cents(rest))
        )

    def _follow_visits(self):
        """What patients were invoiced for on the day of the visit is not invoiced again."""
        for row in self.sudo():
            lines = row.guia_id.line_ids.filtered(lambda line: line._get_collected_cents())
            cents = sum(
                line._get_collected_cents()
                for line in lines
                if line.encounter_line_id.encounter_id._get_visit_invoice()
            )
            # Also back to nothing: an invoice of the desk may be cancelled since.
            row.amount_at_visit = float(from_cents(min(cents, to_cents(row.amount))))
            invoices = lines.encounter_line_id.encounter_id._get_visit_invoice()
            if not invoices:
                continue
            row.payer_id = invoices.partner_id[:1]
            if cents >= to_cents(row.amount):
                # With several visits, the one that is not paid yet says the most.
                row.invoice_id = invoices.sorted(lambda move: move.payment_state == "paid")[:1]

    def cancel(self):
        """The operadora owes it after all: the money goes back to what it has to process.

        A credit note holds the co-payments of a whole protocolo, so the others are booked anew.
        """
        self.check_access("write")
        living = self.filtered(lambda row: not row.is_cancelled)
        lock(living)
        invoiced = living.filtered(lambda row: row.state in ("invoiced", "paid"))
        if invoiced:
            raise UserError(
                self.env._(
                    "The co-payment of guia %s has an invoice: cancel that one first.",
                    invoiced[0].guia_id.name,
                )
            )
        for lote, rows in living.grouped("lote_id").items():
            lock(lote)
            others = lote._reverse_copayments()
            rows.sudo().is_cancelled = True
            lote._book_copayments(others - rows)
        living.lote_id._check_tie_out()

    def _get_cents(self):
        return {row.guia_id: to_cents(row.amount) for row in self}

    @api.model
    def _prepare_vals(self, lote, guia, cents):
        return {
            "company_id": lote.company_id.id,
            "contract_id": lote.contract_id.id,
            "lote_id": lote.id,
            "guia_id": guia.id,
            "patient_id": guia.patient_id.id,
            "payer_id": guia.patient_id.id,
            "date": lote.protocol_date,
            "amount": float(from_cents(cents)),
        }
