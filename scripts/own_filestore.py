"""pytest plugin: a filestore for each process of a parallel test run.

pytest-odoo gives each process a copy of the database and all of them one filestore. Odoo's tests
remove from it, after each class, what their own database does not know: files of the others too.
"""

import os
import shutil
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER")


def _get_folder(name):
    from odoo.tools import config

    return Path(config["data_dir"], "filestore", name)


def pytest_sessionstart(session):
    if not WORKER:
        return
    from odoo.tools import config

    [database] = config["db_name"]
    # Named like the copy of the database, with which ./dev would sweep it away.
    session.own_data = _get_folder(f"{database}-{WORKER}")
    shutil.rmtree(session.own_data, ignore_errors=True)
    # Hard links: the files never change.
    shutil.copytree(
        _get_folder(database), session.own_data / "filestore" / database, copy_function=os.link
    )
    config["data_dir"] = str(session.own_data)


def pytest_sessionfinish(session):
    if WORKER:
        shutil.rmtree(session.own_data, ignore_errors=True)
