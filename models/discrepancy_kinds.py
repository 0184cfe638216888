"""What can disagree, and what a person can do about each: plain data of `tiss.discrepancy`."""

CODES = [
    # ---- What a row of a file is about
    ("unknown_protocol", "Protocolo that this clinic does not have"),
    ("unknown_guia", "Guia that is not in this protocolo"),
    ("unknown_item", "Item that is not in this guia"),
    ("repeated", "Stands more than once in the file"),
    ("item_missing", "Item that the analysis does not mention"),
    # ---- Its amounts
    ("informed_differs", "Presented amount differs from what was sent"),
    ("released_above", "Released more than was presented"),
    ("released_open", "Released more than is open: the patient pays a part"),
    ("already_processed", "Already processed with another amount"),
    ("contradicts", "Contradicts what was processed before"),
    ("glosa_without_code", "Glosa without a code"),
    ("paid_below_contract", "Paid below the contract price"),
    ("glosa_differs", "The stated glosa is not presented minus released"),
    ("row_differs", "Rows whose released amount is not processed minus glosa"),
    ("sums_disagree", "The sums of the file disagree"),
    # ---- Payments
    ("appeal_payment", "Payment of a recurso"),
    ("no_invoice", "The protocolo has no invoice yet"),
    ("paid_above", "Paid more than is open"),
    ("detail_missing", "Import the account analysis first: the payment does not say which items"),
    ("suspended", "Received more than was billed"),
    ("negative_net", "The débitos are larger than the payment"),
    ("no_account", "A débito or crédito has no account"),
    ("retention_differs", "Tax withheld differs from what was expected"),
    ("retention_undue", "Tax withheld that should not be"),
    ("locked_period", "The books are closed on the payment date"),
    ("future_payment", "Payment date in the future, and no deposit"),
    ("early_payment", "Paid before the protocolo was received"),
    ("payer_differs", "CNPJ of another payer"),
    ("payer_account_differs", "Another bank account"),
    ("same_number", "Same number with another content"),
    # ---- Bank
    ("deposit_differs", "Deposit is not the net of the demonstrativo"),
    ("deposit_unknown", "Deposit without a demonstrativo"),
    ("deposit_missing", "Demonstrativo without a deposit"),
]
# Their place says how many rows they are about, which may change: it does not tell them apart.
COUNTED = {"row_differs", "glosa_without_code", "paid_below_contract"}
# Nothing of these keeps a demonstrativo from being posted.
REMARKS = {
    "already_processed", "glosa_differs", "row_differs", "item_missing", "glosa_without_code",
    "paid_below_contract", "suspended", "negative_net", "retention_differs", "retention_undue",
    "future_payment", "early_payment", "payer_differs", "payer_account_differs",
    "deposit_differs", "deposit_unknown", "deposit_missing",
}  # fmt: skip
OF_BANK = {"deposit_differs", "deposit_unknown", "deposit_missing"}
# What the file itself got wrong does not change when it is checked again.
OF_FILE = {"sums_disagree", "glosa_differs", "row_differs", "payer_differs"}
RESOLUTIONS = [
    ("keep", "It is right as it is"),
    ("ask", "Ask the operadora about it"),
    ("set_aside", "Leave this row out"),
    ("suspense", "Keep the whole row apart until it is known what it is"),
    ("trust_ours", "What we presented counts; the rest is glosa"),
    ("cap", "Take no more than is open"),
    ("recover", "It pays the glosa after all"),
    ("trust_rows", "The rows count, not their sums"),
    ("spread", "Divide it among the items by their amounts"),
    ("create_invoice", "Create the invoice"),
    ("analysis", "Ask for the account analysis"),
    ("contest", "Contest it"),
    ("supplement", "It is ours: bill the difference"),
    ("replace", "This file takes the place of the other one"),
    ("bank_fee", "The bank kept the difference: book it"),
    ("rest_later", "Match it; the rest is still to come"),
    ("other_deposit", "It is not this deposit"),
    ("request", "Ask for the demonstrativo of that day"),
    ("not_convenio", "It is not of a convênio"),
    ("undo", "It was not paid: undo the demonstrativo"),
    ("adopt", "From now on this is expected"),
    ("reclaim", "The operadora owes it back"),
    ("pays_claim", "It pays back what was withheld wrongly"),
    ("give_up", "It is not paid back: it stays among the taxes withheld"),
    ("pays_too", "This CNPJ pays for the operadora, too"),
]
# By kind, the suggestion first.
OFFERS = {
    "unknown_protocol": ("suspense", "set_aside", "ask"),
    "unknown_guia": ("suspense", "set_aside", "ask"),
    "unknown_item": ("set_aside", "ask"),
    "repeated": ("set_aside", "ask"),
    "item_missing": ("analysis", "keep"),
    "informed_differs": ("trust_ours", "cap", "set_aside", "ask"),
    "released_above": ("cap", "set_aside", "ask"),
    "released_open": ("cap", "set_aside", "ask"),
    "already_processed": ("keep", "ask"),
    "contradicts": ("cap", "set_aside", "ask"),
    "glosa_without_code": ("contest", "ask", "keep"),
    "paid_below_contract": ("contest", "keep"),
    "glosa_differs": ("keep", "ask"),
    "sums_disagree": ("trust_rows", "ask"),
    "row_differs": ("keep", "ask"),
    "negative_net": ("keep", "ask"),
    "appeal_payment": ("recover", "suspense", "ask"),
    "no_invoice": ("create_invoice",),
    "paid_above": ("recover", "cap", "suspense", "ask"),
    "detail_missing": ("analysis", "spread"),
    "suspended": ("supplement", "ask", "keep"),
    "retention_differs": ("keep", "reclaim", "adopt", "ask"),
    "retention_undue": ("reclaim", "ask", "adopt", "keep"),
    "future_payment": ("keep", "ask"),
    "early_payment": ("keep", "ask"),
    "payer_differs": ("keep", "pays_too", "ask"),
    "payer_account_differs": ("keep", "ask"),
    "same_number": ("replace", "keep"),
    "deposit_differs": ("bank_fee", "rest_later", "other_deposit", "ask"),
    "deposit_unknown": ("pays_claim", "request", "not_convenio", "ask", "keep"),
    "deposit_missing": ("ask", "undo", "keep"),
}  # fmt: skip
# Of a payment a row that is left out leaves its money behind; of an analysis there is none.
OF_PAYMENTS = {"suspense"}
OF_ANALYSES = {"set_aside"}
# A row with one of these is not booked, though it keeps nothing else from being posted.
LEFT_OUT = {"set_aside", "suspense"}
# These leave the matter open: somebody waits for an answer.
WAITING = {"ask", "analysis", "request", "reclaim"}
# These ask a person first: whoever thinks better of it leaves everything as it was.
ASKS_FIRST = {"undo"}
