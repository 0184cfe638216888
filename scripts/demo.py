"""Runs the main job in an Odoo shell, then prints what happened and who can log in."""

import os
from pathlib import Path

from odoo.addons.l10n_br_tiss.demo import users
from odoo.addons.l10n_br_tiss.demo.job import run

folder = Path(os.environ["TISS_DEMO_OUT"])
folder.mkdir(parents=True, exist_ok=True)
for old in folder.glob("*.xml"):
    old.unlink()
env = env(context={**env.context, "lang": "pt_BR", "tz": "America/Sao_Paulo"})  # noqa: F821
logins = users.create(env)
biller = env["res.users"].search([("login", "=", "faturamento")])
job = run(env, folder, biller)
breaches = job.clinic.contracts.check_ledger()
env.cr.commit()
# What `./dev operadora` then knows: who bears which card.
bearers = [f"{card.number};{card.patient_id.name}\n" for card in env["tiss.card"].search([])]
(folder / "carteirinhas.csv").write_text("".join(bearers), encoding="utf-8")

print(f"\n{len(job.encounters)} atendimentos, {len(job.left_out)} deixados de fora:")
for encounter, reason in job.left_out.items():
    print(f"  {encounter.name}: {reason.splitlines()[0]}")
print()
print("\n".join(job.report()))
glosas = env["tiss.glosa"].search([])
open_glosas = glosas.filtered(lambda glosa: glosa.state == "open")
print(
    f"\n{len(glosas)} glosas, {len(open_glosas)} em aberto;"
    f" {len(job.credit_notes)} notas de crédito;"
    f" {len(job.demonstrativos.payment_ids.payment_id)} recebimentos com retenções"
)
forms = job.forms
granted = forms.requests.filtered(lambda request: request.state in ("authorized", "partial"))
print(
    f"{len(forms.requests)} pedidos de autorização, {len(granted)} autorizados;"
    f" {len(forms.annexes)} anexos; {len(forms.notices)} comunicações de internação e alta;"
    f" {len(forms.documents)} documentos"
)
questions = job.questions
print(
    f"{len(questions.checks)} elegibilidades; {len(questions.queries)} consultas de protocolo;"
    f" {len(questions.requests)} solicitações de demonstrativo;"
    f" {len(questions.cancellations)} cancelamentos"
)
books = job.books
print(
    f"{len(job.waiting)} demonstrativo a contabilizar; {len(books.provisions)} provisões propostas;"
    f" {len(books.receipts)} coparticipações faturadas a pacientes"
)
print("Conferência do razão: " + ("tudo confere" if not breaches else "; ".join(breaches)))
print("XML enviados e recebidos em:")
print(folder)
print("\nEntradas (usuário / senha):")
for login, role in logins:
    print(f"  {login} / {login}   {role}")
print(f"\n{job.seconds:.0f} s")
if breaches:
    raise SystemExit(1)
