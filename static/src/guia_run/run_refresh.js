import { Component, onWillUnmount, xml } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECONDS = 2;

/** Reads the record again while something works on it in the background; shown it reads on. */
export class RunRefresh extends Component {
    static template = xml`<span/>`;
    static props = { ...standardWidgetProps };

    setup() {
        this.timer = browser.setInterval(() => this.refresh(), SECONDS * 1000);
        onWillUnmount(() => browser.clearInterval(this.timer));
    }

    async refresh() {
        // Nobody looks at a hidden tab, and one answer at a time is enough.
        if (this.isReading || document.hidden) {
            return;
        }
        this.isReading = true;
        try {
            await this.props.record.load();
        } finally {
            this.isReading = false;
        }
    }
}

registry.category("view_widgets").add("tiss_run_refresh", { component: RunRefresh });
