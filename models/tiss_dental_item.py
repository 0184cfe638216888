import re

from odoo import fields, models

from ..standard.money import to_decimal
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

    us_quantity = fields.Float(
        "US", digits=(7, 2), help="Unidades de serviço of the whole item, where prices are in US."
    )
    amount_patient = fields.Float(
        "Patient Pays", digits=(10, 2), help="Franquia: what the operadora does not owe."
    )

    def _get_name_problems(self, item):
        """What the item lacks to be named by table, code and description (guide §3.1)."""
        problems = []
        if not to_ascii(item or ""):
            problems.append(self.env._("An item has no description that can be sent."))
        if self.table_code not in SENT_TABLES or not self.code or not is_code(self.code):
            problems.append(self.env._("%s: its table or its code cannot be sent.", item))
        return problems

    def _get_dental_problems(self, item):
        """:param item: how the item is called"""
        problems = []
        if self.us_quantity > MAX_US:
            problems.append(self.env._("%s: too many US for a guia.", item))
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

    def _prepare_tiss_treated(self, quantity, gross):
        """What an item of cto_guiaOdontologia and of cto_odontoSolicitacaoGuia say alike.

        :param gross: value of the whole item
        """
        return {
            "procSolic": self._prepare_tiss_procedure(),
            **self._prepare_tiss_place(),
            "qtdProc": quantity,
            "qtdUS": to_decimal(self.us_quantity) or None,
            "valorProc": to_decimal(gross),
            "valorFranquia": to_decimal(self.amount_patient) or None,
            "dataRealizacao": self.date or None,
        }

    def _prepare_tiss_procedure(self):
        """ct_procedimentoDados (guide §3.1)"""
        return {
            "codigoTabela": self.table_code,
            "codigoProcedimento": self.code,
            "descricaoProcedimento": to_ascii(self.description, 150),
        }
