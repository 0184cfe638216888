from odoo import api, fields, models
from odoo.exceptions import AccessError, RedirectWarning, UserError, ValidationError
from odoo.tools import SQL

from .. import standard
from ..standard import identifiers

IDENTIFICATIONS = {
    # kind: (key in the message header, key in the guias), guide §9.5
    "code": ("codigoPrestadorNaOperadora", "codigoPrestadorNaOperadora"),
    "cnpj": ("CNPJ", "cnpjContratado"),
    "cpf": ("CPF", "cpfContratado"),
}
CHECKS = {"cnpj": identifiers.valid_cnpj, "cpf": identifiers.valid_cpf}
ACCOUNT_FIELDS = (
    "receivable_account_id",
    "revenue_account_id",
    "glosa_account_id",
    "transit_account_id",
    "journal_id",
    "bank_journal_id",
)
INVOICE_MOMENTS = [
    ("protocol", "When the protocolo arrives"),
    ("released", "When the demonstrativo says what is released"),
    ("month", "Once a month, with all protocolos"),
    ("manual", "When somebody asks for it"),
]
# Documents that outlive a convênio: with any of them it is archived, never deleted.
DOCUMENTS = (
    "tiss.encounter",
    "tiss.guia",
    "tiss.lote",
    "tiss.message",
    "tiss.demonstrativo",
)
WORK = {
    # queue of a convênio: (action, filter of its search view, model, what waits in it)
    "to_bill": ("tiss_encounter_action", "to_bill", "tiss.encounter", [("state", "=", "done")]),
    "draft_guia": ("tiss_guia_action", "draft", "tiss.guia", [("state", "=", "draft")]),
    "ready_guia": ("tiss_guia_action", "ready", "tiss.guia", [("state", "=", "ready")]),
    "open_guia": (
        "tiss_guia_action",
        "open",
        "tiss.guia",
        [("amount_open", ">", 0), ("state", "in", ("sent", "processed"))],
    ),
    "waiting_lote": (
        "tiss_lote_action",
        "waiting",
        "tiss.lote",
        [("state", "in", ("draft", "validated", "sending", "unknown", "sent"))],
    ),
    "to_check": (
        "tiss_demonstrativo_action",
        "to_check",
        "tiss.demonstrativo",
        [("state", "=", "imported")],
    ),
    "open_glosa": ("tiss_glosa_action", "open", "tiss.glosa", [("state", "=", "open")]),
}


def is_cnes(text):
    return bool(text) and len(text) == 7 and text.isdigit()


