from odoo import fields, models
from odoo.fields import Command

from .tiss_authorization_ledger import GIVEN_FIELDS

# What the operadora gave for one visit is not good for another.
AUTHORIZATION_FIELDS = ("operadora_number", *GIVEN_FIELDS)
# Days that only who attends can tell; empty, they are asked for before the guia is ready.
DAY_FIELDS = ("request_date", "issue_date", "start_date", "end_date", "treatment_end_date")


class TissGuia(models.Model):
    """Copies of guias: of another visit (duplicate), or of the same one (substitute)."""

    _inherit = "tiss.guia"

    # ------------------------------------------------------------------
    # Duplicate
    # ------------------------------------------------------------------

    def copy_data(self, default=None):
        """A draft for another visit, of today: without authorisation, answers or money.

        Items keep their distance from the day of the guia, as far as that is not in the future.

        Nor does it carry what is clinical, which is told for one visit: indication, diagnoses,
        declarations. Only the teeth go along, for who may see them, as a treatment goes on.
        """
        vals_list = super().copy_data(default)
        today = fields.Date.context_today(self)
        may_see = self._may_see_clinical()
        for guia, vals in zip(self, vals_list, strict=True):
            kept = set(default or {})
            vals.update(dict.fromkeys(set(AUTHORIZATION_FIELDS + DAY_FIELDS) - kept, False))
            if "date" not in kept:
                vals["date"] = today
            if "line_ids" not in kept:
                rows = self._renumber(vals.get("line_ids", []))
                shift = fields.Date.to_date(vals["date"]) - guia.date
                for _code, _id, row in rows:
                    row["date"] = min(row["date"] + shift, max(today, row["date"]))
                vals["line_ids"] = rows
            if may_see and "tooth_ids" not in kept:
                vals["tooth_ids"] = [Command.create(row) for row in guia.tooth_ids.copy_data()]
        return vals_list

    def _renumber(self, commands):
        """Items of a draft, in their order and numbered from 1 without gap."""
        rows = sorted((vals for _code, _id, vals in commands), key=lambda v: v["sequence_item"])
        return [
            Command.create({**vals, "sequence_item": number})
            for number, vals in enumerate(rows, start=1)
        ]

    def copy(self, default=None):
        copies = super().copy(default)
        if "line_ids" not in (default or {}):
            copies._link_expenses_like(self)
        self.env["tiss.guia.log"]._record(
            [
                (copy, "copied", None, None, self.env._("Guia %s", guia.name))
                for guia, copy in zip(self, copies, strict=True)
            ]
        )
        return copies

    def _link_expenses_like(self, originals):
        """Expenses belong to the same procedures as in the guias that self are copies of."""
        for guia, original in zip(self, originals, strict=True):
            old_lines = original.line_ids.sorted("sequence_item")
            if not old_lines.linked_line_id:
                continue
            copied = dict(zip(old_lines, guia.line_ids.sorted("sequence_item"), strict=True))
            for old, new in copied.items():
                if old.linked_line_id:
                    new.linked_line_id = copied[old.linked_line_id]

    # ------------------------------------------------------------------
    # Substitute and complement
    # ------------------------------------------------------------------

    def _prepare_content(self, with_rows=True):
        """Values of all that this guia says, the clinical as well: it is the same visit.

        Items keep their numbers, by which a substitute takes over the items of the visits.

        :param with_rows: also its items, teeth and declarations
        """
        guia = self.sudo()
        vals = {"company_id": guia.company_id.id}
        for name in sorted(self._get_frozen_fields() - {"name", "number"}):
            field = guia._fields[name]
            if field.type != "one2many":
                vals[name] = field.convert_to_write(guia[name], guia)
            elif with_rows:
                vals[name] = [Command.create(row) for row in guia[name].copy_data()]
        return vals

    def _prepare_complement(self):
        """Values of the guia for what was forgotten in this one, without items (guide §4.4)."""
        vals = self._prepare_content(with_rows=False)
        if self.guia_type == "resumo_internacao":
            return {**vals, "billing_type_id": self.env["tiss.term"]._get("55", "3").id}
        main_number = self.operadora_number or self.name
        return {**vals, "main_number": main_number, "operadora_number": False}
