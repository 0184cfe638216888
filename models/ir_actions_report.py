import io
import resource
import subprocess
import tempfile
from pathlib import Path

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.misc import find_in_path

FORMS = "l10n_br_tiss.report_"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_SECONDS = 120


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
        html = self._render_qweb_html(report_ref, res_ids, data=data)[0].decode()
        if self.get_wkhtmltopdf_state() != "install":
            content = self._run_wkhtmltopdf([html], report_ref=report_ref)
        else:
            content = self._tiss_run_browser(html)
        return {False: {"stream": io.BytesIO(content), "attachment": None}}

    @api.model
    def _tiss_run_browser(self, html):
        """A PDF by Chromium, for systems that no longer have wkhtmltopdf.

        :return: bytes
        """
        browser = self._tiss_find_browser()
        if not browser:
            raise UserError(
                self.env._(
                    "There is neither wkhtmltopdf nor Chromium on this server: without one of them"
                    " nothing is printed."
                )
            )
        with tempfile.TemporaryDirectory(prefix="tiss_print_") as folder:
            source, target = Path(folder, "form.html"), Path(folder, "form.pdf")
            source.write_text(html, encoding="utf-8")
            command = [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--no-pdf-header-footer", f"--user-data-dir={folder}/profile",
                f"--print-to-pdf={target}", source.as_uri(),
            ]  # fmt: skip
            try:
                subprocess.run(
                    command,
                    check=True,
                    timeout=BROWSER_SECONDS,
                    preexec_fn=_lift_memory_limit,  # noqa: PLW1509
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                return target.read_bytes()
            except (OSError, subprocess.SubprocessError) as error:
                raise UserError(
                    self.env._("Chromium could not print this: try again with fewer forms.")
                ) from error

    @api.model
    def _tiss_find_browser(self):
        for name in BROWSERS:
            try:
                return find_in_path(name)
            except OSError:
                continue
        return None


def _lift_memory_limit():
    """Odoo limits its address space; Chromium reserves far more than it uses, and would abort."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