class TissContract(models.Model):
    """Convênio: what one company of the clinic has agreed with one operadora.

    It says how the provider is identified, which numbers guias and lotes get, which TISS version
    is spoken, which prices hold and where the money is booked.
    """

    _name = "tiss.contract"
    _description = "Convênio"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "name"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    name = fields.Char(
        compute="_compute_name", store=True, readonly=False, required=True, precompute=True
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner",
        "Operadora",
        required=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="restrict",
        tracking=True,
    )
    ans_code = fields.Char(related="partner_id.tiss_ans_code")
    payer_kind = fields.Selection(related="partner_id.tiss_payer_kind")
    operadora_state = fields.Selection(related="partner_id.tiss_state", string="Status")
    plan_ids = fields.One2many(
        related="partner_id.tiss_plan_ids",
        string="Plans",
        readonly=False,
        groups="l10n_br_tiss.group_tiss_reception",
    )
    network_status = fields.Selection(
        [
            ("accredited", "Accredited Network"),
            ("preferential", "Preferential Provider"),
            ("referenced", "Referenced Network"),
        ],
        default="accredited",
        required=True,
        tracking=True,
    )
    identification_kind = fields.Selection(
        [("code", "Code at the Operadora"), ("cnpj", "CNPJ"), ("cpf", "CPF")],
        "Registration Type",
        default="code",
        required=True,
        tracking=True,
    )
    provider_code = fields.Char("Registration", tracking=True)
    next_guia_number = fields.Integer(default=1, required=True, copy=False)
    next_lote_number = fields.Integer(default=1, required=True, copy=False)
    next_transaction_number = fields.Integer(default=1, required=True, copy=False)
    guias_per_lote = fields.Integer(default=100, required=True)
    version = fields.Selection(
        selection="_selection_version",
        string="TISS Version",
        default=lambda self: standard.versions()[-1],
        required=True,
        tracking=True,
    )
    hash_charset = fields.Selection(
        [("iso-8859-1", "ISO-8859-1"), ("utf-8", "UTF-8")],
        "Hash Encoding",
        default="iso-8859-1",
        required=True,
    )
    pricelist_id = fields.Many2one(
        "product.pricelist", "Price List", check_company=True, ondelete="restrict", copy=False
    )
    price_item_ids = fields.One2many(related="pricelist_id.item_ids", readonly=False)
    invoice_moment = fields.Selection(INVOICE_MOMENTS, default="protocol", required=True)
    payment_days = fields.Integer(
        default=30, help="Days from the protocolo to the expected payment."
    )
    appeal_days = fields.Integer(
        default=30, help="Days from the demonstrativo to contest a glosa, as the contract says."
    )
    receivable_account_id = fields.Many2one(
        "account.account",
        "Receivable",
        compute="_compute_accounting",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain=[("account_type", "=", "asset_receivable")],
    )
    revenue_account_id = fields.Many2one(
        "account.account",
        "Revenue",
        compute="_compute_accounting",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
    )
    glosa_account_id = fields.Many2one(
        "account.account",
        "Accepted Glosas",
        compute="_compute_accounting",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
    )
    transit_account_id = fields.Many2one(
        "account.account",
        "Receipts to Match",
        compute="_compute_accounting",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain=[("reconcile", "=", True)],
    )
    journal_id = fields.Many2one(
        "account.journal",
        "Invoice Journal",
        compute="_compute_accounting",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain=[("type", "=", "sale")],
    )
    bank_journal_id = fields.Many2one(
        "account.journal",
        "Bank",
        compute="_compute_accounting",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain=[("type", "in", ("bank", "cash"))],
    )
    note = fields.Html("Notes")
    guia_ids = fields.One2many("tiss.guia", "contract_id", "Guias")
    lote_ids = fields.One2many(
        "tiss.lote", "contract_id", "Lotes", groups="l10n_br_tiss.group_tiss_billing"
    )
    guia_count = fields.Integer(compute="_compute_totals")
    lote_count = fields.Integer(compute="_compute_totals")
    amount_open = fields.Monetary("Open", compute="_compute_totals")
    amount_denied = fields.Monetary("Denied", compute="_compute_totals")
    company_cnes = fields.Char(
        "CNES",
        compute="_compute_company_cnes",
        inverse="_inverse_company_cnes",
        size=7,
        help="Seven digits; 9999999 when the clinic has none.",
    )
    is_accounting_missing = fields.Boolean(compute="_compute_is_accounting_missing")
    to_bill_count = fields.Integer("Encounters to Bill", compute="_compute_work_counts")
    draft_guia_count = fields.Integer(
        "Guias with Something Missing", compute="_compute_work_counts"
    )
    ready_guia_count = fields.Integer("Guias Ready for a Lote", compute="_compute_work_counts")
    open_guia_count = fields.Integer("Guias with Open Amount", compute="_compute_work_counts")
    waiting_lote_count = fields.Integer("Lotes without Protocolo", compute="_compute_work_counts")
    to_check_count = fields.Integer("Demonstrativos to Check", compute="_compute_work_counts")
    open_glosa_count = fields.Integer("Open Glosas", compute="_compute_work_counts")

    _partner_uniq = models.UniqueIndex(
        "(company_id, partner_id) WHERE active",
        "This company already has a convênio with this operadora.",
    )
    _numbers_positive = models.Constraint(
        "CHECK(next_guia_number > 0 AND next_lote_number > 0 AND next_transaction_number > 0)",
        "The next numbers start at 1.",
    )
    _guias_per_lote_range = models.Constraint(
        "CHECK(guias_per_lote BETWEEN 1 AND 100)", "A lote holds 1 to 100 guias."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_version(self):
        return [(version, version) for version in standard.versions()]

    @api.depends("partner_id")
    def _compute_name(self):
        for contract in self:
            contract.name = contract.name or contract.partner_id.name

    @api.depends("company_id")
    def _compute_accounting(self):
        for contract in self:
            for name in ACCOUNT_FIELDS:
                contract[name] = contract[name] or contract.company_id[f"tiss_{name}"]

    @api.depends("guia_ids.state", "lote_ids.state")
    def _compute_totals(self):
        guias = dict(
            (contract, totals)
            for contract, *totals in self.env["tiss.guia"]._read_group(
                [("contract_id", "in", self.ids), ("state", "!=", "cancelled")],
                ["contract_id"],
                ["__count", "amount_open:sum", "amount_denied:sum"],
            )
        )
        # As superuser: the reception may not open lotes, their number is no secret.
        lotes = dict(
            self.env["tiss.lote"]
            .sudo()
            ._read_group([("contract_id", "in", self.ids)], ["contract_id"], ["__count"])
        )
        for contract in self:
            count, amount_open, amount_denied = guias.get(contract, (0, 0.0, 0.0))
            contract.guia_count = count
            contract.lote_count = lotes.get(contract, 0)
            contract.amount_open = amount_open
            contract.amount_denied = amount_denied

    @api.depends("company_id.tiss_cnes")
    def _compute_company_cnes(self):
        for contract in self:
            contract.company_cnes = contract.company_id.tiss_cnes

    def _inverse_company_cnes(self):
        for contract in self:
            if not is_cnes(contract.company_cnes):
                raise ValidationError(self.env._("The CNES has seven digits, 9999999 for none."))
            # He may not write the company; how it appears in guias is his, though.
            contract.company_id.sudo().tiss_cnes = contract.company_cnes

    @api.depends(*ACCOUNT_FIELDS)
    def _compute_is_accounting_missing(self):
        for contract in self:
            contract.is_accounting_missing = not all(contract[name] for name in ACCOUNT_FIELDS)

    @api.depends("guia_ids.state", "lote_ids.state")
    def _compute_work_counts(self):
        """What waits for a person, for those who may see it."""
        for name, (_action, _filter, model, domain) in WORK.items():
            counts = {}
            if self.env[model].has_access("read"):
                counts = dict(
                    self.env[model]._read_group(
                        [("contract_id", "in", self.ids), *domain], ["contract_id"], ["__count"]
                    )
                )
            for contract in self:
                contract[f"{name}_count"] = counts.get(contract, 0)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("partner_id", "company_id")
    def _check_operadora_unused(self):
        for contract in self:
            if self.env["tiss.guia"].search_count([("contract_id", "=", contract.id)], limit=1):
                raise ValidationError(
                    self.env._(
                        "%s already has guias: its operadora and company can no longer change.",
                        contract.name,
                    )
                )

    @api.constrains("partner_id")
    def _check_operadora_active(self):
        for contract in self:
            problem = contract.partner_id._tiss_get_new_contract_problem()
            if problem:
                raise ValidationError(problem)

    @api.constrains("pricelist_id", "active")
    def _check_pricelist_unshared(self):
        """Readjusting or importing the prices of one convênio must not change another's."""
        pricelists = self.filtered("active").pricelist_id
        # As superuser: it may be a convênio of another company.
        users = self.sudo().search([("pricelist_id", "in", pricelists.ids), ("active", "=", True)])
        for pricelist, contracts in users.grouped("pricelist_id").items():
            if len(contracts) > 1:
                raise ValidationError(
                    self.env._(
                        "Every convênio has its own price list: “%s” already belongs to another"
                        " one.",
                        pricelist.name,
                    )
                )

    @api.constrains("provider_code", "identification_kind")
    def _check_provider_code(self):
        for contract in self.filtered("provider_code"):
            check = CHECKS.get(contract.identification_kind)
            if check and not check(contract.provider_code):
                raise ValidationError(
                    self.env._(
                        "%(code)s is not a valid %(kind)s.",
                        code=contract.provider_code,
                        kind=contract.identification_kind.upper(),
                    )
                )
            if contract.identification_kind == "code" and len(contract.provider_code) > 14:
                raise ValidationError(
                    self.env._("The code at the operadora has at most 14 characters.")
                )

    @api.constrains("next_guia_number", "next_lote_number")
    def _check_next_numbers(self):
        """A number that was used is never used again (guide §3.0, glosas 1308 and 3268)."""
        for model, field in (
            ("tiss.guia", "next_guia_number"),
            ("tiss.lote", "next_lote_number"),
        ):
            used = (
                self.env[model]
                .sudo()
                ._read_group([("contract_id", "in", self.ids)], ["contract_id"], ["number:max"])
            )
            for contract, last in used:
                if last and contract[field] <= last:
                    raise ValidationError(
                        self.env._(
                            "Number %(number)s was already used with %(contract)s; the next one"
                            " is %(next)s at least.",
                            number=last,
                            contract=contract.name,
                            next=last + 1,
                        )
                    )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("provider_code"):
                vals["provider_code"] = vals["provider_code"].strip()
        contracts = super().create(vals_list)
        for contract in contracts.filtered(lambda contract: not contract.pricelist_id):
            contract.pricelist_id = self.env["product.pricelist"].create(
                {
                    "name": contract.name,
                    "company_id": contract.company_id.id,
                    "currency_id": contract.currency_id.id,
                }
            )
        return contracts

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for contract in self:
            found = contract._get_document_counts()
            if found:
                raise RedirectWarning(
                    self.env._(
                        "%(contract)s cannot be deleted: it already has documents (%(documents)s)."
                        " Archive it instead: its history stays and it disappears from the lists.",
                        contract=contract.name,
                        documents=", ".join(f"{label}: {count}" for label, count in found),
                    ),
                    self.env.ref("l10n_br_tiss.tiss_contract_archive_action").id,
                    self.env._("Archive"),
                    {
                        "active_model": self._name,
                        "active_id": contract.id,
                        "active_ids": contract.ids,
                    },
                )

    def _get_document_counts(self):
        """[(label, count)] of what has been done with this convênio, cancelled things too."""
        self.ensure_one()
        found = []
        for name in DOCUMENTS:
            # As superuser: what stands in the way must be named, even if one may not open it.
            Model = self.env[name].sudo().with_context(active_test=False)
            count = Model.search_count([("contract_id", "=", self.id)])
            if count:
                found.append((self.env["ir.model"]._get(name).name, count))
        return found

    def unlink(self):
        pricelists = self.pricelist_id
        result = super().unlink()
        self._delete_unused_pricelists(pricelists)
        return result

    @api.model
    def _delete_unused_pricelists(self, pricelists):
        """A deleted convênio takes its own price list along, if it is empty and nobody's else."""
        # As superuser: the list was made by the system, together with the convênio.
        pricelists = pricelists.sudo().exists()
        Item = self.env["product.pricelist.item"].sudo()
        Contract = self.sudo().with_context(active_test=False)
        kept = Item.search([("pricelist_id", "in", pricelists.ids)]).pricelist_id
        kept |= Item.search([("base_pricelist_id", "in", pricelists.ids)]).base_pricelist_id
        kept |= Contract.search([("pricelist_id", "in", pricelists.ids)]).pricelist_id
        Partner = self.env["res.partner"].sudo()
        kept |= Partner.search(
            [("specific_property_product_pricelist", "in", pricelists.ids)]
        ).specific_property_product_pricelist
        (pricelists - kept).unlink()

    def action_unarchive(self):
        """Bring archived convênios back, unless another one took their place."""
        for contract in self.filtered(lambda contract: not contract.active):
            other = self.search(
                [
                    ("partner_id", "=", contract.partner_id.id),
                    ("company_id", "=", contract.company_id.id),
                ],
                limit=1,
            )
            if other:
                raise RedirectWarning(
                    self.env._(
                        "%(contract)s stays archived: %(company)s already has another convênio"
                        " with this operadora. Archive that one first.",
                        contract=contract.name,
                        company=contract.company_id.name,
                    ),
                    other._get_records_action(views=[(False, "form")]),
                    self.env._("Open the Other One"),
                )
        return super().action_unarchive()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_guias(self):
        return self._get_list_action("tiss_guia_action")

    def action_view_lotes(self):
        return self._get_list_action("tiss_lote_action")

    def action_view_prices(self):
        """All price periods, past ones too, with a search."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_contract_price_action"
        )
        action["domain"] = [("pricelist_id", "=", self.pricelist_id.id)]
        action["context"] = {
            **self._get_price_defaults(),
            "search_default_current": 1,
            "form_view_ref": "l10n_br_tiss.product_pricelist_item_view_form_tiss",
        }
        return action

    def _get_price_defaults(self):
        return {
            "default_pricelist_id": self.pricelist_id.id,
            "default_applied_on": "1_product",
            "default_display_applied_on": "1_product",
            "default_compute_price": "fixed",
        }

    def action_procedures(self):
        """The editable list of what the clinic does, with this convênio's terms for each."""
        self.ensure_one()
        return self.env["tiss.contract.procedure"]._open(self)

    def action_delete(self):
        """Delete from a row of the list; what stands in the way is said by the deletion itself."""
        self.unlink()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _get_list_action(self, name):
        """Our window action `name` on all records of this convênio."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(f"l10n_br_tiss.{name}")
        return {**action, "domain": [("contract_id", "=", self.id)], "context": {}}

    def action_view_work(self):
        """Open one queue of this convênio; the context's `tiss_work` is a key of WORK."""
        self.ensure_one()
        name, filter_name, _model, _domain = WORK[self.env.context["tiss_work"]]
        action = self.env["ir.actions.act_window"]._for_xml_id(f"l10n_br_tiss.{name}")
        action["context"] = {
            "search_default_contract_id": self.id,
            f"search_default_{filter_name}": 1,
        }
        return action

    def action_setup_accounting(self):
        """Create what the company lacks and take it over where this convênio has nothing."""
        if not self.env.user.has_group("l10n_br_tiss.group_tiss_manager"):
            raise AccessError(self.env._("Only a manager of convênios may create accounts."))
        self.check_access("write")
        # He may not write the company; its accounts of convênios are his, though.
        self.company_id.sudo()._tiss_setup_accounting()
        self._compute_accounting()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_provider_code(self):
        """The registration without mask; by CNPJ or CPF the clinic's own, when nothing is typed."""
        self.ensure_one()
        code = identifiers.compact(self.provider_code or "")
        if code or self.identification_kind == "code":
            return code
        own = identifiers.compact(self.company_id.vat or "")
        return own if CHECKS[self.identification_kind](own) else ""

    def _get_provider_identification(self, part="guia"):
        """How this clinic is identified: ct_contratadoDados of a guia, or of the header.

        :param part: "guia" or "header"
        :return: dict with one TISS element
        """
        header_key, guia_key = IDENTIFICATIONS[self.identification_kind]
        return {header_key if part == "header" else guia_key: self._get_provider_code()}

    def _take_numbers(self, field, count=1):
        """Reserve `count` consecutive numbers; the row lock makes a second taker wait.

        :param field: "next_guia_number", "next_lote_number" or "next_transaction_number"
        :return: range of the numbers
        """
        self.ensure_one()
        self.flush_recordset([field])
        column = SQL.identifier(field)
        [[last]] = self.env.execute_query(
            SQL(
                "UPDATE tiss_contract SET %s = %s + %s WHERE id = %s RETURNING %s",
                column, column, count, self.id, column,
            )
        )  # fmt: skip
        self.invalidate_recordset([field], flush=False)
        return range(last - count, last)

    def _skip_numbers(self, field, last):
        """Never give a number up to `last` again; also makes other takers of numbers wait.

        :param field: as in `_take_numbers`
        """
        self.ensure_one()
        self.flush_recordset([field])
        column = SQL.identifier(field)
        self.env.execute_query(
            SQL(
                "UPDATE tiss_contract SET %s = GREATEST(%s, %s) WHERE id = %s RETURNING id",
                column, column, last + 1, self.id,
            )
        )  # fmt: skip
        self.invalidate_recordset([field], flush=False)

    def _get_payment_method_line(self):
        """The bank's method whose outstanding account is the transit account.

        Odoo takes the account of a payment from its method, also when it recomputes it later.
        """
        self.ensure_one()
        lines = self.bank_journal_id.inbound_payment_method_line_ids
        mine = lines.filtered(lambda line: line.payment_account_id == self.transit_account_id)
        if mine:
            return mine[:1]
        # A biller may not configure journals, but the contract's own accounts ask for this line.
        return (
            self.env["account.payment.method.line"]
            .sudo()
            .create(
                {
                    "name": self.env._("Convênio"),
                    "journal_id": self.bank_journal_id.id,
                    "payment_method_id": self.env.ref(
                        "account.account_payment_method_manual_in"
                    ).id,
                    "payment_account_id": self.transit_account_id.id,
                }
            )
        )

    def _prepare_lote_vals(self, guia_type, number):
        self.ensure_one()
        return {
            "company_id": self.company_id.id,
            "contract_id": self.id,
            "guia_type": guia_type,
            "number": number,
            "name": str(number),
            "version": self.version,
        }

    def _check_accounting(self):
        """Raise, naming them, when accounts or journals are missing, or are not in reais."""
        self._check_currency()
        for contract in self:
            missing = [
                contract._fields[name]._description_string(self.env)
                for name in ACCOUNT_FIELDS
                if not contract[name]
            ]
            if missing:
                raise UserError(
                    self.env._(
                        "%(contract)s has no %(missing)s yet. Fill it in under Accounting in the"
                        " convênio, or let Settings create it.",
                        contract=contract.name,
                        missing=", ".join(missing),
                    )
                )

    def _check_currency(self):
        """Guias and demonstrativos are in reais: no book of another currency agrees with them."""
        for contract in self:
            own = contract.currency_id
            has_chart = contract.company_id.root_id.sudo().chart_template
            if has_chart and own.name != "BRL":
                raise UserError(
                    self.env._(
                        "The books of %(company)s are in %(currency)s, and operadoras pay in"
                        " reais.",
                        company=contract.company_id.name,
                        currency=own.name,
                    )
                )
            for journal in contract.journal_id | contract.bank_journal_id:
                if journal.currency_id not in (own.browse(), own):
                    raise UserError(
                        self.env._(
                            "The journal %(journal)s is in %(currency)s, and operadoras pay in"
                            " reais.",
                            journal=journal.display_name,
                            currency=journal.currency_id.name,
                        )
                    )
