import { onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";

const SECONDS = 3;
const UNDERWAY = ["queued", "sending"];

/** Reads the list again while something in it is being sent, unless somebody works in it. */
export class DeliveryListController extends ListController {
    setup() {
        super.setup();
        const timer = browser.setInterval(() => this.refresh(), SECONDS * 1000);
        onWillUnmount(() => browser.clearInterval(timer));
    }

    async refresh() {
        const list = this.model.root;
        const isBusy = this.isReading || list.editedRecord || list.selection.length;
        const isUnderway = list.records.some(({ data }) => UNDERWAY.includes(data.state));
        if (document.hidden || isBusy || !isUnderway) {
            return;
        }
        this.isReading = true;
        try {
            await list.load();
        } finally {
            this.isReading = false;
        }
    }
}

registry.category("views").add("tiss_delivery_list", {
    ...listView,
    Controller: DeliveryListController,
});
