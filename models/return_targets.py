"""What the rows of a demonstrativo are about; see `tiss.demonstrativo.line`."""

from ..standard.money import to_cents


class ReturnTargets:
    """The lotes, guias and items that the rows of a demonstrativo can be about, as plain dicts."""

    def __init__(self, env, contract, rows):
        protocols = {row.get("protocol_number") for row in rows} - {None, False, ""}
        names = {row.get("lote_number") for row in rows if not row.get("protocol_number")}
        appeals = self._read_appeals(env, contract, rows, protocols)
        lotes = env["tiss.lote"].search_read(
            [
                ("contract_id", "in", contract.ids),
                "|", "|",
                ("protocol_number", "in", list(protocols)),
                ("name", "in", list(names - {None, False, ""})),
                ("id", "in", list(appeals.values())),
            ],
            ["name", "protocol_number", "amount_total"],
            load=None,
        )  # fmt: skip
        self.lotes = {f"#{lote['name']}": lote for lote in lotes}
        self.lotes |= {lote["protocol_number"]: lote for lote in lotes}
        by_id = {lote["id"]: lote for lote in lotes}
        self.appeals = {number: by_id[lote_id] for number, lote_id in appeals.items()}
        guias = env["tiss.guia"].search_read(
            [("lote_id", "in", [lote["id"] for lote in lotes])],
            ["lote_id", "name", "operadora_number", "amount_total"],
            load=None,
        )
        self.guias = {
            (guia["lote_id"], f"@{guia['operadora_number']}"): guia
            for guia in guias
            if guia["operadora_number"]
        } | {(guia["lote_id"], guia["name"]): guia for guia in guias}
        items = env["tiss.guia.line"].search_read(
            [("guia_id", "in", [guia["id"] for guia in guias])],
            ["guia_id", "sequence_item", "code", "date", "amount", "amount_released",
             "amount_to_process", "amount_appealed"],
            load=None,
        )  # fmt: skip
        self.items = {(item["guia_id"], item["sequence_item"]): item for item in items}
        self.by_code, self.by_guia = {}, {}
        for item in items:
            self.by_code.setdefault((item["guia_id"], item["code"]), []).append(item)
            self.by_guia.setdefault(item["guia_id"], []).append(item)
        self.taken = set()

    @staticmethod
    def _read_appeals(env, contract, rows, protocols):
        """{protocolo of a recurso: id of its lote}, where a row pays what was appealed."""
        if not any(row.get("is_appeal") for row in rows):
            return {}
        recursos = env["tiss.recurso"].search_read(
            [("contract_id", "in", contract.ids), ("protocol_number", "in", list(protocols))],
            ["protocol_number", "lote_id"],
            load=None,
        )
        return {recurso["protocol_number"]: recurso["lote_id"] for recurso in recursos}

    def find(self, row):
        """(lote, guia, item) of a row, each None where there is none."""
        lote = self.lotes.get(row.get("protocol_number") or f"#{row.get('lote_number')}")
        if not lote and row.get("is_appeal"):
            lote = self.appeals.get(row.get("protocol_number"))
        if not lote:
            return None, None, None
        guia = self.guias.get((lote["id"], row.get("guia_number")))
        guia = guia or self.guias.get((lote["id"], f"@{row.get('operadora_number')}"))
        if not guia or row["level"] != "item":
            return lote, guia, None
        if row.get("sequence_item"):
            return lote, guia, self.items.get((guia["id"], row["sequence_item"]))
        return lote, guia, self._choose_item(row, self.by_code.get((guia["id"], row.get("code"))))

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

    def get_our_cents(self, row, lote, guia, item):
        """Presented by us, or open where it is paid; None where nothing of ours is meant."""
        if row.get("is_payment"):
            items = self.by_guia.get(guia["id"], ()) if guia else ()
            open_buckets = ("amount_released", "amount_to_process")
            if row.get("is_appeal"):
                open_buckets = ("amount_appealed",)
            open_cents = sum(to_cents(each[name]) for each in items for name in open_buckets)
            return open_cents if guia else None
        if item:
            return to_cents(item["amount"])
        if guia:
            return to_cents(guia["amount_total"])
        return to_cents(lote["amount_total"]) if lote and row["level"] == "protocol" else None
