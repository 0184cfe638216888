from odoo import api, fields, models

from ..standard.text import to_ascii
from .tiss_cid import clean_cid
from .tiss_printed import boxes_from


class TissGuiaDeclaration(models.Model):
    """A declaration of live birth or of death that belongs to a hospitalisation (guide §3.5).

    All that it says is clinical; who may not see that sees that there is a row, and nothing in it.
    """

    _name = "tiss.guia.declaration"
    _inherit = "tiss.guia.part"
    _description = "Declaration of Birth or Death"
    _order = "guia_id.id, id"

    guia_id = fields.Many2one("tiss.guia", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="guia_id.company_id", store=True, index=True)
    birth_number = fields.Char(
        "Declaration of Live Birth", size=11, groups="l10n_br_tiss.group_tiss_clinical"
    )
    death_cid = fields.Char("CID of Death", size=6, groups="l10n_br_tiss.group_tiss_clinical")
    death_number = fields.Char(
        "Declaration of Death", size=11, groups="l10n_br_tiss.group_tiss_clinical"
    )
    is_newborn_death = fields.Boolean("Of the Newborn", groups="l10n_br_tiss.group_tiss_clinical")

    @api.depends("guia_id")
    def _compute_display_name(self):
        for declaration in self:
            declaration.display_name = declaration.guia_id.name

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._check_clinical()
        return super().create(vals_list)

    def write(self, vals):
        self._check_clinical()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_unseen(self):
        self._check_clinical()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_problems(self):
        """What keeps this row out of a valid message, as sentences that tell nothing of it."""
        self.ensure_one()
        problems = []
        if not (self.birth_number or self.death_number):
            problems.append(self.env._("A declaration has no number."))
        numbers = [number for number in (self.birth_number, self.death_number) if number]
        if not all(number.isascii() and number.isalnum() for number in numbers):
            problems.append(self.env._("The number of a declaration is of letters and digits."))
        return problems

    def _prepare_tiss_declaration(self):
        """declaracoes; indicadorDORN tells whose the declaration of death is"""
        self.ensure_one()
        return {
            "declaracaoNascido": to_ascii(self.birth_number or "") or None,
            "diagnosticoObito": clean_cid(self.death_cid) or None,
            "declaracaoObito": to_ascii(self.death_number or "") or None,
            "indicadorDORN": ("S" if self.is_newborn_death else "N") if self.death_number else None,
        }

    def _prepare_print(self):
        """Boxes 30 to 33 of the resumo de internação"""
        values = list(self._prepare_tiss_declaration().values())
        return boxes_from(30, values)
