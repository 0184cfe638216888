import datetime

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date, formatLang

KEY = "tiss.contract.log"
DETAILED = 10  # Above this many changes of one kind the note only counts them.


class TissContractLog(models.AbstractModel):
    """What belongs to a convênio tells its chatter what was changed, once per transaction.

    Only the values before the first change are kept; they are compared when the transaction is
    flushed, as mail does with tracked fields. So a form saved with five changed rows gives one
    note, and nothing is read row by row. The context key `tracking_disable` keeps it silent.
    """

    _name = "tiss.contract.log"
    _description = "Change Noted on the Convênio"

    # Names of the fields that a note speaks of, in that order; each model sets its own.
    _tiss_log_fields = ()
    # Those that the label says already, so that only their change is told.
    _tiss_log_in_label = ()

    # ------------------------------------------------------------------
    # Hooks
    # ------------------------------------------------------------------

    def _tiss_log_contracts(self):
        """{id of a record in self: `tiss.contract` whose chatter speaks of it}; without the others.

        A price rule finds the contract by its price list, everything else by `contract_id`.
        """
        if "contract_id" in self._fields:
            return {record.id: record.contract_id for record in self}
        contracts = (
            self.env["tiss.contract"]
            .with_context(active_test=False)
            .search_fetch([("pricelist_id", "in", self.pricelist_id.ids)], ["pricelist_id"])
        )
        by_pricelist = contracts.grouped("pricelist_id")
        return {
            record.id: by_pricelist[record.pricelist_id]
            for record in self
            if record.pricelist_id in by_pricelist
        }

    def _tiss_log_label(self):
        """What a row is called in a note, e.g. the procedure of a price."""
        self.ensure_one()
        return self.display_name

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._tiss_log_remember("create")
        return records

    def write(self, vals):
        self._tiss_log_remember("write")
        return super().write(vals)

    def unlink(self):
        self._tiss_log_remember("unlink")
        return super().unlink()

    # ------------------------------------------------------------------
    # Remember, compare, tell
    # ------------------------------------------------------------------

    def _tiss_log_remember(self, kind):
        """Keep what the rows are before a change; the first change of a transaction counts."""
        if self.env.context.get("tracking_disable") or not self:
            return
        data = self.env.cr.precommit.data
        if KEY not in data:
            data[KEY] = {}
            self.env.cr.precommit.add(self.browse()._tiss_log_finalize)
        entries = data[KEY].setdefault(self._name, {})
        # As superuser: the note is about all that changed, also what its author may not read.
        records = self.sudo()
        if kind == "create":
            entries.update(dict.fromkeys(records.ids, ("create", {})))
        elif kind == "write":
            for record in records.filtered(lambda record: record.id not in entries):
                entries[record.id] = ("write", record._tiss_log_read())
        else:
            contracts = records._tiss_log_contracts()
            for record in records:
                before, values = entries.pop(record.id, ("write", None))
                if before != "create" and record.id in contracts:
                    values = values or record._tiss_log_read()
                    label = record._tiss_log_label() if len(records) <= DETAILED else ""
                    entries[record.id] = ("unlink", (contracts[record.id].id, label, values))

    def _tiss_log_read(self):
        self.ensure_one()
        return {name: self[name] for name in self._tiss_log_fields}

    @api.model
    def _tiss_log_finalize(self):
        """Write one note per contract about all that was remembered."""
        notes = {}  # contract id: list of html
        for name, entries in self.env.cr.precommit.data.pop(KEY, {}).items():
            for contract_id, changes in self.env[name].sudo()._tiss_log_collect(entries).items():
                notes.setdefault(contract_id, []).append(self.env[name]._tiss_log_render(changes))
        contracts = self.env["tiss.contract"].sudo().browse(notes).exists()
        if contracts:
            contracts._message_log_batch(
                {contract.id: Markup("").join(notes[contract.id]) for contract in contracts}
            )

    @api.model
    def _tiss_log_collect(self, entries):
        """{contract id: [(kind, record or its label, old values)]} of one model's `entries`."""
        existing = self.browse(entries).exists()
        changed = existing.filtered(
            # A removal that was rolled back leaves its entry behind.
            lambda record: (
                entries[record.id][0] == "create"
                or entries[record.id][0] == "write"
                and entries[record.id][1] != record._tiss_log_read()
            )
        )
        found = {}
        for record_id, contract in changed._tiss_log_contracts().items():
            record = changed.browse(record_id).with_prefetch(changed.ids)
            kind, old = entries[record_id]
            found.setdefault(contract.id, []).append((kind, record, old))
        remaining = set(existing.ids)
        for record_id, (kind, values) in entries.items():
            if kind == "unlink" and record_id not in remaining:
                contract_id, label, old = values
                found.setdefault(contract_id, []).append((kind, label, old))
        return found

    @api.model
    def _tiss_log_render(self, changes):
        """Html of what happened to the rows of this model on one contract."""
        title = self.env["ir.model"]._get(self._name).name
        if len(changes) > DETAILED:
            kinds = [change[0] for change in changes]
            return Markup("<p>%s</p>") % self.env._(
                "%(model)s: %(created)s added, %(written)s changed, %(removed)s removed.",
                model=title,
                created=kinds.count("create"),
                written=kinds.count("write"),
                removed=kinds.count("unlink"),
            )
        rows = [self._tiss_log_sentence(*change) for change in changes]
        items = Markup("").join(Markup("<li>%s</li>") % row for row in rows)
        return Markup("<p>%s</p><ul>%s</ul>") % (title, items)

    @api.model
    def _tiss_log_sentence(self, kind, record, old):
        """E.g. “Consulta em consultório: Price: 150.00 → 160.00; Until: – → 12/31/2026”."""
        is_gone = kind == "unlink"
        label, new = (
            (record, {}) if is_gone else (record._tiss_log_label(), record._tiss_log_read())
        )
        parts = []
        for name in self._tiss_log_fields:
            before, after = (self._tiss_log_format(name, vals.get(name)) for vals in (old, new))
            caption = self._fields[name]._description_string(self.env)
            if name == "active":
                if kind == "write" and before != after:
                    parts.append(self.env._("restored") if new[name] else self.env._("archived"))
            elif kind == "write" and before != after:
                parts.append(f"{caption}: {before or '–'} → {after or '–'}")
            elif kind != "write" and name not in self._tiss_log_in_label and (before or after):
                parts.append(f"{caption}: {before or after}")
        what = "; ".join(parts)
        if kind == "create":
            return self.env._("%(label)s added: %(what)s", label=label, what=what)
        if is_gone:
            return self.env._("%(label)s removed: %(what)s", label=label, what=what)
        return self.env._("%(label)s: %(what)s", label=label, what=what)

    @api.model
    def _tiss_log_format(self, name, value):
        """A value as people read it; empty for nothing."""
        field = self._fields[name]
        if field.type == "boolean":
            return "" if value is None else self.env._("yes") if value else self.env._("no")
        if not value:
            return ""
        if field.relational:
            return ", ".join(value.exists().mapped("display_name"))
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, value)
        if field.type in ("float", "monetary"):
            digits = field.get_digits(self.env) if field.type == "float" else None
            return formatLang(self.env, value, digits=digits[1] if digits else 2)
        if isinstance(value, datetime.datetime):
            value = fields.Datetime.context_timestamp(self, value).date()
        if isinstance(value, datetime.date):
            return format_date(self.env, value)
        return str(value)
