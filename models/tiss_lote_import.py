from odoo import api, fields, models
from odoo.exceptions import UserError

from . import kept_values
from .guia_reader import to_number
from .lote_file import LoteFile


class TissLote(models.Model):
    """A lote that another system made: its guias are read into fields, its bytes are kept."""

    _inherit = "tiss.lote"

    is_imported = fields.Boolean("From Another System", readonly=True, copy=False)
    kept_values = fields.Json(readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Importing
    # ------------------------------------------------------------------

    @api.model
    @api.private  # takes bytes
    def import_file(
        self,
        name,
        content,
        *,
        already_sent=False,
        protocol_number=None,
        protocol_date=None,
        confirm_provider=False,
    ):
        """Read a lote XML (ENVIO_LOTE_GUIAS) of any installed version into a lote with its guias.

        The same file twice changes nothing and gives the same lote.

        :param name: file name, for the journal
        :param content: bytes of the file
        :param already_sent: the operadora has it; else this clinic is going to send it
        :param protocol_number: of a lote that was sent, when its protocolo is known
        :param confirm_provider: take a lote whose header names another provider
        :return: `tiss.lote`
        :raise UserError: saying everything that keeps the file from being imported
        """
        self.env["tiss.guia"].check_access("create")
        known = self._find_imported(content)
        if known:
            return known
        file = LoteFile(self.env, content)
        if file.is_foreign and not confirm_provider:
            file.problems.append(self._get_provider_problem(file))
        if file.problems:
            raise UserError("\n".join(file.problems))
        lote = self._create_imported(file)
        lote._finish_import(file, name, already_sent)
        if protocol_number:
            lote.register_protocol(protocol_number, protocol_date)
        return lote

    @api.model
    def _find_imported(self, content):
        """The lote that a file with these very bytes is, whether we made or imported it."""
        return self.env["tiss.message"]._find_lote(content)

    @api.model
    def _get_provider_problem(self, file):
        return self.env._(
            "The lote names another provider (%(theirs)s) than this clinic (%(ours)s). Confirm that"
            " this clinic bills it: the message then goes out in the name of this clinic.",
            theirs=", ".join(file.sender.values()) or "?",
            ours=file.contract._get_provider_code() or "?",
        )

    @api.model
    def _create_imported(self, file):
        """The lote and its guias, with what the clinic does not know created along."""
        contract = file.contract
        numbers = [to_number(read["name"]) for read in file.reads]
        contract._skip_numbers("next_guia_number", max(numbers))
        contract._skip_numbers("next_lote_number", to_number(file.number))
        file.book.create_missing()
        # Only this code makes lotes, for whoever may change guias.
        lote = self.sudo().create(
            {
                **contract._prepare_lote_vals(file.guia_type, to_number(file.number)),
                "name": file.number,
                "version": file.version,
                "is_imported": True,
            }
        )
        # A biller may not see the clinical values, but they travel with the guia.
        guias = self.env["tiss.guia"].sudo().create(
            [
                {**file.book.prepare(read), "number": number, "lote_id": lote.id}
                for read, number in zip(file.reads, numbers, strict=True)
            ]
        )  # fmt: skip
        guias._link_items(file.reads)
        # Items stand in the order of the file until they are read again in that of their numbers.
        guias.invalidate_recordset(["line_ids"])
        lote._read_content()
        guias._keep_values(file.guias)
        guias.write({"state": "in_lote"})
        return lote.with_env(self.env)

    def _finish_import(self, file, name, already_sent):
        """Journal the bytes of the file, as ours where they can stand as what is sent."""
        transaction = file.header["identificacaoTransacao"]
        # What leaves from here names this clinic, is valid and has the right hash.
        is_sendable = file.is_valid and file.is_hash_right and not file.is_foreign
        is_ours = already_sent or is_sendable
        message = self.env["tiss.message"]._record(
            self.contract_id,
            file.content,
            direction="out" if is_ours else "in",
            transaction="ENVIO_LOTE_GUIAS",
            sequence=transaction["sequencialTransacao"],
            lote_id=self.id,
            version=file.version,
            tiss_hash=(file.values.get("epilogo") or {}).get("hash"),
            file_name=name,
            note=self.env._("Made by another system."),
        )
        if not file.is_foreign:
            self._keep_sender(file)
        if not is_ours:
            self.build()
            return
        self.sudo().write({"message_id": message.id, "state": "validated"})
        if already_sent:
            day = transaction["dataRegistroTransacao"]
            self.sudo().write({"state": "sent", "sent_date": day})
            self.guia_ids.sudo().write({"state": "sent"})

    # ------------------------------------------------------------------
    # The header
    # ------------------------------------------------------------------

    def _keep_sender(self, file):
        """A clinic may call itself by its CNPJ in the header where we would write its code."""
        ours = {"origem": self._get_sender()}
        entries = kept_values.compare(ours, {"origem": file.sender})
        if entries:
            self.sudo().kept_values = entries

    def _get_sender(self):
        return self.contract_id._get_provider_identification("header")

    def _prepare_tiss_message(self):
        values = super()._prepare_tiss_message()
        if self.kept_values:
            sender = values["cabecalho"]["origem"]["identificacaoPrestador"]
            kept = kept_values.apply({"origem": sender}, self.kept_values)
            values["cabecalho"]["origem"]["identificacaoPrestador"] = kept["origem"]
        return values
