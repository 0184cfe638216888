import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { MODAL, choose, edit, openMenu, press, see } from "./tour_steps";

const LINES = `${MODAL} .o_field_widget[name=line_ids]`;

function editCell(row, name, value) {
    return [
        {
            content: `open ${name} of ${row}`,
            trigger: `${LINES} .o_data_row:contains("${row}") td[name=${name}]`,
            run: "click",
        },
        {
            content: `type ${value}`,
            trigger: `${LINES} .o_selected_row [name=${name}] input`,
            run: `edit ${value}`,
        },
    ];
}

/** Name, code, price: six clicks from the overview to a convênio that can be billed. */
function register() {
    return [
        {
            content: "a new convênio",
            trigger: ".o-kanban-button-new",
            run: "click",
        },
        ...choose("registry_id", "sul america", "ANS 006246", MODAL),
        see("what is known fills in", `${MODAL} [name=legal_name]:contains("SUL AMERICA")`),
        {
            content: "Enter goes on",
            trigger: `${MODAL} .o_field_widget[name=registry_id] input`,
            run: "press Enter",
        },
        edit("provider_code", "A7788", MODAL),
        {
            content: "Enter goes on",
            trigger: `${MODAL} .o_field_widget[name=provider_code] input`,
            run: "press Enter",
        },
        see("what the clinic does", `${LINES} .o_data_row:contains(10101012)`),
        press("action_back", `${MODAL} footer`),
        see("nothing is lost", `${MODAL} [name=provider_code] input:value(A7788)`),
        press("action_next", `${MODAL} footer`),
        ...editCell("Consulta em consult", "price", "150,00"),
        press("action_create", `${MODAL} footer`),
        see("the convênio", ".o_form_view .o_field_widget[name=ans_code]:contains(006246)"),
        see("nothing is missing", ".o_form_view:not(:has(button[name=action_fix_missing]:visible))"),
    ];
}

/** A new price from a later day on, and one more procedure, found by words. */
function changePrices() {
    return [
        { content: "the prices", trigger: ".o_notebook a[name=prices]", run: "click" },
        press("action_procedures"),
        ...editCell("Consulta em consult", "price", "160,00"),
        ...editCell("Consulta em consult", "start_date", "01/03/2099"),
        ...choose("term_id", "ecg convencional", "40101010", MODAL),
        see("it is ticked", `${LINES} .o_data_row:contains(40101010) td[name=covered] input:checked`),
        ...editCell("ECG convencional", "price", "41,10"),
        press("action_apply", `${MODAL} footer`),
        see("two periods", "[name=price_item_ids] .o_data_row:contains('160,00'):contains('01/03/2099')"),
        see("the old one ended", "[name=price_item_ids] .o_data_row:contains('150,00'):contains('28/02/2099')"),
        see("one more procedure", "[name=price_item_ids] .o_data_row:contains('41,10')"),
    ];
}

function deleteFromList() {
    return [
        ...openMenu("tiss_overview_menu"),
        { content: "the list", trigger: ".o_switch_view.o_list", run: "click" },
        {
            content: "delete",
            trigger: ".o_data_row:contains(006246) button[name=action_delete]",
            run: "click",
        },
        { content: "yes", trigger: `${MODAL} footer .btn-primary`, run: "click" },
        see("it is gone", ".o_list_view:not(:has(.o_data_row:contains(006246)))"),
    ];
}

registry.category("web_tour.tours").add("l10n_br_tiss_contract_create", {
    steps: () => [
        ...stepUtils.goToAppSteps("l10n_br_tiss.l10n_br_tiss_menu_root", "Convênios"),
        ...openMenu("tiss_overview_menu"),
        ...register(),
        ...changePrices(),
        ...deleteFromList(),
    ],
});
