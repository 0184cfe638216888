"""The invariants A1 to A8 and B9, B10 of the ledger, worked out a second time.

Rows are read as they stand in the tables and added up in Python, in whole cents: nothing of the
addon's own check is used, so that an error in it cannot hide one in the books.
"""

from collections import defaultdict

from ..models.tiss_movement import BUCKETS

NAMES = [name for name, _label in BUCKETS]
OPEN = ("to_process", "released", "denied", "appealed")
SETTLED = ("paid", "in_payment", "reversed")


class Books:
    """What the tables say of the convênios of one company."""

    def __init__(self, contracts):
        self.env = contracts.env
        self.contracts = contracts
        self.env.flush_all()
        self.lotes = self._rows(
            "SELECT id, invoice_moment, glosa_policy, invoice_id, contract_id, protocol_number"
            " FROM tiss_lote WHERE contract_id = ANY(%s)",
            contracts.ids,
        )
        self.items = self._rows(
            "SELECT l.*, g.lote_id AS lote, g.state AS guia_state FROM tiss_guia_line l"
            " JOIN tiss_guia g ON g.id = l.guia_id WHERE g.lote_id = ANY(%s)",
            [lote["id"] for lote in self.lotes],
        )
        self.movements = self._rows(
            "SELECT * FROM tiss_movement WHERE lote_id = ANY(%s)",
            [lote["id"] for lote in self.lotes],
        )
        self.lines = self._rows(
            "SELECT aml.*, mv.move_type, mv.payment_state, mv.name AS move_name, a.account_type,"
            " mv.statement_line_id AS bank FROM account_move_line aml"
            " JOIN account_move mv ON mv.id = aml.move_id"
            " JOIN account_account a ON a.id = aml.account_id"
            " WHERE aml.company_id = ANY(%s) AND aml.parent_state = 'posted'",
            contracts.company_id.ids,
        )
        self.payments = self._rows(
            "SELECT dp.*, ap.move_id, ap.amount, ap.payment_type, ap.is_matched, mv.state,"
            " ap.outstanding_account_id AS transit FROM tiss_demonstrativo_payment dp"
            " JOIN tiss_demonstrativo d ON d.id = dp.demonstrativo_id"
            " JOIN account_payment ap ON ap.id = dp.payment_id"
            " JOIN account_move mv ON mv.id = ap.move_id"
            " WHERE d.contract_id = ANY(%s) AND d.state = 'posted' AND mv.state = 'posted'",
            contracts.ids,
        )
        self._read_files()

    def _read_files(self):
        """What the posted demonstrativos say."""
        self.files = self._rows(
            "SELECT d.*, ARRAY(SELECT code FROM tiss_discrepancy WHERE demonstrativo_id = d.id)"
            " AS codes FROM tiss_demonstrativo d"
            " WHERE d.contract_id = ANY(%s) AND d.state = 'posted'",
            self.contracts.ids,
        )
        ids = [file["id"] for file in self.files]
        self.rows = self._rows(
            "SELECT * FROM tiss_demonstrativo_line WHERE demonstrativo_id = ANY(%s)", ids
        )
        self.adjustments = self._rows(
            "SELECT * FROM tiss_demonstrativo_adjustment WHERE demonstrativo_id = ANY(%s)", ids
        )

    def _rows(self, query, parameter):
        self.env.cr.execute(query, [parameter])
        return self.env.cr.dictfetchall()

    def get_rows_of(self, payment):
        """The guias of one payment."""
        return [row for row in self.rows if row["payment_id"] == payment["id"]]

    def get_adjustments_of(self, payment):
        """{direction: cents} of the débitos and créditos of one payment."""
        sums = {"debit": 0, "credit": 0}
        for row in self.adjustments:
            if row["payment_id"] == payment["id"]:
                sums[row["direction"]] += cents(row["amount"])
        return sums

    # ------------------------------------------------------------------
    # Sums
    # ------------------------------------------------------------------

    def get_buckets(self):
        """{lote: {bucket: cents}}"""
        sums = defaultdict(lambda: dict.fromkeys(NAMES, 0))
        for item in self.items:
            for name in NAMES:
                sums[item["lote"]][name] += cents(item[f"amount_{name}"])
        return sums

    def get_receivable(self):
        """{lote: its posted lines on receivable accounts}"""
        lines = defaultdict(list)
        for line in self.lines:
            if line["tiss_lote_id"] and line["account_type"] == "asset_receivable":
                lines[line["tiss_lote_id"]].append(line)
        return lines

    def get_open(self):
        """{lote: cents that its receivable must show}"""
        buckets = self.get_buckets()
        expected = {}
        for lote in self.lotes:
            own = buckets[lote["id"]]
            if lote["invoice_moment"] == "released":
                expected[lote["id"]] = own["released"]
            elif lote["invoice_id"] and lote["glosa_policy"] == "at_once":
                # What is denied left the receivable when it was denied.
                expected[lote["id"]] = own["released"] + own["to_process"]
            elif lote["invoice_id"]:
                expected[lote["id"]] = sum(own[name] for name in OPEN)
            else:
                expected[lote["id"]] = 0
        return expected


