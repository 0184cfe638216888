"""A lote XML that another system made, read and judged; nothing is written here."""

from collections import Counter
from decimal import Decimal

from odoo.exceptions import UserError

from .. import standard
from ..standard import identifiers, parser
from ..standard.message import body_of, check_envelope
from ..standard.money import line_total, to_decimal
from .guia_reader import read_guia
from .lote_book import LoteBook
from .tiss_guia import ELEMENTS

# What a reader understands all the same, and what we write differently ourselves.
HARMLESS = {"order", "misspelt", "encoding"}
MAX_TOLD = 20  # sentences of one kind that a person reads
SIGNATURE = "assinaturaDigitalGuia"


class LoteFile:
    """What a file says, what stands in the way of importing it, and what has to be known.

    `problems` are sentences that keep it from being imported, `notices` those that do not.
    A file of which nothing can be used at all raises a UserError.
    """

    def __init__(self, env, content):
        self.env = env
        self.content = content
        self.problems = []
        self.notices = []
        self.book = None
        self.guias = []
        self.reads = []
        self.version = self._read_version()
        self.values = self._decode()
        self.header = self.values["cabecalho"]
        self.number, self.guia_type, guias = self._get_lote()
        self._check_schema(guias)
        if self.problems:
            self.contract = self._find_contract(guias)
            return
        self.guias = guias
        self.contract = self._find_contract(guias)
        self._check_guias()
        if not self.problems:
            self.reads = [read_guia(self.guia_type, guia) for guia in guias]
            self._complete_dates()
            self.book = LoteBook(self.contract, self.reads)
            self.problems += self.book.get_card_problems()
            self._check_numbers()
            self._check_totals()
            self._check_providers()
        self._check_hash()

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _read_version(self):
        try:
            peek = standard.peek(self.content)
        except standard.UnsafeXML as error:
            raise self._get_unsafe(error) from error
        except standard.DecodeError as error:
            raise UserError(
                self.env._("This is not a TISS file: it is not readable as XML.")
            ) from error
        if peek.element != "mensagemTISS":
            raise UserError(self.env._("This XML is not a TISS message."))
        if peek.version not in standard.versions():
            raise UserError(
                self.env._(
                    "The file is of TISS version %(version)s, which is not installed (installed:"
                    " %(installed)s). An administrator installs it in the settings.",
                    version=peek.version or "?",
                    installed=", ".join(standard.versions()),
                )
            )
        return peek.version

    def _decode(self):
        schema = standard.load(self.version)
        try:
            values = schema.decode(self.content, strict=False, limit=parser.MAX_BYTES)
        except standard.UnsafeXML as error:
            raise self._get_unsafe(error) from error
        except standard.DecodeError as error:
            raise UserError(
                self.env._("This is not a TISS file: it is not readable as XML.")
            ) from error
        if not values.get("cabecalho"):
            raise UserError(self.env._("This XML is not a TISS message."))
        return values

    def _get_unsafe(self, error):
        return UserError(
            self.env._(
                "The file was refused because it carries dangerous content (%s).", error.code
            )
        )

    def _get_lote(self):
        """(number, type, decoded guias)"""
        try:
            name, body = body_of(self.values)
        except ValueError as error:
            raise UserError(self.env._("The TISS message has no content.")) from error
        if name != "loteGuias":
            raise UserError(
                self.env._(
                    "This file is not a lote of guias: it holds “%s”. What an operadora gave back"
                    " is read under Returns.",
                    name,
                )
            )
        lists = body.get("guiasTISS") or {}
        types = [key for key, element in ELEMENTS.items() if lists.get(element)]
        if len(types) != 1:
            raise UserError(
                self.env._("The lote has no guias.")
                if not types
                else self.env._("The lote has guias of several types: a lote holds one type.")
            )
        return body.get("numeroLote") or "", types[0], lists[ELEMENTS[types[0]]]

    # ------------------------------------------------------------------
    # The schema
    # ------------------------------------------------------------------

    def _check_schema(self, guias):
        """Violations of the schema in words; those that change nothing are only noted."""
        self.is_valid = standard.load(self.version).validate(self.content)
        if not self.is_valid:
            self._tell(self._describe_violations(self._get_names(guias)))
            if not self.problems:
                self.notices.append(
                    self.env._(
                        "The file breaks its schema in ways that change nothing of what it says:"
                        " order, capitals, namespace or encoding."
                    )
                )
        if any(SIGNATURE in guia for guia in guias):
            self.notices.append(
                self.env._(
                    "The digital signatures of the guias belong to this file alone: a message that"
                    " is built anew goes without them."
                )
            )
        if check_envelope(self.values, self.version):
            self.is_valid = False
            self.notices.append(self.env._("The header of the message does not fit its content."))

    def _describe_violations(self, names):
        """What of the schema the file breaks in what it says, as sentences.

        :param names: numbers of the guias in the order of the file
        """
        Lote = self.env["tiss.lote"]
        sentences = [
            f"{Lote._describe_violation(each.code, Lote._get_place(each.path, names))}."
            for each in self.values.problems
            if each.code not in HARMLESS
        ]
        sentences += [
            self.env._(
                "%(place)s is unknown to TISS %(version)s.",
                place=Lote._get_place(path, names),
                version=self.version,
            )
            for path, _text in self.values.unexpected
            if "@" not in path
        ]
        return sentences

    def _get_names(self, guias):
        """Numbers of the guias; the one that lacks it is called by its place."""
        names = []
        for place, guia in enumerate(guias, start=1):
            header = next(
                (guia[name] for name in ("cabecalhoConsulta", "cabecalhoGuia") if guia.get(name)),
                guia,
            )
            names.append(header.get("numeroGuiaPrestador") or f"#{place}")
        return names

    def _tell(self, sentences):
        """Add problems; of very many, the first ones and their number."""
        self.problems += sentences[:MAX_TOLD]
        if len(sentences) > MAX_TOLD:
            self.problems.append(self.env._("And %s more.", len(sentences) - MAX_TOLD))

    # ------------------------------------------------------------------
    # Whose it is
    # ------------------------------------------------------------------

    def _find_contract(self, guias):
        """The convênio with the operadora that the lote is for."""
        ans_code = (self.header.get("destino") or {}).get("registroANS") or self._get_codes(guias)[
            0
        ]
        contract = self.env["tiss.contract"].search(
            [
                ("partner_id.tiss_ans_code", "=", ans_code or "-"),
                ("company_id", "=", self.env.company.id),
            ],
            limit=1,
        )
        if not contract:
            raise UserError(
                self.env._(
                    "The lote is for the operadora with ANS number %s, with which this clinic has"
                    " no convênio: make the convênio first.",
                    ans_code or "?",
                )
            )
        return contract

    @staticmethod
    def _get_codes(guias):
        codes = []
        for guia in guias:
            header = guia.get("cabecalhoConsulta") or guia.get("cabecalhoGuia") or guia
            codes.append(header.get("registroANS"))
        return codes

    @property
    def sender(self):
        """How the provider who made the file calls himself: dict with one TISS element."""
        return (self.header.get("origem") or {}).get("identificacaoPrestador") or {}

    @property
    def our_codes(self):
        """This clinic's code at the operadora and its CNPJ"""
        vat = identifiers.compact(self.contract.company_id.vat or "")
        return {self.contract._get_provider_code(), vat} - {""}

    @property
    def is_foreign(self):
        """Whether neither our code at the operadora nor our CNPJ made the file."""
        return not self.our_codes & set(self.sender.values())

    # ------------------------------------------------------------------
    # The guias
    # ------------------------------------------------------------------

    def _check_guias(self):
        """What the schema lets pass and no guia may be."""
        if len(self.guias) > 100:
            self.problems.append(
                self.env._("The lote has %s guias; a lote holds 1 to 100.", len(self.guias))
            )
        for name, code, guia in zip(
            self._get_names(self.guias), self._get_codes(self.guias), self.guias, strict=True
        ):
            if code != self.contract.ans_code:
                self.problems.append(
                    self.env._(
                        "Guia %(guia)s is of the operadora %(theirs)s, but the lote is for"
                        " %(ours)s.",
                        guia=name,
                        theirs=code,
                        ours=self.contract.ans_code,
                    )
                )
            negative = next(find_negative(guia), None)
            if negative:
                self.problems.append(
                    self.env._(
                        "Guia %(guia)s: %(element)s is negative.", guia=name, element=negative
                    )
                )
            numbers = Counter(find_all(guia, "sequencialItem"))
            repeated = [str(number) for number, count in numbers.items() if count > 1]
            if repeated:
                self.problems.append(
                    self.env._(
                        "Guia %(guia)s has several items with the same number (%(numbers)s): the"
                        " operadora's answer could not be told apart.",
                        guia=name,
                        numbers=", ".join(repeated),
                    )
                )

    def _complete_dates(self):
        """A guia without any item has the day of its authorisation, request or message."""
        day = self.header["identificacaoTransacao"]["dataRegistroTransacao"]
        for read in self.reads:
            read["date"] = (
                read["date"] or read.get("authorization_date") or read.get("request_date") or day
            )

    def _check_numbers(self):
        """Numbers that were used already, in this file or before, stay with who has them."""
        names = [read["name"] for read in self.reads]
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            self.problems.append(
                self.env._("The file has these guias more than once: %s.", ", ".join(repeated))
            )
        # As superuser: a guia that this user may not see has used its number all the same.
        guias = (
            self.env["tiss.guia"]
            .sudo()
            .search_fetch([("contract_id", "=", self.contract.id), ("name", "in", names)], ["name"])
        )
        if guias:
            self._tell(
                [
                    self.env._(
                        "The convênio %(contract)s already has the guia %(name)s.",
                        contract=self.contract.name,
                        name=guia.name,
                    )
                    for guia in guias
                ]
            )
        if self.env["tiss.lote"].sudo().search_count(
            [("contract_id", "=", self.contract.id), ("name", "=", self.number)], limit=1
        ):  # fmt: skip
            self.problems.append(
                self.env._(
                    "The convênio %(contract)s already has the lote %(name)s.",
                    contract=self.contract.name,
                    name=self.number,
                )
            )

    def _check_providers(self):
        """A hospital may bill for its professionals, whose own codes then stay in their guias."""
        others = Counter(map(find_provider, self.guias))
        for code in self.our_codes:
            others.pop(code, None)
        if others:
            self.notices.append(
                self.env._(
                    "Guias in which another provider (%(codes)s) did the work: %(count)s. This"
                    " stays as it is written.",
                    count=sum(others.values()),
                    codes=", ".join(others),
                )
            )

    def _check_totals(self):
        """Totals are told where they are not the sum of the items, which is what is booked."""
        for read, guia in zip(self.reads, self.guias, strict=True):
            ours, theirs = get_total(read), find_total(guia)
            if theirs is not None and theirs != ours:
                self.notices.append(
                    self.env._(
                        "Guia %(guia)s says a total of %(theirs)s, but its items are worth"
                        " %(ours)s: the items count.",
                        guia=read["name"],
                        theirs=theirs,
                        ours=ours,
                    )
                )
        visits = Counter(
            (read["card_number"], line["date"], line["table_code"], line["code"])
            for read in self.reads
            for line in read["line_ids"]
            if not line.get("expense_kind_id")
        )
        repeated = sum(count - 1 for count in visits.values())
        if repeated:
            self.notices.append(
                self.env._(
                    "Items that repeat another one (same card, day and procedure): %s. Look whether"
                    " something is billed twice.",
                    repeated,
                )
            )

    def _check_hash(self):
        """Told and no more: which text the hash is made of is disputed (guide §2.3)."""
        self.is_hash_right = standard.matching_charset(self.content) is not None
        if not self.is_hash_right:
            self.notices.append(
                self.env._(
                    "The hash of the file does not fit its content: another system changed it, or"
                    " computes it in another way."
                )
            )

    # ------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------

    @property
    def total(self):
        return sum((get_total(read) for read in self.reads), to_decimal(0))

    @property
    def period(self):
        """(first, last) day of the items"""
        days = [line["date"] for read in self.reads for line in read["line_ids"]]
        days = days or [read["date"] for read in self.reads]
        return min(days), max(days)


