"""The file of a whole convênio: which fields go into it, and how records are named in it.

JSON of plain values: dates as 2026-03-01, amounts as text ("150.00"), records by what they are
called everywhere (ANS number, TUSS table and code, name), never by a database id. Every field of
the models stands in `fields`, `links` or `left_out` of its section; a test compares.
"""

import datetime
import json
import re
from dataclasses import dataclass, field

from odoo.exceptions import UserError

from ..standard.money import to_decimal

FORMAT = "l10n_br_tiss.convenio"
VERSION = 1
MAX_BYTES = 20 * 1024 * 1024
MAX_INTEGER = 2**31 - 1
MAX_CATEGORY_STEPS = 20
# What PostgreSQL or a screen cannot take: control characters and halves of a character.
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Section:
    """One part of the file: rows of one model.

    `links` maps a many2one to the kind of its natural key, see `KEYS`; `left_out` names the fields
    that stay behind on purpose; `single` sections are one object instead of a list.
    """

    model: str
    fields: tuple[str, ...]
    links: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    many: dict[str, str] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)
    single: bool = False
    only: str = ""  # prefix of the fields that are ours, in a model of Odoo


SECTIONS = {
    "operadora": Section(
        "res.partner",
        (
            "name", "vat", "email", "phone", "website", "street", "street2", "city", "zip",
            "tiss_ans_code", "tiss_legal_name", "tiss_modality", "tiss_state",
            "tiss_state_date", "tiss_payer_kind", "tiss_portal_url",
        ),
        {"state_id": "state", "country_id": "country"},
        single=True,
        only="tiss_",
        left_out=(
            # of patients, professionals and contacts
            "tiss_contact_role", "tiss_is_operadora", "tiss_is_patient", "tiss_cns",
            "tiss_birth_date", "tiss_sex", "tiss_card_ids", "tiss_authorization_ids",
            "tiss_is_professional",
            "tiss_is_referrer", "tiss_is_hospital", "tiss_cnes", "tiss_is_incomplete",
            "tiss_council_id", "tiss_council_number", "tiss_council_state_id", "tiss_cbo_id",
            "tiss_provider_code", "tiss_repasse_payee_id",
            # sections of their own
            "tiss_card_rule_ids", "tiss_network_level_ids", "tiss_plan_ids", "tiss_contract_ids",
        ),
    ),
    "levels": Section(
        "tiss.network.level", ("name", "sequence", "active"), left_out=("operadora_id",)
    ),
    "plans": Section(
        "tiss.plan",
        ("name", "active", "ans_registration", "coverage_kind", "hiring_kind"),
        {"accommodation_id": "term"},
        many={"network_level_ids": "level"},
        left_out=("operadora_id", "card_rule_ids"),
    ),
    "card_rules": Section(
        "tiss.card.rule",
        ("sequence", "card_length", "pattern", "check", "note"),
        {"plan_id": "plan"},
        left_out=("operadora_id",),
    ),
    "policies": Section(
        "tiss.price.policy",
        (
            "name", "active", "sequence", "same_access", "different_access", "by_order",
            "urgency_percent", "urgency_start", "urgency_end", "urgency_saturday",
            "urgency_sunday", "accommodation_factor", "accommodation_excluded", "accumulation",
            "auxiliary_percents", "instrumentator_percent", "anaesthetic_portes", "local_holidays",
        ),
        left_out=("company_id",),
    ),
    "products": Section(
        "product.template",
        (
            "name", "default_code", "type", "tiss_table", "tiss_code", "tiss_is_consultation",
        ),
        {
            "tiss_term_id": "term", "categ_id": "category", "tiss_expense_kind_id": "term",
            "tiss_unit_id": "term",
        },
        children={"tiss_component_ids": "components"},
        only="tiss_",
    ),
    "components": Section(
        "tiss.package.line",
        ("sequence", "quantity"),
        {"product_tmpl_id": "product"},
        left_out=("package_id",),
    ),
    "tables": Section(
        "tiss.price.table",
        ("name", "kind", "edition", "start_date", "state", "active", "note"),
        {"policy_id": "policy"},
        children={"line_ids": "table_lines"},
        left_out=("company_id",),
    ),
    "table_lines": Section(
        "tiss.price.table.line",
        (
            "code", "tuss_code", "name", "porte", "porte_fraction", "uco", "film", "auxiliaries",
            "anaesthetic_porte", "ch", "amount", "pf", "pmc", "pf_fraction", "pmc_fraction",
            "package_quantity",
        ),
        {"unit_id": "term"},
        left_out=("table_id", "company_id"),
    ),
    "porte_editions": Section(
        "tiss.porte.edition",
        ("name", "start_date", "state", "active", "uco_amount", "film_amount", "ch_amount", "note"),
        children={"value_ids": "porte_values"},
        left_out=("company_id",),
    ),
    "porte_values": Section(
        "tiss.porte.value",
        ("porte", "amount"),
        left_out=("edition_id", "company_id"),
    ),
    "contract": Section(
        "tiss.contract",
        (
            "name", "active", "network_status", "identification_kind", "provider_code",
            "guias_per_lote", "guia_grouping", "max_guia_items", "version", "hash_charset",
            "file_pattern",
            "invoice_moment", "glosa_policy", "payment_days", "payment_rule", "payment_adjustment",
            "appeal_days", "appeal_working_days", "appeal_second_instance", "appeal_grouping",
            "answer_days", "allows_resubmission", "small_glosa_amount",
            "underpayment_tolerance", "provision_denied_percent", "provision_recovered_percent",
            "start_date", "end_date", "renewal", "renewal_months", "notice_days",
            "base_date", "readjustment_index", "readjustment_percent", "coverage_policy", "note",
            "copayment_by",
            "signature_form", "signature_algorithm", "signature_policy",
            "eligibility_required", "eligibility_days", "status_days", "status_by_lote",
            "demonstrativo_days", "retention_rule", "retention_irrf", "retention_iss",
            "retention_inss", "retention_pis", "retention_cofins", "retention_csll",
            "reinf_nature",
        ),
        {"network_level_id": "level", "price_policy_id": "policy"},
        single=True,
        left_out=(
            # of this clinic and database
            "company_id", "company_cnes", "partner_id", "pricelist_id", "user_id", "document_ids",
            "export_folder",
            # of this clinic, and never in a file
            "certificate_id", "sign_guias", "sign_messages",
            # numbers begin anew
            "next_guia_number", "next_lote_number", "next_transaction_number",
            # where messages go, and the login: of this database only
            "environment", "endpoint_ids", "service_login", "service_password",
            "password_form", "service_credentials", "production_user_id", "production_date",
            "production_database",
            # accounts and journals
            "receivable_account_id", "revenue_account_id", "glosa_account_id",
            "transit_account_id", "journal_id", "bank_journal_id", "tax_ids",
            # work, and sections of their own
            "guia_ids", "lote_ids", "price_item_ids", "coverage_ids", "clause_ids",
            "accreditation_ids", "plan_ids", "readjustment_ids", "payment_day_ids",
            # what was done about a date
            "settled_base_date", "reminded_end_date", "reminded_base_date",
        ),
    ),
    "prices": Section(
        "product.pricelist.item",
        (
            "applied_on", "min_quantity", "tiss_start_date", "tiss_end_date", "compute_price",
            "base", "fixed_price", "percent_price", "price_discount", "price_round",
            "price_surcharge", "price_min_margin", "price_max_margin", "tiss_covered",
            "tiss_on_site", "tiss_tele", "tiss_tele_price", "tiss_reimbursement_price",
            "tiss_billing_kind", "tiss_code", "tiss_description", "tiss_network_status",
            "tiss_percent", "tiss_porte_percent", "tiss_uco_percent", "tiss_uco_price",
            "tiss_film_price", "tiss_ch_price", "tiss_price_base", "tiss_pf_margin_percent",
            "tiss_use_fraction",
        ),
        {
            "product_tmpl_id": "product", "categ_id": "category",
            "base_pricelist_id": "pricelist", "tiss_table_id": "term", "tiss_plan_id": "plan",
            "tiss_network_level_id": "level", "tiss_price_table_id": "table",
            "tiss_porte_edition_id": "edition",
        },
        only="tiss_",
        left_out=("tiss_term_id",),  # the product's
    ),
    "coverage": Section(
        "tiss.coverage",
        (
            "active", "sequence", "network_status", "mode", "start_date", "end_date", "covered",
            "authorization", "billing_kind", "waiting_days", "has_waiting", "limit_day",
            "limit_month", "limit_year", "limit_authorization", "interval_days", "return_days",
            "min_age", "max_age", "sex", "copayment_kind", "copayment_amount",
            "copayment_percent", "copayment_ceiling", "copayment_at_clinic", "deductible_kind",
            "deductible_amount", "note",
        ),
        {"product_tmpl_id": "product", "categ_id": "category", "plan_id": "plan"},
        left_out=("contract_id", "company_id"),
    ),
    "payment_calendar": Section(
        "tiss.payment.day",
        ("until_day", "pay_day", "months"),
        left_out=("contract_id", "company_id"),
    ),
    "clauses": Section(
        "tiss.contract.clause",
        ("state", "reference"),
        {"clause_id": "clause"},
        left_out=("contract_id", "company_id", "sequence"),
    ),
    "accreditations": Section(
        "tiss.accreditation",
        ("network_status", "provider_code", "start_date", "end_date"),
        {"professional_id": "professional", "network_level_id": "level"},
        left_out=("contract_id", "company_id"),
    ),
}  # fmt: skip
CHILDREN = {child for section in SECTIONS.values() for child in section.children.values()}
# Parts of the natural key of a record, in the file a list; a key of one part stands alone.
KEYS = {
    "term": ("table_code", "code"),
    "plan": ("name",),
    "level": ("name",),
    "product": ("tiss_table", "tiss_code", "name"),
    "category": ("complete_name",),
    "policy": ("name",),
    "pricelist": ("name",),
    "table": ("kind", "name", "edition"),
    "edition": ("name", "start_date"),
    "clause": ("name",),
    "professional": (
        "tiss_council_id.code", "tiss_council_number", "tiss_council_state_id.code", "name",
    ),
    "country": ("code",),
    "state": ("country_id.code", "code"),
}  # fmt: skip