def find_broken(contracts):
    """{number of an invariant: what breaks it}; empty when all hold."""
    books = Books(contracts)
    checks = {
        1: _check_items, 2: _check_open, 3: _check_kinds, 4: _check_control, 5: _check_transit,
        6: _check_entries, 7: _check_states, 9: _check_files, 10: _check_payments,
    }  # fmt: skip
    broken = {number: list(check(books)) for number, check in checks.items()}
    return {number: found for number, found in broken.items() if found}


def get_locked(contracts, date):
    """Everything that is dated on or before a lock date, as it stands (8)."""
    env = contracts.env
    env.flush_all()
    env.cr.execute(
        "SELECT id, move_id, account_id, balance, date, parent_state, name FROM account_move_line"
        " WHERE company_id = ANY(%s) AND date <= %s AND parent_state = 'posted' ORDER BY id",
        [contracts.company_id.ids, date],
    )
    return env.cr.fetchall()


def cents(amount):
    return round((amount or 0) * 100)


# ----------------------------------------------------------------------
# A. Ledger
# ----------------------------------------------------------------------


def _check_items(books):
    """1: presented = Σ buckets, none below zero, each the sum of its movements."""
    moved = defaultdict(lambda: dict.fromkeys(NAMES, 0))
    for row in books.movements:
        for side, sign in (("from_bucket", -1), ("to_bucket", 1)):
            if row[side]:
                moved[row["guia_line_id"]][row[side]] += sign * cents(row["amount"])
    received = {lote["id"] for lote in books.lotes if lote["protocol_number"]}
    for item in books.items:
        own = {name: cents(item[f"amount_{name}"]) for name in NAMES}
        if own != moved[item["id"]]:
            yield f"item {item['id']}: {own}, moved {moved[item['id']]}"
        if min(own.values()) < 0:
            yield f"item {item['id']} is overdrawn: {own}"
        counts = item["lote"] in received and item["guia_state"] != "cancelled"
        if sum(own.values()) != counts * cents(item["amount"]):
            yield f"item {item['id']}: {own} is not {item['amount']}"


def _check_open(books):
    """2: what is open of a protocolo = Σ residual = Σ balance of its receivable."""
    receivable = books.get_receivable()
    for lote, amount in books.get_open().items():
        residual = sum(cents(line["amount_residual"]) for line in receivable[lote])
        balance = sum(cents(line["balance"]) for line in receivable[lote])
        if not amount == residual == balance:
            yield f"lote {lote}: open {amount}, residual {residual}, balance {balance}"


