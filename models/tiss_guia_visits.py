from odoo import fields, models
from odoo.exceptions import UserError


class TissGuia(models.Model):
    """The visits that a guia bills, and the generation that made it.

    `encounter_ids` is a permanent trace. What counts as billed is the link of each item to the
    item of its visit (`tiss.guia.line.encounter_line_id`), which a cancelled guia gives up.
    """

    _inherit = "tiss.guia"

    encounter_ids = fields.Many2many(
        "tiss.encounter",
        "tiss_guia_encounter_rel",
        "guia_id",
        "encounter_id",
        "Encounters",
        check_company=True,
        copy=False,
        readonly=True,
    )
    run_id = fields.Many2one(
        "tiss.guia.run",
        "Generation",
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        readonly=True,
    )

    def _get_system_fields(self):
        return super()._get_system_fields() | {"encounter_ids", "run_id"}

    def action_view_encounters(self):
        return self.encounter_ids._get_records_action(name=self.env._("Encounters"))

    def _release_visits(self):
        """Let the visits be billed again: for guias that are cancelled, before they are."""
        guias = self.sudo()
        guias.line_ids.filtered("encounter_line_id").encounter_line_id = False
        guias.encounter_ids.filtered(lambda visit: visit.state == "billed").state = "done"

    def _hand_visits_to(self, substitutes):
        """Substitutes bill the visits of these guias from now on, item by item.

        :param substitutes: `tiss.guia` in the order of self, whose items have the numbers of those
            they stand for
        """
        items = {
            (guia, line.sequence_item): line
            for guia, substitute in zip(self, substitutes.sudo(), strict=True)
            for line in substitute.line_ids
        }
        taken = self.sudo().line_ids.filtered("encounter_line_id")
        visit_lines = {line: line.encounter_line_id for line in taken}
        taken.encounter_line_id = False
        # The unique index must see them free.
        self.env["tiss.guia.line"].flush_model(["encounter_line_id"])
        left = self.env["tiss.encounter"].sudo()
        for line, visit_line in visit_lines.items():
            item = items.get((line.guia_id, line.sequence_item))
            if item:
                item.encounter_line_id = visit_line
            else:
                left |= visit_line.encounter_id
        left.filtered(lambda visit: visit.state == "billed").state = "done"

    def _take_visits_back(self, substitute):
        """The substitute of a guia that was cancelled before bills the visits which that one left.

        :param substitute: `tiss.guia` with the same items
        """
        self.ensure_one()
        visits = self.sudo().encounter_ids
        billed = visits.filtered(lambda visit: visit.state == "billed")
        if billed:
            other = billed[0].guia_ids.filtered(lambda guia: guia.state != "cancelled")
            raise UserError(
                self.env._(
                    "The visit of guia %(name)s is billed by guia %(other)s by now.",
                    name=self.name,
                    other=other[:1].name,
                )
            )
        free = {}
        for line in visits._get_unbilled_lines():  # another guia may bill some of them
            free.setdefault(line.product_id, []).append(line)
        for line in substitute.sudo().line_ids.sorted("sequence_item"):
            same = free.get(line.product_id)
            if same:
                line.encounter_line_id = same.pop(0)
        visits.state = "billed"