# ----------------------------------------------------------------------
# Writing
# ----------------------------------------------------------------------


def dump_key(kind, record):
    """The natural key of a record: a text, a list of texts, or None without a record."""
    if not record:
        return None
    parts = []
    for path in KEYS[kind]:
        *steps, name = path.split(".")
        owner = record
        for step in steps:
            owner = owner[step]
        parts.append(dump_value(owner, name))
    return parts if len(parts) > 1 else parts[0]


def dump_value(record, name):
    """A field's value as it stands in the file."""
    field = record._fields[name]
    if getattr(field, "translate", False):
        # In the language of the source, so that the file is the same for every reader.
        record = record.with_context(lang="en_US")
    value = record[name]
    if field.type == "boolean":
        return value
    if field.type in ("float", "monetary"):
        return _dump_decimal(field, value, record.env)
    if field.type == "integer":
        return value
    if field.type == "date":
        return value.isoformat() if value else None
    return str(value) if value else None


def _dump_decimal(field, value, env):
    digits = (16, 2) if field.type == "monetary" else field.get_digits(env)
    # Without digits of its own a float is written as it is stored.
    number = to_decimal(value, digits[1] if digits else 6)
    return f"{number:f}" if digits else f"{number.normalize():f}"


def dump_row(name, record):
    """A record as an object of its section."""
    section = SECTIONS[name]
    row = {each: dump_value(record, each) for each in section.fields}
    row |= {each: dump_key(kind, record[each]) for each, kind in section.links.items()}
    for each, kind in section.many.items():
        row[each] = sorted(dump_key(kind, other) for other in record[each])
    for each, child in section.children.items():
        row[each] = [dump_row(child, other) for other in record[each]]
    return row


