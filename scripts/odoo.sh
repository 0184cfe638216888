# shellcheck shell=bash
# Sourced by ./dev: gets Odoo 19 and its Python packages, and writes Odoo's configuration.

ODOO_EXTRA_DEBS=(libjs-jquery fonts-roboto-unhinted fonts-montserrat)

# --- the package odoo-19 of Debian's suite sid, by an apt of our own: the machine's apt is read, ne

private_apt() { apt-get -c "$ENVD/apt-sid/apt.conf" -qq "$@" >&2; }

make_private_apt() {
  local dir=$ENVD/apt-sid source
  source=$("$(find_python)" "$ROOT/scripts/debian_source.py") || exit 1
  mkdir -p "$dir"/{lists/partial,cache/archives/partial,log}
  printf '%s\n' "$source" >"$dir/sid.sources"
  # The #clear lines stop a container image's clean-up hooks, which would delete the system's downloaded packages.
  cat >"$dir/apt.conf" <<CONF
Dir::Etc::sourcelist "$dir/sid.sources";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$dir";
Dir::State::lists "$dir/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$dir/cache";
Dir::Log "$dir/log";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Pre-Invoke;
#clear DPkg::Post-Invoke;
CONF
}

odoo_deb() { find "$ENVD/debs" -maxdepth 1 -name 'odoo-19_19.0*.deb' 2>/dev/null | sort -V | tail -1; }

# apt-get checks the index's signature and each file's digest. A file leaves `partial` when it is whole.
download_odoo() {
  local debs=$ENVD/debs
  mkdir -p "$debs/partial"
  if [ -n "${ODOO_DEB:-}" ]; then
    [ -f "$ODOO_DEB" ] || die "ODOO_DEB=$ODOO_DEB: no such file"
    rm -f "$debs"/odoo-19_*.deb
    cp "$ODOO_DEB" "$debs/partial/"
    # any release's files do for the rest, so the machine's own sources serve as well
    (cd "$debs/partial" && apt-get -qq download "${ODOO_EXTRA_DEBS[@]}" >&2) ||
      die "apt-get could not download ${ODOO_EXTRA_DEBS[*]}: run apt-get update, then try again"
  else
    [ -z "$(odoo_deb)" ] || return 0
    say "downloading odoo-19 from Debian (130 MB)"
    make_private_apt
    private_apt update && (cd "$debs/partial" && private_apt download odoo-19 "${ODOO_EXTRA_DEBS[@]}") ||
      die "Odoo could not be downloaded: is the Debian mirror reachable, and does its suite sid have odoo-19?" \
        "  ./dev goes on where it stopped; ODOO_DEB= or ODOO_PATH= use a package or an Odoo that is already here"
  fi
  mv "$debs/partial"/*.deb "$debs/"
  [ -n "$(odoo_deb)" ] || die "that is not Odoo 19.0: $(cd "$debs" && echo odoo*.deb)"
}

# Left out: translations other than Portuguese (818 of 1,183 MB), a stray second copy of the addons, documentation.
unpack_odoo() {
  local root=$ENVD/root deb name
  deb=$(odoo_deb)
  say "unpacking $(basename "$deb")"
  rm -rf "$root"
  mkdir -p "$root"
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner --wildcards \
    --exclude='*/i18n/[a-oq-z]*.po' --exclude='*/i18n/p[a-su-z]*.po' --exclude='*/i18n/*.pot' \
    --exclude='./usr/lib/python3/dist-packages/addons' --exclude='./usr/lib/python3/dist-packages/doc' \
    --exclude='./usr/lib/python3/dist-packages/setup' --exclude='./usr/share/lintian' --exclude='./etc' \
    --exclude='./usr/lib/systemd' || die "unpacking Odoo failed (is the disk full?)"
  for name in "${ODOO_EXTRA_DEBS[@]}"; do
    dpkg-deb -x "$ENVD/debs/$name"_*.deb "$root" || die "unpacking $name failed"
  done
  mend_odoo "$root/usr/lib/python3/dist-packages/odoo/addons"
  basename "$deb" >"$root/.complete"
}

# What Debian leaves out of the package or links to packages that are not here.
mend_odoo() {
  local fonts=$1/web/static/src/libs/fontawesome/fonts selfie=$1/mail/static/lib/selfie_segmentation
  [ -e "$1/web/static/lib/jquery/jquery.js" ] || die "jquery.js is missing: the web client would not start"
  # Only the blurring of a video's background uses it, but without the file every page logs an error and fails a tour.
  mkdir -p "$selfie"
  [ -e "$selfie/selfie_segmentation.js" ] || echo '/* not in the package */' >"$selfie/selfie_segmentation.js"
  # The link wants version 4.7 of the font; the package has it as woff, which the font library reads as well.
  if [ ! -e "$fonts/fontawesome-webfont.ttf" ]; then
    rm -f "$fonts/fontawesome-webfont.ttf"
    cp "$fonts/fontawesome-webfont.woff" "$fonts/fontawesome-webfont.ttf"
  fi
}

