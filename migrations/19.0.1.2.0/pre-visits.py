"""Visits know as what they are billed; those of 19.0.1.1.0 have the type of their guia."""


def migrate(cr, version):
    # Made here: otherwise Odoo would find a type for every visit that was ever billed.
    cr.execute("ALTER TABLE tiss_encounter ADD COLUMN IF NOT EXISTS guia_type varchar")
    cr.execute(
        """
        UPDATE tiss_encounter encounter
           SET guia_type = guia.guia_type
          FROM tiss_guia guia
         WHERE guia.encounter_id = encounter.id
           AND guia.state != 'cancelled'
        """
    )
