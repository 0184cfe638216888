"""Guias of a message as values of our fields: the counterpart of `_prepare_tiss_<type>`.

Nothing is looked up here. A field that points to an ANS table holds the code, one that points to
a person or a place holds who it is (`Person`, `Place`); `LoteBook` finds or creates the records.
"""

from dataclasses import dataclass

from ..standard.money import line_total, to_decimal

CRO = "08"  # T26: Conselho Regional de Odontologia
MAX_NUMBER = 2_000_000_000  # an integer of the database ends soon after
NOBODY = "9" * 14  # code of a provider whose code nobody knows, guide §3.10


@dataclass(frozen=True)
class Person:
    """Somebody as a message names him: by council, number and state; the rest may be missing."""

    council: str
    number: str
    state: str
    name: str = ""
    cbo: str = ""
    code: str = ""
    cpf: str = ""
    is_ours: bool = True

    @property
    def key(self):
        return (self.council, self.number.strip(), self.state)


@dataclass(frozen=True)
class Place:
    """A hospital as honorários name it: by code at the operadora, or by CNPJ, and by CNES."""

    name: str
    code: str
    cnpj: str
    cnes: str


def read_guia(guia_type, values):
    """Values of `tiss.guia` with its children; they may be read as often as needed.

    :param values: the decoded element of one guia
    :return: dict {field: value}; one2many fields hold lists of such dicts, items also
        `linked_item`, the number of the procedure that an expense belongs to
    """
    guia = {"guia_type": guia_type, **READERS[guia_type](values)}
    days = [line["date"] for line in guia["line_ids"]]
    guia.setdefault("date", min(days) if days else None)
    return guia


# ---------------------------------------------------------------------------
# What the types share
# ---------------------------------------------------------------------------


def _read_header(values):
    """ct_guiaCabecalho"""
    return {"name": values["numeroGuiaPrestador"]}


def _read_beneficiary(values):
    """ct_beneficiarioDados"""
    return {
        "card_number": values["numeroCarteira"],
        "is_newborn": values["atendimentoRN"] == "S",
        "identification_type_id": values.get("tipoIdent"),
    }


def _read_authorization(values):
    """ct_autorizacaoSADT, ct_autorizacaoInternacao"""
    return {
        "operadora_number": values.get("numeroGuiaOperadora"),
        "authorization_date": values.get("dataAutorizacao"),
        "authorization_password": values.get("senha"),
        "authorization_validity_date": values.get("dataValidadeSenha"),
        **_read_validation(values),
    }


def _read_validation(values):
    return {
        "no_validation_code_id": values.get("ausenciaCodValidacao"),
        "validation_code": values.get("codValidacao"),
    }


def _read_professional(values, **details):
    """ct_contratadoProfissionalDados"""
    return Person(
        council=values["conselhoProfissional"],
        number=values["numeroConselhoProfissional"],
        state=values["UF"],
        name=values.get("nomeProfissional", ""),
        cbo=values["CBOS"],
        **details,
    )


def _read_member(values):
    """ct_identEquipeSADT, ct_identEquipe, and profissionais of the honorários"""
    code = values["codProfissional"]
    return {
        "participation_id": values.get("grauPart") or values.get("grauParticipacao"),
        "professional_id": Person(
            council=values.get("conselho") or values["conselhoProfissional"],
            number=values["numeroConselhoProfissional"],
            state=values["UF"],
            name=values.get("nomeProf") or values.get("nomeProfissional", ""),
            cbo=values.get("CBOS") or values["CBO"],
            code=code.get("codigoPrestadorNaOperadora", ""),
            cpf=code.get("cpfContratado", ""),
        ),
    }


def _get_performer(guia):
    """Who attended, of guias that say it item by item: the first who is named, if anybody is."""
    members = [member for line in guia["line_ids"] for member in line["member_ids"]]
    return members[0]["professional_id"] if members else None


def _read_procedure(values):
    """ct_procedimentoDados"""
    return {
        "table_code": values["codigoTabela"],
        "code": values["codigoProcedimento"],
        "description": values["descricaoProcedimento"],
    }


