from odoo import api, fields, models
from odoo.exceptions import AccessError


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
        super()._compute_display_name()
        for tooth in self.filtered("authorization_id"):
            tooth.display_name = tooth.authorization_id.name

    @api.model_create_multi
    def create(self, vals_list):
        teeth = super().create(vals_list)
        teeth._check_owners()
        return teeth

    def write(self, vals):
        self._check_owners()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_sent_request(self):
        self._check_owners()

    def _check_owners(self):
        """The front desk requests, but bills nothing: the teeth of a guia are not its to change.

        Who may not see what is clinical does not take it away either.
        """
        if self.guia_id:
            self.guia_id.check_access("write")
        if not self._may_see_clinical():
            raise AccessError(self.env._("You may not change clinical information."))
        self.authorization_id._check_editable()
        self.authorization_id._reopen()

    def _may_see_clinical(self):
        return self.env.su or self.env.user.has_group("l10n_br_tiss.group_tiss_clinical")
