from odoo import api, fields, models

OWN_CODES = [
    ("row_differs", "Rows whose released amount is not processed minus glosa"),
    ("retention_differs", "Tax withheld differs from what was expected"),
    ("retention_undue", "Tax withheld that should not be"),
    ("future_payment", "Payment date in the future, and no deposit"),
    ("payer_differs", "CNPJ of another payer"),
    ("payer_account_differs", "Another bank account"),
]
OWN_REMARKS = {code for code, _label in OWN_CODES} | {"negative_net"}
OWN_OF_FILE = {"row_differs", "payer_differs"}
# A decision that leaves a row out, though it keeps nothing else from being posted.
LEFT_OUT = ("set_aside", "suspense")


class TissDiscrepancy(models.Model):
    """What payments bring: taxes withheld, days, and who pays into which account."""

    _inherit = "tiss.discrepancy"

    code = fields.Selection(
        selection_add=OWN_CODES, ondelete={code: "cascade" for code, _label in OWN_CODES}
    )

    @api.depends("code")
    def _compute_is_blocking(self):
        result = super()._compute_is_blocking()
        for row in self:
            row.is_blocking = row.is_blocking and row.code not in OWN_REMARKS
            row.is_of_file = row.is_of_file or row.code in OWN_OF_FILE
        return result

    def _keeps_out(self):
        """Whether the row of the file that this is about is not booked."""
        self.ensure_one()
        resolution = self.resolution if "resolution" in self._fields else False
        return self.is_blocking or resolution in LEFT_OUT
