from odoo import models

from ..standard.money import to_cents

# What the analysis of a protocolo and its payment both say.
TWICE = {"row_differs"}


class TissDiscrepancy(models.Model):
    """One remark that comes twice, with the analysis and the payment: it is decided once."""

    _inherit = "tiss.discrepancy"

    def resolve(self, resolution, note=None):
        rows = self | self._find_twins() if resolution == "keep" else self
        return super(TissDiscrepancy, rows).resolve(resolution, note)

    def reopen(self):
        kept = self.filtered(lambda row: row.resolution == "keep")
        # A twin that was asked about meanwhile waits for its own answer.
        twins = kept._find_twins().filtered(lambda twin: twin.resolution == "keep")
        return super(TissDiscrepancy, self | twins).reopen()

    def _settle_known(self):
        """What was decided with the other demonstrativo of a protocolo is not asked again."""
        rows = self.filtered(lambda row: row.state == "open" and row.code in TWICE)
        for row, twins in rows._find_twins_by_row().items():
            known = twins.filtered(lambda twin: twin.resolution == "keep")[:1]
            if known:
                words = self.env._(
                    "Decided with demonstrativo %(name)s by %(user)s",
                    name=known.demonstrativo_id.name,
                    user=known.resolved_by_id.name,
                )
                row._settle("keep", ": ".join(filter(None, (words, known.note))))

    def _find_twins(self):
        return self.browse().union(*self._find_twins_by_row().values()) - self

    def _find_twins_by_row(self):
        """The same remarks of the other kind of demonstrativo, about the same protocolos.

        :return: {remark: `tiss.discrepancy`}
        """
        rows = self.filtered(lambda row: row.code in TWICE)
        if not rows:
            return {}
        mine = rows.demonstrativo_id._get_lotes_by_file()
        Line = self.env["tiss.demonstrativo.line"]
        about = [("lote_id", "in", list(set().union(*mine.values())))]
        others = self.search(
            [
                ("code", "in", list(TWICE)),
                ("demonstrativo_id", "in", Line._search(about).subselect("demonstrativo_id")),
                ("demonstrativo_id.state", "in", ("imported", "posted")),
            ]
        )
        lotes = mine | others.demonstrativo_id._get_lotes_by_file()
        return {
            row: others.filtered(
                lambda other, row=row: (
                    other.code == row.code
                    and other.demonstrativo_id.kind != row.demonstrativo_id.kind
                    and to_cents(other.amount_difference) == to_cents(row.amount_difference)
                    and not lotes[other.demonstrativo_id].isdisjoint(lotes[row.demonstrativo_id])
                )
            )
            for row in rows
        }
