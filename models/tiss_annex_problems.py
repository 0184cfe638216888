import re

from odoo import api, fields, models, tools

from ..standard.text import to_ascii

PHONE = re.compile("[0-9]{10,11}")


class TissAnnex(models.Model):
    """What keeps an annex out of a valid message; each type adds what is its own (guide §3.9)."""

    _inherit = "tiss.annex"

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        """See `tiss.form`. As superuser: what is clinical is only found missing, never told."""
        self.ensure_one()
        if self.state not in ("draft", "validated"):
            return []
        if not self.authorization_id or not self.annex_type:
            sentence = self.env._("Choose the request and the type.")
            return [(sentence, self, "authorization_id")]
        annex = self.sudo()
        return [
            *super(TissAnnex, annex)._get_problem_rows(),
            *annex._get_kind_problems(),
            *annex._get_requester_problems(),
            *annex._get_date_problems(),
            *annex._get_range_problems(),
            *annex._get_text_problems(),
            *getattr(annex, f"_get_{annex.annex_type}_problems")(),
            *annex._get_item_problems(),
        ]

    def _get_kind_problems(self):
        is_dental = self.authorization_id._is_dental()
        is_teeth = self.annex_type == "situacao_inicial"
        if is_teeth and self.transport == "request":
            sentence = self.env._("The initial dental condition goes by itself.")
            return [(sentence, self, "transport")]
        if is_dental == is_teeth:
            return []
        sentence = (
            self.env._("A dental request takes the initial dental condition alone.")
            if is_dental
            else self.env._("The initial dental condition belongs to a dental request.")
        )
        return [(sentence, self, "annex_type")]

    def _get_requester_problems(self):
        """ctm_anexoSolicitante, which a situação inicial does not have."""
        if self.annex_type == "situacao_inicial":
            return []
        problems = self._get_missing("requester_id")
        if self.requester_id and not to_ascii(self.requester_id.name or ""):
            sentence = self.env._("The requester's name cannot be sent: write it in Latin letters.")
            problems.append((sentence, self.requester_id, "name"))
        if not PHONE.fullmatch(self._get_phone()):
            sentence = self.env._("The requester's phone needs the area code: 10 or 11 digits.")
            problems.append((sentence, self, "requester_phone"))
        email = self.requester_email or ""
        if len(email) > 60 or email != to_ascii(email, upper=False):
            sentence = self.env._("The e-mail has at most 60 plain characters.")
            problems.append((sentence, self, "requester_email"))
        return problems

    def _get_phone(self):
        return re.sub("[^0-9]", "", self.requester_phone or "")

    def _get_past_fields(self):
        """Fields with days on which something had already happened when it was asked for."""
        return getattr(self, f"_get_{self.annex_type}_past_fields", tuple)()

    def _get_expected_fields(self):
        """Fields with days on which something is planned."""
        return getattr(self, f"_get_{self.annex_type}_expected_fields", tuple)()

    def _get_date_problems(self):
        """Birth ≤ what happened ≤ the request ≤ what is planned, and no request of tomorrow."""
        problems = self._get_missing("date")
        day, birth = self.date, self.patient_id.tiss_birth_date
        if not day:
            return problems
        if day > fields.Date.context_today(self):
            problems.append((self.env._("The annex has a date in the future."), self, "date"))
        past = [(name, self[name]) for name in ("date", *self._get_past_fields()) if self[name]]
        for name, moment in past:
            label = self._get_box_label(name)
            if birth and moment < birth:
                sentence = self.env._("%s: the patient was not born yet.", label)
                problems.append((sentence, self, name))
            elif moment > day:
                sentence = self.env._("%s: after the day of the request.", label)
                problems.append((sentence, self, name))
        for name in self._get_expected_fields():
            if self[name] and self[name] < day:
                sentence = self.env._(
                    "%s: before the day of the request.", self._get_box_label(name)
                )
                problems.append((sentence, self, name))
        return problems

    def _get_ranges(self):
        """{field: (smallest, largest)} of the numbers that this type sends."""
        return getattr(self, f"_get_{self.annex_type}_ranges", dict)()

    def _get_range_problems(self):
        return [
            (
                self.env._(
                    "%(label)s: from %(smallest)s to %(largest)s.",
                    label=self._get_box_label(name),
                    smallest=smallest,
                    largest=largest,
                ),
                self,
                name,
            )
            for name, (smallest, largest) in self._get_ranges().items()
            if not smallest <= self[name] <= largest
        ]

    def _get_texts(self):
        """{field: (size in the message, whether it must be there)} of the free texts."""
        return getattr(self, f"_get_{self.annex_type}_texts")()

    def _get_text_problems(self):
        """Texts are measured as they are sent: nothing is cut off without being told."""
        problems = []
        for name, (size, is_required) in self._get_texts().items():
            text = to_ascii(self[name] or "")
            label = self._get_box_label(name)
            if len(text) > size:
                sentence = self.env._(
                    "%(label)s: at most %(size)s characters.", label=label, size=size
                )
                problems.append((sentence, self, name))
            elif is_required and not text:
                sentence = self.env._("Fill in: %s.", label)
                problems.append((sentence, self, name))
        return problems

    def _get_item_problems(self):
        """Lines of the types that have them."""
        if self.annex_type not in ("opme", "quimio"):
            return []
        problems = []
        if not self.line_ids:
            problems.append((self.env._("The annex has no items."), self, None))
        for place, line in enumerate(self.line_ids, start=1):
            problems += [(sentence, self, None) for sentence in line._get_problems(place)]
        return problems

    def _get_parts(self):
        return [*self.line_ids, *self.tooth_ids]

    @api.model
    @tools.ormcache("model")
    def _get_term_tables(self, model):
        """Those too that only clinical people see: the sentence names the box alone."""
        return {
            name: field.domain[0][2]
            for name, field in self.env[model]._fields.items()
            if field.comodel_name == "tiss.term" and field.store
        }
