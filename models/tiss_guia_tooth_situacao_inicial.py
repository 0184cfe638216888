from odoo import api, fields, models


class TissGuiaTooth(models.Model):
    """A situação inicial may travel by itself, as an annex (guide §3.9)."""

    _inherit = "tiss.guia.tooth"

    annex_id = fields.Many2one("tiss.annex", index="btree_not_null", ondelete="cascade")

    _owner_one = models.Constraint(
        "CHECK(num_nonnulls(guia_id, authorization_id, annex_id) = 1)",
        "An initial condition belongs to a guia, to a request or to an annex.",
    )

    @api.depends("annex_id.company_id")
    def _compute_company_id(self):
        result = super()._compute_company_id()
        for tooth in self.filtered("annex_id"):
            tooth.company_id = tooth.annex_id.company_id
        return result

    @api.depends("annex_id")
    def _compute_display_name(self):
        result = super()._compute_display_name()
        for tooth in self.filtered("annex_id"):
            tooth.display_name = tooth.annex_id.name
        return result

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        teeth = super().create(vals_list)
        teeth._check_annex()
        return teeth

    def write(self, vals):
        self._check_annex()
        result = super().write(vals)
        if "annex_id" in vals:
            self._check_annex()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_sent_annex(self):
        self._check_annex()

    def _check_annex(self):
        self.annex_id._check_editable()
        self.annex_id._outdate()
