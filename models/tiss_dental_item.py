import re

from odoo import fields, models

from ..standard.text import is_code, to_ascii
from .product_pricelist_item import SENT_TABLES
from .tiss_term import term_field

MAX_DENTAL = 99  # qtdProc: 2 digits
MAX_US = 99_999.99  # qtdUS: dec(7,2)
FACES = re.compile("[OLMVDIP]{1,5}")  # letters of T32


class TissDentalItem(models.AbstractModel):
    """An item, billed or asked for, and where in the mouth it is (guide §3.7, §5.6)."""

    _name = "tiss.dental.item"
    _description = "Item with a Place in the Mouth"

    tooth_id = term_field("28", "Tooth")
    region_id = term_field("42", "Region")
    faces = fields.Char(
        size=5,
        help="O occlusal, L lingual, M mesial, V vestibular, D distal, I incisal, P palatine.",
    )

    def _get_name_problems(self, item):
        """What the item lacks to be named by table, code and description (guide §3.1)."""
        problems = []
        if not to_ascii(item or ""):
            problems.append(self.env._("An item has no description that can be sent."))
        if self.table_code not in SENT_TABLES or not self.code or not is_code(self.code):
            problems.append(self.env._("%s: its table or its code cannot be sent.", item))
        return problems

    def _get_place_problems(self, item):
        problems = []
        if self.tooth_id and self.region_id:
            problems.append(self.env._("%s: choose the tooth or the region, not both.", item))
        if self.faces and not FACES.fullmatch(self.faces.upper()):
            problems.append(self.env._("%s: the faces are letters of O L M V D I P.", item))
        if self.faces and not self.tooth_id:
            problems.append(self.env._("%s: choose the tooth of these faces.", item))
        return problems

    def _prepare_tiss_place(self):
        """denteRegiao and denteFace"""
        place = None
        if self.tooth_id or self.region_id:
            place = {
                "codDente": self.tooth_id.code or None,
                "codRegiao": self.region_id.code or None,
            }
        return {"denteRegiao": place, "denteFace": (self.faces or "").upper() or None}

    def _prepare_tiss_procedure(self):
        """ct_procedimentoDados (guide §3.1)"""
        return {
            "codigoTabela": self.table_code,
            "codigoProcedimento": self.code,
            "descricaoProcedimento": to_ascii(self.description, 150),
        }
