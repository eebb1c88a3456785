#!/usr/bin/env bash
# compile.sh [PLATFORM...]: compiles every package of every module, tests included, for the platforms that have a release and are not the one on
# which the tests run. go vet compiles what a package imports and checks the types of the package and of its tests. A build would compile
# most of it a second time. Other Linux platforms differ from the one of the tests in little: for them the root module is enough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0
[ $# -gt 0 ] || set -- windows/amd64 darwin/arm64 linux/arm64

status=0
for platform; do
  modules=(go.mod)
  if [ "${platform%/*}" != linux ]; then readarray -t modules < <(git ls-files -- go.mod '*/go.mod'); fi
  for mod in "${modules[@]}"; do
    began=$SECONDS
    if GOOS=${platform%/*} GOARCH=${platform#*/} go -C "$(dirname "$mod")" vet ./...; then
      printf '%s %s: %d s\n' "$platform" "$(dirname "$mod")" $((SECONDS - began))
    else
      printf '%s %s: does not compile\n' "$platform" "$(dirname "$mod")" >&2
      status=1
    fi
  done
done
exit "$status"
