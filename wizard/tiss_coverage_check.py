from odoo import api, fields, models


class TissCoverageCheck(models.TransientModel):
    """The reception's question at the counter: is it covered, and what does the patient pay?

    The answer is there as soon as the card and the procedure are; nothing is saved or sent.
    """

    _name = "tiss.coverage.check"
    _description = "Coverage Check"

    card_id = fields.Many2one("tiss.card")
    contract_id = fields.Many2one("tiss.contract", "Convênio", compute="_compute_contract_id")
    currency_id = fields.Many2one(related="card_id.company_id.currency_id")
    product_id = fields.Many2one(
        "product.product", "Procedure", domain=[("tiss_code", "!=", False)]
    )
    date = fields.Date(default=fields.Date.context_today)
    quantity = fields.Float(digits=(9, 2), default=1.0)
    mode = fields.Selection(
        [("on_site", "On-site"), ("tele", "Telehealth")], "Attendance", default="on_site"
    )
    professional_id = fields.Many2one("res.partner", domain=[("tiss_is_professional", "=", True)])
    authorization = fields.Char("Password or Guia Number", size=20)

    state = fields.Selection(
        selection=lambda self: (
            self.env["tiss.encounter"]._fields["coverage_state"]._description_selection(self.env)
        ),
        compute="_compute_answer",
    )
    amount_now = fields.Monetary("Patient Pays Now", compute="_compute_answer")
    amount_later = fields.Monetary("Operadora Charges the Patient", compute="_compute_answer")
    operadora_amount = fields.Monetary("Operadora Pays", compute="_compute_answer")
    answer_html = fields.Html("Why", compute="_compute_answer", sanitize=False)
    price_html = fields.Html("Why This Price?", compute="_compute_answer", sanitize=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("card_id")
    def _compute_contract_id(self):
        contracts = self.env["tiss.contract"]._get_by_card(self.card_id)
        for check in self:
            check.contract_id = contracts.get(check.card_id)

    @api.depends(
        "card_id", "product_id", "date", "quantity", "mode", "professional_id", "authorization"
    )
    def _compute_answer(self):
        for check in self:
            answer = check._ask()
            check.state = answer and check.contract_id._get_coverage_state([answer])
            check.amount_now, check.amount_later = check._get_patient_amounts(answer)
            check.operadora_amount = float(answer["operadora_amount"]) if answer else 0.0
            check.answer_html = answer and check.contract_id._render_coverage([(None, answer)])
            check.price_html = answer and check._render_price()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register_encounter(self):
        """Open a new encounter with what was asked."""
        self.ensure_one()
        line = {"product_id": self.product_id.id, "quantity": self.quantity}
        defaults = {
            "patient_id": self.card_id.patient_id.id,
            "card_id": self.card_id.id,
            "date": self.date,
            "mode": self.mode,
            "professional_id": self.professional_id.id,
            "authorization_password": self.authorization,
            "line_ids": [fields.Command.create(line)] if self.product_id else [],
        }
        return {
            "type": "ir.actions.act_window",
            "res_model": "tiss.encounter",
            "views": [(False, "form")],
            "context": {f"default_{name}": value for name, value in defaults.items() if value},
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _ask(self):
        """The answer of `coverage_for`; None while something is missing."""
        self.ensure_one()
        if not (self.contract_id and self.product_id and self.date and self.quantity > 0):
            return None
        return self.contract_id.coverage_for(
            self.card_id,
            self.product_id,
            self.date,
            self.quantity,
            self.mode or "on_site",
            professional=self.professional_id,
            authorization=self.authorization,
        )

    def _get_patient_amounts(self, answer):
        """(what the patient pays at the counter, what the operadora charges him later)"""
        if not answer:
            return 0.0, 0.0
        amount = float(answer["patient_amount"])
        is_private = not answer["covered"] or answer["billing_kind"] == "reimbursement"
        return (amount, 0.0) if is_private or answer["copayment_at_clinic"] else (0.0, amount)

    def _render_price(self):
        price = self.contract_id.price_for(
            self.product_id,
            self.date,
            self.quantity,
            self.mode or "on_site",
            plan=self.card_id.plan_id,
            professional=self.professional_id,
        )
        return self.env["ir.qweb"]._render(
            "l10n_br_tiss.coverage_price", {"explanation": price["explanation"]}
        )
