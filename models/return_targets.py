"""What the rows of a demonstrativo are about; see `tiss.demonstrativo.line`."""

from odoo.tools import SQL

from ..standard.money import from_cents, to_cents


class ReturnTargets:
    """Finds the lotes, guias and items that rows are about, reading no more than those.

    What a row lacks is made up for as in guide §5.5: the lote by its own number, the guia by the
    operadora's, the item by its code, day and amount. An item without a number is meant once, as
    far as they go, in all rows of a file.
    """

    def __init__(self, env, contract):
        self.env = env
        self.contract = contract
        self.taken = set()
        # Plain SQL below: the rows of a file are no records yet, and there can be any number.
        for model in ("tiss.lote", "tiss.guia", "tiss.guia.line", "tiss.recurso"):
            env[model].flush_model()

    def find_all(self, rows):
        """The values of lote_id, guia_id, guia_line_id and the amounts compared, of each row."""
        self._read_lotes(rows)
        self._read_guias(rows)
        self._read_items(rows)
        targets = []
        for row in rows:
            lote, guia, item = self._find(row)
            ours = self._get_our_cents(row, lote, guia, item)
            theirs = to_cents(row.get("amount_released") or 0)
            targets.append(
                {
                    "lote_id": lote["id"] if lote else False,
                    "guia_id": guia["id"] if guia else False,
                    "guia_line_id": item["id"] if item else False,
                    "amount_ours": 0.0 if ours is None else float(from_cents(ours)),
                    "amount_difference": 0.0 if ours is None else float(from_cents(theirs - ours)),
                }
            )
        return targets

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _query(self, query, **params):
        return self.env.execute_query_dict(SQL(query, **params))

    def _read_lotes(self, rows):
        protocols = {row.get("protocol_number") for row in rows} - {None, False, ""}
        names = {row.get("lote_number") for row in rows if not row.get("protocol_number")}
        self._appeals = {}
        if any(row.get("is_appeal") for row in rows):
            self._appeals = {
                row["protocol_number"]: row["lote_id"]
                for row in self._query(
                    "SELECT protocol_number, lote_id FROM tiss_recurso"
                    " WHERE contract_id = %(contract)s AND protocol_number = ANY(%(protocols)s)",
                    contract=self.contract.id,
                    protocols=list(protocols),
                )
            }
        lotes = self._query(
            "SELECT id, name, protocol_number FROM tiss_lote WHERE contract_id = %(contract)s"
            " AND (protocol_number = ANY(%(protocols)s) OR name = ANY(%(names)s)"
            " OR id = ANY(%(ids)s)) ORDER BY id",
            contract=self.contract.id,
            protocols=list(protocols),
            names=list(names - {None, False, ""}),
            ids=list(self._appeals.values()),
        )
        self._lotes = {f"#{lote['name']}": lote for lote in lotes}
        self._lotes |= {lote["protocol_number"]: lote for lote in lotes}
        self._by_id = {lote["id"]: lote for lote in lotes}
        if any(row["level"] == "protocol" for row in rows):
            self._read_totals()

    def _read_totals(self):
        """Of what the operadora has: a guia that was withdrawn counts no more."""
        totals = self._query(
            "SELECT lote_id, SUM(amount_total) AS total FROM tiss_guia"
            " WHERE lote_id = ANY(%(lotes)s) AND state != 'cancelled' GROUP BY lote_id",
            lotes=list(self._by_id),
        )
        for lote in self._by_id.values():
            lote["amount_total"] = 0
        for row in totals:
            self._by_id[row["lote_id"]]["amount_total"] = row["total"]

    def _read_guias(self, rows):
        guias = self._query(
            "SELECT id, lote_id, name, operadora_number, amount_total FROM tiss_guia"
            " WHERE lote_id = ANY(%(lotes)s) AND (name = ANY(%(names)s)"
            " OR operadora_number = ANY(%(theirs)s)) ORDER BY id",
            lotes=list(self._by_id),
            names=[row["guia_number"] for row in rows if row.get("guia_number")],
            theirs=[row["operadora_number"] for row in rows if row.get("operadora_number")],
        )
        self._guias = {
            (guia["lote_id"], f"@{guia['operadora_number']}"): guia
            for guia in guias
            if guia["operadora_number"]
        } | {(guia["lote_id"], guia["name"]): guia for guia in guias}
        self._guia_ids = [guia["id"] for guia in guias]

    def _read_items(self, rows):
        """The items that rows name, and of the guias that are paid what is open."""
        self._items, self._by_code, self._open = {}, {}, {}
        items = [row for row in rows if row["level"] == "item"]
        if items:
            self._keep_items(
                self._query(
                    "SELECT id, guia_id, sequence_item, code, date, amount FROM tiss_guia_line"
                    " WHERE guia_id = ANY(%(guias)s) AND (sequence_item = ANY(%(numbers)s)"
                    " OR code = ANY(%(codes)s)) ORDER BY id",
                    guias=self._guia_ids,
                    numbers=list(
                        {row["sequence_item"] for row in items if row.get("sequence_item")}
                    ),
                    codes=list({row.get("code") for row in items if not row.get("sequence_item")}),
                )
            )
        if any(row.get("is_payment") for row in rows):
            self._open = {
                row["guia_id"]: row
                for row in self._query(
                    "SELECT guia_id, SUM(COALESCE(amount_appealed, 0)) AS appealed,"
                    " SUM(COALESCE(amount_released, 0) + COALESCE(amount_to_process, 0)) AS waiting"
                    " FROM tiss_guia_line WHERE guia_id = ANY(%(guias)s) GROUP BY guia_id",
                    guias=self._guia_ids,
                )
            }

    def _keep_items(self, items):
        for item in items:
            self._items[item["guia_id"], item["sequence_item"]] = item
            self._by_code.setdefault((item["guia_id"], item["code"]), []).append(item)

    # ------------------------------------------------------------------
    # Finding
    # ------------------------------------------------------------------

    def _find(self, row):
        """(lote, guia, item) of a row, each None where there is none."""
        lote = self._lotes.get(row.get("protocol_number") or f"#{row.get('lote_number')}")
        if not lote and row.get("is_appeal"):
            lote = self._by_id.get(self._appeals.get(row.get("protocol_number")))
        if not lote:
            return None, None, None
        guia = self._guias.get((lote["id"], row.get("guia_number")))
        guia = guia or self._guias.get((lote["id"], f"@{row.get('operadora_number')}"))
        if not guia or row["level"] != "item":
            return lote, guia, None
        if row.get("sequence_item"):
            return lote, guia, self._items.get((guia["id"], row["sequence_item"]))
        return lote, guia, self._choose_item(row, self._by_code.get((guia["id"], row.get("code"))))

    def _choose_item(self, row, items):
        """The item of a row that does not say its number; each item once, as far as they go."""
        if not items:
            return None
        day, cents = row.get("service_date"), to_cents(row.get("amount_informed") or 0)
        item = min(
            items,
            key=lambda item: (
                item["id"] in self.taken,
                bool(day) and item["date"] != day,
                to_cents(item["amount"]) != cents,
                item["sequence_item"],
            ),
        )
        self.taken.add(item["id"])
        return item

    def _get_our_cents(self, row, lote, guia, item):
        """Presented by us, or open where it is paid; None where nothing of ours is meant."""
        if row.get("is_payment"):
            waiting = self._open.get(guia["id"], {}) if guia else {}
            name = "appealed" if row.get("is_appeal") else "waiting"
            return to_cents(waiting.get(name) or 0) if guia else None
        if item:
            return to_cents(item["amount"])
        if guia:
            return to_cents(guia["amount_total"])
        return to_cents(lote["amount_total"]) if lote and row["level"] == "protocol" else None
