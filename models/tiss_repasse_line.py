from odoo import fields, models

from .tiss_repasse_rule import BASES, SHARES

COLUMNS = (
    "repasse_id", "company_id", "professional_id", "movement_id", "guia_line_id", "guia_id",
    "contract_id", "date", "rule_id", "basis", "share_kind", "percent", "fixed_amount",
    "base_amount", "amount",
)  # fmt: skip


class TissRepasseLine(models.Model):
    """What one movement of an item gives a professional, or takes back from him.

    The terms are those of the item's first line: a rule that changes later leaves them alone.
    """

    _name = "tiss.repasse.line"
    _description = "Repasse Line"
    _order = "repasse_id, date, id"

    repasse_id = fields.Many2one(
        "tiss.repasse", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    professional_id = fields.Many2one(
        "res.partner", required=True, index=True, readonly=True, ondelete="restrict"
    )
    movement_id = fields.Many2one(
        "tiss.movement", required=True, readonly=True, ondelete="restrict"
    )
    kind = fields.Selection(related="movement_id.kind", string="Because")
    guia_line_id = fields.Many2one(
        "tiss.guia.line", "Item", required=True, index=True, readonly=True, ondelete="restrict"
    )
    guia_id = fields.Many2one(
        "tiss.guia", required=True, index=True, readonly=True, ondelete="restrict"
    )
    patient_id = fields.Many2one(related="guia_id.patient_id")
    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, readonly=True, ondelete="restrict"
    )
    date = fields.Date(required=True, readonly=True)
    rule_id = fields.Many2one("tiss.repasse.rule", readonly=True, ondelete="set null")
    basis = fields.Selection(BASES, required=True, readonly=True)
    share_kind = fields.Selection(SHARES, "Share", required=True, readonly=True)
    percent = fields.Float(digits=(5, 2), readonly=True)
    fixed_amount = fields.Float("Amount per Unit", digits=(10, 2), readonly=True)
    base_amount = fields.Float(
        "Base",
        digits=(10, 2),
        readonly=True,
        help="What the movement adds to what counts of the item, or takes from it.",
    )
    amount = fields.Float(digits=(10, 2), readonly=True)

    # The last word against paying a movement twice, whatever two people do at the same time.
    _movement_uniq = models.UniqueIndex(
        "(movement_id, professional_id)", "This movement is in another repasse already."
    )
