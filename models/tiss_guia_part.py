from odoo import api, models


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
        return parts

    def write(self, vals):
        if set(vals) - self._get_loose_fields():
            self._get_owner()._check_editable()
        result = super().write(vals)
        if self._owner_field in vals:
            self._get_owner()._check_editable()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self._get_owner()._check_editable()
