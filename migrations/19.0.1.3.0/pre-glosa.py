"""Glosas know how much of them was given up, contested, recovered, and is still denied."""


def migrate(cr, version):
    # Before the ORM: it would compute from an empty column that nothing was given up.
    cr.execute(
        """
        ALTER TABLE tiss_glosa
            ADD COLUMN IF NOT EXISTS amount_accepted numeric,
            ADD COLUMN IF NOT EXISTS amount_open numeric,
            ADD COLUMN IF NOT EXISTS amount_appealed numeric,
            ADD COLUMN IF NOT EXISTS amount_recovered numeric
        """
    )
    cr.execute(
        """
        UPDATE tiss_glosa
           SET amount_accepted = CASE WHEN state = 'accepted' THEN amount ELSE 0 END,
               amount_open = CASE WHEN state = 'accepted' THEN 0 ELSE amount END,
               amount_appealed = 0,
               amount_recovered = 0
         WHERE amount_open IS NULL
        """
    )
