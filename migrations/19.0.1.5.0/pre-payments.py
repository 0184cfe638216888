"""Undoing a demonstrativo asks first; taxes withheld keep the nature of income of their day."""


def migrate(cr, version):
    # Until now a click on "undo" that nobody confirmed counted as asked, and hid the payment.
    cr.execute(
        """
        UPDATE tiss_discrepancy
           SET state = 'open', resolution = NULL
         WHERE state = 'asked' AND resolution = 'undo'
        """
    )
    # Made here, empty: what the convênio had then nobody knows, today's default least of all.
    cr.execute(
        "ALTER TABLE tiss_demonstrativo_adjustment ADD COLUMN IF NOT EXISTS reinf_nature varchar"
    )
