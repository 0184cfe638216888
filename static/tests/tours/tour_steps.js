/** Steps that every tour of the convênios takes. */

export const MODAL = ".modal:not(.o_inactive_modal)";

export function openMenu(section, menu) {
    const sectionStep = {
        content: `open the menu ${section}`,
        trigger: `.o_menu_sections [data-menu-xmlid="l10n_br_tiss.${section}"]`,
        run: "click",
    };
    const menuStep = {
        content: `open ${menu}`,
        trigger: `.o-dropdown--menu [data-menu-xmlid="l10n_br_tiss.${menu}"]`,
        run: "click",
    };
    return menu ? [sectionStep, menuStep] : [sectionStep];
}

export function edit(field, value, scope = "") {
    return {
        content: `type ${value} in ${field}`,
        trigger: `${scope} .o_field_widget[name=${field}] input`,
        run: `edit ${value}`,
    };
}

/** Type words in a many2one and take the suggestion that holds `text`, or creates it. */
export function choose(field, words, text, scope = "") {
    return [
        edit(field, words, scope),
        {
            content: `choose ${text}`,
            trigger: `.o-autocomplete--dropdown-menu .o-autocomplete--dropdown-item a:contains("${text}")`,
            run: "click",
        },
    ];
}

export function press(name, scope = "") {
    return {
        content: `press ${name}`,
        trigger: `${scope} button[name=${name}]:visible:enabled`,
        run: "click",
    };
}

export function see(content, trigger) {
    return { content, trigger };
}

export function seeState(state, label) {
    return see(
        `the state is ${label}`,
        `.o_statusbar_status .o_arrow_button_current[data-value=${state}]:contains("${label}")`
    );
}
