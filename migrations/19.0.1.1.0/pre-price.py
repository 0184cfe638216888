"""Prices of 19.0.1.0.0 held for both ways of attending; visits did not know their price rule."""


def migrate(cr, version):
    # Made here, empty: otherwise Odoo would look up a rule for every visit that was ever billed.
    cr.execute("ALTER TABLE tiss_encounter_line ADD COLUMN IF NOT EXISTS price_item_id integer")
    cr.execute("ALTER TABLE product_pricelist_item ADD COLUMN IF NOT EXISTS tiss_tele boolean")
    cr.execute(
        "UPDATE product_pricelist_item SET tiss_tele = TRUE"
        " WHERE pricelist_id IN (SELECT pricelist_id FROM tiss_contract)"
    )
