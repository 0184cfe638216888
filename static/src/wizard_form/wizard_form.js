import { onMounted, useExternalListener } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";

/** A dialog in steps: Enter in a field does what the coloured button of the footer does. */
export class WizardFormController extends FormController {
    setup() {
        super.setup();
        useExternalListener(window, "keydown", this.onKeydown);
        // Odoo minds `default_focus` for new records only, and the dialog itself focuses first.
        onMounted(() => browser.setTimeout(() => this.focusField()));
    }

    focusField() {
        const fields = this.archInfo.autofocusFieldIds.map((id) =>
            this.rootRef.el?.querySelector(`#${id}`)
        );
        fields.find(Boolean)?.focus();
    }

    onKeydown(ev) {
        const form = this.rootRef.el;
        const isField = ev.target.matches("input:not([type=file])") && form?.contains(ev.target);
        // A list moves to its next row; an open list of suggestions takes the Enter itself.
        if (ev.key !== "Enter" || ev.defaultPrevented || !isField) {
            return;
        }
        if (ev.target.closest(".o_field_x2many") || form.querySelector(".o-autocomplete--dropdown-menu")) {
            return;
        }
        const button = form.closest(".modal")?.querySelector("footer .btn-primary:not(:disabled)");
        if (button) {
            ev.preventDefault();
            button.click();
        }
    }
}

registry.category("views").add("tiss_wizard_form", {
    ...formView,
    Controller: WizardFormController,
});