def get_total(read):
    """What the items of a read guia are worth, before the patient's share."""
    return sum(
        (
            line_total(line["quantity"], line["unit_price"], line.get("factor", 1))
            for line in read["line_ids"]
        ),
        to_decimal(0),
    )


def find_total(guia):
    """The total that a guia says; a guia de consulta has none."""
    if "valorTotal" in guia:
        return guia["valorTotal"]["valorTotalGeral"]
    return guia.get("valorTotalHonorarios", guia.get("valorTotalProc"))


def find_provider(guia):
    """How the provider who did what a guia bills is called in it."""
    dentists = guia.get("dadosProfissionaisResponsaveis")
    if dentists:
        return dentists["codigoProfExec"]
    provider = guia.get("contratadoExecutante") or guia.get("dadosContratadoExecutante")
    provider = provider or guia["dadosExecutante"]["contratadoExecutante"]
    return next(value for name, value in provider.items() if "cnes" not in name.lower())


def find_negative(values, name=""):
    """Names of the leaves that are below zero."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from find_negative(value, key)
    elif isinstance(values, list):
        for value in values:
            yield from find_negative(value, name)
    elif isinstance(values, (int, Decimal)) and values < 0:
        yield name


def find_all(values, wanted):
    """Every value of the leaves called `wanted`."""
    if isinstance(values, dict):
        for name, value in values.items():
            if name == wanted:
                yield value
            else:
                yield from find_all(value, wanted)
    elif isinstance(values, list):
        for value in values:
            yield from find_all(value, wanted)