def _read_money(quantity, unit_price, factor, total):
    """Fields that are worth exactly `total`, which is what the operadora was asked for.

    They are those of the file wherever these multiply to its total; other systems round otherwise,
    forget the factor or leave it at zero.
    """
    whole = to_decimal(total / quantity) if quantity > 0 else None
    candidates = [
        (quantity, unit_price, factor),
        (quantity, unit_price, 1),
        (quantity, whole, 1),
        (1, total, 1),
    ]
    quantity, unit_price, factor = next(
        (quantity, unit_price, factor)
        for quantity, unit_price, factor in candidates
        if quantity > 0
        and factor > 0
        and unit_price is not None
        and line_total(quantity, unit_price, factor) == to_decimal(total)
    )
    return {
        "quantity": float(quantity),
        "unit_price": float(unit_price),
        "factor": float(factor),
    }


def _read_item(values):
    """What procedures and expenses with a factor have in common (guide §3.1, §3.4–3.6)"""
    return {
        "date": values["dataExecucao"],
        "start_time": to_hours(values.get("horaInicial")),
        "end_time": to_hours(values.get("horaFinal")),
        **_read_money(
            values["quantidadeExecutada"],
            values["valorUnitario"],
            values["reducaoAcrescimo"],
            values["valorTotal"],
        ),
        "cost_center_id": values.get("centroConsumo"),
        "member_ids": [],
    }


def _read_executed(values, members):
    """A procedure with its team"""
    return {
        **_read_item(values),
        **_read_procedure(values["procedimento"]),
        "sequence_item": values["sequencialItem"],
        "access_route_id": values.get("viaAcesso"),
        "technique_id": values.get("tecnicaUtilizada"),
        "member_ids": [_read_member(member) for member in members],
    }


def _read_expense(values):
    """despesa of ct_outrasDespesas"""
    done = values["servicosExecutados"]
    return {
        **_read_item(done),
        **_read_procedure(done),
        "sequence_item": values["sequencialItem"],
        "expense_kind_id": values["codigoDespesa"],
        "unit_id": done["unidadeMedida"],
        "anvisa_number": done.get("registroANVISA"),
        "manufacturer_reference": done.get("codigoRefFabricante"),
        "company_licence": done.get("autorizacaoFuncionamento"),
        "linked_item": values.get("itemVinculado"),
    }


def _read_expenses(values):
    return [_read_expense(each) for each in (values.get("outrasDespesas") or {}).get("despesa", ())]


def to_hours(moment):
    """Odoo's float_time of a time of day, to the minute: 13:30:59 → 13.5."""
    return moment.hour + moment.minute / 60 if moment else 0.0


# ---------------------------------------------------------------------------
# The types
# ---------------------------------------------------------------------------


def _read_consulta(values):
    """ctm_consultaGuia; its one item has neither number nor description"""
    care = values["dadosAtendimento"]
    procedure = care["procedimento"]
    return {
        **_read_header(values["cabecalhoConsulta"]),
        "operadora_number": values.get("numeroGuiaOperadora"),
        **_read_validation(values),
        **_read_beneficiary(values["dadosBeneficiario"]),
        "professional_id": _read_professional(values["profissionalExecutante"]),
        "accident_id": values.get("indicacaoAcidente"),
        "special_coverage_id": care.get("coberturaEspecial"),
        "regime_id": care["regimeAtendimento"],
        "occupational_health_id": care.get("saudeOcupacional"),
        "consultation_type_id": care["tipoConsulta"],
        "line_ids": [
            {
                "sequence_item": 1,
                "date": care["dataAtendimento"],
                "table_code": procedure["codigoTabela"],
                "code": procedure["codigoProcedimento"],
                "quantity": 1.0,
                "unit_price": float(procedure["valorProcedimento"]),
                "member_ids": [],
            }
        ],
        "observation": values.get("observacao"),
    }


