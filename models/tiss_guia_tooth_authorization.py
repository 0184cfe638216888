from odoo import api, fields, models


class TissGuiaTooth(models.Model):
    """A situação inicial goes with the request of a treatment as well (guide §3.9)."""

    _inherit = "tiss.guia.tooth"

    guia_id = fields.Many2one(required=False)
    authorization_id = fields.Many2one(
        "tiss.authorization", "Request", index="btree_not_null", ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", related=None, compute="_compute_company_id", store=True, index=True
    )

    _owner_one = models.Constraint(
        "CHECK(num_nonnulls(guia_id, authorization_id) = 1)",
        "An initial condition belongs to a guia or to a request.",
    )

    @api.depends("guia_id.company_id", "authorization_id.company_id")
    def _compute_company_id(self):
        for tooth in self:
            tooth.company_id = tooth.guia_id.company_id or tooth.authorization_id.company_id

    @api.depends("authorization_id")
    def _compute_display_name(self):
        requested = self.filtered("authorization_id")
        for tooth in requested:
            tooth.display_name = tooth.authorization_id.name
        return super(TissGuiaTooth, self - requested)._compute_display_name()

    @api.model_create_multi
    def create(self, vals_list):
        teeth = super().create(vals_list)
        teeth._check_owners()
        return teeth

    def write(self, vals):
        self._check_owners()
        result = super().write(vals)
        if {"guia_id", "authorization_id"} & set(vals):
            self._check_owners()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_sent_request(self):
        self._check_owners()

    def _check_owners(self):
        """The front desk requests, but bills nothing: the teeth of a guia are not its to change.

        Who may not see what is clinical does not take it away either.
        """
        if self.guia_id:
            self.guia_id.check_access("write")
        self._check_clinical()
        self.authorization_id._check_editable()
        self.authorization_id._reopen()
