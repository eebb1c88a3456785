#!/usr/bin/env bash
# compile.sh [PLATFORM...]: compiles every package of every module, tests included. By default for the platforms of a release on which the tests
# do not run. It runs go vet, which compiles the imports of a package and checks the types of the package and of its tests. go build would compile
# most of that a second time. For Linux on another processor it checks the root module only, because little differs from the tested platform.
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