def _read_sp_sadt(values):
    """ctm_sp-sadtGuia"""
    request = values["dadosSolicitacao"]
    care = values["dadosAtendimento"]
    done = (values.get("procedimentosExecutados") or {}).get("procedimentoExecutado", ())
    guia = {
        **_read_header(values["cabecalhoGuia"]),
        "main_number": values["cabecalhoGuia"].get("guiaPrincipal"),
        **_read_authorization(values.get("dadosAutorizacao") or {}),
        **_read_beneficiary(values["dadosBeneficiario"]),
        "requester_id": _read_requester(values),
        "request_date": request.get("dataSolicitacao"),
        "care_character_id": request["caraterAtendimento"],
        "clinical_indication": request.get("indicacaoClinica"),
        "special_coverage_id": request.get("indCobEspecial"),
        "attendance_type_id": care["tipoAtendimento"],
        "accident_id": care["indicacaoAcidente"],
        "consultation_type_id": care.get("tipoConsulta"),
        "discharge_reason_id": care.get("motivoEncerramento"),
        "regime_id": care["regimeAtendimento"],
        "occupational_health_id": care.get("saudeOcupacional"),
        "line_ids": [_read_executed(each, each.get("equipeSadt", ())) for each in done]
        + _read_expenses(values),
        "observation": values.get("observacao"),
    }
    requester = guia["requester_id"]
    guia["professional_id"] = _get_performer(guia) or (requester if requester.is_ours else None)
    return guia


def _read_requester(values):
    """dadosSolicitante: somebody of the clinic when the executante himself requested"""
    contratado = values["dadosSolicitante"]["contratadoSolicitante"]
    code = contratado.get("codigoPrestadorNaOperadora", "")
    is_ours = contratado == values["dadosExecutante"]["contratadoExecutante"]
    return _read_professional(
        values["dadosSolicitante"]["profissionalSolicitante"],
        is_ours=is_ours,
        code="" if is_ours or code == NOBODY else code,
    )


def _read_resumo_internacao(values):
    """ctm_internacaoResumoGuia"""
    stay, discharge = values["dadosInternacao"], values["dadosSaidaInternacao"]
    done = (values.get("procedimentosExecutados") or {}).get("procedimentoExecutado", ())
    cids = discharge.get("diagnostico", ())
    guia = {
        **_read_header(values["cabecalhoGuia"]),
        "main_number": values["numeroGuiaSolicitacaoInternacao"],
        **_read_authorization(values["dadosAutorizacao"]),
        **_read_beneficiary(values["dadosBeneficiario"]),
        "date": stay["dataFinalFaturamento"],
        "care_character_id": stay["caraterAtendimento"],
        "billing_type_id": stay["tipoFaturamento"],
        "start_date": stay["dataInicioFaturamento"],
        "start_time": to_hours(stay["horaInicioFaturamento"]),
        "end_date": stay["dataFinalFaturamento"],
        "end_time": to_hours(stay["horaFinalFaturamento"]),
        "hospitalization_type_id": stay["tipoInternacao"],
        "hospitalization_regime_id": stay["regimeInternacao"],
        "declaration_ids": [_read_declaration(each) for each in stay.get("declaracoes", ())],
        **{f"diagnosis_{place}": cid for place, cid in enumerate(cids, start=1)},
        "accident_id": discharge["indicadorAcidente"],
        "discharge_reason_id": discharge["motivoEncerramento"],
        "line_ids": [
            _read_executed(
                each, [member["identificacaoEquipe"] for member in each.get("identEquipe", ())]
            )
            for each in done
        ]
        + _read_expenses(values),
        "observation": values.get("observacao"),
    }
    guia["professional_id"] = _get_performer(guia)
    return guia


def _read_declaration(values):
    return {
        "birth_number": values.get("declaracaoNascido"),
        "death_cid": values.get("diagnosticoObito"),
        "death_number": values.get("declaracaoObito"),
        "is_newborn_death": values.get("indicadorDORN") == "S",
    }


def _read_honorarios(values):
    """ctm_honorarioIndividualGuia"""
    place, stay = values["localContratado"], values["dadosInternacao"]
    done = values["procedimentosRealizados"]["procedimentoRealizado"]
    guia = {
        **_read_header(values["cabecalhoGuia"]),
        "main_number": values["guiaSolicInternacao"],
        "authorization_password": values.get("senha"),
        "operadora_number": values.get("numeroGuiaOperadora"),
        **_read_beneficiary(values["beneficiario"]),
        "hospital_id": Place(
            name=place["nomeContratado"],
            code=place["codigoContratado"].get("codigoNaOperadora", ""),
            cnpj=place["codigoContratado"].get("cnpjLocalExecutante", ""),
            cnes=place["cnes"],
        ),
        "date": stay["dataFimFaturamento"],
        "start_date": stay["dataInicioFaturamento"],
        "end_date": stay["dataFimFaturamento"],
        "care_character_id": stay.get("caraterAtendimento"),
        "line_ids": [_read_executed(each, each["profissionais"]) for each in done],
        "observation": values.get("observacao"),
        "issue_date": values["dataEmissaoGuia"],
    }
    guia["professional_id"] = _get_performer(guia)
    return guia


