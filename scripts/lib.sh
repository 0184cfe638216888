# shellcheck shell=bash
# Sourced by ./dev: where things are, messages, and what the machine itself must have.

ADDON=l10n_br_tiss
ENVD=$ROOT/.odoo
ODOO_RC=$ENVD/odoo.conf
PY=$ENVD/venv/bin/python
export ODOO_RC
# Byte code is kept, for Odoo starts in 1.3 s instead of 2.7 s; and like all else it is kept in .odoo.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH
export PYTHONPYCACHEPREFIX=$ENVD/pycache
export HYPOTHESIS_STORAGE_DIRECTORY=$ENVD/hypothesis

say() { printf '[%3ds] %s\n' "$SECONDS" "$*" >&2; }
die() {
  printf 'dev: %s\n' "$@" >&2
  exit 1
}
is_root() { [ "$(id -u)" = 0 ]; }

# lock FD NAME [MESSAGE]: one process at a time; another one waits, or ends with MESSAGE.
lock() {
  local fd=$1 file=$ENVD/$2.lock
  mkdir -p "$ENVD"
  eval "exec $fd>\"\$file\""
  flock -n "$fd" && return
  [ -z "${3:-}" ] || die "$3"
  say "waiting for another ./dev that is at work in this checkout"
  flock "$fd"
}
unlock() { eval "exec $1>&-"; }

# need_space MEGABYTES FOLDER WHAT
need_space() {
  local free
  mkdir -p "$2"
  free=$(df -Pm "$2" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$1" ] || die "no disk space for $3: $1 MB are needed in $2, $free MB are free"
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
need_port() {
  ! port_taken "$1" || die "port $1 is taken (is Odoo running already?)" \
    "  choose another:  PORT=$(($1 + 1)) ./dev $2"
}

# --- Debian packages of the machine: collected first, then installed or named in one go -----------

MISSING=()

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
    [ -z "${PYTHON:-}" ] || return 1
  done
  return 1
}

want_python() {
  local python version
  if python=$(find_python); then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "$(readlink -f "$(command -v "$python")")" = "/usr/bin/python$version" ]; then
      MISSING+=("python$version-venv")
    else
      die "$(command -v "$python") has no module venv: set PYTHON= to a Python that has it"
    fi
  elif command -v "${PYTHON:-python3}" >/dev/null; then
    die "Python 3.10 to 3.13 is needed, ${PYTHON:-python3} is $("${PYTHON:-python3}" -V 2>&1)" \
      "  set PYTHON= to another one, for example  PYTHON=/usr/bin/python3.12 ./dev setup"
  elif [ -n "${PYTHON:-}" ]; then
    die "PYTHON=$PYTHON: no such program"
  else
    MISSING+=(python3 python3-venv)
  fi
}

want_postgres() {
  if [ -n "${PGHOST:-}" ]; then
    command -v psql >/dev/null || MISSING+=(postgresql-client)
  else
    pg_bin >/dev/null || MISSING+=(postgresql)
  fi
}

# The names are those that Odoo's tests look for.
want_browser() {
  local name
  for name in google-chrome chromium chromium-browser google-chrome-stable; do
    command -v "$name" >/dev/null && return
  done
  # Ubuntu's package is an empty shell around a snap, which does not run everywhere: a person decides.
  grep -qs '^ID=ubuntu' /etc/os-release &&
    die "the tests need a browser: install Chromium (snap install chromium) or Google Chrome"
  MISSING+=(chromium)
}

# What makes the PDFs of the forms. Newer systems have it no more: there Chromium makes them.
want_pdf() {
  command -v wkhtmltopdf >/dev/null && return
  if is_root && command -v apt-get >/dev/null && [ -z "$(find /var/lib/apt/lists -name '*Packages*' 2>/dev/null)" ]; then
    apt-get -qq update >/dev/null 2>&1 || true
  fi
  if is_root && [ -n "$(apt-cache search --names-only '^wkhtmltopdf$' 2>/dev/null)" ]; then
    MISSING+=(wkhtmltopdf)
  else
    want_browser
  fi
}

# What the tests read PDFs with.
want_pdf_tools() { command -v pdftotext >/dev/null || MISSING+=(poppler-utils); }

# What judges our signatures in the tests; where it cannot be had, the tests that ask it are skipped.
like_xmlsec() {
  command -v xmlsec1 >/dev/null && return
  if is_root && [ -n "$(apt-cache search --names-only '^xmlsec1$' 2>/dev/null)" ]; then
    MISSING+=(xmlsec1)
  else
    say "without xmlsec1 the tests that ask it about signatures are skipped"
  fi
}

# A clinic is shown without printing where nobody may install: the demo does not fail for it.
like_pdf() {
  if is_root && command -v apt-get >/dev/null; then
    want_pdf
  elif ! command -v wkhtmltopdf >/dev/null; then
    say "without wkhtmltopdf the forms are printed by Chromium, if that is here"
  fi
}

install_missing() {
  [ ${#MISSING[@]} -gt 0 ] || return 0
  local log=$ENVD/apt-get.log
  if ! is_root || ! command -v apt-get >/dev/null; then
    die "packages are missing on this machine; as root:" "  apt-get install --no-install-recommends ${MISSING[*]}"
  fi
  say "apt-get install ${MISSING[*]}"
  # Only the server's programs are wanted: the private cluster is ours, no cluster "main" is made or started.
  if [[ " ${MISSING[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  mkdir -p "$ENVD"
  if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    "${MISSING[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -5 "$log" >&2
    die "apt-get failed; its whole output is in $log"
  fi
  MISSING=()
}
