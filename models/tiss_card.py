from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ..standard import cards
from .inside import INSIDE, is_inside

# Law 9.656/98, art. 12, III, a: the first thirty days after birth.
NEWBORN_DAYS = 30
MAIN_FIELDS = {"is_main", "active", "patient_id", "company_id"}


class TissCard(models.Model):
    """Carteirinha: the number by which an operadora knows a patient of the clinic.

    Of a patient's cards at one company exactly one is the main one, as long as he has any.
    """

    _name = "tiss.card"
    _description = "Insurance Card"
    _order = "patient_id, is_main desc, validity_date desc, id"
    _check_company_auto = True
    _rec_names_search = ["number", "patient_id"]

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    patient_id = fields.Many2one("res.partner", required=True, index=True, ondelete="restrict")
    plan_id = fields.Many2one(
        "tiss.plan",
        compute="_compute_plan_id",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        index=True,
        ondelete="restrict",
    )
    operadora_id = fields.Many2one(related="plan_id.operadora_id", store=True, index=True)
    number = fields.Char(
        compute="_compute_number",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        recursive=True,
        index=True,
    )
    start_date = fields.Date("Valid From")
    validity_date = fields.Date("Valid Until")
    is_main = fields.Boolean(
        "Main Card",
        copy=False,
        help="Proposed first when the patient comes. A patient has one; choosing another one "
        "takes this mark from the card that had it.",
    )
    bond = fields.Selection(
        [("holder", "Holder"), ("dependant", "Dependant")], default="holder", required=True
    )
    holder_id = fields.Many2one(
        "tiss.card",
        "Holder's Card",
        compute="_compute_holder_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        index="btree_not_null",
        domain="[('id', '!=', id), ('is_newborn', '=', False), "
        "('operadora_id', '=?', operadora_id)]",
        ondelete="restrict",
        help="Who holds the contract; for a newborn the mother's or father's card.",
    )
    dependant_ids = fields.One2many("tiss.card", "holder_id", "Dependants")
    waiting_start_date = fields.Date(
        "Waiting Periods From", help="Day on which the patient joined the plan."
    )
    is_newborn = fields.Boolean(
        "Newborn on the Parent's Card",
        help="The patient is a newborn who is cared for under the mother's or father's card, at "
        "most for the first 30 days (law 9.656, art. 12).",
    )
    birth_date = fields.Date(related="patient_id.tiss_birth_date", readonly=False)
    newborn_until = fields.Date(
        "Parent's Card Good Until",
        compute="_compute_newborn_until",
        help="The thirtieth day after birth; from then on the child needs a card of its own.",
    )
    warning = fields.Char(compute="_compute_warning")

    _number_uniq = models.Constraint(
        "UNIQUE(company_id, operadora_id, number, patient_id)",
        "This patient already has this card.",
    )
    _main_uniq = models.UniqueIndex(
        "(patient_id, company_id) WHERE is_main",
        "Somebody has just chosen another main card for this patient: look again.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("number", "plan_id", "patient_id")
    def _compute_display_name(self):
        for card in self:
            card.display_name = " · ".join(
                filter(None, [card.number, card.operadora_id.name, card.patient_id.name])
            )

    @api.depends("bond", "is_newborn")
    def _compute_holder_id(self):
        for card in self:
            has_holder = card.bond == "dependant" or card.is_newborn
            card.holder_id = has_holder and card.holder_id

    @api.depends("holder_id")
    def _compute_plan_id(self):
        """A dependant is mostly in the plan of the holder."""
        for card in self:
            card.plan_id = card.plan_id or card.holder_id.plan_id

    @api.depends("holder_id.number", "is_newborn")
    def _compute_number(self):
        for card in self:
            parent = card.is_newborn and card.holder_id
            card.number = parent.number if parent else card.number

    @api.depends("is_newborn", "patient_id.tiss_birth_date")
    def _compute_newborn_until(self):
        for card in self:
            birth_date = card.is_newborn and card.patient_id.tiss_birth_date
            card.newborn_until = birth_date and birth_date + timedelta(days=NEWBORN_DAYS)

    @api.depends("start_date", "validity_date", "is_newborn", "newborn_until")
    @api.depends_context("tz")
    def _compute_warning(self):
        today = fields.Date.context_today(self)
        for card in self:
            card.warning = card._get_validity_problem(today)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("number", "plan_id", "active", "is_newborn")
    def _check_not_anothers(self):
        """A number has one bearer; a newborn is seen under the card of a parent."""
        own = self.filtered(lambda card: card.active and not card.is_newborn)
        found = self.search(
            [
                ("company_id", "in", own.company_id.ids),
                ("operadora_id", "in", own.operadora_id.ids),
                ("number", "in", own.mapped("number")),
                ("is_newborn", "=", False),
            ]
        ).grouped(lambda card: (card.company_id, card.operadora_id, card.number))
        for card in own:
            same = found.get((card.company_id, card.operadora_id, card.number), self.browse())
            others = same.patient_id - card.patient_id
            if others:
                raise ValidationError(
                    self.env._(
                        "This card already belongs to %s: was the number typed right?",
                        others[0].name,
                    )
                )

    @api.constrains("number", "plan_id")
    def _check_number(self):
        for card in self:
            problem = card.plan_id._get_card_problem(card.number)
            if problem:
                raise ValidationError(problem)

    @api.constrains("start_date", "validity_date")
    def _check_validity(self):
        for card in self:
            if card.start_date and card.validity_date and card.start_date > card.validity_date:
                raise ValidationError(
                    self.env._(
                        "The card %(card)s would end on %(end)s, before it begins on %(start)s.",
                        card=card.number,
                        end=format_date(self.env, card.validity_date),
                        start=format_date(self.env, card.start_date),
                    )
                )

    @api.constrains("holder_id", "plan_id", "bond", "is_newborn", "number")
    def _check_holder_id(self):
        # Changing one card can break another that depends on it.
        for card in self | self.dependant_ids:
            problem = card.holder_id and card._get_holder_problem()
            if problem:
                raise ValidationError(problem)

    def _get_holder_problem(self):
        """Why the holder's card cannot be that of this card, in a sentence; None when it can."""
        holder = self.holder_id
        if holder == self or holder.is_newborn:
            return self.env._("The holder's card must be another person's own card.")
        if holder.operadora_id != self.operadora_id:
            return self.env._(
                "The holder's card is of %(theirs)s, but this card is of %(ours)s.",
                theirs=holder.operadora_id.name,
                ours=self.operadora_id.name,
            )
        if self.is_newborn:
            if holder.number != self.number:
                return self.env._(
                    "A newborn is seen under the parent's card: the number must be %s.",
                    holder.number,
                )
        elif holder.bond == "dependant":
            return self.env._(
                "%s is a dependant too: choose the card of the holder.", holder.patient_id.name
            )
        return None

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._clean_number(vals)
        created = super().create([{**vals, "is_main": False} for vals in vals_list])
        created.patient_id.filtered(lambda patient: not patient.tiss_is_patient).write(
            {"tiss_is_patient": True}
        )
        wanted = [
            card.id for card, vals in zip(created, vals_list, strict=True) if vals.get("is_main")
        ]
        created._settle_main(self.browse(wanted))
        return created

    def write(self, vals):
        vals = dict(vals)
        self._clean_number(vals)
        self._check_not_moved(vals)
        if MAIN_FIELDS.isdisjoint(vals) or is_inside(self, "tiss_settling_main"):
            return super().write(vals)
        before = {card: card._get_bearer() for card in self}
        main = self.filtered("is_main")
        wanted = vals.pop("is_main", None)
        moved = not MAIN_FIELDS.isdisjoint(vals)
        result = super().write({**vals, "is_main": False} if moved else vals)
        if wanted is None:
            preferred = main.filtered(lambda card: card._get_bearer() == before[card])
        else:
            preferred = self if wanted else self.browse()
        avoided = self if wanted is False else self.browse()
        self._settle_main(preferred, avoided, before.values())
        return result

    def unlink(self):
        bearers = {card._get_bearer() for card in self}
        result = super().unlink()
        self.browse()._settle_main(bearers=bearers)
        return result

    def _check_not_moved(self, vals):
        """What was done under a card is of its patient, operadora and company for good."""
        fixed = {name: vals[name] for name in ("patient_id", "company_id") if name in vals}
        if vals.get("plan_id"):
            fixed["operadora_id"] = self.env["tiss.plan"].browse(vals["plan_id"]).operadora_id.id
        moved = self.filtered(
            lambda card: any(card[name].id != value for name, value in fixed.items())
        )
        moved._check_unused()

    def _check_unused(self):
        # A visit that this user may not see binds the card as well.
        for model in ("tiss.encounter", "tiss.guia"):
            used = self.env[model].sudo().search([("card_id", "in", self.ids)], limit=1)
            if used:
                raise UserError(
                    self.env._(
                        "The card %s was used already: it stays with its patient, operadora and "
                        "company. Archive it and make a new card.",
                        used.card_id.number,
                    )
                )

    @api.model
    def _clean_number(self, vals):
        """Cards are accepted with masks and kept without; leading zeros stay."""
        if vals.get("number"):
            vals["number"] = cards.clean(vals["number"])

    def _get_bearer(self):
        return (self.patient_id.id, self.company_id.id)

    def _settle_main(self, preferred=None, avoided=None, bearers=()):
        """Give every bearer of these cards, and of `bearers`, exactly one main card.

        :param preferred: cards that shall be the main one, when they are active
        :param avoided: cards that shall be it only when there is no other
        :param bearers: pairs (patient id, company id)
        """
        preferred = preferred or self.browse()
        avoided = avoided or self.browse()
        bearers = {*bearers, *(card._get_bearer() for card in self)}
        found = self.search_fetch(
            [
                ("patient_id", "in", [patient for patient, _company in bearers]),
                ("company_id", "in", [company for _patient, company in bearers]),
            ],
            ["patient_id", "company_id", "is_main", "start_date", "validity_date"],
        )
        winners = self.browse()
        for each in found.grouped(type(self)._get_bearer).values():
            winners |= each._elect(each & preferred, each & avoided)
        losers = (found.filtered("is_main") - winners).with_context(tiss_settling_main=INSIDE)
        losers.write({"is_main": False})
        # The unique index must never see two.
        losers.flush_recordset(["is_main"])
        new = winners.filtered(lambda card: not card.is_main)
        new.with_context(tiss_settling_main=INSIDE).write({"is_main": True})

    def _elect(self, preferred, avoided):
        """The main card of one person among all his cards at one company."""
        if preferred:
            return preferred[-1:]
        today = fields.Date.context_today(self)
        return self.sorted(
            lambda card: (card in avoided, not card.is_main, *card._get_rank(today))
        )[:1]

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _is_valid_on(self, date):
        return self._get_validity_problem(date) is None

    def _is_usable(self, patient, company, date):
        """Whether this card (maybe none) is one that `patient` may show on `date`."""
        is_theirs = self and self.patient_id == patient and self.company_id == company
        return is_theirs and self._is_valid_on(date)

    def _get_validity_problem(self, date):
        """Why the card does not count on `date`, in a sentence; None when it does."""
        self.ensure_one()

        def is_over(end):
            return end and date > end

        if self.start_date and date < self.start_date:
            start = format_date(self.env, self.start_date)
            return self.env._("This card is valid only from %s on.", start)
        if is_over(self.validity_date):
            end = format_date(self.env, self.validity_date)
            return self.env._("This card expired on %s: ask for the new one.", end)
        if is_over(self.newborn_until):
            end = format_date(self.env, self.newborn_until)
            return self.env._(
                "The newborn could use the parent's card until %s (30 days): a card of its own "
                "is needed now.",
                end,
            )
        return None

    def _get_rank(self, date):
        """Smaller is better: valid on `date` first, then the one that is valid longest."""
        end = self.validity_date or fields.Date.to_date("9999-12-31")
        return (not self._is_valid_on(date), -end.toordinal(), self.id)
