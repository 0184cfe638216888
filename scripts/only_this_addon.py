"""A pytest plugin: Odoo's own module ``test_lint`` looks at this addon, not at the 600 of Odoo.

Its checks find their files by ``Manifest.all_addon_manifests`` and ``get_modules``. Those that walk
the registry see the addon's models and the few modules that it depends on.
"""

import os
import sys

import odoo.modules

ADDON = os.environ["LINT_ADDON"]


def pytest_configure():
    """Prepare what the checks import, before they are imported."""
    odoo.modules.Manifest.all_addon_manifests = staticmethod(
        lambda: [odoo.modules.Manifest.for_addon(ADDON)]
    )
    odoo.modules.get_modules = lambda: [ADDON]
    # test_lint imports pylint and astroid. Last, so that Odoo keeps its own versions of the rest.
    sys.path.append(os.environ["LINT_SITE"])


def pytest_collection_finish():
    """Leave out what the checks find in Odoo itself."""
    from odoo.addons.test_lint.tests import test_index

    test_index.BTREE_INDEX_IGNORE_FIELDS.add("l10n_br.zip.range.city_id")
