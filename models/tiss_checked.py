from markupsafe import Markup

from odoo import api, fields, models, tools

from ..standard.text import is_code


class TissChecked(models.AbstractModel):
    """What is said to an operadora; it tells what it lacks before there is any XML.

    A model has a company and a contract, and says what its problems depend on.
    """

    _name = "tiss.checked"
    _description = "Tells What It Lacks"

    problems = fields.Text("Missing", compute="_compute_problems")
    problem_links = fields.Html("What Is Missing", compute="_compute_problems", sanitize=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    def _compute_problems(self):
        """Each kind of form says what it depends on."""
        for form in self:
            rows = form._get_problem_rows()
            form.problems = "\n".join(sentence for sentence, _record, _field in rows) or False
            form.problem_links = form._format_problems(rows)

    def _format_problems(self, rows):
        """The sentences as a list; a click goes to the box, or opens what has to be completed."""
        items = []
        for sentence, record, field in rows:
            item = Markup("<li>%s</li>") % sentence
            if record == self and field:
                # The browser itself puts the cursor into the input that a label is for.
                item = Markup('<li><label class="o_form_label" for="%s_0">%s</label></li>') % (
                    field,
                    sentence,
                )
            elif record != self and record.id:
                item = Markup('<li><a href="/odoo/%s/%s">%s</a></li>') % (
                    record._name,
                    record.id,
                    sentence,
                )
            items.append(item)
        columns = Markup('<ul class="mb-0" style="column-width: 22rem">%s</ul>')
        return items and columns % Markup().join(items)

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problems(self):
        """What is missing before this form can be sent, as sentences."""
        return [sentence for sentence, _record, _field in self._get_problem_rows()]

    def _get_problem_rows(self):
        """What is missing before this can be sent.

        Nothing clinical is told: who reads this may not see it.

        :return: list of (sentence, record where it is filled in, its field or None)
        """
        self.ensure_one()
        return [*self._get_contract_problems(), *self._get_term_problems()]

    def _get_contract_problems(self):
        contract = self.contract_id
        if not contract:
            return [(self.env._("Choose the convênio."), self, "contract_id")]
        problems = []
        code = contract._get_provider_code()
        if not code:
            sentence = self.env._("The convênio %s has no code at the operadora.", contract.name)
            problems.append((sentence, contract, "provider_code"))
        elif not is_code(code):
            problems += self._get_code_problems(contract, {"provider_code": 99})
        payer_problem = contract._get_payer_problem()
        if payer_problem:
            problems.append((payer_problem, contract.partner_id, "tiss_ans_code"))
        return problems

    def _get_parts(self):
        """Records of other models that belong to this form and hold terms."""
        return []

    def _get_term_problems(self):
        """Terms of another ANS table than the box asks for: no screen offers them, a file may."""
        problems = []
        for record in (self, *self._get_parts()):
            for name, table in self._get_term_tables(record._name).items():
                term = record[name]
                if term and term.table_code != table:
                    label = record._fields[name]._description_string(self.env)
                    sentence = self.env._("%s is not a value of the ANS table of this box.", label)
                    problems.append((sentence, record, name))
        return problems

    @api.model
    @tools.ormcache("model")
    def _get_term_tables(self, model):
        """{field: ANS table it takes its terms from} of what everybody sees of a model."""
        return {
            name: field.domain[0][2]
            for name, field in self.env[model]._fields.items()
            if field.comodel_name == "tiss.term" and field.store and not field.groups
        }

    def _get_missing(self, *names):
        """One row for each of the fields that is empty."""
        return [
            (self.env._("Fill in: %s.", self._get_box_label(name)), self, name)
            for name in names
            if not self[name]
        ]

    def _get_code_problems(self, record, sizes):
        """Numbers and codes that no message can carry as they are typed.

        :param record: this form, or a record that it names
        :param sizes: {field of `record`: size in the message}
        """
        problems = []
        for name, size in sizes.items():
            text = record[name]
            if not text or (len(text) <= size and is_code(text)):
                continue
            place = (
                self._get_box_label(name)
                if record == self
                else f"{record.display_name}: {record._fields[name]._description_string(self.env)}"
            )
            sentence = (
                self.env._("%s is too long", place)
                if len(text) > size
                else self.env._("%s has a character that cannot be sent", place)
            )
            problems.append((f"{sentence}.", record, name))
        return problems

    def _get_box_label(self, name):
        """How the screen calls a field in a form of this type."""
        return self._fields[name]._description_string(self.env)
