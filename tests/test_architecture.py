import ast
import re
import subprocess
import sys
from pathlib import Path

from odoo.tests import BaseCase, tagged

ROOT = Path(__file__).resolve().parents[1]
# What each layer may import of ours; tests may import everything.
ALLOWED = {
    "standard": {"standard"},
    "operadora": {"operadora"},
    "models": {"models", "standard"},
    "wizard": {"wizard", "models", "standard"},
    "demo": {"demo", "operadora", "standard"},
    "": {"", "models", "wizard", "hooks"},
}
PARSERS = {"lxml", "xmlschema", "requests", "signxml", "elementpath"}
# The benchmark compares with plain lxml.
PARSING_LAYERS = {"standard", "operadora", "tests", "scripts"}
TEXT = {".py", ".xml", ".csv", ".md", ".toml", ".txt", ".sh", ".js", ".scss", ".po", ".yaml", ""}
MACHINE = re.compile(
    # A folder of one person or machine at the start of a path; written so as not to find itself.
    r"(?<![\w.}/-])/(work|home|Users|root|mnt|tmp/[\w.-]+)/[\w.-]"
)
REGISTRY_HOST = re.compile(
    r"https?://[a-z0-9.-]*(pypi|npm|artifactory|nexus|devpi|jfrog|proxy)[a-z0-9.-]*", re.IGNORECASE
)


def python_files():
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        if not any(part.startswith(".") or part == "__pycache__" for part in relative.parts):
            yield relative


def layer(relative):
    return relative.parts[0] if len(relative.parts) > 1 else ""


def imports(relative):
    """Absolute dotted names of what a file imports; ours begin with a dot."""
    tree = ast.parse((ROOT / relative).read_text(encoding="utf-8"))
    package = relative.parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ("." + ".".join([*base, name]) for name in names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def own_layer(name):
    """The layer that a dotted name of ours is in: ".standard.money" → "standard"."""
    first = name[1:].split(".")[0]
    return first if (ROOT / first).is_dir() else ""


def tracked_files():
    """What git tracks; all files where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    for name in listed:
        parts = Path(name).parts
        caches = any(part.endswith(("cache", "cache__")) for part in parts)
        hidden = caches or any(part in (".git", ".odoo", ".hypothesis") for part in parts)
        if name and not hidden and Path(name).suffix in TEXT and (ROOT / name).is_file():
            yield name


@tagged("post_install", "-at_install", "post_install_l10n")
class TestArchitecture(BaseCase):
    """The arrows of the design, checked on the imports themselves."""

    def test_there_is_something_to_check(self):
        layers = {layer(relative) for relative in python_files()}
        self.assertLessEqual({"standard", "operadora", "models", "wizard", "tests"}, layers)

    def test_dependencies_run_one_way(self):
        wrong = [
            f"{relative}: {name}"
            for relative in python_files()
            for name in imports(relative)
            if name.startswith(".")
            and layer(relative) in ALLOWED
            and "tests" not in relative.parts
            and own_layer(name) not in ALLOWED[layer(relative)]
        ]
        self.assertEqual(wrong, [])

    def test_every_layer_has_its_rule(self):
        known = {*ALLOWED, "tests", "scripts", "report", "controllers", "migrations"}
        self.assertLessEqual({layer(relative) for relative in python_files()}, known)

    def test_the_standard_and_the_operadora_do_not_know_odoo(self):
        wrong = [
            f"{relative}: {name}"
            for relative in python_files()
            if layer(relative) in ("standard", "operadora")
            for name in imports(relative)
            if name.split(".")[0] == "odoo"
        ]
        self.assertEqual(wrong, [])

    def test_nobody_reaches_our_own_addon_by_its_absolute_name(self):
        """Relative imports only: the walk above would not see the others."""
        wrong = [
            f"{relative}: {name}"
            for relative in python_files()
            if layer(relative) != "scripts"
            for name in imports(relative)
            if name.startswith("odoo.addons.l10n_br_tiss")
        ]
        self.assertEqual(wrong, [])

    def test_xml_is_parsed_only_where_the_standard_lives(self):
        wrong = [
            f"{relative}: {name}"
            for relative in python_files()
            if layer(relative) not in PARSING_LAYERS
            for name in imports(relative)
            if name.split(".")[0] in PARSERS or name.startswith(("xml.", "odoo.tools.xml"))
        ]
        self.assertEqual(wrong, [])

    def test_the_operadora_shares_only_lxml_and_the_official_files(self):
        """It judges what the standard writes, so it must not be made of it."""
        outside = {
            name.split(".")[0]
            for relative in python_files()
            if layer(relative) == "operadora" and "tests" not in relative.parts
            for name in imports(relative)
            if not name.startswith(".")
        }
        # cryptography: it judges signatures by code of its own.
        self.assertEqual(outside - sys.stdlib_module_names, {"lxml", "cryptography"})

    def test_no_place_of_one_machine_is_written_down(self):
        wrong = [
            f"{name}:{number}"
            for name in tracked_files()
            for number, line in enumerate(
                (ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines(), 1
            )
            if MACHINE.search(line)
        ]
        self.assertEqual(wrong, [])

    def test_no_registry_host_is_written_down(self):
        wrong = [
            f"{name}: {match[0]}"
            for name in tracked_files()
            for match in REGISTRY_HOST.finditer(
                (ROOT / name).read_text(encoding="utf-8", errors="replace")
            )
            if "pypi.org/project" not in match.string[match.start() : match.end() + 20]
        ]
        self.assertEqual(wrong, [])

    def test_every_test_file_is_imported(self):
        """Odoo silently skips a test module that tests/__init__.py does not import."""
        written = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
        tree = ast.parse((ROOT / "tests" / "__init__.py").read_text(encoding="utf-8"))
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        self.assertEqual(written, {name for name in imported if name.startswith("test_")})
