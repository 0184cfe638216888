import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from .bulk import insert
from .counted import counted

BATCH = 200  # visits between two commits
AT_ONCE = 300  # visits that need no run in the background
MAX_TRIES = 5

_logger = logging.getLogger(__name__)


class TissGuiaRun(models.Model):
    """A generation of guias from many visits: what was asked for, how far it is, what it left out.

    A row for each visit says whether it is done. Batches of visits that share no guia are worked
    on one after the other, each in a transaction of its own, by a scheduled action in the name of
    who asked. Whatever stops it, it goes on with the visits that are still pending.
    """

    _name = "tiss.guia.run"
    _description = "Guia Generation"
    _order = "id desc"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one("res.users", "Asked By", required=True, readonly=True)
    state = fields.Selection(
        [("running", "Running"), ("stopped", "Stopped"), ("done", "Done")],
        string="Status",
        default="running",
        required=True,
        index=True,
        readonly=True,
    )
    error = fields.Text("Stopped Because", readonly=True)
    line_ids = fields.One2many("tiss.guia.run.line", "run_id", "Encounters", readonly=True)
    left_out_ids = fields.One2many(
        "tiss.guia.run.line", "run_id", domain=[("state", "=", "left_out")]
    )
    guia_ids = fields.One2many("tiss.guia", "run_id", "Guias", readonly=True)
    # Counted, not kept: a button of a person and the scheduled action never write the same row.
    total_count = fields.Integer("Encounters Asked For", compute="_compute_counts")
    pending_count = fields.Integer("Pending", compute="_compute_counts")
    done_count = fields.Integer("Billed Encounters", compute="_compute_counts")
    left_out_count = fields.Integer("Encounters Left Out", compute="_compute_counts")
    progress = fields.Float(compute="_compute_counts")
    guia_count = fields.Integer("New Guias", compute="_compute_guias")
    ready_count = fields.Integer("Ready Guias", compute="_compute_guias")
    amount_total = fields.Monetary("Total", compute="_compute_guias")
    summary = fields.Char(compute="_compute_summary")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("create_date")
    def _compute_display_name(self):
        for run in self:
            moment = fields.Datetime.context_timestamp(
                run, run.create_date or fields.Datetime.now()
            )
            run.display_name = self.env._("Generation of %s", f"{moment:%d/%m/%Y %H:%M}")

    @api.depends("line_ids.state")
    def _compute_counts(self):
        rows = self.env["tiss.guia.run.line"]._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state"], ["__count"]
        )
        counts = {(run.id, state): count for run, state, count in rows}
        for run in self:
            pending, done, left_out = (
                counts.get((run.id, state), 0) for state in ("pending", "done", "left_out")
            )
            total = pending + done + left_out
            run.total_count, run.pending_count = total, pending
            run.done_count, run.left_out_count = done, left_out
            run.progress = 100 * (done + left_out) / total if total else 100

    @api.depends("guia_ids.state", "guia_ids.amount_total")
    def _compute_guias(self):
        rows = self.env["tiss.guia"]._read_group(
            [("run_id", "in", self.ids), ("state", "!=", "cancelled")],
            ["run_id", "state"],
            ["__count", "amount_total:sum"],
        )
        for run in self:
            mine = [row[1:] for row in rows if row[0] == run]
            run.guia_count = sum(count for _state, count, _amount in mine)
            run.ready_count = sum(count for state, count, _amount in mine if state == "ready")
            run.amount_total = sum(amount for _state, _count, amount in mine)

    @api.depends("guia_count", "done_count", "left_out_count", "amount_total", "pending_count")
    def _compute_summary(self):
        for run in self:
            sentences = [
                self.env._(
                    "Done: %(encounters)s in %(guias)s, %(amount)s.",
                    encounters=counted(self.env, "encounter", run.done_count),
                    guias=counted(self.env, "guia", run.guia_count),
                    amount=run.currency_id.format(run.amount_total),
                )
            ]
            if run.left_out_count:
                sentences.append(
                    self.env._("Left out, for the reasons below: %s.", run.left_out_count)
                )
            if run.pending_count:
                sentences.append(self.env._("Still to do: %s.", run.pending_count))
            run.summary = " ".join(sentences)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_stop(self):
        """Stop after the batch that is being worked on."""
        self._check_may_bill()
        self.filtered(lambda run: run.state == "running").sudo().state = "stopped"

    def action_continue(self):
        self._check_may_bill()
        self.filtered(lambda run: run.state == "stopped").sudo().write(
            {"state": "running", "error": False}
        )
        self._trigger()

    def action_retry(self):
        """Try once more what was left out, when it has been corrected."""
        self._check_may_bill()
        self.sudo().left_out_ids.write({"state": "pending", "reason": False})
        self.sudo().write({"state": "running", "error": False})
        self._trigger()

    def action_view_guias(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Guias"),
            "res_model": "tiss.guia",
            "view_mode": "list,form",
            "domain": [("run_id", "in", self.ids)],
        }

    def action_create_lotes(self):
        """What is next: lotes of the guias that are ready."""
        ready = self.guia_ids.filtered(lambda guia: guia.state == "ready")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_lote_generate_action"
        )
        return {**action, "context": {"active_model": "tiss.guia", "active_ids": ready.ids}}

    def _check_may_bill(self):
        self.check_access("read")
        self.env["tiss.guia"].check_access("create")

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def start(self, encounters):
        """A run over closed visits of one company: at once when they are few.

        :param encounters: `tiss.encounter`
        :return: `tiss.guia.run`; with more than `AT_ONCE` visits it runs in the background
        """
        self.env["tiss.guia"].check_access("create")
        encounters.check_access("write")
        run = self.sudo().create({"company_id": encounters.company_id.id, "user_id": self.env.uid})
        rows = [
            (run.id, run.company_id.id, encounter_id, batch, "pending")
            for batch, visits in enumerate(encounters._split_for_guias(BATCH))
            for encounter_id in visits.ids
        ]
        columns = ("run_id", "company_id", "encounter_id", "batch", "state")
        insert(self.env["tiss.guia.run.line"].sudo(), columns, rows)
        run = run.with_env(self.env)
        if len(rows) > AT_ONCE:
            run._trigger()
        else:
            while run._process_next():
                pass
        return run

    def _trigger(self):
        self.env.ref("l10n_br_tiss.tiss_guia_run_cron").sudo()._trigger()

    @api.model
    def _cron_generate(self):
        """Work on all runs until the time of the scheduled action is over."""
        cron, tries = self.env["ir.cron"], 0
        while run := self.sudo().search([("state", "=", "running")], order="id", limit=1):
            try:
                worked = run._work()
                left = cron._commit_progress(worked, remaining=self._count_pending())
                tries = 0
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # Somebody changed one of these visits at this moment: look again.
                self.env.cr.rollback()
                tries += 1
                if tries == MAX_TRIES:
                    raise
                continue
            self.env.invalidate_all()
            if not left:
                break

    def _count_pending(self):
        return (
            self.env["tiss.guia.run.line"]
            .sudo()
            .search_count([("state", "=", "pending"), ("run_id.state", "=", "running")])
        )

    def _work(self):
        """One batch, in the name of who asked for it; returns how many visits that were."""
        problem = self._get_owner_problem()
        if problem:
            self.write({"state": "stopped", "error": problem})
            return 0
        owner = self.with_user(self.user_id).with_context(
            allowed_company_ids=self.company_id.ids, lang=self.user_id.lang
        )
        worked = owner._process_next()
        if self.state == "done":
            owner.user_id._bus_send(
                "simple_notification",
                {"type": "success", "title": owner.display_name, "message": owner.summary},
            )
        return worked

    def _get_owner_problem(self):
        user = self.user_id
        if not user.active or self.company_id not in user.company_ids:
            return self.env._("%s may not work in this company any more.", user.name)
        if not user.has_group("l10n_br_tiss.group_tiss_billing"):
            return self.env._("%s may not create guias any more.", user.name)
        return None

    def _process_next(self):
        """Bill the next batch of pending visits; the run is done when there is none.

        :return: number of visits that were looked at
        """
        self.ensure_one()
        Line = self.env["tiss.guia.run.line"]
        pending = [("run_id", "=", self.id), ("state", "=", "pending")]
        first = Line.search(pending, order="batch, id", limit=1)
        if not first:
            self.sudo().state = "done"
            return 0
        lines = Line.search([*pending, ("batch", "=", first.batch)], order="id")
        self._process(lines)
        self.env["tiss.encounter"]._forget_visits()
        return len(lines)

    def _process(self, lines):
        """Bill these visits together; when that fails, those that share a guia by themselves."""
        try:
            with self.env.cr.savepoint():
                self._bill(lines)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            parts = lines.encounter_id._split_for_guias(1)
            if len(parts) > 1:
                by_encounter = lines.grouped("encounter_id")
                for part in parts:
                    mine = (by_encounter[visit] for visit in part)
                    self._process(lines.browse().union(*mine))
                return
            lines.sudo().write({"state": "left_out", "reason": self._format_failure(error)})

    def _bill(self, lines):
        encounters = lines.encounter_id
        billable, left_out = encounters._split_billable()
        billable._create_guias(run_id=self.id)
        for line in lines:
            reasons = left_out.get(line.encounter_id)
            if reasons:
                line.sudo().write({"state": "left_out", "reason": "\n".join(reasons)})
        lines.filtered(lambda line: line.encounter_id in billable).sudo().state = "done"

    def _format_failure(self, error):
        """Why a visit failed, for a person; what nobody foresaw is in the log."""
        if isinstance(error, UserError):
            return str(error)
        _logger.error("Guia generation %s failed for a batch", self.id, exc_info=error)
        return self.env._("An unexpected error: see the log of the server.")