def _read_odonto(values):
    """cto_guiaOdontologia"""
    return {
        **_read_header(values),
        "main_number": values.get("numeroGuiaPrincipal"),
        **_read_authorization(values),
        "authorization_password": values.get("senhaAutorizacao"),
        "authorization_validity_date": values.get("validadeSenha"),
        **_read_beneficiary(values["dadosBeneficiario"]),
        "plan_name": values["planoBeneficiario"],
        "employer_name": values.get("nomeEmpresa"),
        **_read_dentists(values["dadosProfissionaisResponsaveis"]),
        "line_ids": [_read_dental(each) for each in values["procedimentosExecutados"]],
        "treatment_end_date": values.get("dataTerminoTrat"),
        "dental_type_id": values["tipoAtendimento"],
        "billing_type_id": values["tipoFaturamento"],
        "observation": values.get("observacao"),
        **_read_initial(values.get("odontoInicial")),
    }


def _read_dentists(values):
    """dadosProfissionaisResponsaveis: who treated has no name here, and a CBO only when alone"""
    has_second = bool(values.get("croExec2") and values.get("ufExec2"))
    second = values["cbosExec2"]
    people = {
        "professional_id": Person(
            CRO, values["croExec"], values["ufExec"], cbo="" if has_second else second
        )
    }
    if has_second:
        people["second_professional_id"] = Person(
            CRO, values["croExec2"], values["ufExec2"], values.get("nomeProfExec2", ""), second
        )
    if values.get("croSolic") and values.get("ufSolic"):
        people["requester_id"] = Person(
            CRO,
            values["croSolic"],
            values["ufSolic"],
            values.get("nomeProfSolic", ""),
            values.get("cbosSolic", ""),
        )
    return people


def _read_dental(values):
    place = values.get("denteRegiao") or {}
    gross = values["valorProc"]
    # An item is never worth less than nothing to the operadora.
    patient = min(values.get("valorFranquia") or to_decimal(0), gross)
    return {
        **_read_procedure(values["procSolic"]),
        "sequence_item": values["sequencialItem"],
        "date": values["dataRealizacao"],
        "tooth_id": place.get("codDente"),
        "region_id": place.get("codRegiao"),
        "faces": values.get("denteFace"),
        # valorProc is of the whole item; where no unit price gives it, the item is one unit.
        **_read_money(values["qtdProc"], None, 1, gross),
        "us_quantity": float(values.get("qtdUS") or 0),
        "amount_patient": float(patient),
        "is_authorized": values["autorizado"],
        "member_ids": [],
    }


def _read_initial(values):
    """cto_anexoSituacaoInicialnaGTO"""
    if not values:
        return {}
    condition = values["ct_situacaoInicial"]
    return {
        "tooth_ids": [
            {"tooth_id": tooth["elementoDentario"], "condition_id": tooth["condicaoClinica"]}
            for tooth in condition["situacaoClinica"]["dentes"]
        ],
        "has_periodontal_disease": condition.get("doencaPeriodontal", False),
        "has_soft_tissue_change": condition.get("alteracaoTecidoMole", False),
        "initial_note": condition.get("observacao"),
    }


READERS = {
    "consulta": _read_consulta,
    "sp_sadt": _read_sp_sadt,
    "resumo_internacao": _read_resumo_internacao,
    "honorarios": _read_honorarios,
    "odonto": _read_odonto,
}


def to_number(name):
    """The number that our own numbering must stay clear of; 0 where it never comes there."""
    number = int(name) if name.isascii() and name.isdigit() else 0
    return number if number <= MAX_NUMBER else 0
