import io

from odoo import models
from odoo.exceptions import UserError

FORMS = "l10n_br_tiss.report_"


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Our forms are whole pages, without header, footer and the styles of the web client.

        All records go to the engine as one body: an engine without the patched Qt takes no more,
        and nothing has to be cut apart and put together again.
        """
        report = self._get_report(report_ref)
        if not report.report_name.startswith(FORMS):
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        if self.get_wkhtmltopdf_state() == "install":
            raise UserError(
                self.env._("There is no wkhtmltopdf on this server: without it nothing is printed.")
            )
        html, _kind = self._render_qweb_html(report_ref, res_ids, data=data)
        content = self._run_wkhtmltopdf([html.decode()], report_ref=report_ref)
        return {False: {"stream": io.BytesIO(content), "attachment": None}}
