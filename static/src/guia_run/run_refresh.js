import { Component, onWillUnmount, xml } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECONDS = 2;
// What takes longer than a minute may take hours.
const PATIENCE = 60;
const SECONDS_AFTER = 15;
const TYPING = ".o_form_view :is(input, textarea, [contenteditable])";

/** Reads the record again while something works on it in the background; shown it reads on. */
export class RunRefresh extends Component {
    static template = xml`<span/>`;
    static props = { ...standardWidgetProps };

    setup() {
        this.began = Date.now();
        this.wait();
        onWillUnmount(() => {
            this.isGone = true;
            browser.clearTimeout(this.timer);
        });
    }

    wait() {
        const isSoon = Date.now() - this.began < PATIENCE * 1000;
        const seconds = isSoon ? SECONDS : SECONDS_AFTER;
        this.timer = browser.setTimeout(() => this.refresh(), seconds * 1000);
    }

    async refresh() {
        try {
            // Nobody looks at a hidden tab, and nothing that somebody types may be lost.
            if (!document.hidden && !this.props.record.dirty && !this.isTyping()) {
                await this.props.record.load();
            }
        } catch (error) {
            // Deleted meanwhile, or of another company now: said once, not every two seconds.
            this.isGone = !(error instanceof ConnectionLostError);
            throw error;
        } finally {
            if (!this.isGone) {
                this.wait();
            }
        }
    }

    isTyping() {
        return Boolean(document.activeElement?.closest(TYPING));
    }
}

registry.category("view_widgets").add("tiss_run_refresh", { component: RunRefresh });
