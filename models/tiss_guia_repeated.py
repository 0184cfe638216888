from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

SHOWN = 10


class TissGuia(models.Model):
    """Guias that look like another one: the operadora denies what is billed twice (T38 3209).

    Two guias repeat each other when they are of one convênio, patient, type and day and have the
    same set of items; or when one authorisation (number at the operadora, or password) is used by
    both for the same procedure, day and professional. It is a warning: it may be as it should.
    """

    _inherit = "tiss.guia"

    is_repeated = fields.Boolean(
        "Repeated", compute="_compute_is_repeated", search="_search_is_repeated"
    )
    repeated_links = fields.Html("Looks Like", compute="_compute_is_repeated", sanitize=False)

    # Whoever has a number in hand asks for it, and so does the search for repeated guias.
    _operadora_number_idx = models.Index(
        "(contract_id, operadora_number) WHERE operadora_number IS NOT NULL"
    )
    _authorization_password_idx = models.Index(
        "(contract_id, authorization_password) WHERE authorization_password IS NOT NULL"
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "contract_id", "patient_id", "guia_type", "date", "state", "professional_id",
        "operadora_number", "authorization_password", "line_ids.table_code", "line_ids.code",
        "line_ids.date",
    )  # fmt: skip
    def _compute_is_repeated(self):
        repeated = self._origin._find_repeated()
        for guia in self:
            others = repeated.get(guia._origin, self.browse())
            guia.is_repeated = bool(others)
            links = others[:SHOWN]._get_links()
            guia.repeated_links = (links + "…" if len(others) > SHOWN else links) or False

    @api.model
    def _search_is_repeated(self, operator, value):
        if operator != "in":
            return NotImplemented
        ids = {guia_id for group in self._get_repeated_groups() for guia_id in group}
        return Domain("id", "in" if True in value else "not in", ids)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _find_repeated(self):
        """{guia of self that repeats others: those others, by number}; without the rest."""
        if not self.ids:
            return {}
        found = {}
        for group in self._get_repeated_groups(self.ids):
            guias = self.browse(group)
            for guia in guias & self:
                found[guia] = found.get(guia, self.browse()) | guias - guia
        return found

    @api.model
    def _get_repeated_groups(self, ids=None):
        """Lists of ids of guias that repeat each other, in one statement.

        :param ids: only groups around these guias; None for all there are
        """
        for model in ("tiss.guia", "tiss.guia.line", "tiss.guia.member"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                WITH live AS (
                    SELECT id, contract_id, patient_id, guia_type, date, professional_id,
                           operadora_number, authorization_password
                      FROM tiss_guia
                     WHERE state != 'cancelled' AND %s
                )
                (%s) UNION (%s)
                """,
                self._get_neighbours(ids) if ids is not None else SQL("TRUE"),
                self._get_same_content_query(),
                self._get_same_authorization_query(),
            )
        )
        return [group for [group] in rows]

    @api.model
    def _get_same_content_query(self):
        """Groups of `live` guias of one patient, type and day with the same set of items."""
        return SQL(
            """
            WITH same_day AS (
                SELECT *, count(*) OVER (
                           PARTITION BY contract_id, patient_id, guia_type, date) AS twins
                  FROM live
            ), content AS (
                SELECT g.id, contract_id, patient_id, guia_type, g.date,
                       array_agg(DISTINCT l.table_code || ' ' || l.code) AS items
                  FROM same_day g JOIN tiss_guia_line l ON l.guia_id = g.id
                 WHERE twins > 1
              GROUP BY g.id, contract_id, patient_id, guia_type, g.date
            )
            SELECT array_agg(id ORDER BY id)
              FROM content
          GROUP BY contract_id, patient_id, guia_type, date, items
            HAVING count(*) > 1
            """
        )

    @api.model
    def _get_same_authorization_query(self):
        """Groups of `live` guias that use one authorisation for one procedure, day and person."""
        return SQL(
            """
            WITH authorized AS (
                SELECT live.id, contract_id, professional_id, kind, number,
                       count(*) OVER (PARTITION BY contract_id, kind, number) AS users
                  FROM live, LATERAL (
                       VALUES (1, operadora_number), (2, authorization_password)
                       ) AS n (kind, number)
                 WHERE number != ''
            )
            SELECT array_agg(DISTINCT a.id)
              FROM authorized a
              JOIN tiss_guia_line l ON l.guia_id = a.id AND l.expense_kind_id IS NULL
         LEFT JOIN tiss_guia_member m ON m.line_id = l.id
             WHERE a.users > 1
          GROUP BY a.contract_id, a.kind, a.number, l.table_code, l.code, l.date,
                   COALESCE(m.professional_id, a.professional_id)
            HAVING count(DISTINCT a.id) > 1
            """
        )

    @api.model
    def _get_neighbours(self, ids):
        """The guias that share patient and day, or an authorisation, with some of them."""
        shared = ("patient_id, date", "operadora_number", "authorization_password")
        return SQL(
            "id IN (%s)",
            SQL(" UNION ").join(
                SQL(
                    "SELECT g.id FROM tiss_guia g JOIN tiss_guia o"
                    " USING (contract_id, %s) WHERE o.id = ANY(%s)",
                    SQL(columns),
                    list(ids),
                )
                for columns in shared
            ),
        )
