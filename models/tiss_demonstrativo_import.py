import hashlib

from odoo import api, models
from odoo.exceptions import UserError

from .. import standard
from ..standard import identifiers
from . import tiss_message
from .dental_return import DentalReading
from .return_pieces import ANALYSIS, DENTAL, PAYMENT, Piece, get_paths, get_pieces
from .return_reading import ReturnReading
from .return_rows import NO_PAYMENT, ReturnRows

BODIES = (ANALYSIS, PAYMENT, DENTAL)
RETURNED = ("operadoraParaPrestador", "demonstrativosRetorno")
NO_CNES = ("", "9999999")


class _Unread(Exception):
    """A file that cannot be read piece by piece: it is read as a whole, which says why."""


class TissDemonstrativo(models.Model):
    """Demonstrativos are read from whatever an operadora gives, in pieces: see `ReturnReading`."""

    _inherit = "tiss.demonstrativo"

    # ------------------------------------------------------------------
    # Files
    # ------------------------------------------------------------------

    @api.model
    def import_file(self, name, content):
        """Read a return file into demonstrativos to be checked; nothing is booked.

        The same file twice gives the same demonstrativos.

        :param name: file name, for the journal
        :param content: bytes of the file
        :return: `tiss.demonstrativo`
        :raise UserError: in the user's words, for a file that cannot be used at all
        """
        known = self._find_imported(content)
        if known:
            return known
        streamed = self._import_stream(name, content)
        if streamed is not None:
            return streamed
        return self._import_values(name, content, self.env["tiss.message"]._decode(content))

    @api.model
    def _import_stream(self, name, content):
        """Demonstrativos of a file that is read piece by piece, however large it is.

        :return: `tiss.demonstrativo`; None for a file that has to be read as a whole, because it
            is something else or because it is not in order
        """
        body_name = self._peek_body(content)
        if body_name is None:
            return None
        try:
            with self.env.cr.savepoint(flush=False):
                reading, walk = self._read_stream(content, body_name)
        except (standard.DecodeError, standard.Disordered, KeyError, _Unread):
            return None

        def record(asked):
            message = self.env["tiss.delivery"]._get_current().answer_id
            return message or self.env["tiss.message"]._record_incoming(
                reading.contract,
                name,
                content,
                walk.values,
                request_id=asked.message_id.id,
                hash_match=walk.hash_charset or ("none" if self._get_hash(walk) else "absent"),
            )

        return self._import_reading(reading, body_name, record)

    @api.model
    def _peek_body(self, content):
        """The demonstrativo that a file of the standard holds, by its first bytes; None without."""
        if len(content) > tiss_message.MAX_SIZE:
            return None
        try:
            peeked = standard.peek(content.lstrip() if content[:1].isspace() else content)
        except (standard.DecodeError, ValueError):
            return None
        is_file = peeked.element == "mensagemTISS" and peeked.body[:2] == RETURNED
        body_name = peeked.body[2] if is_file and len(peeked.body) > 2 else None
        return body_name if body_name in BODIES else None

    @api.model
    def _read_stream(self, content, body_name):
        """Read a file piece by piece: its rows are in the database after it, all else in memory.

        :return: (`ReturnReading` or `DentalReading`, `standard.walk.Walk`)
        """
        schema = standard.load(standard.versions()[-1])
        paths = get_paths(body_name, "/".join((*RETURNED, body_name)))
        walk = schema.walk(content, paths, limit=tiss_message.MAX_SIZE)
        reading = None
        for decoded in walk:
            if any(problem.code == "wrong_type" for problem in decoded.problems):
                raise _Unread
            if reading is None:
                header = decoded.context[""]["cabecalho"]
                contract = self.env["tiss.message"]._find_contract(header)
                reading = self._start_reading(contract, body_name)
            reading.take(Piece(decoded.element, decoded, decoded.context))
        if reading is None or not reading.numbered:
            raise _Unread
        reading.rows.flush()
        return reading, walk

    @api.model
    def _start_reading(self, contract, body_name):
        kind = DentalReading if body_name == DENTAL else ReturnReading
        return kind(self.env, contract, ReturnRows(self.env, contract))

    @api.model
    def _get_hash(self, walk):
        return (walk.values.get("epilogo") or {}).get("hash") or walk.values.get("hash")

    @api.model
    def _import_values(self, name, content, values):
        """Demonstrativos of a decoded message; see `import_file`."""
        Message = self.env["tiss.message"]
        body_name, body = Message._get_body(values)
        if body_name not in BODIES:
            raise UserError(
                self.env._(
                    "This file is not a demonstrativo that can be read here: it holds “%s”.",
                    body_name,
                )
            )
        contract = Message._find_contract(values["cabecalho"])
        parts = body if isinstance(body, list) else [body]

        def record(asked):
            # What a web service answered is in the journal already.
            message = self.env["tiss.delivery"]._get_current().answer_id
            return message or Message._record_incoming(
                contract, name, content, values, request_id=asked.message_id.id
            )

        return self._import_parts(contract, body_name, parts, record)

    # ------------------------------------------------------------------
    # Parts in the shape of the standard
    # ------------------------------------------------------------------

    @api.model
    def _import_parts(self, contract, body_name, parts, record, **origin):
        """Demonstrativos to be checked, of parts in the shape of the standard.

        :param body_name: element that the parts would be in a message
        :param record: journals what they came from; takes the request that they answer
        :param origin: other values of the demonstrativos that are made
        :return: `tiss.demonstrativo`
        """
        reading = self._start_reading(contract, body_name)
        with self.env["tiss.message"]._missing_elements():
            for part in parts:
                for piece in get_pieces(body_name, part):
                    reading.take(piece)
        reading.rows.flush()
        return self._import_reading(reading, body_name, record, **origin)

    @api.model
    def _import_reading(self, reading, body_name, record, **origin):
        """Make demonstrativos of what was read.

        What is known word for word is not imported again; what says something else under a known
        number is held back until a person looked at the differences.
        """
        days = {
            payment["payment_date"]
            for _number, vals in reading.numbered
            for payment in vals["payments"]
        }
        asked = self.env["tiss.demonstrativo.request"]._find_answered_by(
            reading.contract, body_name, reading.rows.get_protocols, days
        )
        known, new = self._split_known(reading)
        message = record(asked)
        common = {**origin, "message_id": message.id, "version": message.version}
        created = self._create_read(reading, new, common)
        reading.rows.close()
        created._check_against_guias(is_new=True)
        created.discrepancy_ids._settle_known()
        created._queue_held()
        asked._take_answer(known | created)
        return known | created

    @api.model
    def _create_read(self, reading, new, common):
        """The demonstrativos with these numbers of what was read, their payments and lines.

        :param new: {number in the file: status}
        """
        Payment = self.env["tiss.demonstrativo.payment"].sudo()
        vals_list, payments = [], []
        for number, vals in reading.numbered:
            if number in new:
                own = {name: value for name, value in vals.items() if name != "payments"}
                payments.append(vals["payments"])
                vals_list.append({**own, **common, "state": new[number]})
        # Nobody may write what an operadora answered: only this code does.
        demonstrativos = self.sudo().create(vals_list)
        owners = []
        for number, each, own in zip(new, demonstrativos, payments, strict=True):
            paid = Payment.create([{**vals, "demonstrativo_id": each.id} for vals in own])
            owners.append((number, NO_PAYMENT, each, None))
            owners += [(number, place, each, row.id) for place, row in enumerate(paid)]
        if owners:
            reading.rows.store(owners)
            # A new record is taken to have no lines.
            self.env.invalidate_all()
        return demonstrativos.with_env(self.env)

    @api.model
    def _find_imported(self, content):
        sha256 = hashlib.sha256(content).hexdigest()
        return self.search(
            [
                ("message_id.sha256", "=", sha256),
                ("company_id", "=", self.env.company.id),
                ("state", "!=", "undone"),
            ]
        )

    # ------------------------------------------------------------------
    # Header
    # ------------------------------------------------------------------

    @api.model
    def _prepare_header_vals(self, kind, contract, part):
        header = part["cabecalhoDemonstrativo"]
        if header["registroANS"] != contract.ans_code:
            raise UserError(
                self.env._(
                    "The demonstrativo is of the operadora %(inner)s, but the file says it comes"
                    " from %(outer)s.",
                    inner=header["registroANS"],
                    outer=contract.ans_code,
                )
            )
        return {
            "kind": kind,
            "name": header["numeroDemonstrativo"],
            "issue_date": header["dataEmissao"],
            "company_id": contract.company_id.id,
            "contract_id": contract.id,
            "note": part.get("observacao"),
        }

    @api.model
    def _check_header(self, contract, part):
        """Remarks about whoever issued the demonstrativo, as discrepancy values."""
        theirs = identifiers.compact(part["cabecalhoDemonstrativo"].get("numeroCNPJ") or "")
        ours = identifiers.compact(contract.partner_id.vat or "")
        # Zeros fill a field that is required: they name nobody.
        if not theirs.strip("0") or not ours or theirs == ours:
            return []
        return [{"code": "payer_differs", "place": theirs}]

    @api.model
    def _check_establishment(self, contract, provider):
        """Refuse what is of another clinic, whatever the envelope says (guide §5.3 dadosPrestador).

        A code alone may be one of several that a clinic has there; with another CNES it is not.

        :param provider: values of dadosPrestador: dadosContratado, CNES
        """
        contracted = provider.get("dadosContratado") or {}
        codes = {identifiers.compact(str(code)) for code in contracted.values() if code}
        vat = identifiers.compact(contract.company_id.vat or "")
        ours = {contract._get_provider_code(), vat} - {"", False}
        if not codes or codes & ours:
            return
        theirs, own = provider.get("CNES") or "", contract.company_id.tiss_cnes or ""
        is_other_cnes = theirs not in NO_CNES and own not in NO_CNES and theirs != own
        if is_other_cnes or set(contracted) & {"cnpjContratado", "cpfContratado"}:
            self.env["tiss.message"]._check_provider(contract, sorted(codes))
