"""One log-in per role for the demo; the password is the login."""

VISITS, OVERVIEW = "tiss_encounter_action", "tiss_contract_action"
ROLES = [
    # (login, name, groups, what the role is called, first page)
    ("recepcao", "Rita Recepção", ["group_tiss_reception"], "Recepção", VISITS),
    ("faturamento", "Fausto Faturamento", ["group_tiss_billing"], "Faturamento", OVERVIEW),
    (
        "clinico",
        "Clara Clínica",
        ["group_tiss_reception", "group_tiss_clinical"],
        "Clínico",
        VISITS,
    ),
    ("gestor", "Gil Gestor", ["group_tiss_manager"], "Gestão", OVERVIEW),
]


def create(env):
    """Create the users that are not there yet and put everybody in pt_BR.

    :return: list of (login, role)
    """
    Users = env["res.users"].with_context(no_reset_password=True)
    everybody = {"lang": "pt_BR", "tz": "America/Sao_Paulo"}
    for login, name, groups, _role, page in ROLES:
        if not Users.search([("login", "=", login)]):
            Users.create(
                {
                    "login": login,
                    "password": login,
                    "name": name,
                    "company_id": env.company.id,
                    "company_ids": env.company.ids,
                    "action_id": env.ref(f"l10n_br_tiss.{page}").id,
                    "group_ids": [(4, env.ref(f"l10n_br_tiss.{group}").id) for group in groups],
                    **everybody,
                }
            )
    env.ref("base.user_admin").write(everybody)
    return [(login, role) for login, _name, _groups, role, _page in ROLES] + [
        ("admin", "Administração")
    ]
