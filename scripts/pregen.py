"""Make the asset bundles that a browser asks for, once and for every copy of this database.

pytest-odoo does not: each browser test would make them anew in its own transaction (10 s a tour).
Run in Odoo's shell.
"""

BUNDLES = (
    "web.assets_web",
    "web.assets_tests",
    "web.assets_frontend",
    "web.assets_frontend_minimal",
    "web.assets_frontend_lazy",
    "web.assets_backend_lazy",
    "bus.websocket_worker_assets",
)

for bundle in BUNDLES:
    assets = env["ir.qweb"]._get_asset_bundle(bundle)
    assets.js()
    assets.css()
env.cr.commit()
