import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..standard import paper
from ..standard.text import to_ascii

PLACEHOLDER = re.compile(r"\{(\w*)\}")
MAX_TEXT = 500  # justificativaItem, justificativaGuia, justificativaProtocolo
# Nothing clinical: everybody who bills reads what a recurso says.
PLACEHOLDERS = (
    "guia", "item", "codigo", "motivo", "procedimento", "senha", "data", "valor", "lote",
    "protocolo", "demonstrativo",
)  # fmt: skip


class TissAppealText(models.Model):
    """What is said against a glosa, by its code; a recurso begins with it (guide §5.8)."""

    _name = "tiss.appeal.text"
    _description = "Text against a Glosa"
    _order = "company_id, code, sequence, id"
    _rec_name = "name"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", index=True, default=lambda self: self.env.company)
    code = fields.Char(
        "Glosa Code",
        size=4,
        index=True,
        help="A code of Tabela 38, or its first two digits for a whole family; empty: for those"
        " that have no text of their own.",
    )
    text = fields.Text(required=True)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("code")
    def _check_code(self):
        for text in self:
            if text.code and not re.fullmatch(r"\d{2}(\d{2})?", text.code):
                raise ValidationError(
                    self.env._("A glosa code has four digits, or two for a whole family.")
                )

    @api.constrains("text")
    def _check_text(self):
        for text in self:
            unknown = set(PLACEHOLDER.findall(text.text)) - set(PLACEHOLDERS)
            if unknown:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” is not known here: write one of %(names)s in braces.",
                        name=min(unknown),
                        names=", ".join(PLACEHOLDERS),
                    )
                )
            if len(to_ascii(text.text)) > MAX_TEXT:
                raise ValidationError(
                    self.env._("A message carries at most %s characters of this.", MAX_TEXT)
                )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _get_texts(self, company):
        """{code or family or False: text} of a company; its own before those of all."""
        own = Domain("company_id", "in", (company.id, False))
        # As superuser: who writes a recurso need not see how the texts are kept.
        found = self.sudo().search(own, order="sequence DESC, id DESC")
        return {
            text.code or False: text for text in found.sorted(lambda text: bool(text.company_id))
        }

    @api.model
    def _choose(self, texts, code):
        """The text for a code: its own, that of its family, or that of all."""
        code = code or ""
        found = texts.get(code) or texts.get(code[:2]) or texts.get(False)
        return found or self.browse()

    def _fill(self, line):
        """The text about one line of a recurso; empty without a text."""
        values = self._get_line_values(line)
        filled = PLACEHOLDER.sub(lambda match: values[match[1]], self.text or "")
        return " ".join(filled.split())[:MAX_TEXT]

    @api.model
    def _get_line_values(self, line):
        """{placeholder: what it stands for} of one line of a recurso."""
        glosa, guia, item = line.glosa_id, line.guia_id, line.guia_line_id
        return {
            "guia": guia.name,
            "item": str(item.sequence_item),
            "codigo": line.code or "",
            "motivo": self.env["tiss.term"]._get("38", line.code).name or "",
            "procedimento": item.code or "",
            "senha": guia.authorization_password or "",
            "data": paper.day(item.date),
            "valor": paper.number(line.amount),
            "lote": guia.lote_id.name or "",
            "protocolo": guia.lote_id.protocol_number or "",
            "demonstrativo": glosa.demonstrativo_id.name or "",
        }
