import logging

from odoo import api, fields, models

from .. import standard
from ..standard.signature import RSA_SHA1, verify

MAX_SHOWN = 20


_logger = logging.getLogger(__name__)


class TissMessage(models.Model):
    """What the signatures in a received message are worth; nothing is refused for them."""

    _inherit = "tiss.message"

    signature_state = fields.Selection(
        [("valid", "Valid"), ("invalid", "Not Valid")], "Signature", readonly=True
    )
    signature_verdicts = fields.Json(readonly=True)
    signature_note = fields.Text("What Was Signed", compute="_compute_signature_note")

    @api.depends("signature_verdicts")
    @api.depends_context("lang")
    def _compute_signature_note(self):
        for message in self:
            verdicts = message.signature_verdicts or []
            lines = [self._describe_verdict(each) for each in verdicts[:MAX_SHOWN]]
            if len(verdicts) > MAX_SHOWN:
                lines.append(self.env._("… and %s more", len(verdicts) - MAX_SHOWN))
            message.signature_note = "\n".join(lines)

    @api.model
    def _record(self, contract, content, **vals):
        if vals["direction"] == "in":
            vals = {**self._prepare_signature_values(contract, content), **vals}
        return super()._record(contract, content, **vals)

    @api.model
    def _prepare_signature_values(self, contract, content):
        """Values of the journal for the signatures in some bytes; empty where there is none."""
        if b"SignedInfo" not in content:
            return {}
        accept_sha1 = contract.sudo().signature_algorithm == RSA_SHA1
        try:
            verdicts = [
                self._read_verdict(each) for each in verify(content, accept_sha1=accept_sha1)
            ]
        except standard.DecodeError:
            verdicts = [{"where": "", "code": "unreadable"}]
        except Exception:
            # Whatever breaks here, what came is kept.
            _logger.exception("The signatures of a message could not be judged")
            verdicts = [{"where": "", "code": "unreadable"}]
        if not verdicts:
            return {}
        wrong = any(each["code"] for each in verdicts)
        return {
            "signature_state": "invalid" if wrong else "valid",
            # What is wrong stands first: only some are shown.
            "signature_verdicts": sorted(verdicts, key=lambda each: not each["code"]),
        }

    @api.model
    def _read_verdict(self, verdict):
        identity = verdict.identity
        return {
            "where": verdict.where,
            "code": verdict.code,
            "holder": identity.holder if identity else "",
            "document": identity.document if identity else "",
            "issuer": identity.issuer if identity else "",
        }

    @api.model
    def _describe_verdict(self, verdict):
        signer = " ".join(filter(None, (verdict.get("holder"), verdict.get("document"))))
        reasons = {
            "": self.env._("valid (the chain of the certificate was not checked)"),
            "unreadable": self.env._("the message could not be read"),
            "digest": self.env._("NOT VALID, the content was changed after it was signed"),
            "signature": self.env._("NOT VALID, made with another key than the certificate's"),
            "expired": self.env._("NOT VALID, the certificate had expired"),
            "not_yet_valid": self.env._("NOT VALID, the certificate was not valid yet"),
            "algorithm": self.env._("NOT VALID, made with an algorithm that is no longer safe"),
            "not_checked": self.env._("not checked, there are too many"),
        }
        reason = reasons.get(verdict["code"]) or self.env._(
            "NOT VALID, it is not made as the standard says (%s)", verdict["code"]
        )
        return self.env._(
            "%(what)s, signed by %(who)s: %(reason)s",
            what=verdict["where"].rpartition("/")[2] or "?",
            who=signer or "?",
            reason=reason,
        )
