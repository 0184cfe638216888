# shellcheck shell=bash
# Sourced by ./dev: the linters. Each step runs even if an earlier one failed, so that one run shows everything.

LINT=$ENVD/lint/bin
export PYLINTHOME=$ENVD/pylint
FAILED=()

step() { # step NAME COMMAND…
  local name=$1 log=$ENVD/lint.log start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    say "ok      $name ($((SECONDS - start)) s)"
  else
    say "FAILED  $name"
    cat "$log" >&2
    FAILED+=("$name")
  fi
}

# --- without a database ---------------------------------------------------------------------------

# The mandatory checks for 19.0; the two left out are about a README.rst and the OCA as author. They are about Odoo's
# models: plain Python is left to ruff.
lint_pylint_odoo() {
  "$LINT/pylint" --load-plugins=pylint_odoo --disable=all --enable=odoolint --valid-odoo-versions=19.0 \
    --disable=missing-readme,manifest-required-author --ignore-paths='^(scripts|standard|operadora)/' .
}

lint_oca_module() { "$LINT/oca-checks-odoo-module" --disable=xml-header-wrong,prefer-readme-rst .; }
# po-pretty-format empties a translation that equals its source; ours says that somebody thought of it.
lint_oca_po() { "$LINT/oca-checks-po" --disable=po-pretty-format i18n/*; }

lint_shell() {
  command -v shellcheck >/dev/null || return 0
  shellcheck -x dev .ci/run
}

# --- with Odoo's tools ----------------------------------------------------------------------------
# They walk through the addon's folder, follow links, and would never come out of the checkout's .odoo: they get a copy.

copy_sources() {
  rm -rf "$ENVD/src"
  mkdir -p "$ENVD/src/$ADDON"
  find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*' -exec cp -a {} "$ENVD/src/$ADDON/" \;
  # plain Python's tests: test_lint would want Odoo's tags on them
  rm -rf "$ENVD/src/$ADDON"/{standard,operadora}/tests
  sed "s|^addons_path = $ENVD/addons|addons_path = $ENVD/src|" "$ODOO_RC" >"$ENVD/src.conf"
}

# It rewrites what older versions had (lists named tree, _sql_constraints…) and names the files: there must be none.
# --glob: without it, it reads all of Odoo too (50 s).
lint_upgrade_code() {
  odoo upgrade_code --addons-path "$ENVD/src" --glob "$ADDON/**/*" --from 16.0 --dry-run
}

find_test_lint() {
  local tests=$ODOO_HOME/addons/test_lint/tests
  [ -d "$tests" ] || tests=$ODOO_HOME/odoo/addons/test_lint/tests
  echo "$tests"
}

# Left out: its tests of its own checkers, what needs all of Odoo or eslint; its pylint run is the next step.
lint_test_lint() {
  local tests name skip=()
  tests=$(find_test_lint)
  for name in checkers pylint eslint markers; do skip+=("--ignore=$tests/test_$name.py"); done
  PYTHONPATH=$ROOT/scripts LINT_ADDON=$ADDON LINT_SITE=$(echo "$ENVD"/lint/lib/python3*/site-packages) \
    ODOO_RC=$ENVD/src.conf "$PY" -m pytest -q --tb=short -p only_this_addon -c /dev/null \
    -o cache_dir="$ENVD/pytest_cache" --rootdir="$tests" --confcutdir="$tests" --odoo-database="$DB" --odoo-log-level=warn \
    "${skip[@]}" "$tests"
}

# The checks and options of test_lint's own call, which would also go through all of Odoo.
# Our comments may name checks of pylint-odoo, which this run does not load: unknown-option-value.
lint_odoo_pylint() {
  local tests
  tests=$(find_test_lint)
  PYTHONPATH=$tests:$ODOO_HOME ADDONS_PATH=$ENVD/src "$LINT/pylint" --rcfile=/dev/null \
    --disable=all,useless-option-value,unknown-option-value --reports=n --bad-functions=input \
    --enable=used-before-assignment,undefined-variable,eval-used,unreachable,function-redefined \
    --enable=sql-injection,missing-gettext,gettext-variable,gettext-placeholders,gettext-repr,raise-unlink-override \
    --load-plugins=_pylint_path_setup,pylint.extensions.bad_builtin,_odoo_checker_sql_injection \
    --load-plugins=_odoo_checker_gettext,_odoo_checker_unlink_override \
    --ignore=scripts,standard,operadora "$ENVD/src/$ADDON"
}

# The longest of all: it goes on beside the other steps. Not with pylint's own -j: which function builds a query is
# found across files, and each of its processes would know only its own.
begin_odoo_pylint() {
  lint_odoo_pylint >"$ENVD/lint-odoo.log" 2>&1 &
  ODOO_PYLINT=$!
}
end_odoo_pylint() {
  wait "$ODOO_PYLINT" && return
  cat "$ENVD/lint-odoo.log"
  return 1
}

export_pot() { ODOO_RC=$ENVD/src.conf odoo i18n export -d "$DB" -o "$1" "$ADDON" 2>/dev/null; }

lint_translations() {
  export_pot "$ENVD/$ADDON.pot"
  "$PY" scripts/po.py check "$ENVD/$ADDON.pot" i18n
}

# --- all of them ----------------------------------------------------------------------------------

cmd_lint() {
  ready
  make_venv "$ENVD/lint" "$ROOT/requirements-lint.txt"
  cd "$ROOT" # the real path: through the link, pylint would find nothing and pass
  copy_sources
  begin_odoo_pylint
  step "ruff check" "$LINT/ruff" check .
  step "ruff format" "$LINT/ruff" format --check .
  step "pylint-odoo" lint_pylint_odoo
  step "oca-checks-odoo-module" lint_oca_module
  step "oca-checks-po" lint_oca_po
  step "shellcheck" lint_shell
  step "paths of this machine" "$PY" scripts/check_paths.py
  step "odoo upgrade_code" lint_upgrade_code
  if [ "${1:-}" != --quick ]; then
    db_sweep
    DB=
    with_addon_copy lint
    step "Odoo's test_lint" lint_test_lint
    step "translations" lint_translations
  fi
  step "Odoo's pylint checks" end_odoo_pylint
  [ ${#FAILED[@]} = 0 ] || die "lint: ${#FAILED[@]} failed: $(printf '%s; ' "${FAILED[@]}")"
}
