"""The operadora for training staff: `./dev operadora` (without Odoo; state in memory only)."""

import argparse
import csv
import secrets
import signal
import sys
from importlib import resources
from pathlib import Path

from . import misbehaviour, tls
from .directory import Directory, invented_cnpj
from .official import MissingSchema
from .operadora import Operadora
from .server import serve
from .services import SERVICES


def arguments(argv: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser("operadora", description=__doc__)
    parser.add_argument("--port", type=int, default=8180, help="8180 unless told; 0: any free one")
    parser.add_argument("--host", default="127.0.0.1", help="127.0.0.1 unless told")
    parser.add_argument("--version", help="the only version spoken; without it any installed one")
    parser.add_argument("--ans", help="the only registro ANS answered for; without it any")
    parser.add_argument("--name", default="OPERADORA SIMULADA", help="as demonstrativos say it")
    parser.add_argument("--cnpj", help="14 characters; without it made up from the registro ANS")
    parser.add_argument("--seed", type=int, help="decides and numbers again as it did before")
    parser.add_argument("--login", action="append", default=[], metavar="LOGIN:PASSWORD")
    parser.add_argument(
        "--signed", action="append", default=[], choices=["message", "guia"], help="must be signed"
    )
    parser.add_argument("--tls", nargs="?", const="good", choices=tls.KINDS, help="speak HTTPS")
    parser.add_argument("--client-ca", help="PEM file: clients must show a certificate of these")
    parser.add_argument("--cards", metavar="FILE", help="CSV, card;name: who bears which card")
    parser.add_argument(
        "--misbehave", default="", metavar="KIND", help="always; --kinds lists them"
    )
    parser.add_argument("--kinds", action="store_true", help="list the misbehaviours and leave")
    parser.add_argument("--schema-dir", help="folder of the XSDs of --version")
    parser.add_argument("--status-by-lote", action="store_true")
    parser.add_argument("--analysis-days", type=int, default=0)
    parser.add_argument("--payment-days", type=int, default=0)
    parser.add_argument("--appeal-days", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        options.logins = dict(each.split(":", 1) for each in options.login)
    except ValueError:
        parser.error("--login LOGIN:PASSWORD")
    if options.schema_dir and not options.version:
        parser.error("--schema-dir needs --version")
    options.names = read_cards(options.cards) if options.cards else {}
    if options.seed is None:
        # What it gave before this start is kept by whoever trains: no number comes a second time.
        options.seed = secrets.randbits(64)
    return options


def read_cards(path: str) -> dict[str, str]:
    """The bearers' names by card, of a file that a clinic wrote; ValueError names a wrong line."""
    names = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.reader(file, delimiter=";"), start=1):
            if len(row) != 2 or not all(map(str.strip, row)):
                raise ValueError(f"{path}, line {line}: expected card;name")
            names[row[0].strip()] = row[1].strip()
    return names


def installed_versions() -> list[str]:
    """The versions of which the package `tiss` carries the XSDs."""
    folder = Path(str(resources.files("tiss") / "_data" / "schemas"))
    return sorted(each.name for each in folder.iterdir() if any(each.glob("tissV*.xsd")))


def make_operadora(options: argparse.Namespace, ans_code: str, version: str) -> Operadora:
    """An operadora as the command line describes it; MissingSchema for another version."""
    if options.version and version != options.version:
        raise MissingSchema(f"only {options.version}")
    return Operadora(
        ans_code,
        options.name,
        options.cnpj or invented_cnpj(ans_code),
        version=version,
        seed=options.seed,
        schema_dir=options.schema_dir,
        names=options.names,
        logins=options.logins or None,
        signed=options.signed,
        status_by_lote=options.status_by_lote,
        analysis_days=options.analysis_days,
        payment_days=options.payment_days,
        appeal_days=options.appeal_days,
    )


def main(argv: list[str]) -> int:
    """Serve until Ctrl-C."""
    options = arguments(argv)
    if options.kinds:
        for name, kind in misbehaviour.KINDS.items():
            print(f"{name:<20} {kind.words}")
        return 0
    versions = [options.version] if options.version else installed_versions()
    if options.ans:
        directory = Directory(make_operadora(options, options.ans, versions[-1]))
    else:
        directory = Directory(make=lambda code, version: make_operadora(options, code, version))
    with serve(
        directory,
        options.port,
        options.host,
        tls=options.tls or False,
        client_ca=options.client_ca,
        misbehave=options.misbehave,
        versions=versions,
        schema_dir=options.schema_dir,
        logins=options.logins,
    ) as address:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: address.server.stopping.set())
        tell(address, versions)
        address.server.stopping.wait()
    return 0


def tell(address: str, versions: list[str]) -> None:
    """The addresses, on standard output."""
    print(f"Operadora simulada: {address}/  (TISS {', '.join(versions)}; Ctrl-C termina)")
    for service in SERVICES:
        print(f"  {address.url(service.name)}")
    if address.ca_file:
        print(f"  autoridade do certificado TLS: {address.ca_file}")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ValueError, OSError) as error:
        sys.exit(f"operadora: {error}")