def dump(data):
    """The bytes of the file, the same for the same data."""
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
    return (text + "\n").encode()


# ----------------------------------------------------------------------
# Reading
# ----------------------------------------------------------------------


def parse(env, content):
    """The data of a file, checked from top to bottom; UserError says what is wrong and where.

    :param content: bytes, or the text that a call from outside brings
    """
    data = _decode(env, content)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UserError(env._("This is no file of a convênio."))
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UserError(env._("The file does not say which version it has."))
    if version > VERSION:
        raise UserError(
            env._(
                "The file was written by a newer edition of this system (format %(version)s, here"
                " %(known)s): update this one first.",
                version=version,
                known=VERSION,
            )
        )
    checker = _Checker(env)
    checker.check_file(data)
    if checker.problems:
        raise UserError(
            env._("The file has mistakes, so nothing was imported:")
            + "\n"
            + "\n".join(checker.problems[:20])
        )
    return data


def _decode(env, content):
    """Whatever JSON there is in a file."""
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    if not isinstance(content, bytes):
        raise UserError(env._("This is no file of a convênio."))
    if len(content) > MAX_BYTES:
        raise UserError(
            env._("The file has more than %s MB: that is no convênio.", MAX_BYTES // 2**20)
        )
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_refuse_repeated,
            parse_constant=_refuse_constant,
        )
    # A file nested too deeply exhausts the parser's stack.
    except (ValueError, RecursionError) as error:
        raise UserError(
            env._("This is no file of a convênio: it cannot be read as JSON.")
        ) from error