def _check_kinds(books):
    """3: invoices = presented, credit notes = given up, payments = paid, of each protocolo."""
    buckets, receivable = books.get_buckets(), books.get_receivable()
    still_open = books.get_open()
    withdrawn = defaultdict(int)
    for row in books.movements:
        # What was withdrawn, or given up and denied again, was invoiced and credited for it.
        if row["kind"] in ("withdraw", "undo") and row["move_id"]:
            withdrawn[row["lote_id"]] += cents(row["amount"])
    for lote in books.lotes:
        key, own = lote["id"], buckets[lote["id"]]
        booked = defaultdict(int)
        for line in receivable[key]:
            booked[line["move_type"]] += cents(line["balance"])
        others = sum(
            amount for kind, amount in booked.items() if kind not in ("out_invoice", "out_refund")
        )
        if others != -own["paid"]:
            yield f"lote {key}: paid {own['paid']}, booked {-others}"
        total = sum(own.values())
        is_written_off = lote["invoice_id"] and lote["glosa_policy"] == "at_once"
        if lote["invoice_moment"] == "released" or is_written_off:
            net = booked["out_invoice"] + booked["out_refund"]
            if net != still_open[key] + own["paid"]:
                yield f"lote {key}: released {own}, invoiced {net}"
            continue
        if not lote["invoice_id"]:
            if any(booked.values()):
                yield f"lote {key} has no invoice, but {dict(booked)}"
            continue
        given_up = total - own["paid"] - sum(own[name] for name in OPEN)
        if booked["out_invoice"] != total + withdrawn[key]:
            yield f"lote {key}: presented {total}, invoiced {booked['out_invoice']}"
        if -booked["out_refund"] != given_up + withdrawn[key]:
            yield f"lote {key}: given up {given_up}, credited {-booked['out_refund']}"


def _check_control(books):
    """4: the control account is the open protocolos, all tagged, and no credit floats."""
    accounts = books.contracts.receivable_account_id.ids
    lines = [line for line in books.lines if line["account_id"] in accounts]
    balance = sum(cents(line["balance"]) for line in lines)
    total = sum(books.get_open().values())
    if balance != total:
        yield f"control account {balance}, open protocolos {total}"
    for line in lines:
        if not line["tiss_lote_id"]:
            yield f"{line['move_name']}: {line['balance']} without a lote"
        if cents(line["amount_residual"]) < 0:
            yield f"{line['move_name']}: a credit of {line['amount_residual']} floats"


def _check_transit(books):
    """5: transit = Σ net of payments − Σ deposits, and open what no deposit matched."""
    for account in books.contracts.transit_account_id:
        lines = [line for line in books.lines if line["account_id"] == account.id]
        residual = sum(cents(line["amount_residual"]) for line in lines)
        nets = sum(
            max(cents(payment["amount_net"]), 0)
            for payment in books.payments
            if payment["transit"] == account.id
        )
        moves = {payment["move_id"] for payment in books.payments}
        others = sum(cents(line["balance"]) for line in lines if line["move_id"] not in moves)
        if residual != nets + others:
            yield f"transit {account.code}: {residual} open, {nets} paid, {others} deposited"


def _check_entries(books):
    """6: entries balance, and accounts of débitos and créditos have what the files say."""
    balances = defaultdict(int)
    by_account = defaultdict(int)
    for line in books.lines:
        balances[line["move_name"], line["move_id"]] += cents(line["balance"])
        by_account[line["move_id"], line["account_id"]] += cents(line["balance"])
    for (name, _move), balance in balances.items():
        if balance:
            yield f"{name} does not balance: {balance}"
    told = defaultdict(int)
    moves = {payment["id"]: payment["move_id"] for payment in books.payments}
    for row in books.adjustments:
        if row["account_id"] and row["payment_id"] in moves:
            sign = 1 if row["direction"] == "debit" else -1
            told[moves[row["payment_id"]], row["account_id"]] += sign * cents(row["amount"])
    for key, amount in told.items():
        if by_account[key] != amount:
            yield f"entry and account {key}: {by_account[key]} booked, {amount} in the file"


