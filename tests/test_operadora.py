import base64
from ast import literal_eval

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..standard import cadop, identifiers
from ..standard.tests.test_cadop import NEW_HEADER, OLD_HEADER, new_file, new_line
from .common import TissCommon

ANS = identifiers.complete_ans_code("98765")
LETTERS = identifiers.complete_cnpj("12ABC3450001")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestOperadora(TissCommon):
    """An operadora is registered with its number, its people and its status; or without number."""

    def _create_payer(self, name="Operadora Inventada", **vals):
        return self.env["res.partner"].create(
            {"name": name, "is_company": True, "tiss_is_operadora": True, **vals}
        )

    # ------------------------------------------------------------------
    # ANS number and kind of payer
    # ------------------------------------------------------------------

    def test_the_ans_number_is_taken_with_mask_and_kept_without(self):
        for text in (ANS, f"{ANS[:5]}-{ANS[5]}", f" {ANS[:2]}.{ANS[2:]} "):
            with self.subTest(text):
                payer = self._create_payer(tiss_ans_code=text)
                self.assertEqual(payer.tiss_ans_code, ANS)
                payer.unlink()

    def test_zeros_that_got_lost_come_back(self):
        code = identifiers.complete_ans_code("00098")
        payer = self._create_payer()
        payer.write({"tiss_ans_code": str(int(code))})
        self.assertEqual(payer.tiss_ans_code, code)

    def test_a_wrong_check_digit_is_refused(self):
        wrong = ANS[:5] + str((int(ANS[5]) + 1) % 10)
        with self.assertRefused(f"{wrong} is not a valid ANS number", ValidationError):
            self._create_payer(tiss_ans_code=wrong)

    def test_two_operadoras_never_share_a_number(self):
        with self.assertRefused("already an operadora with this ANS number"):
            self._create_payer(tiss_ans_code=self.operadora.tiss_ans_code)

    def test_kind_and_number_agree(self):
        code = identifiers.complete_ans_code("97532")
        self.assertEqual(self._create_payer(tiss_ans_code=code).tiss_payer_kind, "ans")
        employer = self._create_payer("Empresa Inventada")
        self.assertEqual(employer.tiss_payer_kind, "own")
        self.assertFalse(self.patient.tiss_payer_kind)
        with self.assertRefused("Type the ANS number of Empresa Inventada", ValidationError):
            employer.tiss_payer_kind = "ans"
        for kind in ("own", "foreign"):
            with self.assertRefused(f"has the ANS number {ANS}", ValidationError):
                self._create_payer(tiss_ans_code=ANS, tiss_payer_kind=kind)
        employer.tiss_ans_code = identifiers.complete_ans_code("97531")
        self.assertEqual(employer.tiss_payer_kind, "ans", "who gets a number is an operadora")

    def test_typing_an_ans_number_fills_in_what_the_registry_knows(self):
        row = self.env["tiss.operadora.registry"].search(
            [("ans_code", "not in", self.env["res.partner"].search([]).mapped("tiss_ans_code"))],
            limit=1,
        )
        form = self._open_form()
        form.name = "Como nós dizemos"
        form.tiss_ans_code = f"{row.ans_code[:5]}-{row.ans_code[5]}"
        self.assertEqual(form.tiss_legal_name, row.legal_name)
        payer = form.save()
        self.assertRecordValues(
            payer,
            [{"name": "Como nós dizemos", "vat": row.cnpj, "tiss_ans_code": row.ans_code,
              "tiss_modality": row.modality, "city": row.city, "tiss_payer_kind": "ans"}],
        )  # fmt: skip

    def _open_form(self, user=None):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.res_partner_action_operadora"
        )
        Partner = self.env["res.partner"].with_context(**literal_eval(action["context"]))
        if user:
            Partner = Partner.with_user(user)
        return Form(Partner, view="l10n_br_tiss.res_partner_view_form_operadora")

    # ------------------------------------------------------------------
    # CNPJ
    # ------------------------------------------------------------------

    def test_cnpj_with_letters(self):
        """12ABC34501DE35 is the example of the Receita Federal (guide §9.4)."""
        country = self.env.ref("base.br").id
        for text in ("12ABC34501DE35", "12.ABC.345/01DE-35", "12abc34501de35"):
            with self.subTest(text):
                payer = self._create_payer(vat=text, country_id=country)
                self.assertEqual(payer.vat, "12ABC34501DE35")

    def test_cnpj_that_begins_with_letters_is_no_foreign_number(self):
        """base_vat takes FR and EU at the beginning for France and the European Union."""
        for base in ("FRAB12340001", "EUAB12340001"):
            cnpj = identifiers.complete_cnpj(base)
            payer = self._create_payer(vat=cnpj, country_id=self.env.ref("base.br").id)
            self.assertEqual(payer.vat, cnpj)
            with self.assertRefused("valid", ValidationError):
                payer.vat = cnpj[:13] + str((int(cnpj[13]) + 1) % 10)

    def test_a_wrong_cnpj_is_refused_even_without_a_country(self):
        for country in (self.env.ref("base.br"), self.env["res.country"]):
            with self.subTest(country.code), self.assertRefused("valid", ValidationError):
                self._create_payer(vat="12ABC34501DE36", country_id=country.id)

    def test_a_foreign_payer_needs_no_cnpj(self):
        france = self.env.ref("base.fr").id
        fid = self.env.ref("l10n_latam_base.it_fid").id
        vals = {"tiss_payer_kind": "foreign", "country_id": france}
        self.assertTrue(self._create_payer(**vals))
        payer = self._create_payer(vat="X-1", l10n_latam_identification_type_id=fid, **vals)
        self.assertEqual(payer.vat, "X-1")

    def test_an_own_arrangement_may_be_with_a_person(self):
        cpf = identifiers.complete_cpf("390533447")
        self.assertTrue(self._create_payer(vat=cpf))
        with self.assertRefused("not a valid CNPJ", ValidationError):
            self._create_payer(vat=cpf, tiss_ans_code=ANS)

    # ------------------------------------------------------------------
    # Status
    # ------------------------------------------------------------------

    def test_the_date_follows_the_status(self):
        payer = self._create_payer(tiss_state="negotiating", tiss_state_date="2026-01-31")
        self.assertEqual(str(payer.tiss_state_date), "2026-01-31")
        payer.tiss_state = "active"
        self.assertEqual(payer.tiss_state_date, self.today)
        self.assertEqual(self._create_payer().tiss_state, "active")
        self.assertFalse(self.patient.tiss_state or self.patient.tiss_state_date)

    def test_the_history_says_who_changed_the_status(self):
        payer = self._create_payer()
        self.flush_tracking()
        payer.tiss_state = "inactive"
        self.flush_tracking()
        tracked = payer.sudo().message_ids[:1].tracking_value_ids
        self.assertIn("Inactive", tracked.mapped("new_value_char"))

    def flush_tracking(self):
        self.env.flush_all()
        self.env.cr.flush()

    def test_no_new_convenio_with_an_inactive_operadora(self):
        payer = self._create_payer(tiss_ans_code=ANS, tiss_state="inactive")
        with self.assertRefused("Operadora Inventada is inactive: set", UserError):
            self.env["tiss.contract"].create({"partner_id": payer.id, "version": "4.03.00"})
        payer.tiss_state = "negotiating"
        self.assertTrue(
            self.env["tiss.contract"].create({"partner_id": payer.id, "version": "4.03.00"})
        )
        payer.tiss_state = "inactive"
        self.assertEqual(payer.tiss_contract_count, 1, "what there is stays")

    # ------------------------------------------------------------------
    # People, and who may do what
    # ------------------------------------------------------------------

    def test_contacts_of_an_operadora_are_people_with_a_role(self):
        user = self._create_user("faturista.operadora", "billing")
        form = self._open_form(user)
        form.name = "Operadora Inventada"
        form.tiss_ans_code = ANS
        with form.child_ids.new() as line:
            line.tiss_contact_role = "glosa"
            line.name = "Contato Inventado"
            line.phone = "(11) 3003-1234"
        payer = form.save()
        contact = payer.child_ids
        self.assertEqual(contact.tiss_contact_role, "glosa")
        self.assertFalse(contact.tiss_is_operadora or contact.tiss_payer_kind)
        self.assertFalse(contact.is_company)

    def test_plan_numbers_lose_their_mask_and_keep_their_zeros(self):
        self.plan.ans_registration = "067.693/12-1"
        self.assertEqual(self.plan.ans_registration, "067693121")
        self.assertEqual(self.plan.copy().name, "Plano de Teste (copy)")

    def test_levels_of_another_operadora_are_refused(self):
        payer = self._create_payer()
        level = self.env["tiss.network.level"].create({"operadora_id": payer.id, "name": "Plus"})
        with self.assertRefused("Plus is not a network level of", ValidationError):
            self.plan.network_level_ids = level


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRegistryImport(TissCommon):
    """A newer registry file says what it changes before it changes anything."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Registry = cls.env["tiss.operadora.registry"]

    def _get_lines(self, leave_out=()):
        """The active registry as the ANS would write it."""
        rows = self.Registry.search(
            [("is_cancelled", "=", False), ("ans_code", "not in", list(leave_out))]
        )
        return {
            row.ans_code: ";".join(
                [row.ans_code, row.cnpj, f'"{row.legal_name}"', f'"{row.trade_name}"',
                 row.modality, "", "", "", "", row.city or "", row.state_code, "", "", "", "", "",
                 "", "", "", str(row.registration_date or "")]
            )
            for row in rows
        }  # fmt: skip

    def _open(self, content, user=None):
        wizard = self.env["tiss.registry.import"]
        wizard = wizard.with_user(user) if user else wizard
        return wizard.create({"file": base64.b64encode(content), "file_name": "cadop.csv"})

    def _preview(self, lines):
        wizard = self._open(new_file(*lines))
        wizard.action_preview()
        return wizard

    def _get(self, code):
        return self.Registry.search([("ans_code", "=", code)])

    def test_the_registry_of_today_changes_nothing(self):
        wizard = self._preview(self._get_lines().values())
        self.assertFalse(wizard.line_ids)
        self.assertFalse(wizard.is_small)
        self.assertIn("New: 0. Changed: 0. Again active: 0. Gone: 0.", wizard.summary)

    def test_each_kind_of_change(self):
        """One row renamed, one gone, one new, one that was gone and is back."""
        ours = self.operadora.tiss_ans_code
        gone, back = self.Registry.search([("ans_code", "!=", ours)], limit=2)
        lines = self._get_lines([gone.ans_code])
        back.sudo().write({"is_cancelled": True, "cancel_date": "2026-01-01"})
        old_name = self._get(ours).legal_name
        lines[ours] = lines[ours].replace(old_name, "NOVO NOME S/A")
        lines["new"] = new_line("98765")
        wizard = self._preview(lines.values())
        self.assertEqual(
            [(line.kind, line.is_ours, line.ans_code, line.changes) for line in wizard.line_ids],
            [
                ("changed", True, ours, f"Legal Name: {old_name} → NOVO NOME S/A"),
                ("gone", False, gone.ans_code, ""),
                ("back", False, back.ans_code, ""),
                ("new", False, ANS, "Medicina de Grupo · São Paulo/SP"),
            ],
        )
        self.assertIn("New: 1. Changed: 1. Again active: 1. Gone: 1.", wizard.summary)
        self.assertFalse(self._get(ANS), "nothing is changed yet")
        wizard.action_apply()
        self.assertTrue(gone.is_cancelled)
        self.assertEqual(gone.cancel_date, self.today)
        self.assertFalse(back.is_cancelled or back.cancel_date)
        self.assertEqual(self._get(ours).legal_name, "NOVO NOME S/A")
        self.assertEqual(self.operadora.tiss_legal_name, "NOVO NOME S/A")
        self.assertFalse(self._preview(lines.values()).line_ids, "twice changes nothing")

    def test_our_operadoras_stay_as_they_are_when_not_asked(self):
        ours = self.operadora.tiss_ans_code
        lines = self._get_lines()
        lines[ours] = lines[ours].replace(self.operadora.tiss_legal_name, "NOVO NOME S/A")
        wizard = self._preview(lines.values())
        wizard.update_operadoras = False
        before = self.operadora.tiss_legal_name
        wizard.action_apply()
        self.assertEqual(self.operadora.tiss_legal_name, before)

    def test_typed_phones_and_emails_stay(self):
        ours = self.operadora.tiss_ans_code
        self.operadora.write({"phone": "(11) 1111-1111", "email": False})
        lines = self._get_lines()
        cells = lines[ours].split(";")
        cells[12:16] = ["21", "22222222", "", "novo@inventada.com.br"]
        lines[ours] = ";".join(cells)
        wizard = self._preview(lines.values())
        self.assertEqual(wizard.line_ids.mapped("kind"), ["contact"])
        wizard.action_apply()
        self.assertRecordValues(
            self.operadora, [{"phone": "(11) 1111-1111", "email": "novo@inventada.com.br"}]
        )
        self.assertEqual(self._get(ours).phone, "(21) 22222222")

    def test_an_operadora_of_ours_that_goes_is_told_in_its_history(self):
        ours = self.operadora.tiss_ans_code
        self._preview(self._get_lines([ours]).values()).action_apply()
        self.assertTrue(self.operadora.tiss_registry_id.is_cancelled)
        self.assertEqual(self.operadora.tiss_ans_cancel_date, self.today)
        self.assertIn("No longer in the list", self.operadora.message_ids[0].body)
        found = self.env["res.partner"].search([("tiss_registry_id.is_cancelled", "=", True)])
        self.assertIn(self.operadora, found)
        self.assertTrue(self.contract.active)

    def test_a_cancelled_operadora_gets_no_convenio_and_comes_last(self):
        row = self.Registry.search([("trade_name", "ilike", "unimed")], limit=1)
        row.sudo().write({"is_cancelled": True, "cancel_date": self.today})
        with self.assertRefused(f"ANS {row.ans_code}.* no longer in the list of active"):
            row.create_operadora()
        names = self.Registry.name_search("unimed", limit=None)
        self.assertEqual(names[-1][0], row.id)
        self.assertTrue(names[-1][1].endswith("cancelled"))
        payer = self.env["res.partner"].create(
            {"name": "X", "tiss_is_operadora": True, "tiss_ans_code": row.ans_code}
        )
        self.assertEqual(row.create_operadora(), payer, "who is there already is found")
        with self.assertRefused("it cannot get a new convênio"):
            self.env["tiss.contract"].create({"partner_id": payer.id, "version": "4.03.00"})

    def test_a_new_operadora_gets_all_that_the_file_knows(self):
        lines = self._get_lines()
        self._preview([*lines.values(), new_line("98765", LETTERS)]).action_apply()
        payer = self._get(ANS).create_operadora()
        self.assertRecordValues(
            payer,
            [{"vat": LETTERS, "street_name": "RUA DAS FLORES", "street_number": "10",
              "street_number2": "SALA 2", "street2": "CENTRO", "zip": "01310-100",
              "phone": "(11) 30031234", "email": "contato@inventada.com.br"}],
        )  # fmt: skip
        self.assertEqual(payer.state_id.code, "SP")

    def test_a_file_with_few_operadoras_asks_first(self):
        wizard = self._preview([new_line("98765")])
        self.assertTrue(wizard.is_small)
        with self.assertRefused("only 1 operadoras, less than half"):
            wizard.action_apply()
        self.assertFalse(self.Registry.search_count([("is_cancelled", "=", True)]))
        wizard.confirm_small = True
        wizard.action_apply()
        self.assertEqual(self.Registry.search([("is_cancelled", "=", False)]).ans_code, ANS)

    def test_a_bad_line_is_named_and_its_operadora_is_not_cancelled(self):
        lines = self._get_lines()
        code = self.Registry.search([], limit=1).ans_code
        cells = lines.pop(code).split(";")
        cells[10] = "XX"
        wizard = self._preview([*lines.values(), ";".join(cells)])
        self.assertEqual(wizard.line_ids.mapped("kind"), ["error"])
        number = len(lines) + 2
        self.assertEqual(wizard.line_ids.changes, f"Line {number}: not a state of Brazil: XX")
        wizard.action_apply()
        self.assertFalse(self._get(code).is_cancelled)

    def test_while_a_line_cannot_be_told_nobody_is_cancelled(self):
        lines = self._get_lines()
        code = next(iter(lines))
        lines[code] = lines[code].replace(code, "abc", 1)
        wizard = self._preview(lines.values())
        self.assertEqual(wizard.line_ids.mapped("kind"), ["error"])

    def test_other_files_are_refused_in_plain_words(self):
        cases = [
            (b"a;b;c\n1;2;3\n", "no column Registro_ANS"),
            (b"PK\3\4 workbook", "not a CSV file"),
            (b"x" * (cadop.MAX_BYTES + 1), "too large to be the ANS registry"),
            (new_file(header=OLD_HEADER), "not a single operadora"),
            (new_file(header=NEW_HEADER.replace("UF", "Estado")), "no column UF"),
            (
                new_file(new_line(), header=NEW_HEADER + ";Data_Descredenciamento"),
                "list of cancelled operadoras",
            ),
            (new_file(*[new_line(uf="XX")] * 101), "More than 100 lines .* line 2"),
        ]
        for content, words in cases:
            with self.subTest(words), self.assertRefused(words):
                self._open(content).action_preview()

    def test_the_preview_of_the_whole_registry_is_quick_and_constant(self):
        lines = list(self._get_lines().values())
        wizard = self._open(new_file(*lines))
        self.env.flush_all()
        with self.assertQueryCount(25):
            wizard.action_preview()

    def test_only_a_manager_refreshes(self):
        for role in ("reception", "billing"):
            user = self._create_user(f"cadop.{role}", role)
            with self.assertRaises(AccessError):
                self._open(new_file(new_line()), user)
            wizard = self._open(new_file(new_line()))
            with self.assertRaises(AccessError):
                wizard.with_user(user).action_apply()
