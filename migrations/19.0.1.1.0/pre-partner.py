"""Operadoras that are there already are active, and need an ANS number or none."""


def migrate(cr, version):
    fill_operadoras(cr)
    # The list of the clinic's operadoras takes the address that the ANS registry had.
    cr.execute("UPDATE ir_act_window SET path = NULL WHERE path = 'tiss-operadoras'")


def fill_operadoras(cr):
    """Add the new columns filled, so that the ORM does not compute them for every contact.

    Since when an operadora has been active is not known, so the date stays empty.
    """
    cr.execute(
        """
        ALTER TABLE res_partner
            ADD COLUMN IF NOT EXISTS tiss_payer_kind varchar,
            ADD COLUMN IF NOT EXISTS tiss_state varchar,
            ADD COLUMN IF NOT EXISTS tiss_state_date date
        """
    )
    cr.execute(
        """
        UPDATE res_partner
           SET tiss_payer_kind = CASE WHEN tiss_ans_code <> '' THEN 'ans' ELSE 'own' END,
               tiss_state = 'active'
         WHERE tiss_is_operadora AND tiss_payer_kind IS NULL
        """
    )
