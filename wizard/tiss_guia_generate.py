from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.counted import counted
from ..models.guia_plan import plan_guias
from ..models.tiss_encounter_billing import CHUNK
from ..models.tiss_guia_run import AT_ONCE

# The rows are records, so that a left-out visit can be opened from them.
KEPT = {"store": True, "compute_sudo": False}


class TissGuiaGenerate(models.TransientModel):
    """Guias from the encounters of a period; says what it leaves out and why."""

    _name = "tiss.guia.generate"
    _description = "Generate Guias"
    _inherit = "tiss.generate"

    start_date = fields.Date(
        "From",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
    )
    end_date = fields.Date("To", required=True, default=fields.Date.context_today)
    selected_ids = fields.Many2many(
        "tiss.encounter", "tiss_guia_generate_selected_rel", string="Selected Encounters"
    )
    billable_count = fields.Integer(compute="_compute_preview", **KEPT)
    left_out_count = fields.Integer(compute="_compute_preview", **KEPT)
    guia_count = fields.Integer(compute="_compute_preview", **KEPT)
    amount_total = fields.Monetary(compute="_compute_preview", **KEPT)
    group_ids = fields.One2many(
        "tiss.guia.generate.group",
        "generate_id",
        "What Will Be Made",
        compute="_compute_preview",
        **KEPT,
    )
    line_ids = fields.One2many(
        "tiss.guia.generate.line",
        "generate_id",
        "Left Out",
        compute="_compute_preview",
        **KEPT,
    )
    summary = fields.Char(compute="_compute_summary")

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    @api.model
    def default_get(self, fields):
        """Opened from a selection of encounters, the period is theirs."""
        values = super().default_get(fields)
        if values.get("selected_ids"):
            [[_code, _id, ids]] = values["selected_ids"]
            dates = self.env["tiss.encounter"].browse(ids).mapped("date")
            values.update(start_date=min(dates), end_date=max(dates))
        return values

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(lambda self: self._get_criteria())
    def _compute_preview(self):
        for wizard in self:
            groups, left_out = wizard._preview()
            for name in ("billable_count", "guia_count", "amount_total"):
                wizard[name] = sum(group[name] for group in groups)
            wizard.left_out_count = len(left_out)
            wizard.group_ids = [Command.clear(), *map(Command.create, groups)]
            wizard.line_ids = [Command.clear(), *map(Command.create, left_out)]

    @api.depends("billable_count", "guia_count", "left_out_count", "amount_total")
    def _compute_summary(self):
        for wizard in self:
            sentences = [
                self.env._(
                    "%(encounters)s in %(guias)s, %(amount)s.",
                    encounters=counted(self.env, "encounter", wizard.billable_count),
                    guias=counted(self.env, "guia", wizard.guia_count),
                    amount=wizard.currency_id.format(wizard.amount_total),
                )
                if wizard.billable_count
                else self.env._("No encounter of this period can be billed.")
            ]
            if wizard.left_out_count:
                sentences.append(
                    self.env._("Left out, for the reasons below: %s.", wizard.left_out_count)
                )
            if wizard.billable_count > AT_ONCE:
                sentences.append(self.env._("They are made in the background."))
            wizard.summary = " ".join(sentences)

    def _preview(self):
        """(values of the rows by convênio and type, values of the rows of what is left out)."""
        totals, left_out = {}, []
        batches = self.env["tiss.encounter"].search(self._get_domain())._split_for_guias(CHUNK)
        for batch in batches:
            billable, reasons = batch._split_billable()
            left_out += [
                {"encounter_id": encounter.id, "reason": "\n".join(sentences)}
                for encounter, sentences in reasons.items()
            ]
            for planned in plan_guias(billable):
                key = (planned.contract.id, planned.guia_type)
                visits, guias, amount = totals.get(key, (0, 0, 0))
                totals[key] = (
                    # Whoever needs several guias counts with the first one.
                    visits + (0 if planned.main else len(planned.encounters)),
                    guias + 1,
                    amount + sum(planned.lines.mapped("amount")),
                )
            if len(batches) > 1:
                batch._forget_visits()
        names = ("billable_count", "guia_count", "amount_total")
        groups = [
            {
                "contract_id": contract_id,
                "guia_type": guia_type,
                **dict(zip(names, total, strict=True)),
            }
            for (contract_id, guia_type), total in totals.items()
        ]
        return groups, left_out

    @api.model
    def _get_criteria(self):
        return [*super()._get_criteria(), "start_date", "end_date"]

    def _get_domain(self):
        return [
            *super()._get_domain(),
            ("date", ">=", self.start_date),
            ("date", "<=", self.end_date),
            ("state", "in", ("draft", "done")),
        ]

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
        """Create the guias and open them; many are made in the background, with progress."""
        self.ensure_one()
        if not self.billable_count:
            raise UserError(
                self.env._("No encounter of this period can be billed: see the reasons below.")
            )
        closed = [*self._get_domain(), ("state", "=", "done")]
        run = self.env["tiss.guia.run"].start(self.env["tiss.encounter"].search(closed))
        if run.state != "done" or run.left_out_count:
            return run._get_records_action(name=self.env._("Guia Generation"))
        return run.guia_ids._get_records_action(name=self.env._("New Guias"))