# Sets ODOO_HOME (the folder that holds the package odoo) and ODOO_VERSION (changes when Odoo changes).
setup_odoo() {
  if [ -n "${ODOO_PATH:-}" ]; then
    ODOO_HOME=$(cd "$ODOO_PATH" 2>/dev/null && pwd -P) || die "ODOO_PATH=$ODOO_PATH: no such folder"
    [ -f "$ODOO_HOME/odoo/release.py" ] || die "ODOO_PATH=$ODOO_PATH holds no Odoo: it must hold the folder odoo/"
    grep -q '^version_info = (19, 0,' "$ODOO_HOME/odoo/release.py" || die "ODOO_PATH=$ODOO_PATH is not Odoo 19.0"
    ODOO_VERSION=$ODOO_HOME
    return
  fi
  ODOO_HOME=$ENVD/root/usr/lib/python3/dist-packages
  ODOO_VERSION=$(cat "$ENVD/root/.complete" 2>/dev/null || true)
  [ "$ODOO_VERSION" = "$(basename "${ODOO_DEB:-$ODOO_VERSION}")" ] || ODOO_VERSION=
  if [ -z "$ODOO_VERSION" ]; then
    need_space 2000 "$ENVD" "Odoo, its Python packages and the databases"
    download_odoo
    unpack_odoo
    ODOO_VERSION=$(cat "$ENVD/root/.complete")
  fi
}

# --- Python ---------------------------------------------------------------------------------------

# The libraries that ./dev bench compares ours with, in a folder of their own; without them it compares with fewer.
setup_peers() {
  local folder=$ENVD/peers
  [ -e "$folder/.done" ] && return
  rm -rf "$folder"
  if "$PY" -m pip install -q --disable-pip-version-check --no-deps --only-binary=:all: \
    --target "$folder" -r "$ROOT/requirements-bench.txt" >"$ENVD/peers.log" 2>&1; then
    touch "$folder/.done"
  else
    say "the other libraries could not be installed: see $ENVD/peers.log"
  fi
}

# make_venv FOLDER OPTION… REQUIREMENTS…: pip's options, then files; made anew if it was not finished.
make_venv() {
  local venv=$1 want arg args=()
  shift
  want=$(for arg; do cat "$arg" 2>/dev/null || echo "$arg"; done | sha256sum | cut -c1-16)
  [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$want" ] || return 0
  say "Python packages into .odoo/$(basename "$venv")"
  if [ ! -e "$venv/.stamp" ]; then
    "$(find_python)" -m venv --clear "$venv" || die "no Python environment could be made in $venv"
  fi
  rm -f "$venv/.stamp"
  for arg; do
    [ ! -f "$arg" ] || args+=(-r)
    args+=("$arg")
  done
  if ! "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-compile --only-binary=:all: \
    "${args[@]}" >"$venv/pip.log" 2>&1; then
    tail -5 "$venv/pip.log" >&2
    die "pip could not install the packages; its whole output is in $venv/pip.log"
  fi
  echo "$want" >"$venv/.stamp"
}

python_packages() {
  make_venv "$ENVD/venv" --no-deps "$ROOT"/requirements.txt "$ROOT"/requirements-{odoo,dev}.txt
}

setup_python() {
  python_packages
  # A .pth instead of PYTHONPATH: pip then sees that Odoo is installed, and can add other addons beside it.
  echo "$ODOO_HOME" >"$(echo "$ENVD"/venv/lib/python3*/site-packages)/odoo19.pth"
}

# --- configuration --------------------------------------------------------------------------------

# The checkout's folder may have any name, the addon's may not: Odoo reaches it by a link.
setup_conf() {
  local addons=$ENVD/addons
  mkdir -p "$addons" "$ENVD/data"
  ln -sfn "$ROOT" "$addons/$ADDON"
  [ ! -d "$ODOO_HOME/addons/account" ] || addons=$addons,$ODOO_HOME/addons
  cat >"$ODOO_RC" <<CONF
[options]
addons_path = $addons
data_dir = $ENVD/data
db_host = $PGHOST
db_port = $PGPORT
db_user = $PGUSER
http_interface = 127.0.0.1
http_port = ${PORT:-8069}
list_db = False
max_cron_threads = 0
screenshots = $ENVD/screenshots
CONF
}

odoo() { "$PY" -m odoo "$@"; }

# run_script DB FILE: a Python file in Odoo's shell; compiled under its own name, so that an error shows file and line.
run_script() {
  SCRIPT=$2 odoo shell -d "$1" --no-http --log-level=warn \
    <<<'import os; exec(compile(open(os.environ["SCRIPT"]).read(), os.environ["SCRIPT"], "exec"))'
}
