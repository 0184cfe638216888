from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.money import to_cents
from .bulk import lock
from .inside import INSIDE, Because
from .tie_out import RELEASED

COMPLEMENTED_TYPES = ("sp_sadt", "resumo_internacao")  # guide §4.4
SENT_STATES = ("sent", "processed", "closed")


class TissGuia(models.Model):
    """What may happen to a guia after it was made, and the history of it (guide §4.4).

    A number is never used twice: whoever corrects what was given away makes a substitute, which
    has a number of its own and is linked with the guia that it replaces.
    """

    _inherit = "tiss.guia"

    replaces_id = fields.Many2one(
        "tiss.guia",
        "Substitute Of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    replaced_by_ids = fields.One2many("tiss.guia", "replaces_id")
    complements_id = fields.Many2one(
        "tiss.guia",
        "Complement Of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    complemented_by_ids = fields.One2many("tiss.guia", "complements_id", "Completed By")
    released_lote_id = fields.Many2one(
        "tiss.lote",
        "Came Back From",
        readonly=True,
        copy=False,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    log_ids = fields.One2many(
        "tiss.guia.log", "guia_id", "History", groups="l10n_br_tiss.group_tiss_billing"
    )

    relation_links = fields.Html(
        "Other Guias of This Care", compute="_compute_relation_links", sanitize=False
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("replaces_id", "replaced_by_ids", "complements_id", "complemented_by_ids")
    def _compute_relation_links(self):
        """Substitutes and complements in both directions, as sentences that open them."""
        for guia in self:
            sentences = (
                (self.env._("Substitute of guia %s"), guia.replaces_id),
                (self.env._("Replaced by guia %s"), guia.replaced_by_ids),
                (self.env._("Completes guia %s"), guia.complements_id),
                (self.env._("Completed by guia %s"), guia.complemented_by_ids),
            )
            guia.relation_links = (
                Markup(" · ").join(
                    Markup(sentence) % guias._get_links() for sentence, guias in sentences if guias
                )
                or False
            )

    def _get_links(self):
        """The numbers of guias, each a link to its form."""
        return Markup(", ").join(
            Markup('<a href="/odoo/tiss-guias/%s">%s</a>') % (guia.id, guia.name) for guia in self
        )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def _get_system_fields(self):
        return super()._get_system_fields() | {"replaces_id", "complements_id"}

    def write(self, vals):
        if "state" not in vals:
            return super().write(vals)
        before = {guia: guia.state for guia in self}
        result = super().write(vals)
        self._log_states(before)
        return result

    # ------------------------------------------------------------------
    # History
    # ------------------------------------------------------------------

    def _with_reason(self, reason, event="status"):
        """These guias, in an environment whose changes of status are logged with a reason."""
        return self.with_context(tiss_because=Because(event, reason))

    def _log_states(self, before):
        """One row for each guia whose status is no longer what it was `before`.

        A guia that is ready from the moment it is made needs no row: who made it and when says it.
        """
        now = self.env.cr.now()
        self._record_log(
            [
                (guia, state)
                for guia, state in before.items()
                if state != guia.state
                and not (state == "draft" and guia.state == "ready" and guia.create_date == now)
            ]
        )

    def _log(self, event, reason):
        """A row for something that happened to each guia and left its status as it is."""
        self._with_reason(reason, event)._record_log([(guia, None) for guia in self])

    def _record_log(self, changes):
        """Rows for (guia, status before or None), with the reason that the context gives."""
        Log = self.env["tiss.guia.log"]
        because = self.env.context.get("tiss_because")
        # A browser cannot send one: its lists are no Because.
        event, reason = because if isinstance(because, Because) else ("status", None)
        rows = []
        for guia, before in changes:
            after = guia.state if before else None
            why = reason
            if not why and after in ("in_lote", "sent"):
                why = self.env._("Lote %s", guia.lote_id.name)
            rows.append((guia, event, before, after, why))
        if rows:
            Log._record(rows)

    def _check_reason(self, reason):
        reason = " ".join((reason or "").split())
        if not reason:
            raise UserError(self.env._("Say why: the reason stays in the history of the guia."))
        return reason

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_correct(self):
        """Ask what happened, and offer what the standard has for it."""
        return self.env["tiss.guia.correct"]._get_guia_action(self)

    def action_cancel(self):
        return self.env["tiss.guia.correct"]._get_guia_action(self, "cancel")

    def action_duplicate(self):
        self.ensure_one()
        return self.copy()._get_records_action()

    # ------------------------------------------------------------------
    # Cancel, take out of the lote
    # ------------------------------------------------------------------

    def cancel(self, reason):
        """Cancel guias that were not sent: their numbers stay used, their visits open again.

        Those in a lote are taken out of it first.

        :param reason: why, in the words of a person; nothing clinical
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        self.filtered(lambda guia: guia.state == "in_lote").remove_from_lote(reason)
        self._check_editable()
        self._release_visits()
        self.sudo()._with_reason(reason).state = "cancelled"

    def remove_from_lote(self, reason):
        """Take guias out of lotes that were not sent yet, so that they can be corrected.

        The XML of such a lote no longer fits, so it is a draft again; one that would hold nothing
        is cancelled. The number of the lote stays used either way.
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        lotes = self.lote_id
        lock(lotes)
        outside = self.filtered(lambda guia: guia.state != "in_lote")
        if outside:
            raise UserError(
                self.env._("Guia %s is in no lote that waits to be sent.", outside[0].name)
            )
        lotes._check_state("draft", "validated")
        for lote, guias in self.grouped("lote_id").items():
            words = self.env._("Lote %(lote)s: %(reason)s", lote=lote.name, reason=reason)
            guias.sudo()._with_reason(words, "removed").write({"lote_id": False, "state": "ready"})
        empty = lotes.filtered(lambda lote: not lote.guia_ids)
        empty.sudo().write({"state": "cancelled"})
        (lotes - empty).sudo().write({"state": "draft", "message_id": False})
        self._update_readiness()

    # ------------------------------------------------------------------
    # Withdraw
    # ------------------------------------------------------------------

    def withdraw(self, reason):
        """The operadora cancelled or refused single guias of a protocolo: nothing of them is owed.

        Possible as long as it answered nothing about their money, which leaves the receivable: by
        a credit note on the account of the revenue if it was invoiced, as what was billed did not
        come about. The visits open again.

        :param reason: why, in the words of a person; nothing clinical
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        lock(self.lote_id)
        lock(self)
        self._check_withdrawable()
        self._release_visits()
        guias = self.sudo()._with_reason(reason, "withdrawn").with_context(tiss_withdraw=INSIDE)
        guias.write({"state": "cancelled"})
        self._withdraw_money()
        lotes = self.lote_id
        lotes._message_log_batch(
            {
                lote.id: self.env._("Withdrawn guias: %s", ", ".join(batch.mapped("name")))
                for lote, batch in self.grouped("lote_id").items()
            }
        )
        lotes._update_states()
        lotes._check_tie_out()

    def _check_withdrawable(self):
        for guia in self:
            problem = guia._get_withdraw_problem()
            if problem:
                raise UserError(problem)

    def _get_withdraw_problem(self):
        """Why one guia cannot be withdrawn, in a sentence; None when it can."""
        if self.state not in SENT_STATES or not self.lote_id.protocol_number:
            return self.env._(
                "Guia %s was not received under a protocolo: cancel it, or refuse the lote that it"
                " was sent in.",
                self.name,
            )
        if self._is_answered():
            return self.env._(
                "The operadora already answered about guia %s: what it denied is contested by a"
                " recurso de glosa, never billed by a second guia.",
                self.name,
            )
        return None

    def _is_answered(self):
        """Whether anything of its money was released, paid or denied."""
        return any(
            to_cents(line.amount_to_process) != to_cents(line.amount) for line in self.line_ids
        )

    def _withdraw_money(self):
        """Take what the guias were billed for out of the ledger and of the books."""
        today = fields.Date.context_today(self)
        notes = {}
        for lote, batch in self.grouped("lote_id").items():
            amounts = lote._get_amounts_by_kind(batch)
            # Where only what was released is invoiced, the rest never became revenue.
            if lote.invoice_id and lote.invoice_moment != RELEASED and amounts:
                label = self.env._("Withdrawn guias · Protocolo %s", lote.protocol_number)
                notes[lote] = (today, label, amounts, lote.contract_id.revenue_account_id)
        lotes = self.lote_id.browse().union(*notes)
        lotes.contract_id._check_accounting()
        moves = lotes._book_credit_notes(notes)
        self.env["tiss.movement"]._record(
            [
                {
                    "line": line,
                    "kind": "withdraw",
                    "from_bucket": "to_process",
                    "cents": to_cents(line.amount),
                    "move": moves.get(line.guia_id.lote_id),
                }
                for line in self.line_ids
            ],
            today,
        )

    # ------------------------------------------------------------------
    # Substitutes and complements
    # ------------------------------------------------------------------

    def create_substitute(self, reason):
        """Replace guias that were not sent, or that were cancelled or withdrawn after it.

        A substitute says all that the guia said, is a draft, has a new number and takes the visits
        over; the guia that it replaces is cancelled.

        :param reason: why, in the words of a person; nothing clinical
        :return: `tiss.guia`, one per guia in self, in their order
        """
        self.check_access("write")
        self.check_access("create")
        reason = self._check_reason(reason)
        lock(self)
        self._check_replaceable()
        self.filtered(lambda guia: guia.state == "in_lote").remove_from_lote(reason)
        gone = self.filtered(lambda guia: guia.state == "cancelled")
        (self - gone).sudo()._with_reason(reason, "replaced").write({"state": "cancelled"})
        gone._log("replaced", reason)
        vals_list = [
            {
                **guia._prepare_content(),
                "replaces_id": guia.id,
                "encounter_ids": [Command.set(guia.encounter_ids.ids)],
            }
            for guia in self
        ]
        substitutes = self.sudo().create(vals_list).with_env(self.env)
        pairs = dict(zip(self, substitutes, strict=True))
        live = self - gone
        live._hand_visits_to(self.browse(pairs[guia].id for guia in live))
        for guia in gone:
            guia._take_visits_back(pairs[guia])
        substitutes._link_expenses_like(self)
        substitutes._log("substitute", reason)
        return substitutes

    def _get_family(self):
        """These guias, their substitutes and what they stand for: only one of them is billed."""
        family = self
        while relatives := (family.replaces_id | family.replaced_by_ids) - family:
            family |= relatives
        return family

    def _check_replaceable(self):
        for guia in self:
            others = guia._get_family() - guia
            live = others.filtered(lambda other: other.state != "cancelled")
            if live:
                raise UserError(
                    self.env._(
                        "Guia %(name)s was already replaced by guia %(other)s: correct that one.",
                        name=guia.name,
                        other=live[0].name,
                    )
                )
            if guia.state in SENT_STATES:
                raise UserError(
                    self.env._(
                        "Guia %s was sent: it is replaced after the operadora cancelled or refused"
                        " it, and you said so here.",
                        guia.name,
                    )
                )

    def create_complement(self, reason):
        """A further guia for what was forgotten in a guia that was sent (guide §4.4).

        Its items are still to be typed. A Resumo says by its billing type that it completes
        another one; an SP/SADT names the other as its main guia.

        :param reason: why, in the words of a person; nothing clinical
        :return: `tiss.guia`, one draft per guia in self, in their order
        """
        self.check_access("write")
        self.check_access("create")
        reason = self._check_reason(reason)
        for guia in self:
            if guia.state not in SENT_STATES or guia.guia_type not in COMPLEMENTED_TYPES:
                raise UserError(
                    self.env._(
                        "Guia %s cannot be completed by another: that is for guias of SP/SADT and"
                        " resumos de internação that were sent.",
                        guia.name,
                    )
                )
        vals_list = [{**guia._prepare_complement(), "complements_id": guia.id} for guia in self]
        complements = self.sudo().create(vals_list).with_env(self.env)
        self._log("complemented", reason)
        complements._log("complement", reason)
        return complements
