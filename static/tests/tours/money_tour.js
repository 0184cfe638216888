import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { MODAL, edit, openMenu, press, see, seeState } from "./tour_steps";

function explainDeposit() {
    const deposits = ".o_field_widget[name=deposit_ids]";
    return [
        ...openMenu("l10n_br_tiss_menu_finance", "tiss_daily_close_menu"),
        see("the deposit waits", `${deposits} .o_data_row:contains('137,66')`),
        press("action_tiss_match", deposits),
        see("every deposit is explained", ".o_tiss_done:visible:contains('Todos os depósitos')"),
        see("the bank confirmed", ".o_tiss_done:visible:contains('O banco confirmou')"),
    ];
}

function contestGlosa() {
    return [
        ...openMenu("l10n_br_tiss_menu_returns", "tiss_glosa_menu"),
        {
            content: "open the glosa",
            trigger: ".o_data_row:contains('50,00') td[name=guia_id]",
            run: "click",
        },
        press("action_create_recurso"),
        seeState("draft", "Rascunho"),
        see("the clinic's text", ".o_data_row td[name=justification]:contains('50,00')"),
        press("action_build"),
        seeState("validated", "Validado"),
        press("action_send"),
        {
            content: "yes, send it",
            trigger: `${MODAL} .modal-footer .btn-primary`,
            run: "click",
        },
        seeState("sent", "Enviado"),
        press("action_register_protocol"),
        edit("protocol_number", "778899", MODAL),
        press("action_register", `${MODAL} footer`),
        seeState("received", "Recebido"),
    ];
}

registry.category("web_tour.tours").add("l10n_br_tiss_money", {
    steps: () => [
        ...stepUtils.goToAppSteps("l10n_br_tiss.l10n_br_tiss_menu_root", "Convênios"),
        ...explainDeposit(),
        ...contestGlosa(),
    ],
});
