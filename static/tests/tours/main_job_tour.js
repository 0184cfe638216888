import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { inputFiles } from "@web/../tests/utils";
import { MODAL, choose, edit, openMenu, press, see, seeState } from "./tour_steps";

function makeConvenio() {
    return [
        ...openMenu("tiss_overview_menu"),
        {
            content: "a new convênio starts with its wizard",
            trigger: ".o-kanban-button-new",
            run: "click",
        },
        see("in Portuguese", `${MODAL} .modal-title:contains("Novo convênio")`),
        ...choose("registry_id", "amil", "ANS 326305", MODAL),
        see("the operadora fills in", `${MODAL} .o_field_widget[name=cnpj]:contains("29309127")`),
        press("action_next", `${MODAL} footer`),
        edit("provider_code", "12345", MODAL),
        edit("next_guia_number", "501", MODAL),
        edit("next_lote_number", "41", MODAL),
        press("action_create", `${MODAL} footer`),
        see("what is missing", ".o_form_view .alert button[name=action_fix_missing]:visible"),
        {
            content: "open the prices",
            trigger: ".o_notebook a[name=prices]",
            run: "click",
        },
        {
            content: "add a price",
            trigger: ".o_field_widget[name=price_item_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        ...choose("tiss_term_id", "consulta consultorio", "10101012"),
        edit("fixed_price", "150,00"),
        ...stepUtils.saveForm(),
        see("nothing is missing", ".o_form_view:not(:has(.alert button[name=action_fix_missing]:visible))"),
    ];
}

function registerCard() {
    return [
        ...openMenu("l10n_br_tiss_menu_front_desk", "tiss_card_menu"),
        {
            content: "a new card",
            trigger: ".o_list_button_add",
            run: "click",
        },
        ...choose("patient_id", "Paciente Inventada", "Paciente Inventada"),
        see("the patient is there", ".o_field_widget[name=patient_id] .o_external_button"),
        edit("plan_id", "Plano Exemplo"),
        {
            content: "create the plan",
            trigger: ".o-autocomplete--dropdown-menu .o_m2o_dropdown_option_create_edit a",
            run: "click",
        },
        edit("name", "Plano Exemplo", MODAL),
        ...choose("operadora_id", "amil", "AMIL", MODAL),
        {
            content: "save the plan",
            trigger: `${MODAL} .o_form_button_save`,
            run: "click",
        },
        see("the plan is there", "body:not(:has(.modal)) [name=operadora_id]:contains(AMIL)"),
        edit("number", "0.123.456-789"),
        ...stepUtils.saveForm(),
    ];
}

function recordEncounter() {
    return [
        ...openMenu("l10n_br_tiss_menu_front_desk", "tiss_encounter_menu"),
        {
            content: "a new encounter",
            trigger: ".o_list_button_add",
            run: "click",
        },
        ...choose("patient_id", "Inventada", "Paciente Inventada"),
        see("the card fills in", ".o_field_widget[name=card_id] input:value(0123456789)"),
        see("the convênio fills in", ".o_field_widget[name=contract_id] input:value(AMIL)"),
        ...choose("professional_id", "Exemplo", "Médica Exemplo"),
        {
            content: "add what was done",
            trigger: ".o_field_widget[name=line_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        ...choose("product_id", "10101012", "10101012"),
        see("the price fills in", ".o_field_widget[name=amount_total]:contains('150,00')"),
        press("action_done"),
        seeState("done", "Concluído"),
    ];
}

function generateGuia() {
    return [
        ...openMenu("l10n_br_tiss_menu_billing", "tiss_guia_generate_menu"),
        see("what will happen", `${MODAL} [name=summary]:contains("150,00")`),
        press("action_generate", `${MODAL} footer`),
        see("the guia has the next number", ".o_form_view .o_field_widget[name=name]:contains(501)"),
        seeState("ready", "Pronta"),
    ];
}

function closeLote() {
    return [
        ...openMenu("l10n_br_tiss_menu_billing", "tiss_lote_generate_menu"),
        see("what will happen", `${MODAL} [name=summary]:contains("150,00")`),
        press("action_generate", `${MODAL} footer`),
        see("the lote has the next number", ".o_form_view .o_field_widget[name=name]:contains(41)"),
        seeState("validated", "Validado"),
        {
            content: "download the XML",
            trigger: "button[name=action_download]:visible:enabled",
            async run({ anchor, click }) {
                // A headless browser has no place for a file: read what the new tab would get.
                browser.open = (address) => {
                    fetch(address)
                        .then((answer) => answer.text())
                        .then((xml) => {
                            document.body.dataset.downloaded = /ENVIO_LOTE_GUIAS/.test(xml);
                        });
                    return window;
                };
                await click(anchor);
            },
        },
        see("the file is the lote", "body[data-downloaded=true]"),
        press("action_send"),
        seeState("sent", "Enviado"),
        press("action_register_protocol"),
        edit("protocol_number", "900123", MODAL),
        press("action_register", `${MODAL} footer`),
        seeState("received", "Recebido"),
        see("the protocolo", ".o_field_widget[name=protocol_number]:contains(900123)"),
    ];
}

/** Upload through the wizard what the test put at `address`. */
function importReturn(address) {
    return [
        ...openMenu("l10n_br_tiss_menu_returns", "tiss_return_import_menu"),
        {
            content: `upload ${address}`,
            trigger: `${MODAL} .o_field_widget[name=file]`,
            async run() {
                const content = await (await fetch(address)).blob();
                const name = address.split("/").pop();
                await inputFiles(`${MODAL} .o_field_widget[name=file] input[type=file]`, [
                    new File([content], name, { type: "text/xml" }),
                ]);
            },
        },
        press("action_import", `${MODAL} footer`),
        seeState("imported", "A conferir"),
    ];
}

function postReturn() {
    return [press("action_post"), seeState("posted", "Contabilizado")];
}

registry.category("web_tour.tours").add("l10n_br_tiss_main_job", {
    steps: () => [
        ...stepUtils.goToAppSteps("l10n_br_tiss.l10n_br_tiss_menu_root", "Convênios"),
        ...makeConvenio(),
        ...registerCard(),
        ...recordEncounter(),
        ...generateGuia(),
        ...closeLote(),
    ],
});

registry.category("web_tour.tours").add("l10n_br_tiss_main_job_returns", {
    steps: () => [
        ...stepUtils.goToAppSteps("l10n_br_tiss.l10n_br_tiss_menu_root", "Convênios"),
        ...importReturn("/l10n_br_tiss/tour/analise.xml"),
        see("the preview: released", "[name=preview_html] li:contains('100,00')"),
        see("the preview: denied", "[name=preview_html] li:contains('50,00')"),
        ...postReturn(),
        ...importReturn("/l10n_br_tiss/tour/pagamento.xml"),
        see("the preview: the entry", "[name=preview_html] table td:contains('100,00')"),
        ...postReturn(),
        ...openMenu("l10n_br_tiss_menu_finance", "account_move_menu"),
        {
            content: "the invoice is paid in part",
            trigger: ".o_data_row:contains(900123) .o_field_badge:contains(Parcialmente)",
        },
        see("50 are open", ".o_data_row:contains(900123) [name=amount_residual_signed]:contains('50,00')"),
        ...openMenu("l10n_br_tiss_menu_returns", "tiss_glosa_menu"),
        see("the glosa is open", ".o_data_row:contains(501):contains('Em aberto'):contains('50,00')"),
    ],
});
