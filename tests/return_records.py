from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message


class ReturnCase(TissCommon):
    """Two received lotes: a guia of 150.00 in one item, one of 41.10 + 14.90 = 56.00 in two."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.consulta = cls._create_received_lote(CONSULTATION, protocol="1001")
        cls.sadt = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")

    def _import(self, content, name="retorno.xml"):
        return self.env["tiss.demonstrativo"].import_file(name, content)

    def _analyse(self, lote, released, number="D1", **options):
        """Import an analysis; released: {(guia, item): amount or (amount, code)}."""
        return self._import(analysis_message(lote, released, number, **options))

    def _pay(self, lotes, guias, number="P1", **options):
        """Import a payment; guias: {guia: amount}."""
        return self._import(payment_message(lotes, guias, number, **options))

    def _pay_consulta(self, amount=150.00, number="P1", **options):
        guias = {self.consulta.guia_ids.name: amount}
        return ReturnCase._pay(self, self.consulta, guias, number, **options)
