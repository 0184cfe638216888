from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import escape_psql

from .. import standard
from ..models.tiss_contract import CHECKS
from ..standard import identifiers

DIALOG_SIZES = {"operadora": "large", "registration": "large", "procedures": "extra-large"}


class TissContractCreate(models.TransientModel):
    """New convênio in three short steps: which operadora, how it knows the clinic, what it covers.

    It can be created after the second step already; going back keeps what was typed.
    """

    _name = "tiss.contract.create"
    _description = "New Convênio"
    _inherit = ["tiss.contract.catalog"]

    step = fields.Selection(
        [
            ("operadora", "Operadora"),
            ("registration", "Registration"),
            ("procedures", "Procedures"),
        ],
        default="operadora",
        required=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    # ---- Which operadora
    registry_id = fields.Many2one("tiss.operadora.registry", "Operadora")
    ans_code = fields.Char(related="registry_id.ans_code")
    cnpj = fields.Char(related="registry_id.cnpj")
    legal_name = fields.Char(related="registry_id.legal_name")
    modality = fields.Char(related="registry_id.modality")
    city = fields.Char(related="registry_id.city")
    state_code = fields.Char(related="registry_id.state_code")
    is_cancelled = fields.Boolean(related="registry_id.is_cancelled")
    cancel_date = fields.Date(related="registry_id.cancel_date")
    has_no_ans = fields.Boolean("The payer has no ANS number")
    payer_name = fields.Char("Name of the Payer")
    payer_kind = fields.Selection(
        [("own", "Own arrangement, in Brazil"), ("foreign", "Foreign payer")], default="own"
    )
    payer_country_id = fields.Many2one("res.country", "Country")
    payer_vat = fields.Char("CNPJ or Tax Number")
    existing_id = fields.Many2one("tiss.contract", compute="_compute_existing_id")
    is_existing_active = fields.Boolean(related="existing_id.active")
    # ---- How it knows the clinic
    identification_kind = fields.Selection(
        selection="_selection_identification_kind",
        string="Registration Type",
        default="code",
        required=True,
    )
    provider_code = fields.Char(
        "Registration",
        compute="_compute_provider_code",
        store=True,
        readonly=False,
        help="The code, CNPJ or CPF by which the operadora knows the clinic.",
    )
    network_status = fields.Selection(
        selection="_selection_network_status", default="accredited", required=True
    )
    next_guia_number = fields.Integer(default=1, required=True)
    next_lote_number = fields.Integer(default=1, required=True)
    version = fields.Selection(
        selection="_selection_version",
        string="TISS Version",
        default=lambda self: standard.versions()[-1],
        required=True,
    )
    # ---- What the clinic does for it
    line_ids = fields.One2many("tiss.contract.procedure.line", "create_id", "Procedures")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_identification_kind(self):
        Contract = self.env["tiss.contract"]
        return Contract._fields["identification_kind"]._description_selection(self.env)

    @api.model
    def _selection_network_status(self):
        Contract = self.env["tiss.contract"]
        return Contract._fields["network_status"]._description_selection(self.env)

    @api.model
    def _selection_version(self):
        return self.env["tiss.contract"]._selection_version()

    @api.depends("identification_kind", "company_id")
    def _compute_provider_code(self):
        """The clinic's own CNPJ or CPF is known; a code at the operadora is typed."""
        for wizard in self:
            vat = wizard.company_id.vat or ""
            check = CHECKS.get(wizard.identification_kind)
            wizard.provider_code = vat if check and check(vat) else False

    @api.depends("company_id", "registry_id", "has_no_ans", "payer_name", "payer_vat")
    def _compute_existing_id(self):
        Contract = self.env["tiss.contract"].with_context(active_test=False)
        for wizard in self:
            wizard.existing_id = Contract.search(
                [
                    ("company_id", "=", wizard.company_id.id),
                    ("partner_id", "in", wizard._find_payer().ids),
                ],
                order="active desc, id desc",
                limit=1,
            )

    def _find_payer(self):
        """The partners that are, or may be, the payer that was typed, archived ones too."""
        self.ensure_one()
        Partner = self.env["res.partner"].with_context(active_test=False)
        if not self.has_no_ans:
            return Partner.search(
                [("tiss_ans_code", "!=", False), ("tiss_ans_code", "=", self.ans_code)]
            )
        name = (self.payer_name or "").strip()
        if not name:
            return Partner
        same = Domain("name", "=ilike", escape_psql(name))
        if self.payer_vat:
            same |= Domain("vat", "in", [self.payer_vat, identifiers.compact(self.payer_vat)])
        return Partner.search(
            Domain("tiss_is_operadora", "=", True) & Domain("tiss_ans_code", "=", False) & same
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_next(self):
        self.ensure_one()
        if self.step == "operadora":
            self._check_payer()
            self.step = "registration"
        elif self.step == "registration":
            self._check_registration()
            self.step = "procedures"
            if not self.line_ids:
                self._fill_lines()
        return self._reopen()

    def action_back(self):
        self.ensure_one()
        self.step = "registration" if self.step == "procedures" else "operadora"
        return self._reopen()

    def _reopen(self):
        return self._get_records_action(
            name=self.env._("New Convênio"),
            target="new",
            context={"dialog_size": DIALOG_SIZES[self.step]},
        )

    def action_open_existing(self):
        self.ensure_one()
        return self.existing_id._get_records_action(context={})

    def action_create(self):
        """Create the convênio with the prices that were typed, and open it."""
        self.ensure_one()
        self._check_payer()
        self._check_registration()
        contract = self.env["tiss.contract"].create(self._prepare_contract())
        self.line_ids._apply(contract)
        return contract._get_records_action(context={})

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _check_payer(self):
        if self.has_no_ans:
            if not (self.payer_name or "").strip():
                raise UserError(self.env._("Type the name of the payer."))
            if self.payer_kind == "own" and self.payer_vat:
                if not identifiers.valid_cnpj(self.payer_vat):
                    raise UserError(self.env._("%s is not a valid CNPJ.", self.payer_vat))
        elif not self.registry_id:
            raise UserError(
                self.env._("Choose the operadora, or say that the payer has no ANS number.")
            )
        elif problem := self.registry_id._get_cancel_problem():
            raise UserError(problem)
        if self.existing_id.active:
            raise UserError(
                self.env._(
                    "This company already has a convênio with this operadora: %s.",
                    self.existing_id.name,
                )
            )

    def _check_registration(self):
        """Said here already, so that nobody types a price list before hearing of it."""
        check = CHECKS.get(self.identification_kind)
        if check and self.provider_code and not check(self.provider_code):
            raise UserError(
                self.env._(
                    "%(code)s is not a valid %(kind)s.",
                    code=self.provider_code,
                    kind=self.identification_kind.upper(),
                )
            )
        if self.next_guia_number < 1 or self.next_lote_number < 1:
            raise UserError(self.env._("The next numbers start at 1."))

    def _prepare_contract(self):
        return {
            "company_id": self.company_id.id,
            "partner_id": self._get_payer().id,
            "identification_kind": self.identification_kind,
            "provider_code": self.provider_code,
            "network_status": self.network_status,
            "next_guia_number": self.next_guia_number,
            "next_lote_number": self.next_lote_number,
            "version": self.version,
        }

    def _get_payer(self):
        """The partner: the operadora of the registry, or the payer without ANS number."""
        if not self.has_no_ans:
            return self.registry_id.create_operadora()
        payer = self._find_payer()[:1]
        if payer:
            payer.filtered(lambda partner: not partner.active).action_unarchive()
            return payer
        return self.env["res.partner"].create(self._prepare_payer())

    def _prepare_payer(self):
        brazil = self.env.ref("base.br")
        is_own = self.payer_kind == "own"
        kind = "l10n_br.cnpj" if is_own else "l10n_latam_base.it_fid"
        return {
            "name": self.payer_name.strip(),
            "is_company": True,
            "country_id": brazil.id if is_own else self.payer_country_id.id,
            "l10n_latam_identification_type_id": self.env.ref(kind).id,
            "vat": self.payer_vat,
            "tiss_is_operadora": True,
            "tiss_payer_kind": self.payer_kind,
        }
