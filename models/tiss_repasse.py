from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_date

from ..standard.money import from_cents, to_cents
from .bulk import insert, lock
from .repasse_book import Item, RepasseBook, Terms, get_base, get_share
from .tiss_repasse_line import COLUMNS

SYSTEM_FIELDS = {
    "company_id", "professional_id", "date", "state", "line_ids", "previous_id", "bill_id",
    "amount_lines", "amount_carried", "amount_total",
}  # fmt: skip


class TissRepasse(models.Model):
    """What a clinic owes a professional for what operadoras paid, or will pay, of his work.

    Flow: draft (made again from the movements as often as wanted) → closed (its lines stay; a
    vendor bill for a company, the list for the RPA for a person) → paid. A negative total is
    carried over to the next one.
    """

    _name = "tiss.repasse"
    _description = "Repasse"
    _inherit = ["tiss.system.made", "mail.thread"]
    _order = "date desc, id desc"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    professional_id = fields.Many2one(
        "res.partner", required=True, index=True, readonly=True, ondelete="restrict"
    )
    payee_id = fields.Many2one("res.partner", "Paid To", compute="_compute_payee_id")
    payee_kind = fields.Selection(
        [("company", "Company (bill)"), ("person", "Person (RPA)")], compute="_compute_payee_id"
    )
    date = fields.Date("Until", required=True, readonly=True)
    state = fields.Selection(
        [("draft", "Draft"), ("closed", "Fixed"), ("paid", "Paid")],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    line_ids = fields.One2many("tiss.repasse.line", "repasse_id", "Lines", readonly=True)
    line_count = fields.Integer(compute="_compute_line_count")
    previous_id = fields.Many2one(
        "tiss.repasse", "Carries Over", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    amount_lines = fields.Monetary("Of the Period", readonly=True)
    amount_carried = fields.Monetary(
        "Carried Over", readonly=True, help="The negative total of the one before."
    )
    amount_total = fields.Monetary("Total", readonly=True)
    bill_id = fields.Many2one(
        "account.move",
        readonly=True,
        copy=False,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
    )
    bill_state = fields.Selection(related="bill_id.payment_state", string="Bill Status")

    _draft_uniq = models.UniqueIndex(
        "(company_id, professional_id) WHERE state = 'draft'",
        "This professional already has a repasse that is not closed.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("professional_id", "date")
    def _compute_display_name(self):
        for repasse in self:
            repasse.display_name = self.env._(
                "%(professional)s until %(date)s",
                professional=repasse.professional_id.name,
                date=format_date(self.env, repasse.date),
            )

    @api.depends("professional_id.tiss_repasse_payee_id")
    def _compute_payee_id(self):
        for repasse in self:
            professional = repasse.professional_id
            repasse.payee_id = professional.tiss_repasse_payee_id or professional
            repasse.payee_kind = "company" if repasse.payee_id.is_company else "person"

    @api.depends("line_ids")
    def _compute_line_count(self):
        counts = dict(
            self.env["tiss.repasse.line"]._read_group(
                [("repasse_id", "in", self.ids)], ["repasse_id"], ["__count"]
            )
        )
        for repasse in self:
            repasse.line_count = counts.get(repasse, 0)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if SYSTEM_FIELDS & set(vals) and not self.env.su:
            raise UserError(self.env._("A repasse follows from what was billed and paid."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        if any(repasse.state != "draft" for repasse in self):
            raise UserError(self.env._("A closed repasse stays in the history."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_close(self):
        self.close()

    def action_reopen(self):
        self.reopen()

    def action_mark_paid(self):
        self._check_state("closed")
        billed = self.filtered("bill_id")
        if billed:
            raise UserError(
                self.env._("%s has a bill: register the payment there.", billed[0].display_name)
            )
        self.sudo().state = "paid"

    def action_view_bill(self):
        return self.bill_id._get_records_action(name=self.env._("Bills"))

    def action_view_lines(self):
        return self.line_ids._get_records_action(name=self.env._("Repasse Lines"))

    # ------------------------------------------------------------------
    # Generation
    # ------------------------------------------------------------------

    @api.model
    def generate(self, date):
        """Make the drafts of the current company anew: all movements until `date` not yet shared.

        :return: `tiss.repasse`, the drafts
        """
        self.check_access("write")
        company = self.env.company
        self._clear_drafts(company)
        rows = self._compute_rows(company, date)
        drafts = self._prepare_drafts(company, date, {row["professional_id"] for row in rows})
        ids = {draft.professional_id.id: draft.id for draft in drafts}
        for row in rows:
            row["repasse_id"] = ids[row["professional_id"]]
            row["company_id"] = company.id
        insert(
            self.env["tiss.repasse.line"],
            COLUMNS,
            (tuple(row[name] for name in COLUMNS) for row in rows),
        )
        drafts._update_amounts()
        return drafts

    @api.model
    def _clear_drafts(self, company):
        drafts = self.sudo().search([("company_id", "=", company.id), ("state", "=", "draft")])
        lock(drafts)
        drafts.line_ids.unlink()

    @api.model
    def _prepare_drafts(self, company, date, professional_ids):
        """One draft for each professional with lines or with a negative balance; others go."""
        last = self._get_last_closed(company)
        owing = {
            professional
            for professional, repasse in last.items()
            if to_cents(repasse.amount_total) < 0
        }
        Partner = self.env["res.partner"]
        wanted = Partner.browse(sorted(professional_ids)) | Partner.union(*owing)
        drafts = self.sudo().search([("company_id", "=", company.id), ("state", "=", "draft")])
        drafts.filtered(lambda draft: draft.professional_id not in wanted).unlink()
        drafts = drafts.exists()
        drafts.date = date
        drafts |= self.sudo().create(
            [
                {"company_id": company.id, "professional_id": professional.id, "date": date}
                for professional in wanted - drafts.professional_id
            ]
        )
        for draft in drafts:
            previous = last.get(draft.professional_id)
            carried = min(to_cents(previous.amount_total), 0) if previous else 0
            draft.previous_id = previous if carried else False
            draft.amount_carried = float(from_cents(carried))
        return drafts.with_env(self.env)

    @api.model
    def _get_last_closed(self, company):
        """{professional: his last repasse that is no draft}"""
        ids = self.env.execute_query(
            SQL(
                "SELECT DISTINCT ON (professional_id) id FROM tiss_repasse"
                " WHERE company_id = %s AND state != 'draft' ORDER BY professional_id, id DESC",
                company.id,
            )
        )
        return {repasse.professional_id: repasse for repasse in self.browse(row[0] for row in ids)}

    @api.model
    def _compute_rows(self, company, date):
        """Values of the lines of all movements that nobody was given a part of yet."""
        rules = self.env["tiss.repasse.rule"].search([("company_id", "=", company.id)])
        if not rules:
            return []
        movements = self._read_movements(company, date)
        items = self._read_items({row["guia_line_id"] for row in movements})
        book, state = RepasseBook(rules), self._read_shared(items)
        rows = []
        for movement in movements:
            item = items[movement["guia_line_id"]]
            for place, (professional_id, _weight) in enumerate(item.team):
                if professional_id in movement["shared_with"]:
                    continue
                key = (item.id, professional_id)
                if key not in state:
                    terms = book.find(
                        professional_id, item.contract_id, item.date, item.categ_ids,
                        item.is_expense,
                    )  # fmt: skip
                    state[key] = [terms, 0]
                row = self._prepare_row(movement, item, place, state[key])
                if row:
                    rows.append({**row, "professional_id": professional_id})
        return rows

    @api.model
    def _prepare_row(self, movement, item, place, shared):
        """Values of a line; None when the movement gives and takes nothing.

        :param shared: [terms, cents of the base until now]; the base is brought up to date
        """
        terms, before = shared
        if not terms:
            return None
        base = get_base(
            terms.basis, movement["from_bucket"], movement["to_bucket"], movement["cents"]
        )
        if not base:
            return None
        shared[1] = after = before + base
        cents = get_share(terms, item, place, after) - get_share(terms, item, place, before)
        return {
            "movement_id": movement["id"],
            "guia_line_id": item.id,
            "guia_id": movement["guia_id"],
            "contract_id": item.contract_id,
            "date": movement["date"],
            "rule_id": terms.rule_id,
            "basis": terms.basis,
            "share_kind": terms.kind,
            "percent": terms.percent,
            "fixed_amount": terms.amount,
            "base_amount": from_cents(base),
            "amount": from_cents(cents),
        }

    @api.model
    def _read_movements(self, company, date):
        """Movements until a day that are in no repasse, each item's in their order.

        Also those of teams of which not everybody had an agreement then: who has one since is
        given his part, as he is of items that nobody had one for.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT m.id, m.guia_line_id, m.guia_id, m.date, m.from_bucket, m.to_bucket,
                       r.professionals, m.amount
                  FROM tiss_movement m
                  LEFT JOIN (SELECT movement_id, array_agg(professional_id) AS professionals
                               FROM tiss_repasse_line
                              WHERE company_id = %(company)s
                              GROUP BY movement_id) r ON r.movement_id = m.id
                  LEFT JOIN (SELECT line_id, COUNT(DISTINCT professional_id) AS size
                               FROM tiss_guia_member
                              GROUP BY line_id) t ON t.line_id = m.guia_line_id
                 WHERE m.company_id = %(company)s
                   AND m.date <= %(date)s
                   AND COALESCE(cardinality(r.professionals), 0) < COALESCE(t.size, 1)
              ORDER BY m.guia_line_id, m.id
                """,
                company=company.id,
                date=date,
            )
        )
        names = ("id", "guia_line_id", "guia_id", "date", "from_bucket", "to_bucket", "shared_with")
        return [
            {
                **dict(zip(names, row, strict=False)),
                "shared_with": row[-2] or (),
                "cents": to_cents(row[-1]),
            }
            for row in rows
        ]

    @api.model
    def _read_items(self, item_ids):
        """{id: `Item`}; an item without a team was done by the professional of its guia."""
        teams = self._read_teams(item_ids)
        paths = {
            category.id: tuple(int(part) for part in category.parent_path.split("/") if part)
            for category in self.env["product.category"].search([])
        }
        rows = self.env.execute_query(
            SQL(
                """
                SELECT l.id, g.contract_id, l.date, t.categ_id, l.expense_kind_id IS NOT NULL,
                       l.quantity, l.amount, g.professional_id
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id
                  LEFT JOIN product_product p ON p.id = l.product_id
                  LEFT JOIN product_template t ON t.id = p.product_tmpl_id
                 WHERE l.id = ANY(%s)
                """,
                list(item_ids),
            )
        )
        return {
            item_id: Item(
                item_id, contract_id, date, paths.get(categ_id, ()), is_expense, quantity,
                to_cents(amount), teams.get(item_id) or ((performer_id, 1),),
            )
            for item_id, contract_id, date, categ_id, is_expense, quantity, amount, performer_id
            in rows
        }  # fmt: skip

    @api.model
    def _read_teams(self, item_ids):
        """{item id: ((professional id, weight), …)}, each weighing what the convênio pays him."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT m.line_id, m.professional_id, m.participation_id, g.contract_id
                  FROM tiss_guia_member m
                  JOIN tiss_guia_line l ON l.id = m.line_id
                  JOIN tiss_guia g ON g.id = l.guia_id
                 WHERE m.line_id = ANY(%s)
              ORDER BY m.line_id, m.id
                """,
                list(item_ids),
            )
        )
        Line, Term = self.env["tiss.guia.line"], self.env["tiss.term"]
        weights, teams = {}, {}
        for item_id, professional_id, term_id, contract_id in rows:
            key = (contract_id, term_id)
            if key not in weights:
                factor = Line.browse(item_id)._get_participation_factor(Term.browse(term_id))
                weights[key] = int(factor * 100)
            team = teams.setdefault(item_id, {})
            team[professional_id] = team.get(professional_id, 0) + weights[key]
        return {item_id: tuple(team.items()) for item_id, team in teams.items()}

    @api.model
    def _read_shared(self, item_ids):
        """{(item id, professional id): [terms, cents of the base]} of what closed ones hold."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT guia_line_id, professional_id, (array_agg(rule_id))[1], min(basis),
                       min(share_kind), min(percent), min(fixed_amount), sum(base_amount)
                  FROM tiss_repasse_line
                 WHERE guia_line_id = ANY(%s)
              GROUP BY guia_line_id, professional_id
                """,
                list(item_ids),
            )
        )
        return {
            (item_id, professional_id): [
                Terms(rule_id, basis, kind, float(percent or 0), float(amount or 0)),
                to_cents(base),
            ]
            for item_id, professional_id, rule_id, basis, kind, percent, amount, base in rows
        }

    def _update_amounts(self):
        sums = dict(
            self.env["tiss.repasse.line"]._read_group(
                [("repasse_id", "in", self.ids)], ["repasse_id"], ["amount:sum"]
            )
        )
        for repasse in self.sudo():
            lines = to_cents(sums.get(repasse.with_env(self.env), 0))
            repasse.amount_lines = float(from_cents(lines))
            total = lines + to_cents(repasse.amount_carried)
            repasse.amount_total = float(from_cents(total))

    # ------------------------------------------------------------------
    # Closing
    # ------------------------------------------------------------------

    def _check_state(self, *states):
        other = self.filtered(lambda repasse: repasse.state not in states)
        if other:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "The repasse of %(name)s is %(state)s.",
                    name=other[0].display_name,
                    state=labels[other[0].state],
                )
            )

    def close(self):
        """Fix the lines of drafts; what is owed to companies becomes draft vendor bills.

        :return: `account.move`, the bills
        """
        self.check_access("write")
        lock(self)
        self._check_state("draft")
        self.sudo().state = "closed"
        owed = self.filtered(
            lambda repasse: repasse.payee_kind == "company" and to_cents(repasse.amount_total) > 0
        )
        if not owed:
            return self.env["account.move"]
        for company in owed.company_id:
            company._tiss_check_accounts("tiss_repasse_account_id", "tiss_repasse_journal_id")
        bills = self.env["account.move"].create([repasse._prepare_bill() for repasse in owed])
        for repasse, bill in zip(owed.sudo(), bills, strict=True):
            repasse.bill_id = bill
        return bills

    def _prepare_bill(self):
        """A draft: the accountant adds the taxes that are withheld and the number of the NFS-e."""
        amounts = self.env["tiss.repasse.line"]._read_group(
            [("repasse_id", "=", self.id)], ["contract_id"], ["amount:sum"]
        )
        label = self.env._("Repasse until %s", format_date(self.env, self.date))
        rows = [(f"{label} · {contract.name}", to_cents(amount)) for contract, amount in amounts]
        if self.amount_carried:
            rows.append((self.env._("Balance carried over"), to_cents(self.amount_carried)))
        company = self.company_id
        return {
            "move_type": "in_invoice",
            "company_id": company.id,
            "partner_id": self.payee_id.id,
            "journal_id": company.tiss_repasse_journal_id.id,
            "invoice_date": fields.Date.context_today(self),
            "invoice_origin": self.display_name,
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": name,
                        "quantity": 1,
                        "price_unit": float(from_cents(cents)),
                        "account_id": company.tiss_repasse_account_id.id,
                        "tax_ids": [Command.clear()],
                    }
                )
                for name, cents in rows
                if cents
            ],
        }

    def reopen(self):
        """Back to draft, as long as nothing came after and no bill was posted."""
        self.check_access("write")
        lock(self)
        self._check_state("closed")
        for repasse in self:
            later = self.sudo().search_count(
                Domain("company_id", "=", repasse.company_id.id)
                & Domain("professional_id", "=", repasse.professional_id.id)
                & Domain("id", ">", repasse.id),
                limit=1,
            )
            if later:
                raise UserError(
                    self.env._(
                        "There is a later repasse of %s: reopen or delete that one first.",
                        repasse.professional_id.name,
                    )
                )
            if repasse.bill_id.state == "posted":
                raise UserError(
                    self.env._("Bill %s is posted: reset it to draft first.", repasse.bill_id.name)
                )
        self.bill_id.filtered(lambda bill: bill.state == "draft").unlink()
        self.sudo().write({"state": "draft", "bill_id": False})
