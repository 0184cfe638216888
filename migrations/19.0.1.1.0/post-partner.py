"""Card length and check digit of an operadora become rules; every patient gets a main card."""

from odoo.tools import sql


def migrate(cr, version):
    move_card_rules(cr)
    choose_main_cards(cr)


def move_card_rules(cr):
    """One rule for each operadora that had a length or a check digit; safe to repeat.

    The two columns are still there: the ORM drops them after all scripts.
    """
    if not sql.column_exists(cr, "res_partner", "tiss_card_length"):
        return
    cr.execute(
        """
        INSERT INTO tiss_card_rule
               (operadora_id, sequence, card_length, "check",
                create_uid, write_uid, create_date, write_date)
        SELECT id, 10, COALESCE(tiss_card_length, 0), NULLIF(tiss_card_check, ''),
               1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
          FROM res_partner partner
         WHERE (tiss_card_length > 0 OR tiss_card_check <> '')
           AND NOT EXISTS (
                   SELECT FROM tiss_card_rule rule WHERE rule.operadora_id = partner.id
               )
        """
    )


def choose_main_cards(cr):
    """The card that is valid longest becomes the main one of who has none; safe to repeat."""
    cr.execute(
        """
        UPDATE tiss_card
           SET is_main = true
         WHERE id IN (
                   SELECT DISTINCT ON (patient_id, company_id) id
                     FROM tiss_card card
                    WHERE active
                      AND NOT EXISTS (
                              SELECT
                                FROM tiss_card main
                               WHERE main.is_main
                                 AND main.patient_id = card.patient_id
                                 AND main.company_id = card.company_id
                          )
                    ORDER BY patient_id, company_id, validity_date DESC NULLS FIRST, id
               )
        """
    )
