from odoo import api, fields, models
from odoo.tools import SQL

from .tiss_guia_internacao import PERMANENCES

NOTICE_STATES = [
    ("none", "Not yet"),
    ("missing", "To be told"),
    ("prepared", "Prepared"),
    ("told", "Told"),
]


class TissStay(models.Model):
    """Stays and what of them the operadora was told: the list of a hospital's biller.

    A stay is an open visit in the regime of hospitalisation, not in another hospital, or what the
    resumos de internação of one request bill. It is read from them: nothing to keep up to date.
    """

    _name = "tiss.stay"
    _description = "Stay"
    _auto = False
    _order = "start_date desc, id desc"
    _rec_name = "patient_id"
    _depends = {
        "tiss.encounter": [
            "card_id", "company_id", "contract_id", "date", "discharge_reason_id", "end_date",
            "hospital_id", "patient_id", "regime_id", "start_date", "state",
        ],
        "tiss.guia": [
            "card_id", "company_id", "contract_id", "discharge_reason_id", "end_date",
            "encounter_ids", "guia_type", "main_number", "patient_id", "start_date", "state",
        ],
        "tiss.stay.notice": [
            "card_id", "encounter_id", "event", "event_date", "guia_id", "state",
        ],
    }  # fmt: skip

    company_id = fields.Many2one("res.company", readonly=True)
    contract_id = fields.Many2one("tiss.contract", "Convênio", readonly=True)
    patient_id = fields.Many2one("res.partner", readonly=True)
    card_id = fields.Many2one("tiss.card", readonly=True)
    encounter_id = fields.Many2one("tiss.encounter", readonly=True)
    guia_id = fields.Many2one("tiss.guia", "First Guia", readonly=True)
    last_guia_id = fields.Many2one("tiss.guia", readonly=True)
    start_date = fields.Date("Admitted On", readonly=True)
    end_date = fields.Date("Discharged On", readonly=True)
    admission_state = fields.Selection(NOTICE_STATES, "Notice of Admission", readonly=True)
    discharge_state = fields.Selection(NOTICE_STATES, "Notice of Discharge", readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """
            WITH stay AS (%(guias)s UNION ALL %(encounters)s)
            SELECT stay.*,
                   %(admission)s AS admission_state,
                   CASE WHEN end_date IS NULL THEN 'none' ELSE %(discharge)s END AS discharge_state
              FROM stay
            """,
            guias=self._get_guia_query(),
            encounters=self._get_encounter_query(),
            admission=self._get_notice_query("admission", SQL("start_date"), SQL("guia_id")),
            discharge=self._get_notice_query("discharge", SQL("end_date"), SQL("last_guia_id")),
        )

    @api.model
    def _get_guia_query(self):
        """One stay per request: a long one is billed in several guias, until a real discharge."""
        return SQL(
            """
            SELECT 2 * min(guia.id) AS id, guia.company_id, guia.contract_id, guia.patient_id,
                   guia.card_id, NULL::integer AS encounter_id, min(guia.id) AS guia_id,
                   max(guia.id) AS last_guia_id, min(guia.start_date) AS start_date,
                   max(guia.end_date) FILTER (WHERE reason.code NOT IN %s) AS end_date
              FROM tiss_guia guia
              LEFT JOIN tiss_term reason ON reason.id = guia.discharge_reason_id
             WHERE guia.guia_type = 'resumo_internacao' AND guia.state != 'cancelled'
               AND guia.start_date IS NOT NULL
             GROUP BY guia.company_id, guia.contract_id, guia.patient_id, guia.card_id,
                      COALESCE(NULLIF(guia.main_number, ''), '/' || guia.id)
            """,
            PERMANENCES,
        )

    @api.model
    def _get_encounter_query(self):
        """Visits that no guia bills yet; afterwards the guia tells of the stay."""
        return SQL(
            """
            SELECT 2 * visit.id + 1, visit.company_id, visit.contract_id, visit.patient_id,
                   visit.card_id, visit.id, NULL, NULL, COALESCE(visit.start_date, visit.date),
                   CASE WHEN reason.code IS NULL OR reason.code NOT IN %s THEN visit.end_date END
              FROM tiss_encounter visit
              LEFT JOIN tiss_term regime ON regime.id = visit.regime_id
              LEFT JOIN tiss_term reason ON reason.id = visit.discharge_reason_id
             WHERE visit.state IN ('draft', 'done')
               AND (visit.start_date IS NOT NULL OR regime.code = '03')
               AND visit.hospital_id IS NULL
               AND visit.card_id IS NOT NULL AND visit.contract_id IS NOT NULL
            """,
            PERMANENCES,
        )

    @api.model
    def _get_notice_query(self, event, day, guia):
        """How far the notice of an event is; what was refused has to be told again."""
        return SQL(
            """
            (SELECT CASE WHEN count(*) = 0 THEN 'missing'
                         WHEN bool_or(notice.state IN ('sent', 'received')) THEN 'told'
                         ELSE 'prepared' END
               FROM tiss_stay_notice notice
              WHERE notice.card_id = stay.card_id AND notice.event = %(event)s
                AND notice.state != 'cancelled'
                AND (notice.event_date = stay.%(day)s OR notice.guia_id = stay.%(guia)s
                     OR notice.encounter_id = stay.encounter_id OR EXISTS (
                         SELECT FROM tiss_guia_encounter_rel visit
                          WHERE visit.guia_id = stay.%(guia)s
                            AND visit.encounter_id = notice.encounter_id)))
            """,
            event=event,
            day=day,
            guia=guia,
        )

    def action_open(self):
        return (self.last_guia_id or self.encounter_id)._get_records_action()

    def action_notify_admission(self):
        return self.create_notices("admission")._get_records_action()

    def action_notify_discharge(self):
        return self.create_notices("discharge")._get_records_action()

    def create_notices(self, event):
        """Notices of these stays, filled in from what is known of them.

        :param event: "admission" or "discharge"
        :return: `tiss.stay.notice`
        """
        guias = self.guia_id if event == "admission" else self.last_guia_id
        return guias.create_stay_notices(event) | self.encounter_id.create_stay_notices(event)
