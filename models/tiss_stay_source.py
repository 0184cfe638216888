from odoo import api, fields, models


class TissStaySource(models.AbstractModel):
    """A record from which a stay is known: the open visit, or the guia that bills it."""

    _name = "tiss.stay.source"
    _description = "Known Stay"

    stay_notice_count = fields.Integer(
        "Notices", compute="_compute_stay_notice_count", groups="l10n_br_tiss.group_tiss_billing"
    )
    is_stay = fields.Boolean(compute="_compute_is_stay")

    @api.depends("regime_id")
    def _compute_is_stay(self):
        for record in self:
            record.is_stay = record._is_stay()

    def _is_stay(self):
        raise NotImplementedError

    def _compute_stay_notice_count(self):
        link = self._get_stay_notice_link()
        counts = dict(
            self.env["tiss.stay.notice"]._read_group(
                [(link, "in", self.ids), ("state", "!=", "cancelled")], [link], ["__count"]
            )
        )
        for record in self:
            record.stay_notice_count = counts.get(record._origin, 0)

    @api.model
    def _get_stay_notice_link(self):
        """The field of a notice that points at this model."""
        raise NotImplementedError

    def _prepare_stay_notice(self, event):
        """Values of the notice that this stay began or ended."""
        self.ensure_one()
        return {
            "company_id": self.company_id.id,
            "contract_id": self.contract_id.id,
            "patient_id": self.patient_id.id,
            "card_id": self.card_id.id,
            "card_number": self.card_id.number,
            "is_newborn": self.card_id.is_newborn,
            "event": event,
            self._get_stay_notice_link(): self.id,
        }

    def create_stay_notices(self, event):
        """One notice per stay; one that is not sent yet is given back instead of a second one.

        :param event: "admission" or "discharge"
        :return: `tiss.stay.notice`, in the order of the stays
        """
        link = self._get_stay_notice_link()
        Notice = self.env["tiss.stay.notice"]
        known = Notice.search(
            [
                (link, "in", self.ids),
                ("event", "=", event),
                ("state", "in", ("draft", "validated", "rejected")),
            ]
        ).grouped(link)
        new = self.filtered(lambda record: record not in known)
        created = Notice.create([record._prepare_stay_notice(event) for record in new])
        notices = dict(zip(new, created, strict=True)) | known
        return Notice.union(*(notices[record][:1] for record in self))

    def action_notify_admission(self):
        return self.create_stay_notices("admission")._get_records_action()

    def action_notify_discharge(self):
        return self.create_stay_notices("discharge")._get_records_action()

    def action_view_stay_notices(self):
        domain = [(self._get_stay_notice_link(), "in", self.ids)]
        notices = self.env["tiss.stay.notice"].search(domain)
        return notices._get_records_action(name=self.env._("Notices"))
