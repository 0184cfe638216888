"""Editions, categories and a richer search for databases that had the addon before."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    # Nothing newer than the package could be loaded before: its rows only gain search words.
    env["tiss.term"]._load_packaged_terms()
    env["tiss.terminology.edition"]._register_packaged()
    env["product.template"]._tiss_categorise()
    # The registry too: its rows gain the names run together.
    env["tiss.operadora.registry"]._load_packaged_registry()
