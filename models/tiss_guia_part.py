from odoo import api, models
from odoo.exceptions import AccessError, UserError


class TissGuiaPart(models.AbstractModel):
    """What belongs to a document of the standard and freezes with it.

    Items, teams, declarations, teeth: a part is neither made in, nor taken out of, nor moved into
    a document whose content can no longer change.
    """

    _name = "tiss.guia.part"
    _description = "Part of a Guia"

    # The many2one by which a part hangs on what it belongs to.
    _owner_field = "guia_id"

    # ------------------------------------------------------------------
    # Hooks
    # ------------------------------------------------------------------

    def _get_owner(self):
        """The documents that these parts belong to; each has `_check_editable`."""
        return self[self._owner_field]

    def _get_loose_fields(self):
        """Fields that are no content of the document: they change when it is frozen as well."""
        return set()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts._get_owner()._check_editable()
        if not self.env.su and any("company_id" in vals for vals in vals_list):
            parts._check_owner_company()
        return parts

    def write(self, vals):
        if set(vals) - self._get_loose_fields():
            self._get_owner()._check_editable()
        result = super().write(vals)
        if self._owner_field in vals:
            self._get_owner()._check_editable()
        if "company_id" in vals:
            self._check_owner_company()
        return result

    def _check_owner_company(self):
        """A part of another company would be missing for those who open the document."""
        if any(part.company_id != part._get_owner().company_id for part in self):
            raise UserError(self.env._("A part of a document is of the company of the document."))

    def _check_clinical(self):
        """Whoever may not see what a clinical part says does not take it away either."""
        if not (self.env.su or self.env.user.has_group("l10n_br_tiss.group_tiss_clinical")):
            raise AccessError(self.env._("You may not change clinical information."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self._get_owner()._check_editable()
