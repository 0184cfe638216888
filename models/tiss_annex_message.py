import re

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import split_every

from ..standard.text import to_ascii
from .bulk import read_children

ELEMENTS = {
    "opme": "anexoSolicitacaoOPME",
    "quimio": "anexoSolicitacaoQuimio",
    "radio": "anexoSolicitacaoRadio",
    "situacao_inicial": "anexoSituacaoInicial",
}
MAX_TEETH_ANNEXES = 100  # per message; of the others there is one (guide §3.9)
ANNEX_IN_PATH = re.compile(r"anexoSituacaoInicial\[(\d+)\](?:/(.*))?")


class TissAnnex(models.Model):
    """The message of annexes that go by themselves, the lote de anexos (guide §3.9)."""

    _inherit = "tiss.annex"

    # ------------------------------------------------------------------
    # Building the message
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "ENVIO_ANEXO"

    def _check_alone(self):
        problems = self._get_inside_problems()
        if problems:
            raise UserError(next(iter(problems.values())))

    def _get_inside_problems(self):
        """{annex: why it makes no message of its own}"""
        return {
            annex: self.env._(
                "Annex %(name)s travels inside request %(request)s: work on the request.",
                name=annex.name,
                request=annex.authorization_id.name,
            )
            for annex in self
            if annex.transport == "request"
        }

    def _get_bundle(self):
        """All annexes of the messages that those in self are in, themselves included."""
        numbered = self.filtered("lote_number")
        if not numbered:
            return self
        others = self.search(
            [
                ("contract_id", "in", numbered.contract_id.ids),
                ("lote_number", "in", numbered.mapped("lote_number")),
                ("state", "!=", "cancelled"),
            ]
        )
        lotes = {(annex.contract_id, annex.lote_number) for annex in numbered}
        return self | others.filtered(
            lambda annex: (annex.contract_id, annex.lote_number) in lotes
        ).sorted("number")

    def _take_lote_numbers(self):
        """Number the messages: a hundred situações iniciais go together, each other by itself."""
        new = self.filtered(lambda annex: not annex.lote_number).sorted("number")
        for (contract, kind), annexes in new.grouped(
            lambda annex: (annex.contract_id, annex.annex_type)
        ).items():
            size = MAX_TEETH_ANNEXES if kind == "situacao_inicial" else 1
            groups = list(split_every(size, annexes.ids, self.browse))
            numbers = contract._take_numbers("next_lote_number", len(groups))
            for number, group in zip(numbers, groups, strict=True):
                group.sudo().write({"lote_number": str(number)})

    def _build_sound(self):
        """See `tiss.outgoing`; situações iniciais of one convênio share their message.

        :return: (`tiss.message`, one per lote of annexes, {annex: what is wrong})
        """
        inside = self._get_inside_problems()
        alone = self.filtered(lambda annex: annex not in inside)
        alone._take_lote_numbers()
        bundles = alone._get_bundle().grouped(lambda annex: (annex.contract_id, annex.lote_number))
        # The first of each lote carries the message; the others point at it.
        leaders = self.browse().union(*(bundle[0] for bundle in bundles.values()))
        messages, problems = super(TissAnnex, leaders)._build_sound()
        for bundle in bundles.values():
            if bundle[0] not in problems:
                vals = {"message_id": bundle[0].message_id.id, "state": "validated"}
                bundle[1:].sudo().write(vals)
        return messages, {**inside, **problems}

    def send(self):
        """Freeze the annexes as sent, with those that are in the same message."""
        self._check_alone()
        return super(TissAnnex, self._get_bundle()).send()

    def _get_delivered(self):
        return self._get_bundle()

    def _read_content(self):
        self._read_for_message(self._get_bundle())

    def _read_for_message(self, annexes):
        """Read all that the messages of these annexes say in a constant number of queries."""
        annexes = annexes.sudo()
        read_children(annexes, "line_ids")
        read_children(annexes, "tooth_ids")
        people = annexes.requester_id | annexes.patient_id
        (people | annexes.contract_id.partner_id | annexes.company_id.partner_id).fetch()
        self.env["tiss.term"]._cache_domain_codes()

    def _check_content(self):
        for annex in self._get_bundle():
            problems = annex._get_problems()
            if problems:
                raise UserError(
                    self.env._(
                        "Annex %(name)s lacks something. %(problems)s",
                        name=annex.name,
                        problems=" ".join(problems),
                    )
                )

    def _prepare_tiss_body(self):
        """loteAnexos (guide §3.9)"""
        values = [annex._prepare_tiss_annex() for annex in self._get_bundle()]
        is_dental = self.annex_type == "situacao_inicial"
        return {
            "numeroLote": self.lote_number,
            "AnexosGuiasTISS": {ELEMENTS[self.annex_type]: values if is_dental else values[0]},
        }

    def _prepare_tiss_annex(self):
        """The element of this annex, in a message of its own or in its request's."""
        return getattr(self, f"_prepare_tiss_{self.annex_type}")()

    def _prepare_tiss_header(self):
        """ct_anexoCabecalho"""
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaAnexo": self.name,
            "numeroGuiaReferenciada": self.authorization_id.name,
            "numeroGuiaOperadora": self.operadora_number or None,
            "dataSolicitacao": self.date,
            "senha": self.authorization_password or None,
            "dataAutorizacao": self.authorization_date or None,
        }

    def _prepare_tiss_annex_requester(self):
        """ctm_anexoSolicitante"""
        return {
            "nomeProfissional": to_ascii(self.requester_id.name, 70),
            "telefoneProfissional": self._get_phone(),
            "emailProfissional": self.requester_email or None,
        }

    def _prepare_tiss_text(self, name):
        size, _is_required = self._get_texts()[name]
        return to_ascii(self[name] or "", size) or None

    def _locate(self, path):
        """The annex that a path is in."""
        found = ANNEX_IN_PATH.search(path)
        if not found:
            return path
        return self.env._(
            "annex %(annex)s, %(element)s",
            annex=self._get_bundle()[int(found[1]) - 1].name,
            element=(found[2] or "").rpartition("/")[2] or self.env._("the whole annex"),
        )
