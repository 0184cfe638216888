from odoo import api, models


class TissEndpoint(models.Model):
    """What went wrong on the way, in sentences that say what to do next."""

    _inherit = "tiss.endpoint"

    @api.model
    def _explain_error(self, error):
        """Why no answer came (`soap.TransportError`), for whoever sent the message."""
        sentence = (
            (error.code == "not_carried_out" and self._get_status_sentences().get(error.status))
            or self._get_error_sentences().get(error.code)
            or self.env._("The operadora gave no answer that can be used.")
        )
        if error.reached:
            sentence += " " + self.env._("Whether the operadora has the message is not known.")
        return f"{sentence} ({error.detail})" if error.detail else sentence

    @api.model
    def _explain_fault(self, fault):
        """What the operadora answered instead of reading the message (`soap.Fault`)."""
        sentence = self._get_fault_sentences().get(fault.tiss_fault) or self.env._(
            "The web service of the operadora refused the message."
        )
        if not fault.refused and not fault.tiss_fault:
            sentence = self.env._(
                "The web service of the operadora broke. Whether it has the message is not known."
            )
        # What they call it is for their support; soap's own Client and Server tell nobody anything.
        words = " ".join(filter(None, (fault.tiss_fault or fault.code, fault.text)))
        return f"{sentence} ({words})" if words else sentence

    @api.model
    def _get_fault_sentences(self):
        """tissFault (guide §7.1) in words"""
        return {
            "DestinatarioInvalido": self.env._(
                "The operadora says that the message is not for it: check its ANS number and the"
                " address of the web service."
            ),
            "RemetenteInvalido": self.env._(
                "The operadora does not know the clinic by this registration: check the code,"
                " CNPJ or CPF in the convênio."
            ),
            "LoginInvalido": self.env._(
                "The operadora does not accept login and password: ask a manager to type them"
                " again in the convênio, and whether the password is sent as the operadora wants"
                " it."
            ),
            "VersaoInvalida": self.env._(
                "The operadora does not take this TISS version at this address: check the version"
                " of the convênio and of the web service."
            ),
            "HashInvalido": self.env._(
                "The operadora computes another hash: choose the other hash encoding in the"
                " convênio, build the message anew and send that."
            ),
            "SchemaInvalido": self.env._(
                "The operadora says that the message is not valid, though the official schema"
                " accepts it: send them the XML of the journal and ask what they miss."
            ),
            "ErroInesperadoServidor": self.env._(
                "The system of the operadora had an error of its own. Whether it has the message is"
                " not known."
            ),
        }

    @api.model
    def _get_error_sentences(self):
        """Codes of `soap.CODES` in words"""
        return {
            **self._get_connection_sentences(),
            "timeout": self.env._("The operadora did not answer in time."),
            "cut": self.env._("The connection ended in the middle of the answer."),
            "redirect": self.env._(
                "The operadora answered with another address instead of a receipt: ask it for the"
                " right one."
            ),
            "http": self.env._("The server of the operadora refused the message."),
            "server_error": self.env._("The server of the operadora has an error of its own."),
            "empty": self.env._("The answer of the operadora is empty."),
            "html": self.env._(
                "A page for people came instead of an answer: under maintenance, or the address is"
                " not that of a web service."
            ),
            "multipart": self.env._("The answer came in parts (MTOM), which TISS does not know."),
            "not_xml": self.env._("The answer of the operadora is not readable as XML."),
            "unsafe": self.env._("The answer was refused because it carries dangerous content."),
            "encoding": self.env._("The answer is in an encoding that TISS does not know."),
            "too_large": self.env._("The answer is far too large."),
            "not_soap": self.env._("The answer of the operadora is no answer of a web service."),
        }

    @api.model
    def _get_status_sentences(self):
        """Statuses of HTTP with which a server turns away whatever comes"""
        shut_out = self.env._(
            "The server of the operadora does not let the clinic in: ask the operadora whether the"
            " clinic's login, its certificate and the internet address of this server are"
            " registered for this web service."
        )
        nothing_there = self.env._(
            "There is no web service at this address: ask the operadora for the right one."
        )
        proxy = self._get_connection_sentences()["proxy"]
        return {401: shut_out, 403: shut_out, 404: nothing_there, 405: nothing_there, 407: proxy}

    @api.model
    def _get_connection_sentences(self):
        """Those after which it is certain that nothing arrived"""
        return {
            "environment": self.env._("Nothing was sent."),
            "url": self.env._("The address of the web service cannot be used."),
            "dns": self.env._(
                "The name of the server is not known: check the address, and whether this server"
                " has a connection to the internet."
            ),
            "refused": self.env._("The server of the operadora takes no connections now."),
            "unreachable": self.env._("The server of the operadora cannot be reached."),
            "connect_timeout": self.env._("The server of the operadora cannot be reached in time."),
            "proxy": self.env._("The proxy of this network did not let the message through."),
            "tls": self.env._(
                "No secure connection came about. Perhaps the operadora wants a client certificate."
            ),
            "untrusted": self.env._(
                "The certificate of the operadora's server is not trusted, so nothing was sent. If"
                " it is of ICP-Brasil, paste its authorities into the web service."
            ),
            "certificate": self.env._(
                "The operadora does not accept the client certificate: is it expired, missing, or"
                " not registered there?"
            ),
            "not_carried_out": self.env._(
                "The server of the operadora did not take the message: check the address, and"
                " whether the clinic has access."
            ),
        }
