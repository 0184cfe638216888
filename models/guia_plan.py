"""Which guias a set of visits becomes: what belongs together, and what each guia says once.

Two visits share a guia when the convênio merges visits and everything that a guia says once is the
same for both: beneficiary, professional, authorisation, kind of care… (guide §3.0: one guia, one
beneficiary, one contratado, one authorisation). Nothing that a visit says is lost by merging.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from odoo.tools import split_every

MAX_ITEMS = 9999  # sequencialItem has four digits (guide §3.1)
ALONE = ("consulta", "resumo_internacao")  # exactly one procedure; a bill of one stay
# What a guia says once of the visits that it bills, under the same name in both models.
COMMON_FIELDS = (
    "patient_id", "card_id", "professional_id", "requester_id", "request_date",
    "clinical_indication", "care_character_id", "accident_id", "consultation_type_id",
    "attendance_type_id", "regime_id", "special_coverage_id", "occupational_health_id",
    "validation_code", "no_validation_code_id",
)  # fmt: skip
TYPE_FIELDS = {
    "consulta": (),
    "sp_sadt": ("main_number",),
    "resumo_internacao": (
        "main_number", "start_date", "start_time", "end_date", "end_time",
        "hospitalization_type_id", "hospitalization_regime_id", "discharge_reason_id",
        "billing_type_id", "diagnosis_1", "diagnosis_2", "diagnosis_3", "diagnosis_4",
    ),
    "honorarios": ("main_number", "hospital_id", "start_date", "end_date"),
    "odonto": ("main_number", "dental_type_id", "billing_type_id", "treatment_end_date"),
}  # fmt: skip
# Of visits that share a guia the first or the last word counts.
JOINED_FIELDS = {"start_date": min, "end_date": max, "treatment_end_date": max}


@dataclass(slots=True)
class PlannedGuia:
    """A guia that is to be made.

    :param header: {field of the guia: value} of what it says once
    :param encounters: `tiss.encounter` that it bills, in order of their dates
    :param lines: `tiss.encounter.line` that become its items, in their order
    :param main: the guia that this one continues, as its convênio wants no more items in one
    """

    guia_type: str
    contract: Any
    header: dict[str, Any]
    encounters: Any
    lines: Any
    main: "PlannedGuia | None" = None
    number: int | None = None


def plan_guias(encounters: Any) -> list[PlannedGuia]:
    """What visits become, in the order of their dates.

    :param encounters: `tiss.encounter` that can be billed
    """
    shared: dict[tuple, list] = {}
    for encounter, header in _read_headers(encounters):
        lines = encounter._get_unbilled_lines()
        by_authorization: dict[tuple, list] = {}
        for line in lines:
            authorization = line._get_authorization_vals()
            piece = by_authorization.setdefault(tuple(authorization.values()), [authorization])
            piece.append(line.id)
        for authorization, *line_ids in by_authorization.values():
            whole = {**header, **authorization}
            key = _get_key(encounter, whole, authorization)
            shared.setdefault(key, []).append((encounter, whole, line_ids))
    return [planned for pieces in shared.values() for planned in _plan_shared(pieces)]


def _read_headers(encounters: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each visit, in order of its date, with what its guia says once.

    Read as superuser: the clinical indication travels to the guia unseen.
    """
    headers = {}
    for guia_type, batch in encounters.grouped("guia_type").items():
        for row in batch.sudo().read([*COMMON_FIELDS, *TYPE_FIELDS[guia_type]], load=None):
            headers[row.pop("id")] = row
    for encounter in encounters.sorted(lambda each: (each.date, each.id)):
        yield encounter, headers[encounter.id]


def _get_key(encounter: Any, header: dict, authorization: dict) -> tuple:
    """What two visits must have in common to share a guia."""
    guia_type, contract = encounter.guia_type, encounter.contract_id
    said = tuple(value for name, value in header.items() if name not in JOINED_FIELDS)
    is_authorized = authorization["operadora_number"] or authorization["authorization_password"]
    period: Any = None
    if guia_type in ALONE or contract.guia_grouping == "encounter":
        period = encounter.id
    elif contract.guia_grouping == "month":
        period = (encounter.date.year, encounter.date.month)
    elif not is_authorized:
        period = encounter.id
    return (guia_type, contract.id, period, *said)


def _plan_shared(pieces: list) -> Iterator[PlannedGuia]:
    """The guia of visits that share one, and those that continue it."""
    first, header, _line_ids = pieces[0]
    # With the prefetch of the whole batch: nothing is read guia by guia.
    encounters = first.browse([encounter.id for encounter, _header, _ids in pieces]).with_prefetch(
        first._prefetch_ids
    )
    line_ids = [line_id for _encounter, _header, ids in pieces for line_id in ids]
    header = dict(header)
    for name in JOINED_FIELDS.keys() & header.keys():
        values = [each[name] for _encounter, each, _ids in pieces if each[name]]
        header[name] = JOINED_FIELDS[name](values) if values else False
    main = None
    lines = first.line_ids
    limit = first.contract_id.max_guia_items or MAX_ITEMS
    for ids in split_every(limit, line_ids):
        batch = lines.browse(ids).with_prefetch(lines._prefetch_ids)
        planned = PlannedGuia(
            first.guia_type,
            first.contract_id,
            header,
            encounters if len(line_ids) <= limit else batch.encounter_id,
            batch,
            main,
        )
        main = main or planned
        yield planned
