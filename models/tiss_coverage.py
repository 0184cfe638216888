from odoo import fields, models


class TissCoverage(models.Model):
    """What a convênio covers, and on what terms.

    A rule is said of a product, of a group of products or of everything, for a whole convênio, a
    plan or a network status. Each aspect (covered, authorisation, waiting period, limits, …) is
    taken from the most specific rule that says something about it.
    """

    _name = "tiss.coverage"
    _description = "Coverage"
    _order = "contract_id, sequence, id"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    name = fields.Char(compute="_compute_name")
    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    operadora_id = fields.Many2one(related="contract_id.partner_id")

    # ---- What and whom it is about
    product_tmpl_id = fields.Many2one(
        "product.template",
        "Procedure",
        index="btree_not_null",
        domain=[("tiss_code", "!=", False)],
        ondelete="restrict",
    )
    categ_id = fields.Many2one("product.category", "Group", ondelete="restrict")
    plan_id = fields.Many2one(
        "tiss.plan", "Plan", domain="[('operadora_id', '=', operadora_id)]", ondelete="restrict"
    )
    network_status = fields.Selection(selection="_selection_network_status")
    mode = fields.Selection(
        [("on_site", "On-site"), ("tele", "Telehealth")], help="Empty: both ways of attending."
    )
    start_date = fields.Date("From")
    end_date = fields.Date("Until")

    # ---- Aspects; empty means: not said here, ask the next broader rule
    covered = fields.Selection([("yes", "Covered"), ("no", "Not covered")])
    authorization = fields.Selection([("yes", "Required"), ("no", "Not required")])
    billing_kind = fields.Selection(selection="_selection_billing_kind")
    waiting_days = fields.Integer(
        "Waiting Period", help="Days from the card's start until it is covered."
    )
    has_waiting = fields.Boolean("Says a Waiting Period")
    limit_day = fields.Float("Per Day", digits=(9, 2))
    limit_month = fields.Float("Per Month", digits=(9, 2))
    limit_year = fields.Float("Per Year", digits=(9, 2))
    limit_authorization = fields.Float("Per Authorisation", digits=(9, 2))
    interval_days = fields.Integer(
        "Minimum Interval", help="Days between two of the same procedure."
    )
    return_days = fields.Integer(
        "Return Visit", help="Days in which a consultation is the return of the one before."
    )
    min_age = fields.Integer("From Age")
    max_age = fields.Integer("To Age", help="Last year of age that is covered; 0: no end.")
    sex = fields.Selection([("m", "Male"), ("f", "Female")])
    copayment_kind = fields.Selection(
        [("none", "None"), ("fixed", "Fixed amount"), ("percent", "Percent")], "Co-payment"
    )
    copayment_amount = fields.Monetary()
    copayment_percent = fields.Float(digits=(5, 2))
    copayment_ceiling = fields.Monetary(help="The most a patient pays for one item; 0: no end.")
    copayment_at_clinic = fields.Boolean(
        "Collected by the Clinic", help="Otherwise the operadora charges the patient later."
    )
    deductible_kind = fields.Selection(
        [("none", "None"), ("event", "Per item"), ("year", "Per year")], "Deductible"
    )
    deductible_amount = fields.Monetary()
    note = fields.Char("Note to the Reception")

    def _selection_network_status(self):
        return self.env["tiss.contract"]._fields["network_status"]._description_selection(self.env)

    def _selection_billing_kind(self):
        Item = self.env["product.pricelist.item"]
        return Item._fields["tiss_billing_kind"]._description_selection(self.env)

    def _compute_name(self):
        for rule in self:
            what = rule.product_tmpl_id.display_name or rule.categ_id.display_name
            rule.name = what or self.env._("Everything")
