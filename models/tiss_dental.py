from odoo import fields, models

from ..standard.text import to_ascii
from .tiss_initial_condition import CLINICAL_FIELDS  # noqa: F401
from .tiss_term import term_field

MAX_US_TOTAL = 999_999.99  # qtdTotalUS: dec(8,2)
CRO = "08"  # T26: Conselho Regional de Odontologia


class TissDental(models.AbstractModel):
    """A dental treatment, asked for or billed: who treats, and how it began (guide §3.7, §5.6).

    The model adds `tooth_ids`, of `tiss.guia.tooth`, and the plan of its card.
    """

    _name = "tiss.dental"
    _inherit = "tiss.initial.condition"
    _description = "Dental Treatment"

    employer_name = fields.Char("Employer", size=40)
    second_professional_id = fields.Many2one(
        "res.partner",
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    dental_type_id = term_field("51", "Kind of Treatment")
    treatment_end_date = fields.Date("Treatment Ended")

    def _get_dental_problems(self, dentists):
        """What plan and dentists lack."""
        problems = []
        if self.us_total > MAX_US_TOTAL:
            problems.append((self.env._("The total of US is too large for a guia."), self, None))
        plan = self.card_id.plan_id
        if plan and not to_ascii(plan.name):
            sentence = self.env._("The name of the plan cannot be sent: write it in Latin letters.")
            problems.append((sentence, plan, "name"))
        for person in dentists:
            if person.tiss_council_id and person.tiss_council_id.code != CRO:
                sentence = self.env._("%s is not registered with a CRO.", person.name)
                problems.append((sentence, person, "tiss_council_id"))
        return problems

    def _prepare_tiss_dentists(self, requester, executor):
        """dadosProfissionaisResponsaveis; cbosExec2 is asked for even without a second one"""
        values = executor._tiss_prepare_professional()
        dentists = {
            "codigoProfExec": self.contract_id._get_provider_code(),
            "croExec": values["numeroConselhoProfissional"],
            "ufExec": values["UF"],
            "cnesExec": self.company_id.tiss_cnes,
            "cbosExec2": values["CBOS"],
        }
        for person, suffix in ((requester, "Solic"), (self.second_professional_id, "Exec2")):
            if person:
                values = person._tiss_prepare_professional()
                dentists |= {
                    f"nomeProf{suffix}": values["nomeProfissional"],
                    f"cro{suffix}": values["numeroConselhoProfissional"],
                    f"uf{suffix}": values["UF"],
                    f"cbos{suffix}": values["CBOS"],
                }
        return dentists
