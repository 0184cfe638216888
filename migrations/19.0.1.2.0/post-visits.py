"""A guia had one visit; now it has any number, and each item knows the item that it bills."""

from odoo import SUPERUSER_ID, api
from odoo.tools import sql


def migrate(cr, version):
    if sql.column_exists(cr, "tiss_guia", "encounter_id"):
        link_visits(cr)
        link_items(cr)
    choose_types(cr)


def link_visits(cr):
    """The old column is still there: the ORM drops it after all scripts. Safe to repeat."""
    cr.execute(
        """
        INSERT INTO tiss_guia_encounter_rel (guia_id, encounter_id)
             SELECT id, encounter_id FROM tiss_guia WHERE encounter_id IS NOT NULL
        ON CONFLICT DO NOTHING
        """
    )


def link_items(cr):
    """The nth item of a product in the visit is the nth one of that product in its guia."""
    cr.execute(
        """
        UPDATE tiss_guia_line line
           SET encounter_line_id = pair.encounter_line_id
          FROM (
                SELECT billed.id, visit.id AS encounter_line_id
                  FROM (
                        SELECT line.id, line.product_id, guia.encounter_id,
                               row_number() OVER (
                                   PARTITION BY line.guia_id, line.product_id
                                       ORDER BY line.sequence_item
                               ) AS place
                          FROM tiss_guia_line line
                          JOIN tiss_guia guia ON guia.id = line.guia_id
                         WHERE guia.state != 'cancelled'
                           AND guia.encounter_id IS NOT NULL
                       ) billed
                  JOIN (
                        SELECT id, product_id, encounter_id,
                               row_number() OVER (
                                   PARTITION BY encounter_id, product_id ORDER BY sequence, id
                               ) AS place
                          FROM tiss_encounter_line
                       ) visit USING (encounter_id, product_id, place)
               ) pair
         WHERE pair.id = line.id
           AND line.encounter_line_id IS NULL
        """
    )


def choose_types(cr):
    """Visits that no guia bills get their type as new ones do."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    Encounter = env["tiss.encounter"]
    visits = Encounter.search([("guia_type", "=", False)])
    env.add_to_compute(Encounter._fields["guia_type"], visits)
    visits.flush_recordset(["guia_type"])
