"""Answers of an operadora to recursos de glosa, word for word as the standard writes them."""

from .question_records import PROVIDER, error


class RecursoRecords:
    """Made for classes that have `QuestionRecords`."""

    def _answer_receipt(self, recurso, protocol="700001", **options):
        """recebimentoRecursoGlosa; options: total, contested, version."""
        total = options.get("total", recurso.amount_total)
        contested = options.get("contested", recurso.contested_protocol)
        guias = "".join(
            f"<guiasRecurso><numeroGuiaOrigem>{guia.name}</numeroGuiaOrigem><opcaoRecursoGuia>"
            "<recursoGuia><codGlosaGuia>1705</codGlosaGuia>"
            "<justificativaGuia>ECO</justificativaGuia></recursoGuia>"
            "</opcaoRecursoGuia></guiasRecurso>"
            for guia in recurso.line_ids.guia_id
        )
        body = (
            "<recebimentoRecursoGlosa><protocoloRecebimento>"
            f"<nrProtocoloRecursoGlosa>{protocol}</nrProtocoloRecursoGlosa>"
            f"<dataEnvioRecurso>{self.today}</dataEnvioRecurso>"
            f"<dataRecebimentoRecurso>{self.today}</dataRecebimentoRecurso>"
            f"<numeroLote>{recurso.lote_id.name}</numeroLote>"
            f"<registroANS>{self.contract.ans_code}</registroANS>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador>"
            f"<nrProtocoloRecursado>{contested}</nrProtocoloRecursado>{guias}"
            f"<valorTotalRecursado>{total:.2f}</valorTotalRecursado>"
            "</protocoloRecebimento></recebimentoRecursoGlosa>"
        )
        return self._build_answer("RECEBIMENTO_RECURSO_GLOSA", body, version=options.get("version"))

    def _refuse_recurso(self, code="2909"):
        body = f"<recebimentoRecursoGlosa>{error(code)}</recebimentoRecursoGlosa>"
        return self._build_answer("RECEBIMENTO_RECURSO_GLOSA", body)

    def _refuse_recurso_question(self, code="3291"):
        body = f"<respostaRecursoGlosa>{error(code)}</respostaRecursoGlosa>"
        return self._build_answer("RESPOSTA_RECURSO_GLOSA", body)

    def _answer_recurso_status(self, recurso, status="2"):
        body = (
            "<respostaRecursoGlosa><reciboGlosaStatus>"
            f"<nrProtocoloRecursoGlosa>{recurso.protocol_number}</nrProtocoloRecursoGlosa>"
            f"<dataEnvioRecurso>{self.today}</dataEnvioRecurso>"
            f"<dataRecebimentoRecurso>{self.today}</dataRecebimentoRecurso>"
            f"<numeroLote>{recurso.lote_id.name}</numeroLote>"
            f"<registroANS>{self.contract.ans_code}</registroANS>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador>"
            "<nrProtocoloSituacaoRecursoGlosa>1</nrProtocoloSituacaoRecursoGlosa>"
            f"<dataSituacao>{self.today}</dataSituacao>"
            f"<situacaoProtocolo>{status}</situacaoProtocolo>"
            "</reciboGlosaStatus></respostaRecursoGlosa>"
        )
        return self._build_answer("RESPOSTA_RECURSO_GLOSA", body)

    def _answer_items(self, recurso, granted, **options):
        """reciboGlosa of items: {line of the recurso: amount granted}; options: version."""
        items = "".join(
            "<recursoGuia><respostaGuiaItens>"
            f"<numeroGuiaPrestador>{line.guia_id.name}</numeroGuiaPrestador>"
            f"<dataRealizacao>{line.guia_line_id.date}</dataRealizacao>"
            f"<sequencialItem>{line.guia_line_id.sequence_item}</sequencialItem><procRecurso>"
            f"<codigoTabela>{line.guia_line_id.table_code}</codigoTabela>"
            f"<codigoProcedimento>{line.guia_line_id.code}</codigoProcedimento>"
            "<descricaoProcedimento>ITEM</descricaoProcedimento></procRecurso>"
            f"<codGlosa>{line.code}</codGlosa>"
            f"<valorRecursado>{line.amount:.2f}</valorRecursado>"
            "<justificativaPrestador>ECO</justificativaPrestador>"
            f"<valorAcatadado>{amount:.2f}</valorAcatadado>"
            "<justificativaOperadora>CONFORME CONTRATO</justificativaOperadora>"
            "</respostaGuiaItens></recursoGuia>"
            for line, amount in granted.items()
        )
        return self._answer_recurso(recurso, items, sum(granted.values()), **options)

    def _answer_guias(self, recurso, granted, total, **options):
        """reciboGlosa of whole guias: {(guia number, code): S or N}."""
        guias = "".join(
            f"<recursoGuia><respostaGuia><numeroGuiaPrestador>{guia}</numeroGuiaPrestador>"
            f"<codGlosa>{code}</codGlosa><justificativaPrestador>ECO</justificativaPrestador>"
            f"<recursoGuiaAcatado>{yes}</recursoGuiaAcatado></respostaGuia></recursoGuia>"
            for (guia, code), yes in granted.items()
        )
        return self._answer_recurso(recurso, guias, total, **options)

    def _answer_protocol(self, recurso, code, yes, total):
        body = (
            f"<recursoProtocolo><codigoGlosaProtocolo>{code}</codigoGlosaProtocolo>"
            "<justificativaProtocolo>ECO</justificativaProtocolo>"
            f"<recursoAcatado>{yes}</recursoAcatado></recursoProtocolo>"
        )
        return self._answer_recurso(recurso, body, total)

    def _answer_recurso(self, recurso, option, total, **options):
        body = (
            "<respostaRecursoGlosa><reciboGlosa>"
            f"<registroANS>{self.contract.ans_code}</registroANS>"
            f"<numeroGuiaRecGlosaPrestador>{recurso.name}</numeroGuiaRecGlosaPrestador>"
            "<numeroGuiaRecGlosaOperadora>OP77</numeroGuiaRecGlosaOperadora>"
            "<nomeOperadora>OPERADORA</nomeOperadora><objetoRecurso>2</objetoRecurso>"
            "<codigoPrestador>12345</codigoPrestador>"
            f"<numeroLote>{recurso.lote_id.name}</numeroLote>"
            f"<numeroProtocolo>{recurso.contested_protocol}</numeroProtocolo>"
            f"<opcaoRecurso>{option}</opcaoRecurso><dataRecurso>{self.today}</dataRecurso>"
            f"<valorTotalRecursado>{recurso.amount_total:.2f}</valorTotalRecursado>"
            f"<valorTotalAcatado>{total:.2f}</valorTotalAcatado>"
            "</reciboGlosa></respostaRecursoGlosa>"
        )
        return self._build_answer("RESPOSTA_RECURSO_GLOSA", body, version=options.get("version"))
