from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date

from ..standard import terminology
from ..standard.text import to_ascii
from .bulk import upsert
from .tiss_term import to_search_words

COLUMNS = (
    "ans_code",
    "cnpj",
    "legal_name",
    "trade_name",
    "modality",
    "city",
    "state_code",
    "registration_date",
    "search_name",
)
# What only a registry file of the ANS says; the packaged registry does not.
CONTACT_COLUMNS = (
    "street",
    "street_number",
    "street_complement",
    "district",
    "zip",
    "phone",
    "email",
)
STATUS_COLUMNS = ("is_cancelled", "cancel_date")
COMPARED = ("legal_name", "trade_name", "cnpj", "modality", "city", "state_code")


class TissOperadoraRegistry(models.Model):
    """The public ANS registry of active operadoras: pick one by name and everything fills in."""

    _name = "tiss.operadora.registry"
    _description = "ANS Registry of Operadoras"
    _order = "is_cancelled, trade_name, ans_code"
    _rec_names_search = ["ans_code", "cnpj", "search_name"]

    ans_code = fields.Char("ANS Number", required=True)
    cnpj = fields.Char("CNPJ", index=True)
    legal_name = fields.Char(required=True)
    trade_name = fields.Char(required=True)
    modality = fields.Char()
    street = fields.Char()
    street_number = fields.Char("Number")
    street_complement = fields.Char("Complement")
    district = fields.Char()
    city = fields.Char()
    state_code = fields.Char("State")
    zip = fields.Char("ZIP")
    phone = fields.Char()
    email = fields.Char()
    registration_date = fields.Date()
    is_cancelled = fields.Boolean("Cancelled", help="No longer in ANS's list of active operadoras.")
    cancel_date = fields.Date("Gone Since")
    search_name = fields.Char(required=True, index="trigram")

    _ans_code_uniq = models.Constraint("UNIQUE(ans_code)", "The ANS number is unique.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("trade_name", "ans_code", "city", "state_code", "is_cancelled")
    def _compute_display_name(self):
        for row in self:
            place = f"{row.city}/{row.state_code}" if row.city else row.state_code
            mark = row.is_cancelled and self.env._("cancelled")
            row.display_name = " · ".join(
                filter(None, [row.trade_name, f"ANS {row.ans_code}", place, mark])
            )

    @api.model
    def _search_display_name(self, operator, value):
        """By name in any word order without accents, by ANS number or by CNPJ, masked or not."""
        if operator in ("ilike", "like") and isinstance(value, str):
            digits = "".join(filter(str.isalnum, value)).upper()
            by_name = Domain.AND(
                Domain("search_name", "like", word) for word in to_search_words(value)
            )
            by_number = Domain("ans_code", "=like", f"{digits}%") | Domain(
                "cnpj", "=like", f"{digits}%"
            )
            return by_name | by_number if digits else by_name
        return super()._search_display_name(operator, value)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def create_operadora(self):
        """The partner of this operadora: the one that has its ANS number, or a new one.

        :return: one `res.partner`
        :raises UserError: for a new one, when the ANS has cancelled the registration
        """
        self.ensure_one()
        Partner = self.env["res.partner"]
        partner = Partner.search([("tiss_ans_code", "=", self.ans_code)], limit=1)
        problem = not partner and self._get_cancel_problem()
        if problem:
            raise UserError(problem)
        return partner or Partner.create(self._prepare_partner_vals())

    def _get_cancel_problem(self):
        """Why no new convênio is made with this operadora, in a sentence; None when one can be."""
        self.ensure_one()
        if not self.is_cancelled:
            return None
        if not self.cancel_date:
            return self.env._(
                "%(name)s (ANS %(code)s) is no longer in the list of active operadoras of the ANS:"
                " it cannot get a new convênio. Has it been taken over by another operadora?",
                name=self.trade_name,
                code=self.ans_code,
            )
        return self.env._(
            "%(name)s (ANS %(code)s) is no longer in the list of active operadoras of the ANS, as "
            "seen on %(date)s: it cannot get a new convênio. Has it been taken over by another "
            "operadora?",
            name=self.trade_name,
            code=self.ans_code,
            date=format_date(self.env, self.cancel_date),
        )

    def _prepare_partner_vals(self):
        return {
            **self._prepare_identity_vals(),
            "name": self.trade_name,
            "company_type": "company",
            "is_company": True,
            "street_name": self.street,
            "street_number": self.street_number,
            "street_number2": self.street_complement,
            "street2": self.district,
            "zip": self.zip,
            "phone": self.phone,
            "email": self.email,
            "tiss_is_operadora": True,
            "tiss_ans_code": self.ans_code,
        }

    def _prepare_identity_vals(self):
        """What the ANS decides, and what no clinic needs to type."""
        country = self.env.ref("base.br")
        state = country.state_ids.filtered(lambda state: state.code == self.state_code)
        return {
            "vat": self.cnpj,
            "country_id": country.id,
            "state_id": state.id,
            "city": self.city,
            "l10n_latam_identification_type_id": self.env.ref("l10n_br.cnpj").id,
            "tiss_legal_name": self.legal_name,
            "tiss_modality": self.modality,
        }

    # ------------------------------------------------------------------
    # Loading and refreshing
    # ------------------------------------------------------------------

    @api.model
    def _load_packaged_registry(self):
        return self._load_rows(terminology.operadoras())

    @api.model
    def _load_rows(self, rows):
        """Insert or refresh operadoras in bulk (see `standard.terminology.operadoras`)."""
        return upsert(self, COLUMNS, ("ans_code",), map(self._to_row, rows))

    @api.model
    def _to_row(self, row):
        # One operadora of the registry has only asterisks for a trade name.
        trade_name = row.trade_name if row.trade_name.strip("* ") else row.legal_name
        return (
            row.ans_code,
            row.cnpj,
            row.legal_name,
            trade_name,
            row.modality,
            row.city,
            row.uf,
            row.registration_date,
            _to_search_name(trade_name, row.legal_name),
        )

    @api.model
    def _compare(self, registry):
        """What a newer registry file changes, by ANS number; what stays as it is is left out.

        :param registry: `standard.cadop.Registry`
        :return: {ans_code: (kind, row, changes)}, where `kind` is new, changed, back, contact
            (only address, phone or e-mail) or gone; `row` is a dict of columns, None when gone;
            `changes` is {column: (old, new)}
        """
        known = {row.ans_code: row for row in self.search_fetch([], self._get_file_columns())}
        compared = {}
        for code, operadora in registry.operadoras.items():
            row = self._to_file_row(operadora)
            entry = self._compare_row(row, known[code]) if code in known else ("new", row, {})
            if entry:
                compared[code] = entry
        # A line that cannot be read may be about any operadora that seems to be gone.
        if all(problem.ans_code for problem in registry.problems):
            unreadable = {problem.ans_code for problem in registry.problems}
            for code in known.keys() - registry.operadoras.keys() - unreadable:
                if not known[code].is_cancelled:
                    compared[code] = ("gone", None, {})
        return compared

    @api.model
    def _get_file_columns(self):
        return (*COLUMNS, *CONTACT_COLUMNS, *STATUS_COLUMNS)

    def _to_file_row(self, operadora):
        """{column: value} of a line of a registry file"""
        values = dict(zip(COLUMNS, self._to_row(operadora), strict=True))
        values.update((name, getattr(operadora, name) or None) for name in CONTACT_COLUMNS)
        return {**values, "is_cancelled": False, "cancel_date": None}

    @api.model
    def _compare_row(self, row, known):
        # What the file does not say about how to reach an operadora does not make us forget it.
        row.update(
            (name, known[name] or None)
            for name in ("registration_date", *CONTACT_COLUMNS)
            if not row[name]
        )
        changes = {
            name: (known[name] or "", row[name] or "")
            for name in (*COMPARED, *CONTACT_COLUMNS)
            # A blank more or less is no news.
            if (known[name] or "").split() != (row[name] or "").split()
        }
        if known.is_cancelled:
            return ("back", row, changes)
        if changes:
            return (
                "contact" if changes.keys() <= set(CONTACT_COLUMNS) else "changed",
                row,
                changes,
            )
        return None

    @api.model
    def _refresh(self, registry, update_operadoras=False):
        """Make the registry that of a newer file; nothing is deleted.

        :param registry: `standard.cadop.Registry`
        :param update_operadoras: also give the operadoras of the clinic their new legal name,
            CNPJ, modality and place; phones and e-mails are filled in only where there are none
        :return: what `_compare` returned before
        """
        compared = self._compare(registry)
        columns = self._get_file_columns()
        rows = [row for _kind, row, _changes in compared.values() if row]
        upsert(self, columns, ("ans_code",), ([row[name] for name in columns] for row in rows))
        gone = [code for code, (kind, *_rest) in compared.items() if kind == "gone"]
        self.search([("ans_code", "in", gone)]).sudo().write(
            {"is_cancelled": True, "cancel_date": fields.Date.context_today(self)}
        )
        self._tell_operadoras(compared)
        if update_operadoras:
            self._update_operadoras()
        return compared

    @api.model
    def _tell_operadoras(self, compared):
        """A note in the history of each operadora of the clinic that left or came back."""
        notes = {
            "gone": self.env._("No longer in the list of active operadoras of the ANS."),
            "back": self.env._("Again in the list of active operadoras of the ANS."),
        }
        codes = [code for code, (kind, *_rest) in compared.items() if kind in notes]
        partners = self.env["res.partner"].search([("tiss_ans_code", "in", codes)])
        partners._message_log_batch(
            bodies={
                partner.id: Markup("<p>%s</p>") % notes[compared[partner.tiss_ans_code][0]]
                for partner in partners
            }
        )

    @api.model
    def _update_operadoras(self):
        """Give the clinic's operadoras what the registry says now.

        :return: the partners that changed
        """
        partners = self.env["res.partner"].search([("tiss_ans_code", "!=", False)])
        rows = self.search([("ans_code", "in", partners.mapped("tiss_ans_code"))])
        by_code = rows.grouped("ans_code")
        changed = partners.browse()
        for partner in partners.filtered(lambda each: each.tiss_ans_code in by_code):
            vals = by_code[partner.tiss_ans_code]._prepare_update_vals(partner)
            if vals:
                partner.write(vals)
                changed |= partner
        return changed

    def _prepare_update_vals(self, partner):
        """What differs at `partner`; how to reach it is filled in only where nothing was typed."""
        self.ensure_one()
        wanted = self._prepare_identity_vals()
        current = partner._convert_to_write({name: partner[name] for name in wanted})
        vals = {name: value for name, value in wanted.items() if current[name] != value}
        for name in ("phone", "email"):
            if self[name] and not partner[name]:
                vals[name] = self[name]
        return vals


def _to_search_name(trade_name, legal_name):
    """Both names in ASCII, then both run together: SulAmérica finds SUL AMERICA."""
    names = to_ascii(f"{trade_name} {legal_name}")
    run_together = (to_ascii(name).replace(" ", "") for name in (trade_name, legal_name))
    return " ".join([names, *run_together])
