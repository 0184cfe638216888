"""A process that sends what is queued, as one worker of Odoo's scheduled actions would.

``python exchange_worker.py DATABASE`` says ``ready``, and then for each line that it reads
(``send`` or ``settle``) does that until nothing is due, and says how many deliveries that were.
"""

import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def main(database):
    config.parse_config(["-d", database, "--no-http", "--log-level=warn"], setup_logging=True)
    registry = Registry(database)
    with registry.cursor() as cr:
        Delivery = api.Environment(cr, SUPERUSER_ID, {})["tiss.delivery"]
        steps = {"send": lambda: Delivery._send_due(), "settle": lambda: Delivery._settle_due()}
        cr.commit()
        print("ready", flush=True)
        for line in sys.stdin:
            done = 0
            while count := steps[line.strip()]():
                done += count
            print(done, flush=True)


main(sys.argv[1])
