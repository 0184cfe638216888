from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class TissGuiaGenerate(models.TransientModel):
    """Guias from the encounters of a period; says what it leaves out and why."""

    _name = "tiss.guia.generate"
    _description = "Generate Guias"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    start_date = fields.Date(
        "From",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
    )
    end_date = fields.Date("To", required=True, default=fields.Date.context_today)
    contract_ids = fields.Many2many(
        "tiss.contract", string="Convênios", check_company=True, help="All when empty."
    )
    selected_ids = fields.Many2many(
        "tiss.encounter", "tiss_guia_generate_selected_rel", string="Selected Encounters"
    )
    encounter_ids = fields.Many2many(
        "tiss.encounter", compute="_compute_encounters", string="Encounters"
    )
    billable_count = fields.Integer(compute="_compute_encounters")
    left_out_count = fields.Integer(compute="_compute_encounters")
    amount_total = fields.Monetary(compute="_compute_encounters")
    currency_id = fields.Many2one(related="company_id.currency_id")
    summary = fields.Char(compute="_compute_summary")
    line_ids = fields.One2many(
        "tiss.guia.generate.line",
        "generate_id",
        "Left Out",
        compute="_compute_line_ids",
        store=True,
        compute_sudo=False,
    )

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    @api.model
    def default_get(self, fields):
        """Opened from a selection of encounters, the wizard keeps to them."""
        values = super().default_get(fields)
        if self.env.context.get("active_model") == "tiss.encounter":
            encounters = self.env["tiss.encounter"].browse(self.env.context["active_ids"])
            dates = encounters.mapped("date")
            values.update(start_date=min(dates), end_date=max(dates))
            values["selected_ids"] = [Command.set(encounters.ids)]
        return values

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("company_id", "start_date", "end_date", "contract_ids", "selected_ids")
    def _compute_encounters(self):
        for wizard in self:
            billable, left_out = wizard._split_encounters()
            wizard.encounter_ids = billable
            wizard.billable_count = len(billable)
            wizard.left_out_count = len(left_out)
            wizard.amount_total = sum(billable.mapped("amount_total"))

    @api.depends("company_id", "start_date", "end_date", "contract_ids", "selected_ids")
    def _compute_line_ids(self):
        for wizard in self:
            _billable, left_out = wizard._split_encounters()
            wizard.line_ids = [
                Command.clear(),
                *(
                    Command.create({"encounter_id": encounter.id, "reason": "\n".join(reasons)})
                    for encounter, reasons in left_out.items()
                ),
            ]

    @api.depends("billable_count", "left_out_count", "amount_total")
    def _compute_summary(self):
        for wizard in self:
            sentences = [
                self.env._(
                    "%(count)s encounters become guias, worth %(amount)s.",
                    count=wizard.billable_count,
                    amount=wizard.currency_id.format(wizard.amount_total),
                )
                if wizard.billable_count
                else self.env._("No encounter of this period can be billed.")
            ]
            if wizard.left_out_count:
                sentences.append(
                    self.env._("%s stay out, for the reasons below.", wizard.left_out_count)
                )
            wizard.summary = " ".join(sentences)

    def _split_encounters(self):
        """(encounters of the period that can be billed, {encounter: reasons} of the others)."""
        return self.env["tiss.encounter"].search(self._get_domain())._split_billable()

    def _get_domain(self):
        domain = [
            ("company_id", "=", self.company_id.id),
            ("date", ">=", self.start_date),
            ("date", "<=", self.end_date),
            ("state", "in", ("draft", "done")),
        ]
        if self.contract_ids:
            domain.append(("contract_id", "in", self.contract_ids.ids))
        if self.selected_ids:
            domain.append(("id", "in", self.selected_ids.ids))
        return domain

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def _get_open_action(self):
        """Open this saved wizard in a dialog."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Generate Guias"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_generate(self):
        """Create the guias and open them."""
        self.ensure_one()
        if not self.encounter_ids:
            raise UserError(
                self.env._("No encounter of this period can be billed: see the reasons below.")
            )
        guias = self.encounter_ids.create_guias()
        return guias._get_records_action(name=self.env._("New Guias"))
