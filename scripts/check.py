"""Print every breach of an invariant of design.md §4 on this database; exit with 1 if there is one.

Run in Odoo's shell.
"""

import sys

contracts = env["tiss.contract"].with_context(active_test=False).search([])
breaches = contracts.check_ledger()
for breach in breaches:
    print(breach)
print(f"{len(contracts)} contracts, {len(breaches)} breaches")
sys.exit(1 if breaches else 0)
