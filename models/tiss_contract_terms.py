from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from . import period
from .deadlines import REMINDER

REMINDER_DAYS = 15  # before the day of notice
BASE_DATE_DAYS = 60  # before the base date


class TissContract(models.Model):
    """What was agreed on paper: validity, renewal, readjustment, clauses, network."""

    _inherit = "tiss.contract"

    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    start_date = fields.Date("In Force From", tracking=True)
    end_date = fields.Date("In Force Until", tracking=True)
    renewal = fields.Selection(
        [("automatic", "Renews by itself"), ("manual", "Has to be renewed")],
        default="automatic",
        required=True,
        tracking=True,
    )
    renewal_months = fields.Integer(
        "Renews for Months",
        compute="_compute_renewal_months",
        store=True,
        readonly=False,
        tracking=True,
        help="How long each renewal lasts; at first as long as the contract itself.",
    )
    notice_days = fields.Integer(
        "Notice",
        default=60,
        tracking=True,
        help="Days before the end by which one of the parties must say that it leaves.",
    )
    notice_date = fields.Date(
        "Notice Until", compute="_compute_notice_date", store=True, help="Last day to give notice."
    )
    reminder_date = fields.Date(compute="_compute_reminder_date", store=True)
    term_state = fields.Selection(
        [
            ("future", "Not yet in force"),
            ("in_force", "In force"),
            ("notice", "Notice period"),
            ("to_renew", "To be renewed"),
            ("expired", "Expired"),
        ],
        "Validity",
        compute="_compute_term_state",
        search="_search_term_state",
    )
    term_text = fields.Char("What Comes Next", compute="_compute_term_text")
    base_date = fields.Date(tracking=True, help="Day of the next yearly readjustment (data-base).")
    readjustment_index = fields.Selection(
        [
            ("ipca", "IPCA"),
            ("inpc", "INPC"),
            ("igpm", "IGP-M"),
            ("ans", "Index of ANS"),
            ("negotiated", "Free negotiation"),
        ],
        tracking=True,
    )
    readjustment_percent = fields.Float(
        "Share of the Index", default=100.0, digits=(6, 2), tracking=True
    )
    readjustment_ids = fields.One2many(
        "tiss.readjustment",
        "contract_id",
        "Readjustments",
        groups="l10n_br_tiss.group_tiss_manager",
    )
    # ---- What was done about a date, so that nothing is done twice
    settled_base_date = fields.Date("Readjustment Settled For", copy=False)
    reminded_end_date = fields.Date("Reminded of the End", copy=False)
    reminded_base_date = fields.Date("Reminded of the Base Date", copy=False)

    network_level_id = fields.Many2one(
        "tiss.network.level",
        domain="[('operadora_id', '=', partner_id)]",
        ondelete="restrict",
        tracking=True,
    )
    accreditation_ids = fields.One2many("tiss.accreditation", "contract_id", "Professionals")
    clause_ids = fields.One2many(
        "tiss.contract.clause", "contract_id", "Clauses", groups="l10n_br_tiss.group_tiss_billing"
    )
    clause_summary = fields.Char(
        "Checklist",
        compute="_compute_clause_summary",
        groups="l10n_br_tiss.group_tiss_billing",
    )
    missing_clause_count = fields.Integer(
        "Missing Clauses",
        compute="_compute_clause_summary",
        groups="l10n_br_tiss.group_tiss_billing",
    )
    document_ids = fields.Many2many("ir.attachment", string="Signed Files", copy=False)

    _terms_ordered = models.Constraint(
        "CHECK(end_date >= start_date)", "A convênio ends after it begins."
    )
    _terms_positive = models.Constraint(
        "CHECK(notice_days >= 0 AND renewal_months >= 0 AND readjustment_percent >= 0)",
        "Days of notice, months of renewal and the share of the index are not negative.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("start_date", "end_date")
    def _compute_renewal_months(self):
        """As long as the first term, in whole months; a person may say otherwise."""
        for contract in self:
            months = contract.renewal_months
            if not months and contract.start_date and contract.end_date:
                term = relativedelta(contract.end_date + relativedelta(days=1), contract.start_date)
                months = max(term.years * 12 + term.months + (term.days >= 15), 1)
            contract.renewal_months = months

    @api.depends("end_date", "notice_days")
    def _compute_notice_date(self):
        for contract in self:
            contract.notice_date = contract.end_date and fields.Date.subtract(
                contract.end_date, days=contract.notice_days
            )

    @api.depends("notice_date")
    def _compute_reminder_date(self):
        for contract in self:
            contract.reminder_date = contract.notice_date and fields.Date.subtract(
                contract.notice_date, days=REMINDER_DAYS
            )

    @api.depends("start_date", "end_date", "renewal", "reminder_date", "notice_date")
    @api.depends_context("tz")
    def _compute_term_state(self):
        today = self._get_today()
        for contract in self:
            contract.term_state = contract._get_term_state(today)

    def _get_term_state(self, today):
        self.ensure_one()
        if self.start_date and self.start_date > today:
            return "future"
        if not self.end_date or today < self.reminder_date:
            return "in_force"
        if self.renewal == "manual":
            return "to_renew" if today <= self.end_date else "expired"
        # After the day of notice nothing can be done: it renews by itself.
        return "notice" if today <= self.notice_date else "in_force"

    def _search_term_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = self._get_today()
        begun = Domain("start_date", "=", False) | Domain("start_date", "<=", today)
        warned = begun & Domain("reminder_date", "<=", today)
        manual = warned & Domain("renewal", "=", "manual")
        domains = {
            "future": Domain("start_date", ">", today),
            "notice": warned
            & Domain("renewal", "=", "automatic")
            & Domain("notice_date", ">=", today),
            "to_renew": manual & Domain("end_date", ">=", today),
            "expired": manual & Domain("end_date", "<", today),
        }
        domains["in_force"] = ~Domain.OR(domains.values())
        return Domain.OR(domains[state] for state in value if state in domains)

    @api.depends("term_state", "base_date", "settled_base_date", "renewal_months")
    @api.depends_context("tz", "lang")
    def _compute_term_text(self):
        today = self._get_today()
        for contract in self:
            sentences = [contract._get_term_text(today)]
            if contract.base_date and contract.base_date != contract.settled_base_date:
                sentences.append(
                    self.env._("Next readjustment: %s.", format_date(self.env, contract.base_date))
                )
            contract.term_text = " ".join(sentences)

    def _get_term_text(self, today):
        """What happens next with the contract, and when."""
        self.ensure_one()
        day = {
            name: self[name] and format_date(self.env, self[name])
            for name in ("start_date", "end_date", "notice_date", "reminder_date")
        }
        state = self._get_term_state(today)
        if state == "future":
            return self.env._("Comes into force on %s.", day["start_date"])
        if not self.end_date:
            return self.env._("In force without an end.")
        if state == "expired":
            return self.env._(
                "Ended on %s and was not renewed: renew it, or archive the convênio.",
                day["end_date"],
            )
        if state == "to_renew":
            return self.env._("Ends on %s: negotiate and renew it before.", day["end_date"])
        if self.renewal == "manual":
            return self.env._(
                "In force until %(end)s, then it has to be renewed; a reminder comes on"
                " %(reminder)s.",
                end=day["end_date"],
                reminder=day["reminder_date"],
            )
        until = format_date(self.env, self._get_next_end(today))
        if today <= self.notice_date:
            return self.env._(
                "Renews by itself after %(end)s, until %(until)s; whoever wants to leave says so"
                " by %(notice)s.",
                end=day["end_date"],
                until=until,
                notice=day["notice_date"],
            )
        return self.env._(
            "Renews by itself after %(end)s, until %(until)s; the day of notice has passed.",
            end=day["end_date"],
            until=until,
        )

    @api.depends("clause_ids.state")
    def _compute_clause_summary(self):
        counts = {}
        for contract, state, count in self.env["tiss.contract.clause"]._read_group(
            [("contract_id", "in", self.ids)], ["contract_id", "state"], ["__count"]
        ):
            counts.setdefault(contract.id, {})[state] = count
        for contract in self:
            states = counts.get(contract._origin.id, {})
            total = sum(states.values()) - states.get("not_applicable", 0)
            parts = [
                self.env._(
                    "%(present)s of %(total)s in the contract",
                    present=states.get("present", 0),
                    total=total,
                )
            ]
            if states.get("missing"):
                parts.append(self.env._("%s missing", states["missing"]))
            if states.get("unchecked"):
                parts.append(self.env._("%s to check", states["unchecked"]))
            contract.clause_summary = ", ".join(parts)
            contract.missing_clause_count = states.get("missing", 0)

    def _get_today(self):
        """Today in Brazil also for the cron, whose user has no time zone."""
        return period.get_today(self.env)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("network_level_id", "partner_id")
    def _check_network_level(self):
        for contract in self:
            contract._check_level(contract.network_level_id)

    def _check_level(self, level):
        if level and level.operadora_id != self.partner_id:
            raise ValidationError(
                self.env._(
                    "The level %(level)s belongs to %(operadora)s, not to %(contract)s.",
                    level=level.name,
                    operadora=level.operadora_id.name,
                    contract=self.partner_id.name,
                )
            )

    @api.constrains("document_ids")
    def _check_documents(self):
        """A file is protected by the record it hangs on, so it may hang on no other."""
        for contract in self:
            for document in contract.document_ids.sudo():
                if (document.res_model, document.res_id) != (contract._name, contract.id):
                    raise ValidationError(
                        self.env._(
                            "%s belongs to another document: upload it here again.", document.name
                        )
                    )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        documents = [vals.pop("document_ids", None) for vals in vals_list]
        contracts = super().create(vals_list)
        contracts._create_clauses()
        for contract, commands in zip(contracts, documents, strict=True):
            if commands:
                contract.document_ids = commands
        return contracts

    def write(self, vals):
        if vals.get("document_ids"):
            self._adopt_documents(vals["document_ids"])
        return super().write(vals)

    def _adopt_documents(self, commands):
        """Hang newly uploaded files on the contract: who may not read it may not read them.

        The web client uploads them before a new convênio is saved, so they hang on nothing.
        """
        document_ids = []
        for command in commands:
            if command[0] == Command.LINK:
                document_ids.append(command[1])
            elif command[0] == Command.SET:
                document_ids += command[2]
            elif command[0] == Command.CREATE:
                command[2].update({"res_model": self._name, "res_id": self[:1].id})
        loose = self.env["ir.attachment"].browse(document_ids).filtered(lambda d: not d.res_id)
        if loose:
            loose.write({"res_model": self._name, "res_id": self[:1].id})

    def _create_clauses(self):
        """Give every contract the clauses of the law that its checklist lacks."""
        clauses = self.env["tiss.clause"].search(Domain.TRUE)
        rows = self.env["tiss.contract.clause"].search_fetch(
            [("contract_id", "in", self.ids)], ["contract_id", "clause_id"]
        )
        known = {(row.contract_id.id, row.clause_id.id) for row in rows}
        # Silent: a note that the checklist was made tells nobody anything.
        return rows.with_context(tracking_disable=True).create(
            [
                {"contract_id": contract.id, "clause_id": clause.id}
                for contract in self
                for clause in clauses
                if (contract.id, clause.id) not in known
            ]
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_renew(self):
        """Extend the convênios in self by one renewal, or as many as it takes to reach today."""
        today = self._get_today()
        endless = self.filtered(lambda contract: not contract.end_date)
        if endless:
            raise UserError(
                self.env._("%s has no end and needs no renewal.", endless[0].display_name)
            )
        self._close_reminders({c.id: (c.notice_date, c.end_date) for c in self})
        for contract in self:
            old, contract.end_date = contract.end_date, contract._get_next_end(today)
            contract._track_set_log_message(contract._get_renewal_note(old))

    def action_decline_readjustment(self):
        """No readjustment this time: the base date goes on to the next year."""
        without = self.filtered(lambda contract: not contract.base_date)
        if without:
            raise UserError(self.env._("%s has no base date.", without[0].display_name))
        for contract in self:
            contract._message_log(
                body=self.env._(
                    "No readjustment on the base date %s.",
                    format_date(self.env, contract.base_date),
                )
            )
        self._settle_readjustment()

    def action_readjust(self):
        """Open a new simulation of a readjustment."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_readjustment_action"
        )
        return {
            **action,
            "views": [(False, "form")],
            "context": {"default_contract_id": self.id},
        }

    def action_clone(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_contract_clone_action"
        )
        return {**action, "context": {"default_contract_id": self.id}}

    def action_negotiate(self):
        """Write to the operadora about the missing clauses, the text being there already."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Missing Clauses"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_composition_mode": "comment",
                "default_partner_ids": self.partner_id.ids,
                "default_subject": self.env._("Contract: clauses that the law asks for"),
                "default_body": self._get_negotiation_text(),
            },
        }

    # ------------------------------------------------------------------
    # Network
    # ------------------------------------------------------------------

    def _get_network(self, professional, date=None):
        """Place in the network on a day: of a professional, or else of the clinic.

        :param professional: `res.partner`, may be empty
        :return: (network status, `tiss.network.level`)
        """
        return self._get_networks(professional)(professional.id, date)

    def _get_networks(self, professionals):
        """`_get_network` for many, in one query.

        :return: function of (professional id, date) → (network status, `tiss.network.level`);
            without a date it is today
        """
        self.ensure_one()
        today = self._get_today()
        own = (self.network_status, self.network_level_id)
        periods = {}
        for row in self.env["tiss.accreditation"].search_fetch(
            [("contract_id", "=", self.id), ("professional_id", "in", professionals.ids)]
        ):
            place = (row.network_status, row.network_level_id or self.network_level_id)
            periods.setdefault(row.professional_id.id, []).append(
                (row.start_date, row.end_date, place)
            )

        def lookup(professional_id, date=None):
            day = date or today
            for start, end, place in periods.get(professional_id, ()):
                if (not start or start <= day) and (not end or day <= end):
                    return place
            return own

        return lookup

    # ------------------------------------------------------------------
    # Clauses
    # ------------------------------------------------------------------

    def _get_negotiation_text(self):
        """Html that asks the operadora for what is missing in the contract."""
        self.ensure_one()
        missing = self.clause_ids.filtered(lambda clause: clause.state == "missing").clause_id
        if not missing:
            raise UserError(self.env._("No clause of the checklist is marked as missing."))
        items = Markup("").join(
            Markup("<li><b>%s</b> (%s)<br/>%s</li>")
            % (clause.name, clause.source or "", clause.proposal or "")
            for clause in missing
        )
        intro = self.env._(
            "In the contract between %(company)s and %(operadora)s we do not find what the law"
            " asks for. We propose to add:",
            company=self.company_id.name,
            operadora=self.partner_id.name,
        )
        return Markup("<p>%s</p><ol>%s</ol>") % (intro, items)

    # ------------------------------------------------------------------
    # Renewal, base date, reminders
    # ------------------------------------------------------------------

    def _get_next_end(self, today):
        """The end after the next renewal, or after as many as reach `today`."""
        self.ensure_one()
        first = self.end_date + relativedelta(days=1)
        months = self.renewal_months or 12
        count = 1
        while True:
            end = first + relativedelta(months=months * count, days=-1)
            if end >= today:
                return end
            count += 1

    def _get_renewal_note(self, old_end):
        self.ensure_one()
        return self.env._(
            "Renewed: in force until %(new)s (before: %(old)s).",
            new=format_date(self.env, self.end_date),
            old=format_date(self.env, old_end),
        )

    def _settle_readjustment(self):
        """The readjustment of the base date is decided; on to the next date once it passed."""
        self._close_reminders({contract.id: (contract.base_date,) for contract in self})
        for contract in self:
            contract.settled_base_date = contract.base_date
        self._roll_base_dates(self._get_today())

    def _roll_base_dates(self, today):
        due = self.filtered(
            lambda contract: (
                contract.base_date
                and contract.base_date <= today
                and contract.base_date == contract.settled_base_date
            )
        )
        for contract in due:
            years = max(today.year - contract.base_date.year, 1)
            rolled = contract.base_date + relativedelta(years=years)
            if rolled <= today:
                rolled = contract.base_date + relativedelta(years=years + 1)
            contract.base_date = rolled

    def _close_reminders(self, deadlines):
        """Mark our reminders of these deadlines as done.

        :param deadlines: {contract id: dates}
        """
        activities = self.activity_search([REMINDER])
        activities.filtered(
            lambda activity: activity.date_deadline in deadlines[activity.res_id]
        ).action_done()

    @api.model
    def _cron_terms(self):
        """Renew what renews by itself, move base dates on, remind of what a person must do."""
        # Silent: one note in plain words tells more than a list of tracked values.
        contracts = self.with_context(tracking_disable=True).search(Domain.TRUE)
        today = self._get_today()
        contracts._renew_automatically(today)
        contracts._roll_base_dates(today)
        contracts._remind(today)

    def _renew_automatically(self, today):
        due = self.filtered(
            lambda contract: (
                contract.renewal == "automatic" and contract.end_date and contract.end_date < today
            )
        )
        notes = {}
        for contract in due:
            old, contract.end_date = contract.end_date, contract._get_next_end(today)
            notes[contract.id] = contract._get_renewal_note(old)
        due._message_log_batch(notes)

    def _remind(self, today):
        """One activity per contract and date: of the end, and of the base date."""
        ending = self.filtered(lambda contract: contract._is_end_near(today))
        readjusted = self.filtered(lambda contract: contract._is_base_date_near(today))
        users = (ending | readjusted)._get_reminder_users()
        vals_list = []
        for contract in ending.filtered(lambda contract: contract.id in users):
            automatic = contract.renewal == "automatic"
            vals_list.append(
                {
                    "res_id": contract.id,
                    "user_id": users[contract.id].id,
                    "summary": self.env._("Does the convênio go on?")
                    if automatic
                    else self.env._("Renew the convênio"),
                    "note": contract._get_term_text(today),
                    "date_deadline": contract.notice_date if automatic else contract.end_date,
                }
            )
            contract.reminded_end_date = contract.end_date
        for contract in readjusted.filtered(lambda contract: contract.id in users):
            vals_list.append(
                {
                    "res_id": contract.id,
                    "user_id": users[contract.id].id,
                    "summary": self.env._("Negotiate the readjustment"),
                    "note": contract._get_base_date_text(),
                    "date_deadline": contract.base_date,
                }
            )
            contract.reminded_base_date = contract.base_date
        shared = {
            "res_model_id": self.env["ir.model"]._get_id(self._name),
            "activity_type_id": self.env.ref(REMINDER).id,
            "automated": True,
        }
        # No e-mail for each: they wait in the user's list of activities.
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(
            [{**shared, **vals} for vals in vals_list]
        )

    def _is_end_near(self, today):
        """Whether somebody must now be told of the end, once for each end."""
        self.ensure_one()
        if not self.end_date or self.reminded_end_date == self.end_date:
            return False
        if self.renewal == "automatic" and self.notice_date < today:
            return False
        return self.reminder_date <= today

    def _is_base_date_near(self, today):
        self.ensure_one()
        return (
            self.base_date
            and self.base_date not in (self.reminded_base_date, self.settled_base_date)
            and fields.Date.subtract(self.base_date, days=BASE_DATE_DAYS) <= today
        )

    def _get_base_date_text(self):
        self.ensure_one()
        index = dict(self._fields["readjustment_index"]._description_selection(self.env)).get(
            self.readjustment_index, self.env._("no index agreed")
        )
        return self.env._(
            "Base date %(date)s, %(index)s: simulate the readjustment, then apply or decline it.",
            date=format_date(self.env, self.base_date),
            index=index,
        )

    def _get_reminder_users(self):
        """Whom to remind: the responsible, or else a manager; {contract id: active user}.

        Only users who may work on convênios of that company; a contract without any is left out.
        """
        groups = {
            name: self.env.ref(f"l10n_br_tiss.group_tiss_{name}").all_user_ids.filtered("active")
            for name in ("billing", "manager")
        }
        users = {}
        for contract in self:
            candidates = [
                user
                for user in (contract.user_id & groups["billing"]) | groups["manager"].sorted("id")
                if contract.company_id in user.company_ids
            ]
            if candidates:
                users[contract.id] = candidates[0]
        return users
