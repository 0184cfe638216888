"""Fail if a file of the repository holds a path of one machine, or a mark of an open merge."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MACHINE = re.compile(
    rb"(?<![\w.~-])/(?:home|Users|work|root)/\w|" + re.escape(os.fsencode(ROOT)) + rb"(?![\w-])"
)
CONFLICT = re.compile(rb"(?m)^(?:<{7} |>{7} |={7}$)")


def repository_files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name for name in folders if name != "__pycache__" and (name[0] != "." or name == ".ci")
        ]
        for name in names:
            yield Path(folder, name)


found = []
for path in repository_files():
    content = path.read_bytes()
    if b"\0" in content:
        continue
    for what, pattern in (("a path of this machine", MACHINE), ("a merge conflict", CONFLICT)):
        for match in pattern.finditer(content):
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {what}")
print("\n".join(found))
sys.exit(bool(found))
