import { registry } from "@web/core/registry";
import { PivotRenderer } from "@web/views/pivot/pivot_renderer";
import { pivotView } from "@web/views/pivot/pivot_view";

/** Tells below the figures how each of them is defined: the help of its field. */
export class TissReportPivotRenderer extends PivotRenderer {
    static template = "l10n_br_tiss.ReportPivotRenderer";

    get definitions() {
        const { activeMeasures, measures } = this.model.metaData;
        return activeMeasures
            .map((name) => ({ name, label: measures[name].string, help: measures[name].help }))
            .filter((measure) => measure.help);
    }
}

registry.category("views").add("tiss_report_pivot", {
    ...pivotView,
    Renderer: TissReportPivotRenderer,
});
