from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .coverage_book import CoverageRequest

RECEPTION = "l10n_br_tiss.group_tiss_reception"


class CalendarEvent(models.Model):
    """An appointment with card and procedure, whose coverage is checked at booking.

    Calendars are open to everybody in the company: who the patient is and what for stays in fields
    of the reception, and never gets into the name of the event.
    """

    _inherit = "calendar.event"

    tiss_patient_id = fields.Many2one(
        "res.partner", "Patient", index="btree_not_null", groups=RECEPTION
    )
    tiss_card_id = fields.Many2one(
        "tiss.card",
        "Card",
        compute="_compute_tiss_card_id",
        store=True,
        readonly=False,
        domain="[('patient_id', '=?', tiss_patient_id)]",
        groups=RECEPTION,
    )
    tiss_product_id = fields.Many2one(
        "product.product", "Procedure", domain=[("tiss_code", "!=", False)], groups=RECEPTION
    )
    tiss_mode = fields.Selection(
        [("on_site", "On-site"), ("tele", "Telehealth")],
        "Attendance",
        default="on_site",
        groups=RECEPTION,
    )
    tiss_professional_id = fields.Many2one(
        "res.partner",
        "Professional",
        domain=[("tiss_is_professional", "=", True)],
        groups=RECEPTION,
    )
    tiss_encounter_id = fields.Many2one(
        "tiss.encounter", "Encounter", copy=False, index="btree_not_null", groups=RECEPTION
    )
    tiss_coverage_state = fields.Selection(
        selection=lambda self: (
            self.env["tiss.encounter"]._fields["coverage_state"]._description_selection(self.env)
        ),
        string="Coverage",
        compute="_compute_tiss_coverage",
        groups=RECEPTION,
    )
    tiss_coverage_html = fields.Html(
        "Why", compute="_compute_tiss_coverage", sanitize=False, groups=RECEPTION
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("tiss_patient_id")
    def _compute_tiss_card_id(self):
        """The patient's main card, else the first one, of those valid on that day."""
        for event in self:
            patient, date = event.tiss_patient_id, event._tiss_get_date()
            if not event.tiss_card_id._is_usable(patient, self.env.company, date):
                event.tiss_card_id = patient._tiss_get_card(date)

    @api.onchange("tiss_card_id")
    def _onchange_tiss_card_id(self):
        if self.tiss_card_id and not self.tiss_patient_id:
            self.tiss_patient_id = self.tiss_card_id.patient_id

    @api.depends(
        "start", "allday", "start_date", "tiss_card_id", "tiss_product_id", "tiss_mode",
        "tiss_professional_id",
    )  # fmt: skip
    def _compute_tiss_coverage(self):
        Contract = self.env["tiss.contract"]
        answers = self._tiss_get_coverages()
        for event in self:
            answer = answers.get(event)
            event.tiss_coverage_state = Contract._get_coverage_state([answer] if answer else [])
            event.tiss_coverage_html = answer and Contract._render_coverage([(None, answer)])

    def _tiss_get_coverages(self):
        """{event: dict of `coverage_for`} of the appointments that say for what and whom."""
        asked = self.filtered(
            lambda event: event.tiss_card_id and event.tiss_product_id and event._tiss_get_date()
        )
        contracts = self.env["tiss.contract"]._get_by_card(asked.tiss_card_id)
        answers = {}
        for contract, events in asked.grouped(lambda event: contracts[event.tiss_card_id]).items():
            if contract:
                requests = [event._tiss_prepare_coverage_request() for event in events]
                answers.update(zip(events, contract._compute_coverages(requests), strict=True))
        return answers

    def _tiss_prepare_coverage_request(self):
        self.ensure_one()
        return CoverageRequest(
            card=self.tiss_card_id,
            product=self.tiss_product_id,
            date=self._tiss_get_date(),
            mode=self.tiss_mode or "on_site",
            professional=self.tiss_professional_id,
            encounter=self.tiss_encounter_id,
        )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("tiss_patient_id") and not vals.get("name"):
                vals["name"] = self.env._("Appointment")
        return super().create(vals_list)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_tiss_register_encounter(self):
        """Open the encounter of the appointment; the first time it is made out of it."""
        self.ensure_one()
        if not self.tiss_encounter_id:
            if not self.tiss_patient_id or not self.tiss_professional_id:
                raise UserError(self.env._("Say who comes and who attends first."))
            vals = self._tiss_prepare_encounter_vals()
            self.tiss_encounter_id = self.env["tiss.encounter"].create(vals)
        return self.tiss_encounter_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_get_date(self):
        """The day of the appointment, where the user is."""
        self.ensure_one()
        if self.allday:
            return self.start_date
        return self.start and fields.Datetime.context_timestamp(self, self.start).date()

    def _tiss_prepare_encounter_vals(self):
        product = self.tiss_product_id
        return {
            "date": self._tiss_get_date(),
            "patient_id": self.tiss_patient_id.id,
            "card_id": self.tiss_card_id.id,
            "mode": self.tiss_mode or "on_site",
            "professional_id": self.tiss_professional_id.id,
            "line_ids": [Command.create({"product_id": product.id})] if product else [],
        }
