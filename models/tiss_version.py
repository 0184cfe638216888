import base64
import hashlib
import logging
from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import config, sql

from .. import standard

_logger = logging.getLogger(__name__)


class TissVersion(models.Model):
    """A version of the standard that an administrator installed from ANS's communication package.

    4.02.00 and 4.03.00 come with the addon and are no rows here. The package is kept in the
    database, so that a restored copy speaks the same versions; each process unpacks it once.
    """

    _name = "tiss.version"
    _description = "TISS Version"
    _order = "name desc"

    name = fields.Char("Version", required=True, readonly=True)
    file_name = fields.Char("File", required=True, readonly=True)
    package = fields.Binary(attachment=True, required=True, readonly=True)
    sha256 = fields.Char("SHA-256", required=True, readonly=True)

    _name_uniq = models.Constraint("UNIQUE(name)", "This version is installed already.")

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("What was written in a version must stay readable: it cannot be removed.")
        )

    def _register_hook(self):
        """Every process that serves this database knows the versions installed in it."""
        super()._register_hook()
        if not sql.table_exists(self.env.cr, self._table):
            return  # a new release of the addon, before the database was updated
        standard.register_folder(self._get_folder())
        for version in self.sudo().search([("name", "not in", standard.versions())]):
            try:
                standard.register(version._get_package(), self._get_folder())
            except standard.PackageError:
                _logger.exception("TISS %s cannot be used", version.name)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    @api.private  # takes bytes
    def install(self, name, content):
        """Install the communication package of one version.

        :param name: of the file, as it is kept
        :param content: bytes of the zip that ANS publishes
        :return: `tiss.version`; empty where the version comes with the addon
        :raise UserError: when the file is no such package, or not the one installed before
        """
        if not self.env.user.has_group("l10n_br_tiss.group_tiss_manager"):
            raise AccessError(self.env._("Only a manager of the convênios installs versions."))
        before = standard.versions()
        try:
            number = standard.register(content, self._get_folder())
        except standard.PackageError as error:
            raise UserError(self._explain(error.code)) from error
        version = self.search([("name", "=", number)])
        if version or number in before:
            return version
        # The other processes read the database's versions anew, as after an update of an addon.
        self.env.registry.registry_invalidated = True
        # As superuser: nobody writes a version by hand, without its schemas.
        return (
            self.sudo()
            .create(
                {
                    "name": number,
                    "file_name": name,
                    "package": base64.b64encode(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
            .with_env(self.env)
        )

    @api.model
    def _explain(self, code):
        sentences = {
            "not_package": self.env._(
                "This zip does not hold the messages of one TISS version. Choose the communication"
                " component (Padrão TISS de Comunicação) as ANS publishes it."
            ),
            "damaged": self.env._("The zip is damaged: download it from ANS once more."),
            "too_large": self.env._("The zip is too large to be the package of a TISS version."),
            "incomplete": self.env._(
                "The zip is not complete: a file that the others need is missing. Download it from"
                " ANS once more."
            ),
            "changed": self.env._(
                "These are not the files that ANS publishes for this version, or not the ones"
                " installed here before. Nothing was changed."
            ),
        }
        return sentences.get(code) or self.env._(
            "The messages of this version are built in a way that no version was before: it needs"
            " a newer release of the addon."
        )

    @api.model
    def _get_folder(self):
        return Path(config["data_dir"]) / "tiss" / self.env.cr.dbname

    def _get_package(self):
        self.ensure_one()
        return base64.b64decode(self.with_context(bin_size=False).package)
