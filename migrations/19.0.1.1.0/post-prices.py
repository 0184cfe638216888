"""Until 19.0.1.0.0 a price held for both ways of attending; from now on each is agreed apart."""


def migrate(cr, version):
    """Prices that exist keep holding for telehealth."""
    cr.execute(
        """
        UPDATE product_pricelist_item
           SET tiss_tele = TRUE
         WHERE pricelist_id IN (SELECT pricelist_id FROM tiss_contract)
        """
    )
