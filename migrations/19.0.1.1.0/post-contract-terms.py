"""Who made a convênio is responsible for it; the upgrade filled in the user who ran it."""


def migrate(cr, version):
    cr.execute("UPDATE tiss_contract SET user_id = create_uid")
