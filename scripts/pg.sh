# shellcheck shell=bash
# Sourced by ./dev: a PostgreSQL server, and databases on it.
#
# PGHOST given: that server is used and nothing is started. Otherwise a private cluster in .odoo/pg that listens on a
# Unix socket only. It holds nothing that cannot be made again, so it does not wait for the disk (fsync off).

# --- the server -----------------------------------------------------------------------------------

# The server programs: of the version that made the cluster, else the newest.
pg_bin() {
  local dir version
  version=$(cat "$(pg_data)/PG_VERSION" 2>/dev/null || true)
  while read -r dir; do
    if [ -x "$dir/initdb" ] && [[ -z $version || $dir == */"$version"/* ]]; then
      echo "$dir"
      return
    fi
  done < <(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -rV)
  dir=$(command -v initdb) || return 1
  dirname "$(readlink -f "$dir")"
}

# postgres refuses to run as root.
pg_owner() { if is_root; then id -un postgres 2>/dev/null || echo nobody; else id -un; fi; }

as_pg_owner() {
  if ! is_root; then
    "$@"
    return
  fi
  local owner
  owner=$(pg_owner)
  # `cd /`: the owner may not be allowed to enter the folder we are in
  (cd / && setpriv --reuid="$owner" --regid="$(id -gn "$owner")" --clear-groups env HOME=/tmp "$@")
}

# The owner must be able to enter every parent folder, which it cannot below root's home.
pg_data() {
  if is_root && [ -d "$ENVD" ] && ! as_pg_owner test -x "$ENVD" 2>/dev/null; then
    echo "/var/tmp/odoo-pg-$(printf %s "$ENVD" | cksum | cut -d' ' -f1)"
  else
    echo "$ENVD/pg"
  fi
}

# The path of a Unix socket may hold 107 bytes, so it cannot be below a checkout of any depth.
pg_socket() { echo "/tmp/odoopg-$(id -u)-$(pg_data | tr -d '\n' | cksum | cut -d' ' -f1)"; }

pg_own_folder() {
  mkdir -p "$1"
  chmod 700 "$1"
  ! is_root || chown "$(pg_owner)" "$1"
}

# Made beside its place and moved there when it is whole: a killed initdb leaves no half cluster.
pg_init() {
  local bin=$1 data=$2 log=$ENVD/initdb.log
  rm -rf "$data.new"
  pg_own_folder "$data.new"
  as_pg_owner "$bin/initdb" -D "$data.new" -U odoo -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$log" 2>&1 || {
    tail -5 "$log" >&2
    die "initdb failed; its whole output is in $log"
  }
  cat >"$data.new/postgresql.auto.conf" <<'CONF'
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 512MB
shared_buffers = 256MB
max_connections = 60
CONF
  ! is_root || chown "$(pg_owner)" "$data.new/postgresql.auto.conf"
  rm -rf "$data"
  mv "$data.new" "$data"
}

pg_start() {
  local bin data sock
  data=$(pg_data)
  bin=$(pg_bin) || die "no PostgreSQL server programs were found"
  sock=$(pg_socket)
  [ -f "$data/PG_VERSION" ] || pg_init "$bin" "$data"
  pg_own_folder "$sock"
  if ! as_pg_owner "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then
    # the descriptors are our locks: the server must not hold them
    as_pg_owner "$bin/pg_ctl" -D "$data" -l "$data/server.log" -w -t 60 -o "-k $sock" start \
      >/dev/null </dev/null 8>&- 9>&- || {
      tail -5 "$data/server.log" >&2
      die "PostgreSQL does not start; its log is $data/server.log" \
        "  all that it holds can be made again: delete $data, then repeat the command"
    }
  fi
  # the running server's own word: its socket folder and port
  PGHOST=$(sed -n 5p "$data/postmaster.pid")
  PGPORT=$(sed -n 4p "$data/postmaster.pid")
  PGUSER=odoo
}

pg_stop() {
  local bin data
  [ -z "${PGHOST:-}" ] || die "PGHOST is set: that server is not ours to stop"
  data=$(pg_data)
  bin=$(pg_bin) || return 0
  if [ -f "$data/PG_VERSION" ] && as_pg_owner "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then
    as_pg_owner "$bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null
  fi
  rmdir "$(pg_socket)" 2>/dev/null || true
}

pg_check_given() {
  local answer
  export PGCONNECT_TIMEOUT=10
  answer=$(psql -d postgres -Atqc "select rolcreatedb or rolsuper from pg_roles where rolname = current_user" 2>&1) ||
    die "PostgreSQL does not answer at PGHOST=$PGHOST, port $PGPORT, as $PGUSER:" "  $answer" \
      "  start that server, or unset PGHOST: ./dev then uses a private one"
  [ "$answer" = t ] || die "the PostgreSQL role $PGUSER may not create databases"
  [ "$PGUSER" != postgres ] || die "Odoo refuses the role postgres: set PGUSER= to another one that may create databases"
}

# Exports PGHOST, PGPORT and PGUSER, and sets PREFIX, with which the names of our databases begin.
setup_pg() {
  if [ -n "${PGHOST:-}" ]; then
    PGPORT=${PGPORT:-5432} PGUSER=${PGUSER:-$(id -un)}
    export PGHOST PGPORT PGUSER
    pg_check_given
    # on a shared server another checkout may be at work too
    PREFIX=${ADDON}_$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
  else
    pg_start
    export PGHOST PGPORT PGUSER
    PREFIX=$ADDON
  fi
  # shellcheck disable=SC2034  # used by ./dev
  DEMO_DB=${PREFIX}_demo
}

# --- databases ------------------------------------------------------------------------------------
# One template holds Odoo's modules, a second one the addon too. Every use is a copy, made in half a second.

sql() { psql -d postgres -AtqX -v ON_ERROR_STOP=1 -c "$1"; }
db_exists() { [ "$(sql "select 1 from pg_database where datname = '$1'")" = 1 ]; }
db_busy() { [ "$(sql "select count(*) from pg_stat_activity where datname = '$1'")" != 0 ]; }

db_drop() {
  sql "drop database if exists \"$1\" with (force)" 2>/dev/null
  rm -rf "$ENVD/data/filestore/$1"
}

# The filestore is shared by hard links: its files never change.
db_copy() {
  local strategy=
  [ "$(sql 'show server_version_num')" -lt 150000 ] || strategy='strategy file_copy'
  db_drop "$2"
  sql "create database \"$2\" template \"$1\" $strategy"
  mkdir -p "$ENVD/data/filestore"
  rm -rf "$ENVD/data/filestore/$2"
  [ ! -d "$ENVD/data/filestore/$1" ] || cp -al "$ENVD/data/filestore/$1" "$ENVD/data/filestore/$2"
}

# The rename comes last: before it nothing looks finished.
db_rename() {
  db_drop "$2"
  [ ! -d "$ENVD/data/filestore/$1" ] || mv "$ENVD/data/filestore/$1" "$ENVD/data/filestore/$2"
  sql "alter database \"$1\" rename to \"$2\""
}

db_drop_others() { # db_drop_others KIND KEEP: earlier templates of that kind
  local name
  for name in $(sql "select datname from pg_database where datname like '${PREFIX}\\_$1\\_%' and datname <> '$2'"); do
    db_drop "$name"
  done
}

db_depends() { "$PY" -c 'import ast, sys; print(*ast.literal_eval(sys.stdin.read())["depends"], sep=",")' <"$ROOT/__manifest__.py"; }

# Sets BASE_TEMPLATE: the addon's dependencies installed, Portuguese loaded, asset bundles made, no demo data.
base_template() {
  local modules
  modules=$(db_depends),web_tour
  BASE_TEMPLATE=${PREFIX}_base_$(echo "$modules $ODOO_VERSION" |
    cat - "$ROOT/requirements-odoo.txt" "$ROOT/scripts/base.py" | sha256sum | cut -c1-8)
  ! db_exists "$BASE_TEMPLATE" || [ ! -d "$ENVD/data/filestore/$BASE_TEMPLATE" ] || return 0
  need_space 700 "$ENVD" "the databases"
  say "template database: $modules"
  db_drop "${PREFIX}_new"
  # what would install itself beside them (mail by letter, partner look-up on the net) is left out
  odoo -d "${PREFIX}_new" -i "$modules" --load-language=pt_BR --skip-auto-install --no-http --stop-after-init \
    --log-level=warn >&2
  run_script "${PREFIX}_new" "$ROOT/scripts/base.py"
  run_script "${PREFIX}_new" "$ROOT/scripts/pregen.py"
  db_rename "${PREFIX}_new" "$BASE_TEMPLATE"
  db_drop_others base "$BASE_TEMPLATE"
}

# What the installed addon depends on: every file but the tests and the tools.
addon_hash() {
  (cd "$ROOT" && find . -path './.*' -prune -o \( -path ./tests -o -path ./standard/tests -o -path ./operadora \
    -o -path ./scripts -o -name __pycache__ \) -prune \
    -o -type f ! -name '*.md' ! -path ./dev ! -name 'requirements*' -print0 | sort -z | xargs -0 sha256sum |
    cat - <(echo "$BASE_TEMPLATE") | sha256sum | cut -c1-8)
}

# Sets ADDON_TEMPLATE: the base and the addon.
addon_template() {
  local hash
  base_template
  hash=$(addon_hash)
  ADDON_TEMPLATE=${PREFIX}_addon_$hash
  ! db_exists "$ADDON_TEMPLATE" || [ ! -d "$ENVD/data/filestore/$ADDON_TEMPLATE" ] || return 0
  say "installing $ADDON"
  db_copy "$BASE_TEMPLATE" "${PREFIX}_new"
  odoo -d "${PREFIX}_new" -i "$ADDON" --no-http --stop-after-init --log-level=warn >&2
  [ "$(sql_in "${PREFIX}_new" "select state from ir_module_module where name = '$ADDON'")" = installed ] ||
    die "$ADDON was not installed: see the messages above"
  # again, for those that the addon changes
  run_script "${PREFIX}_new" "$ROOT/scripts/pregen.py"
  # edited meanwhile: usable now, but never again under that name
  [ "$(addon_hash)" = "$hash" ] || ADDON_TEMPLATE=${PREFIX}_addon_edited
  db_rename "${PREFIX}_new" "$ADDON_TEMPLATE"
  db_drop_others addon "$ADDON_TEMPLATE"
}

sql_in() { psql -d "$1" -AtqX -v ON_ERROR_STOP=1 -c "$2"; }

# with_addon_copy NAME: sets DB to a fresh database that has the addon; it is dropped when ./dev ends.
with_addon_copy() {
  lock 9 work
  addon_template
  DB=${PREFIX}_$1_$$
  db_copy "$ADDON_TEMPLATE" "$DB"
  unlock 9
  drop_when_done "$DB"
}

drop_when_done() {
  # shellcheck disable=SC2064  # the name is wanted as it is now
  trap "db_drop '$1' >/dev/null 2>&1 || true" EXIT
}

# Databases of runs that were killed: their process is gone.
db_sweep() {
  local name process
  for name in $(sql "select datname from pg_database where datname ~ '^${PREFIX}_(test|lint|bench|po)_[0-9]+(-gw[0-9]+)?\$'"); do
    process=${name##*_}
    [ -d "/proc/${process%-gw*}" ] || db_drop "$name"
  done
}
