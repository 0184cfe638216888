from odoo import fields, models

from ..standard.money import MAX_AMOUNT, to_decimal
from ..standard.text import to_ascii
from .tiss_term import term_field

MAX_US_TOTAL = 999_999.99  # qtdTotalUS: dec(8,2)
CRO = "08"  # T26: Conselho Regional de Odontologia


class TissDental(models.AbstractModel):
    """A dental treatment, asked for or billed: who treats, and how it began (guide §3.7, §5.6).

    The model adds `line_ids` of `tiss.dental.item`, and `tooth_ids` of `tiss.guia.tooth`.
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
    amount_patient = fields.Float("Patient Pays", digits=(10, 2), compute="_compute_dental_totals")
    us_total = fields.Float("Total US", digits=(8, 2), compute="_compute_dental_totals")

    def _compute_dental_totals(self):
        """Each model says what it depends on."""
        for treatment in self:
            lines = treatment.line_ids
            treatment.amount_patient = sum(to_decimal(line.amount_patient) for line in lines)
            treatment.us_total = sum(to_decimal(line.us_quantity) for line in lines)

    def _get_dental_problems(self, dentists, gross):
        """What plan and dentists lack, and what end and total of the treatment cannot be.

        :param gross: what the whole treatment is worth
        """
        problems = []
        if self.us_total > MAX_US_TOTAL:
            problems.append((self.env._("The total of US is too large for a guia."), self, None))
        end = self.treatment_end_date
        if end and any(line.date and line.date > end for line in self.line_ids):
            sentence = self.env._("An item was done after the treatment ended.")
            problems.append((sentence, self, "treatment_end_date"))
        if gross > MAX_AMOUNT:
            problems.append((self.env._("The total is too large for a guia."), self, None))
        plan = self.card_id.plan_id
        if plan and not to_ascii(plan.name):
            sentence = self.env._("The name of the plan cannot be sent: write it in Latin letters.")
            problems.append((sentence, plan, "name"))
        for person in dentists:
            if person.tiss_council_id and person.tiss_council_id.code != CRO:
                sentence = self.env._("%s is not registered with a CRO.", person.name)
                problems.append((sentence, person, "tiss_council_id"))
        return problems

    def _prepare_tiss_treatment(self, requester, executor, gross):
        """What cto_guiaOdontologia and cto_odontoSolicitacaoGuia say alike."""
        patient = to_decimal(self.amount_patient)
        return {
            **self._prepare_tiss_header(),
            **self._prepare_tiss_validation(),
            "numeroGuiaPrincipal": self.main_number or None,
            "planoBeneficiario": to_ascii(self.card_id.plan_id.name or "", 40) or None,
            "nomeEmpresa": to_ascii(self.employer_name or "", 40) or None,
            "dadosProfissionaisResponsaveis": self._prepare_tiss_dentists(requester, executor),
            "dataTerminoTrat": self.treatment_end_date or None,
            "tipoAtendimento": self.dental_type_id.code or None,
            "qtdTotalUS": to_decimal(self.us_total) or None,
            "valorTotalProc": to_decimal(gross),
            "valorTotalFranquia": patient or None,
            "observacao": self._prepare_tiss_observation(),
            "odontoInicial": self._prepare_tiss_initial(),
        }

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
