from odoo import api, fields, models
from odoo.exceptions import UserError

from .bulk import lock
from .guia_plan import TYPE_FIELDS, plan_guias
from .tiss_dental import CRO
from .tiss_guia import GUIA_TYPES
from .tiss_term import term_field

CHUNK = 500  # visits whose records are in memory at once
COMPLEMENT = "3"  # T55: what continues the bill of a stay (guide §4.4)


def is_dental(product):
    """Chapter 8 of the TUSS, and the dental packages of table 90 (guide §3.1)."""
    code = product.tiss_code or ""
    return product.tiss_table == "90" or (product.tiss_table == "22" and code.startswith("8"))


class TissEncounter(models.Model):
    """Which guias a visit becomes, and what only a stay or a dental treatment says (guide §3.0)."""

    _name = "tiss.encounter"
    _inherit = ["tiss.encounter", "tiss.diagnosis"]

    guia_type = fields.Selection(
        GUIA_TYPES,
        "Billed As",
        compute="_compute_guia_type",
        store=True,
        readonly=False,
        precompute=True,
        index=True,
        help="Found by what was done, where and by whom; another one can be chosen.",
    )

    # ---- What any guia may say
    validation_code = fields.Char("Token", size=10, copy=False)
    no_validation_code_id = term_field("74", "No Token Because", copy=False)
    special_coverage_id = term_field("75", "Special Coverage")
    occupational_health_id = term_field("77", "Occupational Health")

    # ---- Hospitalisation
    hospital_id = fields.Many2one(
        "res.partner",
        domain=[("tiss_is_hospital", "=", True)],
        ondelete="restrict",
        help="Where the patient was hospitalised; empty when the clinic itself kept him.",
    )
    main_number = fields.Char(
        "Request No.",
        size=20,
        copy=False,
        help="Number at the operadora of the guia that this one belongs to: the request of the"
        " hospitalisation, or the main guia of the treatment.",
    )
    start_date = fields.Date("Stay From", copy=False)
    start_time = fields.Float("Hour of Start", copy=False)
    end_date = fields.Date("Stay Until", copy=False)
    end_time = fields.Float("Hour of End", copy=False)
    discharge_reason_id = term_field("39", "End of Care", copy=False)
    billing_type_id = term_field("55", "Billing", copy=False)

    # ---- Dentistry
    dental_type_id = term_field("51", "Kind of Treatment")
    treatment_end_date = fields.Date("Treatment Ended", copy=False)

    # ------------------------------------------------------------------
    # The type of guia
    # ------------------------------------------------------------------

    @api.depends(
        "line_ids.product_id",
        "line_ids.quantity",
        "professional_id",
        "care_character_id",
        "regime_id",
        "hospital_id",
        "start_date",
    )
    def _compute_guia_type(self):
        for encounter in self:
            encounter.guia_type = encounter._get_guia_type()

    def _get_guia_type(self):
        """The guia that the standard has for what was done (guide §3.0)."""
        self.ensure_one()
        products = self.line_ids.product_id
        procedures = products.filtered(lambda product: not product.tiss_expense_kind_id)
        if products and all(map(is_dental, products)):
            return "odonto"
        if self.hospital_id:
            # An exam of somebody else's inpatient is an SP/SADT, and so is what expenses go with.
            is_exam = procedures and all(
                (product.tiss_code or "").startswith("4") for product in procedures
            )
            return "sp_sadt" if is_exam or products != procedures else "honorarios"
        if self.start_date:
            return "resumo_internacao"
        if self.professional_id.tiss_council_id.code == CRO:
            return "odonto"
        return "consulta" if self._is_lone_consultation() else "sp_sadt"

    def _is_lone_consultation(self):
        """An elective consultation in the clinic or by telehealth, and nothing else."""
        line = self.line_ids
        return (
            len(line) == 1
            and line.product_id.tiss_is_consultation
            and line.quantity == 1
            and self.care_character_id.code == "1"
            and self.regime_id.code in ("01", "02", "05")
        )

    # ------------------------------------------------------------------
    # What keeps a visit from being billed
    # ------------------------------------------------------------------

    def _get_billing_problems(self, uncovered):
        """Why this encounter cannot become a guia yet: sentences, empty when it can.

        :param uncovered: its sentences out of `_get_uncovered`
        """
        self.ensure_one()
        if self.state == "billed":
            return [self.env._("The encounter is billed already.")]
        open_visit = [] if self.state == "done" else [self.env._("The encounter is not closed.")]
        return open_visit + self._get_missing(uncovered)

    def _get_missing(self, uncovered):
        """What the visit lacks, as sentences, whether it is closed already or not."""
        self.ensure_one()
        problems = []
        if not self.card_id:
            problems.append(self.env._("Choose the patient's card."))
        elif problem := self.card_id._get_validity_problem(self.date):
            problems.append(problem)
        if self.card_id and self.card_id.patient_id != self.patient_id:
            problems.append(self.env._("The card is of another patient."))
        if self.card_id and not self.contract_id:
            problems.append(self.env._("The clinic has no convênio with this card's operadora."))
        elif self.contract_id and not self.contract_id._get_provider_code():
            problems.append(
                self.env._(
                    "The convênio %s has no code at the operadora: fill in its registration.",
                    self.contract_id.name,
                )
            )
        for line in self.line_ids:
            problems += line._get_billing_problems()
        return problems + self._get_type_problems() + uncovered

    def _get_type_problems(self):
        """Items that the chosen type of guia has no place for."""
        if not self.guia_type:
            return [self.env._("Choose the type of guia.")]
        if self.guia_type == "consulta" and len(self.line_ids) > 1:
            return [self.env._("A guia de consulta has exactly one procedure.")]
        if self.guia_type not in ("consulta", "honorarios", "odonto"):
            return []
        return [
            self.env._("%s: this guia takes procedures alone.", line.product_id.name)
            for line in self.line_ids
            if line.product_id.tiss_expense_kind_id
        ]

    def _split_billable(self):
        """(encounters that can become guias, {encounter: problems} of the others)."""
        left_out = {}
        self.filtered(
            lambda encounter: encounter.state != "billed"
        ).line_ids._update_missing_prices()
        uncovered = self._get_uncovered()
        for encounter in self:
            problems = encounter._get_billing_problems(uncovered.get(encounter, []))
            if problems:
                left_out[encounter] = problems
        return self.filtered(lambda encounter: encounter not in left_out), left_out

    # ------------------------------------------------------------------
    # Guias
    # ------------------------------------------------------------------

    def create_guias(self):
        """The guias of these visits, split and merged as their convênios want it.

        Numbered by the convênio in the order of the visits' dates. The visits are worked on in
        batches that share no guia, so that memory does not grow with their number.

        :return: `tiss.guia`, in the order of the encounters' dates
        :raise UserError: naming every encounter that cannot be billed, and why
        """
        ids, refused = [], []
        batches = self._split_for_guias(CHUNK)
        for batch in batches:
            billable, left_out = batch._split_billable()
            refused += [
                f"{encounter.name}: {' '.join(problems)}"
                for encounter, problems in left_out.items()
            ]
            if not refused:
                ids += billable._create_guias().ids
            if len(batches) > 1:
                self._forget_visits()
        if refused:
            raise UserError("\n".join(refused))
        return self.env["tiss.guia"].browse(ids)

    def _split_for_guias(self, size):
        """Batches of at most `size` visits, in the order of dates, that share no guia.

        :return: list of `tiss.encounter`; a patient whose visits may merge stays in one
        """
        self.fetch(["date", "contract_id", "patient_id"])
        together = {}
        for encounter in self.sorted(lambda each: (each.date, each.id)):
            contract = encounter.contract_id
            merges = contract and contract.guia_grouping != "encounter"
            key = (contract.id, encounter.patient_id.id) if merges else encounter.id
            together.setdefault(key, []).append(encounter.id)
        batches = [[]]
        for ids in together.values():
            if batches[-1] and len(batches[-1]) + len(ids) > size:
                batches.append([])
            batches[-1] += ids
        return [self.browse(ids) for ids in batches]

    def _forget_visits(self):
        """Write what is pending, and let the memory of visits and guias go."""
        for name in (
            "tiss.encounter", "tiss.encounter.line", "tiss.guia", "tiss.guia.line",
            "tiss.guia.member",
        ):  # fmt: skip
            self.env[name].invalidate_model()

    def _create_guias(self, **vals):
        """The guias of visits that were found billable, in one batch.

        :param vals: what else each of the guias says
        """
        Guia = self.env["tiss.guia"]
        Guia.check_access("create")
        lock(self)
        planned_guias = plan_guias(self)
        by_contract = {}
        for planned in planned_guias:
            by_contract.setdefault(planned.contract, []).append(planned)
        for contract, batch in by_contract.items():
            numbers = contract._take_numbers("next_guia_number", len(batch))
            for planned, number in zip(batch, numbers, strict=True):
                planned.number = number
        vals_list = [
            {**self._prepare_guia_vals(planned), **vals}
            for batch in by_contract.values()
            for planned in batch
        ]
        # The unique index must see a guia that was cancelled a moment ago.
        self.env["tiss.guia.line"].flush_model(["encounter_line_id"])
        # A biller may not write the clinical indication, but it travels with the visit.
        guias = Guia.sudo().create(vals_list).with_env(self.env)
        self.sudo().state = "billed"
        guias._update_readiness()
        return guias

    def _get_unbilled_lines(self):
        """Items that no guia bills; a visit with several guias may lose one of them."""
        return self.line_ids.filtered(lambda line: not line.guia_line_ids)

    @api.model
    def _prepare_guia_vals(self, planned):
        """Values of the guia that was planned (`PlannedGuia`), with its items.

        The date of a guia is the last day of what it bills: by it a guia is found, and put into
        a lote, when all of it is over.
        """
        contract, lines = planned.contract, planned.lines
        card = planned.encounters[0].card_id
        vals = {
            **planned.header,
            **self._prepare_type_vals(planned),
            "company_id": contract.company_id.id,
            "contract_id": contract.id,
            "encounter_ids": [fields.Command.set(planned.encounters.ids)],
            "guia_type": planned.guia_type,
            "number": planned.number,
            "name": str(planned.number),
            "card_number": card.number,
            "is_newborn": card.is_newborn,
            "line_ids": [
                fields.Command.create(line._prepare_guia_line_vals(item, planned.guia_type))
                for item, line in enumerate(lines, start=1)
            ],
        }
        vals["date"] = vals.get("end_date") or planned.encounters[-1].date
        return vals

    def _prepare_type_vals(self, planned):
        """What a guia of this type needs and nobody chose; what links it to the guia it continues.

        More items than a convênio takes go into further guias whose guiaPrincipal is the first
        one, by its number at the operadora when there is one; the bill of a stay and honorários
        name the request there, so the bill says that it is a complement (guide §3.0, §4.4).
        """
        guia_type, header = planned.guia_type, planned.header
        Term = self.env["tiss.term"]
        vals = {}
        if guia_type not in ("consulta", "sp_sadt"):  # a visit has a value for each of theirs
            for name, term_id in self.env["tiss.guia"]._get_default_terms(guia_type).items():
                if name in TYPE_FIELDS[guia_type] and not header[name]:
                    vals[name] = term_id
        if guia_type == "honorarios":
            dates = [line._get_date() for line in planned.lines]
            vals["start_date"] = header["start_date"] or min(dates)
            vals["end_date"] = header["end_date"] or max(dates)
            vals["issue_date"] = fields.Date.context_today(self)
        if planned.main and guia_type == "resumo_internacao":
            vals["billing_type_id"] = Term._get("55", COMPLEMENT).id
        elif planned.main and guia_type in ("sp_sadt", "odonto"):
            first = header["operadora_number"] or str(planned.main.number)
            vals["main_number"] = header["main_number"] or first
        return vals
