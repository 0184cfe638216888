from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date

from .coverage_book import CoverageRequest


class TissGuia(models.Model):
    """The authorisation that a guia uses up, and what the operadora would deny of it (T38)."""

    _inherit = "tiss.guia"

    authorization_id = fields.Many2one(
        "tiss.authorization",
        "Authorisation",
        check_company=True,
        index="btree_not_null",
        domain="[('card_id', '=', card_id), ('state', 'in', ('authorized', 'partial'))]",
        ondelete="restrict",
    )

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("authorization_id")
    def _onchange_authorization_id(self):
        if self.authorization_id:
            request = self.authorization_id
            self.update(self._prepare_authorization_vals(request, self.guia_type))
            # Whoever asked is whoever does it, until somebody says otherwise.
            self.professional_id = self.professional_id or request._get_executor()
            if self.guia_type in ("sp_sadt", "odonto"):
                self.requester_id = self.requester_id or request.professional_id
                self.request_date = self.request_date or request.date
            if not self.line_ids and self.guia_type in request._get_guia_types():
                self.line_ids = self._prepare_authorized_lines(request)

    def _prepare_authorized_lines(self, request):
        """The items that are left of an authorisation, on the day of this guia."""
        doer = self.professional_id if self.guia_type == "honorarios" else self.professional_id[:0]
        team = [Command.create({"professional_id": person.id}) for person in doer]
        return [
            Command.create({**vals, "date": self.start_date or self.date, "member_ids": team})
            for vals in request._origin._prepare_left_lines()
        ]

    @api.model
    def _prepare_authorization_vals(self, request, guia_type):
        """What a guia takes over of the authorisation that is chosen for it."""
        vals = request._prepare_given_vals("operadora_number")
        if guia_type in ("resumo_internacao", "honorarios"):
            # The number of the hospitalisation's request, not of its extension.
            base = request.parent_id or request
            vals["main_number"] = base.operadora_number or base.name
        return vals

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {"authorization_id"}

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_authorization(self):
        return self.authorization_id._get_records_action()

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_authorization_problems(self):
        problems = super()._get_authorization_problems()
        request = self.authorization_id
        if not request:
            return problems
        if not request._is_granted():
            sentence = self.env._("The authorisation %s is not granted.", request.name)
            return [*problems, (sentence, self, "authorization_id")]
        if request.card_id != self.card_id:
            sentence = self.env._("The authorisation is of another card.")
            problems.append((sentence, self, "authorization_id"))
        given = self.authorization_password
        if request.authorization_password and given != request.authorization_password:
            sentence = self.env._("The password is not that of the authorisation.")
            problems.append((sentence, self, "authorization_password"))
        return [*problems, *self._get_use_problems(request), *self._get_unasked_problems(request)]

    def _get_use_problems(self, request):
        """What the operadora denies for its date or its quantity (1414, 1814, 1818, 2505, 3292)."""
        problems = []
        start, end = request.authorization_date, request.authorization_validity_date
        late = [line for line in self.line_ids if end and line.date and line.date > end]
        if late:
            sentence = self.env._(
                "%(item)s: the password expired on %(date)s.",
                item=late[0].description,
                date=format_date(self.env, end),
            )
            problems.append((sentence, self, "authorization_validity_date"))
        early = [line for line in self.line_ids if start and line.date and line.date < start]
        if early and request.request_type != "internacao":
            sentence = self.env._("%s: it was done before it was authorised.", early[0].description)
            problems.append((sentence, self, "authorization_date"))
        asked = request.line_ids.grouped(lambda line: line._get_key())
        for key, lines in self.line_ids.grouped(lambda line: line._get_key(request)).items():
            if key in asked:
                problems += self._get_excess_problems(request, lines, asked[key])
        return problems

    def _get_excess_problems(self, request, lines, asked):
        """Whether these items of the guia are more than the authorisation still has."""
        authorized = sum(asked.mapped("quantity_authorized"))
        item = asked[0].description
        if not authorized:
            return [(self.env._("%s is not authorised.", item), self, "authorization_id")]
        own = sum(lines.mapped("quantity"))
        used = sum(asked.mapped("quantity_used"))
        if max(own, used) <= authorized:
            return []
        # Whoever came first has his share: the guias after it are told.
        before = request._get_used_before(self, asked[0]._get_key())
        if before + own <= authorized:
            return []
        sentence = self.env._(
            "%(item)s: %(authorized)s are authorised, other guias use %(before)s of them and this"
            " one bills %(own)s.",
            item=item,
            authorized=authorized,
            before=before,
            own=int(own),
        )
        return [(sentence, self, "authorization_id")]

    def _get_unasked_problems(self, request):
        """Procedures that need an authorisation and that this one does not name (1818)."""
        asked = {line._get_key() for line in request.line_ids}
        lines = self.line_ids.filtered(
            lambda line: (
                line.product_id
                and line.date
                and not line.expense_kind_id
                and line._get_key(request) not in asked
            )
        )
        if not lines or not self.card_id:
            return []
        requests = [
            CoverageRequest(
                card=self.card_id,
                product=line.product_id,
                date=line.date,
                quantity=line.quantity,
                professional=self.professional_id,
                encounter=line.encounter_line_id.encounter_id,
            )
            for line in lines
        ]
        answers = self.contract_id._compute_coverages(requests)
        return [
            (
                self.env._("%s is not in the authorisation.", line.description),
                self,
                "authorization_id",
            )
            for line, answer in zip(lines, answers, strict=True)
            if answer["authorization_required"]
        ]
