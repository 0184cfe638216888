"""Compare or update the addon's translations with a template that Odoo has just exported.

    po.py update EXPORTED.pot I18N-FOLDER   write the .pot; add new terms to each .po, drop old ones
    po.py check EXPORTED.pot I18N-FOLDER    exit with 1 if the .pot is old or a .po is not complete

A term that is new in a .po stays untranslated: nothing is guessed. An unchanged file is not
written, so that its date does not change alone.
"""

import sys
from pathlib import Path

import polib

ADDON = "l10n_br_tiss"
WIDTH = 78


def entry_key(entry: polib.POEntry) -> tuple:
    """Identify a term and the places it comes from."""
    return entry.msgid, tuple(sorted(entry.occurrences)), entry.comment


def same_terms(one: polib.POFile, other: polib.POFile) -> bool:
    return sorted(map(entry_key, one)) == sorted(map(entry_key, other))


def merged(template: polib.POFile, translated: polib.POFile) -> polib.POFile:
    """Return the template's terms with the translations that are there."""
    known = {entry.msgid: entry for entry in translated}
    result = polib.POFile(wrapwidth=WIDTH)
    result.header = translated.header
    result.metadata = dict(translated.metadata)
    for entry in template:
        old = known.get(entry.msgid)
        result.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=old.msgstr if old else "",
                flags=old.flags if old else [],
                occurrences=entry.occurrences,
                comment=entry.comment,
            )
        )
    return result


def update(exported: Path, folder: Path) -> list[str]:
    template = polib.pofile(str(exported), wrapwidth=WIDTH)
    pot = folder / f"{ADDON}.pot"
    if not pot.exists() or not same_terms(template, polib.pofile(str(pot))):
        template.save(str(pot))
    for path in sorted(folder.glob("*.po")):
        before = polib.pofile(str(path), wrapwidth=WIDTH)
        after = merged(template, before)
        if str(after) != str(before):
            after.save(str(path))
        print(f"{path.name}: {len(after)} terms, {len(incomplete(after))} to translate")
    return []


def incomplete(translated: polib.POFile) -> list[polib.POEntry]:
    return [entry for entry in translated if not entry.msgstr or entry.fuzzy]


def check(exported: Path, folder: Path) -> list[str]:
    current = {entry.msgid for entry in polib.pofile(str(exported))}
    problems = []
    for path in sorted([*folder.glob("*.pot"), *folder.glob("*.po")]):
        terms = polib.pofile(str(path))
        here = {entry.msgid for entry in terms if not entry.obsolete}
        problems += [f"{path.name}: missing: {term!r}" for term in sorted(current - here)]
        problems += [f"{path.name}: not in the code: {term!r}" for term in sorted(here - current)]
        if path.suffix == ".po":
            problems += [f"{path.name}: untranslated: {e.msgid!r}" for e in incomplete(terms)]
    if not (folder / f"{ADDON}.pot").exists() or not (folder / "pt_BR.po").exists():
        problems.append(f"{folder} must hold {ADDON}.pot and pt_BR.po")
    if problems:
        problems.append("./dev po brings the files up to date; then translate what is new")
    return problems


if __name__ == "__main__":
    command = {"update": update, "check": check}[sys.argv[1]]
    found = command(Path(sys.argv[2]), Path(sys.argv[3]))
    print("\n".join(found))
    sys.exit(bool(found))
