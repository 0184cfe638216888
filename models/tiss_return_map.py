from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard import identifiers, returnfiles
from ..standard.sheets import SheetError
from .tiss_message import TABLE_TRANSACTION

BODIES = {"analysis": "demonstrativoAnaliseConta", "payment": "demonstrativoPagamento"}
SHOWN_PROBLEMS = 8
TITLE_MARK = "\n"  # between the titles of a map, which may hold any other sign


class TissReturnMap(models.Model):
    """How the columns of the tables are to be read that an operadora gives instead of XML.

    A file is known by its titles. A map without a convênio is an example: the first file with
    its titles asks for the convênio, and a copy is kept for that one.
    """

    _name = "tiss.return.map"
    _description = "Columns of a Return File"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        precompute=True,
        index=True,
        help="Empty: an example for every clinic.",
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        check_company=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Empty: the import asks for it.",
    )
    kind = fields.Selection(
        selection="_selection_kind", string="The File Is", required=True, default="analysis"
    )
    titles = fields.Text("Titles of the Columns", required=True, help="One a line, in their order.")
    signature = fields.Char(
        compute="_compute_signature", store=True, precompute=True, index=True, readonly=True
    )
    roles = fields.Json(required=True, help="{what it means: column, from 0}")
    roles_text = fields.Text("What They Mean", compute="_compute_roles_text")
    decimal_mark = fields.Selection(
        [(",", "1.234,56"), (".", "1,234.56")],
        "Decimals",
        help="Empty: found out from all values of a column.",
    )
    date_form = fields.Selection(
        [("dmy", "31/12/2026"), ("mdy", "12/31/2026")],
        "Dates",
        required=True,
        default="dmy",
        help="2026-12-31 and the day numbers of a spreadsheet are read in any case.",
    )

    _signature_uniq = models.UniqueIndex(
        "(COALESCE(company_id, 0), COALESCE(contract_id, 0), signature)",
        "The columns of these files are already known for this convênio.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_kind(self):
        return self.env["tiss.demonstrativo"]._fields["kind"]._description_selection(self.env)

    @api.depends("contract_id")
    def _compute_company_id(self):
        for each in self:
            each.company_id = each.contract_id.company_id

    @api.depends("titles")
    def _compute_signature(self):
        for each in self:
            each.signature = returnfiles.sign(each._get_titles())

    @api.depends("titles", "roles")
    def _compute_roles_text(self):
        labels = self._get_role_labels()
        for each in self:
            titles = each._get_titles()
            columns = sorted((column, role) for role, column in (each.roles or {}).items())
            each.roles_text = "\n".join(
                f"{titles[column]}: {labels[role]}"
                for column, role in columns
                if column < len(titles)
            )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_titles(self):
        return (self.titles or "").split(TITLE_MARK)

    @api.model
    def _find(self, signature):
        """The maps of this clinic for files with such titles; examples where there is none."""
        found = self.search(
            [("signature", "=", signature), ("company_id", "in", [self.env.company.id, False])]
        )
        return found.filtered("contract_id") or found

    @api.model
    def _remember(self, contract, table, vals):
        """Keep how the files of a convênio with the titles of a table are read.

        :param vals: name, kind, roles, decimal_mark, date_form
        """
        own = self._find(table.signature).filtered(lambda each: each.contract_id == contract)
        if own:
            own.write({key: value for key, value in vals.items() if own[key] != value})
            return own
        titles = TITLE_MARK.join(table.titles)
        return self.create({"contract_id": contract.id, "titles": titles, **vals})

    def _get_layout(self):
        return returnfiles.Layout(
            self.kind, self.roles or {}, self.decimal_mark or "", self.date_form
        )

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _receive(self, name, content):
        """Read a file whose columns are known, without asking anything.

        :return: `tiss.demonstrativo`, or None for what is no table of an operadora
        """
        if not returnfiles.looks_like_table(content):
            return None
        try:
            table = returnfiles.open_table(content)
        except SheetError:
            return None
        found = self._find(table.signature)
        if len(found) != 1 or not found.contract_id:
            raise UserError(
                self.env._(
                    "The columns of this file are not known yet: import it by itself, and say what"
                    " they mean and which convênio it is of."
                )
            )
        if "number" not in found.roles:
            raise UserError(
                self.env._(
                    "The file does not say its number: import it by itself, and type the number."
                )
            )
        return found._import_table(name, content, table)

    def _import_table(self, name, content, table, number=None, **dates):
        """Demonstrativos of a table with the columns of this map.

        :param number: of the demonstrativo, where no column says it
        :param dates: issue_date, payment_date, where no column says them
        :return: `tiss.demonstrativo`
        """
        contract = self.contract_id
        Demonstrativo = self.env["tiss.demonstrativo"]
        known = Demonstrativo._find_imported(content)
        if known:
            return known
        number = number and number.strip()
        defaults = {
            "number": number,
            "ans_code": contract.ans_code,
            "issue_date": dates.get("issue_date"),
            "payment_date": dates.get("payment_date"),
        }
        layout = self._get_layout()
        self._check_layout(layout, table)
        reading = returnfiles.read(table, layout, defaults)
        self._check_reading(table, reading)
        for part in reading.parts:
            header = part["cabecalhoDemonstrativo"]
            header["dataEmissao"] = header["dataEmissao"] or self._guess_issue_date(header)

        def record(asked):
            return self.env["tiss.message"]._record(
                contract,
                content,
                direction="in",
                transaction=TABLE_TRANSACTION,
                file_name=name,
                request_id=asked.message_id.id,
            )

        return Demonstrativo._import_parts(contract, BODIES[self.kind], reading.parts, record)

    def _guess_issue_date(self, header):
        """The day that the same number had before, so that it is the same demonstrativo; today."""
        known = self.env["tiss.demonstrativo"].search(
            [
                ("contract_id", "=", self.contract_id.id),
                ("kind", "=", self.kind),
                ("name", "=", header["numeroDemonstrativo"]),
                ("state", "!=", "undone"),
            ],
            limit=1,
        )
        return known.issue_date or fields.Date.context_today(self)

    @api.model
    def _check_layout(self, layout, table):
        """Refuse a layout without what every file needs."""
        labels = self._get_role_labels()
        missing = layout.missing()
        if missing:
            raise UserError(self.env._("Say under Columns which one is “%s”.", labels[missing[0]]))
        if any(column >= len(table.titles) for column in layout.roles.values()):
            raise UserError(self.env._("The file has fewer columns than its map."))

    def _check_reading(self, table, reading):
        """Refuse a table of somebody else, or with rows that cannot be read."""
        contract = self.contract_id
        Message = self.env["tiss.message"]
        wrong = reading.ans_codes - {contract.ans_code}
        if wrong:
            raise UserError(
                self.env._(
                    "The demonstrativo is of the operadora %(inner)s, but %(name)s is %(outer)s.",
                    inner=min(wrong),
                    name=contract.name,
                    outer=contract.ans_code,
                )
            )
        for provider in sorted(reading.providers):
            Message._check_provider(contract, [identifiers.compact(provider)])
        payer = identifiers.compact(contract.partner_id.vat or "")
        above = [cnpj for cnpj in table.get_cnpjs() if cnpj != payer]
        if above:
            Message._check_provider(contract, above)
        if reading.problems:
            sentences = [self._explain(problem) for problem in reading.problems[:SHOWN_PROBLEMS]]
            raise UserError(
                self.env._(
                    "%(count)s cells or rows cannot be read, and nothing was imported:\n%(list)s",
                    count=len(reading.problems),
                    list="\n".join(sentences),
                )
            )
        if not reading.parts:
            raise UserError(self.env._("The table has titles but no row of a guia."))

    def _explain(self, problem):
        sentences = {
            "bad_number": self.env._("Line %(line)s, %(column)s: “%(text)s” is no number."),
            "ambiguous_number": self.env._(
                "Line %(line)s, %(column)s: “%(text)s” can be read in two ways. Choose the form of"
                " the decimals."
            ),
            "too_high": self.env._("Line %(line)s, %(column)s: “%(text)s” is too much."),
            "bad_date": self.env._("Line %(line)s, %(column)s: “%(text)s” is no date."),
            "no_guia": self.env._("Line %(line)s names no guia and no protocolo."),
            "no_amount": self.env._("Line %(line)s lacks an amount: is the file cut off?"),
            "cut_off": self.env._(
                "The file ends in the middle of line %(line)s: it was cut off. Ask for it again."
            ),
            "no_date": self.env._("Line %(line)s does not say when it is paid."),
            "extra_cells": self.env._(
                "Line %(line)s has more cells than there are titles (“%(text)s”): are commas"
                " separating the columns and the cents?"
            ),
        }
        return sentences[problem.code] % problem._asdict()

    @api.model
    def _get_role_labels(self):
        """What a column can mean → in words, in the order of the choice."""
        return {
            "number": self.env._("Number of the demonstrativo"),
            "issue_date": self.env._("Day of issue"),
            "ans_code": self.env._("ANS number of the operadora"),
            "provider": self.env._("Code or CNPJ of the clinic"),
            "protocol": self.env._("Protocolo"),
            "lote": self.env._("Lote"),
            "guia": self.env._("Guia number of the clinic"),
            "operadora_guia": self.env._("Guia number of the operadora"),
            "item": self.env._("Item number in the guia"),
            "table": self.env._("Table of the code"),
            "code": self.env._("Code of the procedure"),
            "service_date": self.env._("Day performed"),
            "informed": self.env._("Presented"),
            "processed": self.env._("Processed"),
            "denied": self.env._("Denied"),
            "released": self.env._("Released or paid"),
            "reason": self.env._("Glosa codes"),
            "protocol_informed": self.env._("Presented in the protocolo"),
            "protocol_denied": self.env._("Denied of the protocolo"),
            "protocol_reason": self.env._("Glosa code of the protocolo"),
            "payment_date": self.env._("Day of payment"),
            "payment_kind": self.env._("First payment or recurso"),
            "irrf": "IRRF",
            "iss": "ISS",
            "inss": "INSS",
            "pis": "PIS",
            "cofins": "COFINS",
            "csll": "CSLL",
            "discount": self.env._("Discount"),
            "earlier": self.env._("Adjustment of an earlier payment"),
            "net": self.env._("Net"),
        }
