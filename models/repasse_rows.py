"""What movements give to the professionals who did the items, as values of repasse lines."""

from odoo.tools import SQL

from ..standard.money import from_cents, to_cents
from .repasse_book import Item, RepasseBook, Terms, get_base, get_share


class RepasseRows:
    """Of all movements of a company until a day that not everybody was given his part of yet.

    Everything is read in a fixed number of queries, however many movements there are.

    :param company: `res.company`, in the environment of who asks
    """

    def __init__(self, company, date):
        self.env = company.env
        self.company = company
        self.date = date

    def compute(self):
        """Values of the lines of all these movements, without their repasse and company."""
        rules = self.env["tiss.repasse.rule"].search([("company_id", "=", self.company.id)])
        if not rules:
            return []
        movements = self._read_movements()
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

    def _read_movements(self):
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
                company=self.company.id,
                date=self.date,
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
