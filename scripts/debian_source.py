"""Print an apt source of Debian's suite "sid" that uses this machine's own mirror and keyring.

The mirror is that of the first Debian entry in the machine's apt sources, or ``DEBIAN_MIRROR`` on a
machine that has none (Ubuntu); the keyring is then that of the package debian-archive-keyring.
"""

import glob
import os
import re
import sys

SUITES = {"stable", "testing", "unstable", "sid", "bookworm", "trixie", "forky", "duke"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
NO_SOURCE = """\
dev: Odoo 19 is a Debian package, and this machine's apt sources name no Debian mirror; set one of
  ODOO_PATH=      a folder that holds Odoo 19.0's package `odoo` (a source checkout will do)
  ODOO_DEB=       the file of Debian's package odoo-19 (suite sid)
  DEBIAN_MIRROR=  the address of a Debian mirror (needs the package debian-archive-keyring)"""
NO_KEYRING = "dev: DEBIAN_MIRROR needs Debian's keyring: install the package debian-archive-keyring"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def deb822_entries():
    """Yield (mirrors, suites, components, keyring) of each enabled entry in a .sources file."""
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", read(path))):
            # a value goes on over the following indented lines: Signed-By may hold a whole key
            field = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", block))
            if "deb" in field.get("Types", "").split() and field.get("Enabled", "yes") != "no":
                keys = ("URIs", "Suites", "Components", "Signed-By")
                yield tuple(field.get(key, "") for key in keys)


def one_line_entries():
    """Yield the same of each ``deb`` line."""
    pattern = r"(?m)^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$"
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
        if os.path.exists(path):
            for options, mirror, suite, components in re.findall(pattern, read(path)):
                signed = re.search(r"signed-by=(\S+)", options)
                yield mirror, suite, components, signed[1] if signed else ""


def find_source():
    """Return (mirror, keyring or "") of Debian's main archive, or exit with what to do."""
    if mirror := os.environ.get("DEBIAN_MIRROR"):
        return (mirror, KEYRING) if os.path.exists(KEYRING) else sys.exit(NO_KEYRING)
    for mirrors, suites, components, keyring in [*deb822_entries(), *one_line_entries()]:
        # other archives use the suites' names too, but without a component "main"
        if mirrors.split() and SUITES & set(suites.split()) and "main" in components.split():
            return mirrors.split()[0], keyring
    return sys.exit(NO_SOURCE)


mirror, keyring = find_source()
print(f"Types: deb\nURIs: {mirror}\nSuites: sid\nComponents: main")
if keyring:
    print(f"Signed-By: {keyring}")