def _refuse_repeated(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return result


def _refuse_constant(name):
    raise ValueError(name)


class _Checker:
    """Compares a file with the sections and the types of the fields."""

    def __init__(self, env):
        self.env = env
        self.problems = []

    def check_file(self, data):
        known = {name for name in SECTIONS if name not in CHILDREN} | {"format", "version"}
        self._check_names("", data, known)
        for name in known - {"format", "version"}:
            section = SECTIONS[name]
            if section.single:
                self._check_row(name, name, data.get(name))
            elif name in data:
                self._check_rows(name, name, data[name])

    def _check_names(self, path, row, known):
        for name in sorted(row.keys() - known):
            self._add(f"{path}{name}", self.env._("unknown field"))

    def _check_rows(self, name, path, rows):
        if not isinstance(rows, list):
            return self._add(path, self.env._("a list is expected"))
        for index, row in enumerate(rows):
            self._check_row(name, f"{path}[{index + 1}]", row)

    def _check_row(self, name, path, row):
        section = SECTIONS[name]
        if not isinstance(row, dict):
            return self._add(path, self.env._("an object is expected"))
        known = {*section.fields, *section.links, *section.many, *section.children}
        self._check_names(f"{path}.", row, known)
        model = self.env[section.model]
        for each in section.fields:
            # What a row leaves out gets the default of the field, the name has none.
            if each in row or each == "name":
                self._check_value(model._fields[each], f"{path}.{each}", row.get(each))
        for each, kind in section.links.items():
            required = model._fields[each].required and each in row
            self._check_key(kind, f"{path}.{each}", row.get(each), required)
        for each, kind in section.many.items():
            values = row.get(each, [])
            if not isinstance(values, list):
                self._add(f"{path}.{each}", self.env._("a list is expected"))
                continue
            for value in values:
                self._check_key(kind, f"{path}.{each}", value, True)
        for each, child in section.children.items():
            self._check_rows(child, f"{path}.{each}", row.get(each, []))

    def _check_key(self, kind, path, value, required=False):
        if value is None:
            if required:
                self._add(path, self.env._("may not be empty"))
            return
        parts = value if isinstance(value, list) else [value]
        count = len(KEYS[kind])
        good = all(part is None or isinstance(part, str) for part in parts)
        if not good or len(parts) != count or (count > 1) != isinstance(value, list):
            self._add(path, self.env._("the name of a record (%s texts) is expected", count))
        elif any(map(UNSTORABLE.search, filter(None, parts))):
            self._add(path, self.env._("a text without control characters is expected"))
        elif not any(part and part.strip() for part in parts):
            self._add(path, self.env._("may not be empty"))
        elif kind == "category" and not _is_category(value):
            self._add(
                path,
                self.env._("the name of a group of at most %s levels", MAX_CATEGORY_STEPS),
            )

    def _check_value(self, field, path, value):
        if value is None or (isinstance(value, str) and not value.strip()):
            # A contact needs its name too, Odoo says so elsewhere than in the field.
            if (field.required and field.type != "boolean") or field.name == "name":
                self._add(path, self.env._("may not be empty"))
                return
        if value is None:
            return
        if isinstance(value, str) and UNSTORABLE.search(value):
            self._add(path, self.env._("a text without control characters is expected"))
            return
        expected = {
            "boolean": (lambda: isinstance(value, bool), self.env._("true or false is expected")),
            "integer": (lambda: _is_integer(value), self.env._("a whole number is expected")),
            "float": (lambda: _is_decimal(value), self.env._("a number as text is expected")),
            "monetary": (lambda: _is_decimal(value), self.env._("a number as text is expected")),
            "date": (lambda: _is_date(value), self.env._("a date (2026-12-31) is expected")),
            "selection": (
                lambda: isinstance(value, str) and value in field.get_values(self.env),
                self.env._("“%s” is not known here", str(value)[:50]),
            ),
        }
        check, sentence = expected.get(
            field.type, (lambda: isinstance(value, str), self.env._("a text is expected"))
        )
        # TISS versions that are not installed here are looked at by the import.
        if not check() and not (path == "contract.version" and isinstance(value, str)):
            self._add(path, sentence)

    def _add(self, path, sentence):
        self.problems.append(UNSTORABLE.sub("?", f"{path}: {sentence}"))


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER


def _is_category(value):
    steps = value.split(" / ")
    return len(steps) <= MAX_CATEGORY_STEPS and all(step.strip() for step in steps)


def _is_decimal(value):
    return isinstance(value, str) and bool(re.fullmatch(r"-?\d{1,12}(\.\d{1,12})?", value))


def _is_date(value):
    try:
        return isinstance(value, str) and bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False
