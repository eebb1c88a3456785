# shellcheck shell=bash
# Sourced by the other scripts here: announces steps with the time, and installs the packages of missing commands.
set -euo pipefail
: "${tmp:?must be a directory for the temporary files of the run}"

# step NAME...: prints the step that begins and the time since the start. If the script fails before the next step, this is
# the step that failed.
step() {
  current="$*"
  printf '\n[%3d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$current"
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# need COMMAND PACKAGE...: installs the packages if the command is missing.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  command -v apt-get >/dev/null || die "$command is missing, and this machine has no apt-get: install $*"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
  if [ -z "${apt_updated:-}" ]; then
    as_root "${apt[@]}" update
    apt_updated=1
  fi
  echo "installing $*"
  as_root "${apt[@]}" install -y --no-install-recommends "$@" >"$tmp/apt.log" 2>&1 || {
    tail -n 20 "$tmp/apt.log" >&2
    die "installing $* failed"
  }
}

# have_prometheus installs Prometheus and its promtool if they are missing. Debian's package starts a server. This function stops it, because the
# tests do not need it and it has the port of the simulator.
have_prometheus() {
  command -v prometheus >/dev/null && command -v promtool >/dev/null && return
  need promtool prometheus
  as_root service prometheus stop >/dev/null 2>&1 || true
  if command -v systemctl >/dev/null; then as_root systemctl disable --now prometheus >/dev/null 2>&1 || true; fi
}
