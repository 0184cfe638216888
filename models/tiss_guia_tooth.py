from odoo import api, fields, models

from .tiss_term import term_field

OWNERS = ("guia_id", "authorization_id", "annex_id")


class TissGuiaTooth(models.Model):
    """How a tooth was when a treatment began: situação inicial (guide §3.9).

    It goes with the GTO, with the request of the treatment, or by itself as an annex. All that it
    says is clinical; who may not see that sees that there is a row, and nothing in it.
    """

    _name = "tiss.guia.tooth"
    _inherit = "tiss.guia.part"
    _description = "Initial Condition of a Tooth"
    _order = "guia_id.id, id"

    guia_id = fields.Many2one("tiss.guia", index="btree_not_null", ondelete="cascade")
    authorization_id = fields.Many2one(
        "tiss.authorization", "Request", index="btree_not_null", ondelete="cascade"
    )
    annex_id = fields.Many2one("tiss.annex", index="btree_not_null", ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", compute="_compute_company_id", store=True, index=True
    )
    tooth_id = term_field("28", "Tooth", groups="l10n_br_tiss.group_tiss_clinical", required=True)
    condition_id = term_field(
        "44", "Condition", groups="l10n_br_tiss.group_tiss_clinical", required=True
    )

    _owner_one = models.Constraint(
        "CHECK(num_nonnulls(guia_id, authorization_id, annex_id) = 1)",
        "An initial condition belongs to a guia, to a request or to an annex.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(*OWNERS)
    def _compute_display_name(self):
        for tooth in self:
            tooth.display_name = tooth._get_treatment().name

    @api.depends(*(f"{owner}.company_id" for owner in OWNERS))
    def _compute_company_id(self):
        for tooth in self:
            tooth.company_id = tooth._get_treatment().company_id

    def _get_treatment(self):
        """The guia, request or annex of one tooth."""
        return self.guia_id or self.authorization_id or self.annex_id

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        teeth = super().create(vals_list)
        teeth._check_owners()
        return teeth

    def write(self, vals):
        self._check_owners()
        result = super().write(vals)
        if not vals.keys().isdisjoint(OWNERS):
            self._check_owners()  # it may have been put into what was sent
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
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
        self.annex_id._check_editable()
        self.annex_id._outdate()
