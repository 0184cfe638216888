"""The label that says in which environment messages go out, on every form that sends any."""

NAME = "shown_environment"
COLOURS = {
    "info": "demo",
    "warning": "homologation",
    "danger": "production",
    "muted": "blocked",
}


def add_label(arch, view_type):
    """Put the label on top of the sheet of a form; the model has the field `shown_environment`."""
    sheet = arch.find(".//sheet") if view_type == "form" else None
    if sheet is None:
        return
    attributes = {
        "name": NAME,
        "widget": "badge",
        "class": "o_tiss_environment",
        "nolabel": "1",
        "invisible": f"not {NAME}",
    }
    for colour, value in COLOURS.items():
        attributes[f"decoration-{colour}"] = f"{NAME} == '{value}'"
    sheet.insert(0, arch.makeelement("field", attributes))
