import math

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

GUIA_TYPES = {  # type of the request → type of the guia that bills it
    "sp_sadt": "sp_sadt",
    "internacao": "resumo_internacao",
    "prorrogacao": "resumo_internacao",
    "odonto": "odonto",
}
GIVEN_FIELDS = ("authorization_date", "authorization_password", "authorization_validity_date")


class TissAuthorization(models.Model):
    """What of an authorisation guias have used up, and what is left of it.

    Used is what the guias that name it bill, unless they are cancelled; nothing is written down
    apart from that, so a guia that is cancelled gives its quantities back by itself.
    """

    _inherit = "tiss.authorization"

    guia_ids = fields.One2many("tiss.guia", "authorization_id", "Guias")
    guia_count = fields.Integer(compute="_compute_guia_count")
    has_rest = fields.Boolean(compute="_compute_has_rest")

    @api.depends("guia_ids")
    def _compute_guia_count(self):
        counts = dict(
            self.env["tiss.guia"]._read_group(
                [("authorization_id", "in", self.ids)], ["authorization_id"], ["__count"]
            )
        )
        for request in self:
            request.guia_count = counts.get(request._origin, 0)

    @api.depends("state", "line_ids.quantity_remaining")
    def _compute_has_rest(self):
        for request in self:
            request.has_rest = request._is_granted() and any(
                request.line_ids.mapped("quantity_remaining")
            )

    def action_view_guias(self):
        return self.guia_ids._get_records_action(name=self.env._("Guias"))

    def create_guia(self):
        """A draft guia that bills what is left of each authorised item.

        :return: `tiss.guia`
        """
        self._check_left()
        Guia = self.env["tiss.guia"]
        guia_type = GUIA_TYPES[self.request_type]
        return Guia.create(
            {
                **Guia._get_default_terms(guia_type),
                **Guia._prepare_authorization_vals(self, guia_type),
                **self._prepare_guia_vals(guia_type),
                "line_ids": [Command.create(vals) for vals in self._prepare_left_lines()],
            }
        )

    def _check_left(self):
        """Only what the operadora granted, and only what is left of it, can be used."""
        self.ensure_one()
        self._check_state("authorized", "partial")
        if not self.has_rest:
            raise UserError(
                self.env._("Nothing is left of the authorisation %s.", self.display_name)
            )

    def _prepare_left_lines(self):
        """Values of the items of a guia that bills what is left."""
        left = self.line_ids.filtered("quantity_remaining")
        return [
            line._prepare_guia_line_vals(item, price)
            for item, (line, price) in enumerate(left._get_prices().items(), start=1)
        ]

    def _get_guia_types(self):
        """The types of guia that bill what is asked for here."""
        guia_type = GUIA_TYPES[self.request_type]
        return (guia_type, "honorarios") if guia_type == "resumo_internacao" else (guia_type,)

    def _prepare_guia_vals(self, guia_type):
        """What a guia takes over of the request itself; nothing clinical, which is typed anew."""
        requester = self.professional_id
        professional = self._get_executor()
        if not professional:
            raise UserError(
                self.env._(
                    "%s is not of this clinic: choose the authorisation in the encounter or in a"
                    " guia of whoever attends.",
                    requester.name,
                )
            )
        vals = {
            "company_id": self.company_id.id,
            "authorization_id": self.id,
            "contract_id": self.contract_id.id,
            "guia_type": guia_type,
            "patient_id": self.patient_id.id,
            "card_id": self.card_id.id,
            "professional_id": professional.id,
            "requester_id": requester.id,
            "request_date": self.date,
            "special_coverage_id": self.special_coverage_id.id,
        }
        if self.care_character_id:
            vals["care_character_id"] = self.care_character_id.id
        return vals

    def _prepare_given_vals(self, number_field):
        """What whoever uses this authorisation says of it.

        :param number_field: under which it keeps the number that the operadora gave
        """
        given = {name: self[name] for name in GIVEN_FIELDS}
        return {number_field: self.operadora_number, **given}

    def _get_executor(self):
        """Who of this clinic does it, as far as the request tells; a referrer does not."""
        return (
            self.executor_id
            or self.professional_id.filtered("tiss_is_professional")
            or self.encounter_id.professional_id
        )

    def _is_granted(self):
        self.ensure_one()
        return self.state in ("authorized", "partial")

    def _get_used_quantities(self):
        """{(id, table, code, id of the tooth, id of the region): quantity} of the guias."""
        used = {}
        dental = set(self.filtered(lambda request: request.request_type == "odonto")._origin.ids)
        for request, table, code, tooth, region, quantity in self.env["tiss.guia.line"]._read_group(
            [
                ("guia_id.authorization_id", "in", self._origin.ids),
                ("guia_id.state", "!=", "cancelled"),
            ],
            ["guia_id.authorization_id", "table_code", "code", "tooth_id", "region_id"],
            ["quantity:sum"],
        ):
            places = (tooth.id, region.id) if request.id in dental else (False, False)
            key = (request.id, table, code, *places)
            used[key] = used.get(key, 0) + math.ceil(quantity)
        return used

    def _get_used_before(self, guia, key):
        """How many units of an item are taken by guias that come before `guia`.

        Those that went out come first, then the older ones.
        """
        guia = guia._origin
        others = self.sudo().guia_ids._origin.filtered(
            lambda other: other != guia and other.state != "cancelled"
        )
        is_open = guia.state in ("draft", "ready")
        before = others.filtered(
            lambda other: (
                (is_open and other.state not in ("draft", "ready"))
                or not guia.id
                or other.id < guia.id
            )
        )
        lines = before.line_ids.filtered(lambda line: line._get_key(self) == key)
        return math.ceil(sum(lines.mapped("quantity")))
