"""What runs once when the addon is installed."""


def post_init_hook(env):
    """Load the ANS terminology and the ANS registry of operadoras."""
    env["tiss.term"]._load_packaged_terms()
    env["tiss.terminology.edition"]._register_packaged()
    env["tiss.operadora.registry"]._load_packaged_registry()
