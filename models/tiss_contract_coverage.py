from functools import cache

from odoo import api, fields, models
from odoo.tools import format_date

from .coverage_answer import CoverageAnswer
from .coverage_book import CoverageBook, CoverageRequest
from .price_book import PriceRequest


class TissContract(models.Model):
    """What a card's bearer is covered for, and why."""

    _inherit = "tiss.contract"

    coverage_ids = fields.One2many("tiss.coverage", "contract_id")
    coverage_policy = fields.Selection(
        [("warn", "Warn only"), ("block", "Do not bill what is not covered")],
        "When Not Covered",
        default="warn",
        required=True,
        tracking=True,
    )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def coverage_for(self, card, product, date, quantity=1, mode="on_site", **details):
        """Would the convênio pay for a procedure, who pays what, and why.

        A caller from outside gives ids for records, and the date as text. Amounts are Decimal:
        JSON-RPC sends them as text such as "150.00", and XML-RPC cannot send them.

        :param card: `tiss.card`
        :param product: `product.product`
        :param mode: "on_site" or "tele"
        :param details: `professional` (`res.partner`), `authorization` (number or password that
            was given), `encounter` (`tiss.encounter` whose own items do not count as used) and
            `amount` (reais, where somebody typed the price)
        :return: dict:

            - `covered` and `authorization_required` (needed, and not given yet)
            - `patient_amount` and `operadora_amount`: Decimal reais; together they are `amount`
              when it is covered and paid by fee or package. What is not covered costs the patient
              the private price.
            - `yearly_deductible`: the part of `patient_amount` that uses up the deductible of the
              year, Decimal reais
            - `unit_amount` and `amount`: Decimal reais, None without a price
            - `billing_kind`; `copayment_at_clinic`: who collects the patient's part
            - `reasons`: dicts `code`, `kind` ("block", "warn" or "info"), `message` (a sentence),
              `model` and `res_id` (what to look at or change; may be None)
        :raises UserError: no procedure, no day, a quantity that is not above zero, or a mode that
            there is not
        """
        details.update(card=card, product=product, date=date, quantity=quantity, mode=mode)
        return self._compute_coverages([CoverageRequest(**self._to_records(details))])[0]

    def _compute_coverages(self, requests):
        """Answers of `coverage_for` for many questions, in a constant number of queries.

        :param requests: list of `CoverageRequest`
        :return: list of dicts, in the order of the requests
        """
        self.ensure_one()
        if not requests:
            return []
        book = CoverageBook(self, requests)
        formats = (
            cache(lambda date: format_date(self.env, date)),
            cache(lambda amount: self.currency_id.format(float(amount))),
        )
        return [
            CoverageAnswer(book, request, price, formats).get()
            for request, price in zip(book.requests, book.prices, strict=True)
        ]

    def _get_coverage_prices(self, requests):
        """`Price` of each `CoverageRequest`, in order."""
        return self._compute_prices(
            PriceRequest(
                request.product,
                request.date,
                request.quantity,
                request.mode,
                plan=request.card.plan_id,
                professional=request.professional,
            )
            for request in requests
        )

    @api.model
    def _get_by_card(self, cards):
        """{card: the convênio of its company with its operadora, may be empty}; one query."""
        contracts = {
            (contract.company_id, contract.partner_id): contract
            for contract in self.search(
                [
                    ("partner_id", "in", cards.operadora_id.ids),
                    ("company_id", "in", cards.company_id.ids),
                ]
            )
        }
        return {
            card: contracts.get((card.company_id, card.operadora_id), self.browse())
            for card in cards
        }

    @api.model
    def _get_coverage_state(self, answers):
        """The worst of several answers, as `coverage_state` of an encounter; False of none."""
        if not answers:
            return False
        if not all(answer["covered"] for answer in answers):
            return "not_covered"
        if any(answer["authorization_required"] for answer in answers):
            return "authorization"
        is_unpriced = any(answer["unit_amount"] is None for answer in answers)
        return "no_price" if is_unpriced else "covered"

    @api.model
    def _render_coverage(self, titled_answers):
        """The reasons of answers as HTML, each with a link to what the user may open.

        :param titled_answers: list of (title or None, answer)
        """
        records = {}
        for _title, answer in titled_answers:
            for reason in answer["reasons"]:
                if reason["res_id"]:
                    records.setdefault(reason["model"], set()).add(reason["res_id"])
        readable = {
            model: set(self.env[model].browse(ids)._filtered_access("read").ids)
            for model, ids in records.items()
        }
        return self.env["ir.qweb"]._render(
            "l10n_br_tiss.coverage_reasons",
            {
                "answers": titled_answers,
                "readable": lambda reason: reason["res_id"] in readable.get(reason["model"], ()),
                "icons": {
                    "block": "fa-times-circle text-danger",
                    "warn": "fa-exclamation-triangle text-warning",
                    "info": "fa-info-circle text-muted",
                },
            },
        )