def _check_states(books):
    """7: an invoice is settled exactly when nothing of its protocolos is open."""
    still_open = books.get_open()
    of_lote = defaultdict(set)
    states, residuals = {}, defaultdict(int)
    for lines in books.get_receivable().values():
        for line in lines:
            if line["move_type"] == "out_invoice":
                of_lote[line["move_id"]].add(line["tiss_lote_id"])
                states[line["move_id"]] = line["payment_state"]
                residuals[line["move_id"]] += cents(line["amount_residual"])
    for move, lotes in of_lote.items():
        is_settled = states[move] in SETTLED
        if is_settled != (residuals[move] == 0):
            yield f"invoice {move} is {states[move]}, but {residuals[move]} of it is open"
        if not is_settled and not any(still_open[lote] for lote in lotes):
            yield f"invoice {move} is {states[move]}, but nothing of {lotes} is open"


# ----------------------------------------------------------------------
# B. File
# ----------------------------------------------------------------------


def _check_files(books):
    """9: what a file says at each level is what the level below it adds up to.

    What a person took although its sums disagree, or its rows do, is left out.
    """
    for file in books.files:
        rows = [row for row in books.rows if row["demonstrativo_id"] == file["id"]]
        if "row_differs" not in file["codes"]:
            yield from _check_rows(rows)
        if "sums_disagree" in file["codes"]:
            continue
        names = ["released"] if file["kind"] == "payment" else ["informed", "released"]
        for name in names:
            summed = sum(cents(row[f"amount_{name}"]) for row in rows)
            stated = cents(file[f"amount_{name}"])
            if summed != stated:
                yield f"demonstrativo {file['name']}: {name} {summed} in its rows, {stated} stated"
        for payment in books.payments:
            if payment["demonstrativo_id"] == file["id"]:
                yield from _check_day(books, payment)


def _check_rows(rows):
    """processado − Σ glosa = liberado, of each row whose glosas have their amounts."""
    for row in rows:
        parts = [part for _code, part in row["reasons"] or []]
        if parts and None not in parts:
            released = cents(row["amount_processed"]) - sum(parts)
            if released != cents(row["amount_released"]):
                yield f"row {row['id']}: {released} worked out, {row['amount_released']} stated"


def _check_day(books, payment):
    """liberado = Σ guias, and líquido = liberado + créditos − débitos, of one date."""
    released = sum(cents(row["amount_released"]) for row in books.get_rows_of(payment))
    sums = books.get_adjustments_of(payment)
    told = {
        "released": released,
        **sums,
        "net": released + sums["credit"] - sums["debit"],
    }
    for name, amount in told.items():
        if amount != cents(payment[f"amount_{name}"]):
            yield f"payment {payment['id']}, {name}: {amount}, {payment[f'amount_{name}']} stated"


def _check_payments(books):
    """10: the payment is the líquido; the receivable is credited what was released."""
    for payment in books.payments:
        # Below zero nothing goes through the bank: it is owed until it is offset.
        if cents(payment["amount"]) != max(cents(payment["amount_net"]), 0):
            yield f"payment {payment['id']}: {payment['amount']} of {payment['amount_net']}"
        told = defaultdict(int)
        for line in books.get_rows_of(payment):
            if line["lote_id"]:
                told[line["lote_id"]] -= cents(line["amount_released"])
        for row in books._rows(
            "SELECT g.lote_id, a.amount FROM tiss_demonstrativo_adjustment a"
            " JOIN tiss_guia g ON g.id = a.guia_id WHERE a.payment_id = %s",
            payment["id"],
        ):
            # A débito that takes a guia back stands on the receivable, too.
            told[row["lote_id"]] += cents(row["amount"])
        booked = defaultdict(int)
        for line in books.lines:
            is_receivable = line["account_type"] == "asset_receivable"
            if line["move_id"] == payment["move_id"] and is_receivable and line["tiss_lote_id"]:
                booked[line["tiss_lote_id"]] += cents(line["balance"])
        unidentified = cents(payment["amount_unidentified"])
        if unidentified:
            # What no guia explains stands on an account of its own, to be decided about.
            if sum(told.values()) - sum(booked.values()) != -unidentified:
                yield f"payment {payment['id']}: {unidentified} of {dict(told)} not identified"
        elif _without_zeros(told) != _without_zeros(booked):
            yield f"payment {payment['id']}: {dict(told)} in the file, {dict(booked)} booked"


def _without_zeros(sums):
    return {key: amount for key, amount in sums.items() if amount}
