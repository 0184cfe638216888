"""What a delivery adds to every form from which something is sent: buttons and where it is."""

from copy import deepcopy

BILLING = "l10n_br_tiss.group_tiss_billing"
REFRESH = "tiss_run_refresh"
REFRESHED_LIST = "tiss_delivery_list"


def add_delivery(arch, view_type, env):
    """Send instead of marking as sent, what to do with the unknown, and where the message is.

    A list is read again while something in it is being sent.

    The model has the fields and actions of `tiss.outgoing`.
    """
    if view_type == "list" and not arch.get("js_class"):
        arch.set("js_class", REFRESHED_LIST)
    header, sheet = arch.find(".//header"), arch.find(".//sheet")
    if view_type != "form" or header is None or sheet is None:
        return
    _split_send(header, env)
    unknown = {"type": "object", "invisible": "state != 'unknown'"}
    resolve = [
        {"name": "action_confirm_receipt", "string": env._("The Operadora Has It")},
        {
            "name": "action_deny_receipt",
            "string": env._("The Operadora Does Not Have It"),
            "confirm": env._(
                "You asked the operadora, and it did not receive this? Then it may be sent again."
                " If it has it after all, it is there twice."
            ),
        },
    ]
    buttons = [arch.makeelement("button", {**unknown, **each}) for each in resolve]
    hurry = {"name": "action_try_now", "string": env._("Try Now"), "invisible": "not may_try_now"}
    buttons.append(arch.makeelement("button", {"type": "object", **hurry}))
    for button in reversed(buttons):
        header.insert(0, button)
    _hide_own_reason(sheet)
    for element in reversed(_make_notes(arch)):
        sheet.insert(0, element)
    box = sheet.find(".//div[@name='button_box']")
    if box is not None:
        box.append(_make_stat_button(arch, env))


def _split_send(header, env):
    """A message that goes by web service is sent by the system, not marked as sent by a person.

    Sending builds what is not built yet: one click does for a draft.
    """
    build = _split_build(header)
    for button in header.findall("button[@name='action_send']"):
        hidden = hidden_by_service = button.get("invisible") or "False"
        if build is not None:
            hidden_by_service = f"({hidden}) and ({build})"
        service = deepcopy(button)
        service.set("string", env._("Send"))
        service.set("class", "btn-primary")
        service.set("invisible", f"({hidden_by_service}) or not goes_by_service")
        button.set("invisible", f"({hidden}) or goes_by_service")
        header.insert(0, service)


def _split_build(header):
    """The button that builds a draft: where sending does that as well, it has no colour.

    :return: when it is hidden, or None where there is no such button
    """
    for button in header.findall("button[@name='action_build']"):
        hidden = button.get("invisible") or "False"
        if "btn-primary" in (button.get("class") or ""):
            plain = deepcopy(button)
            for name in ("class", "data-hotkey"):
                plain.attrib.pop(name, None)
            plain.set("invisible", f"({hidden}) or not goes_by_service")
            button.set("invisible", f"({hidden}) or goes_by_service")
            button.addnext(plain)
        return hidden
    return None


def _hide_own_reason(sheet):
    """A form's own alert is for what was refused; why it came back is said once, by the notes."""
    for alert in sheet.iterfind(".//div[field]"):
        if alert.find("field[@name='rejection_reason']") is not None:
            hidden = alert.get("invisible") or "False"
            alert.set("invisible", f"({hidden}) or state in ('sending', 'unknown', 'validated')")


def _make_notes(arch):
    """Where the message is, and why it came back."""
    refresh = {"name": REFRESH, "invisible": "not is_underway"}
    elements = [
        arch.makeelement("field", {"name": "goes_by_service", "invisible": "1"}),
        arch.makeelement("field", {"name": "may_try_now", "invisible": "1"}),
        arch.makeelement("field", {"name": "is_underway", "invisible": "1"}),
        arch.makeelement("widget", refresh),
    ]
    for name, colour, hidden in (
        ("delivery_note", "info", "state != 'sending'"),
        ("delivery_note", "danger", "state in ('sending', 'validated') or not delivery_note"),
        ("rejection_reason", "warning", "state != 'validated' or not rejection_reason"),
    ):
        alert = {"class": f"alert alert-{colour}", "role": "status", "invisible": hidden}
        note = arch.makeelement("div", alert)
        note.append(arch.makeelement("field", {"name": name, "nolabel": "1", "readonly": "1"}))
        elements.append(note)
    return elements


def _make_stat_button(arch, env):
    return arch.makeelement(
        "button",
        {
            "name": "action_view_deliveries",
            "type": "object",
            "class": "oe_stat_button",
            "icon": "fa-paper-plane-o",
            "string": env._("Deliveries"),
            "groups": BILLING,
            "invisible": "not goes_by_service",
        },
    )
