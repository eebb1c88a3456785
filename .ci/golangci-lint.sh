#!/usr/bin/env bash
# golangci-lint.sh: prints the path of golangci-lint in the version of this project, after building it if it is missing.
set -euo pipefail
version=2.15.0
own=${XDG_CACHE_HOME:-$HOME/.cache}/weir-ci/golangci-lint-$version

for candidate in "$own/golangci-lint" "$(command -v golangci-lint || true)" "$(go env GOPATH)/bin/golangci-lint"; do
  if [ -x "$candidate" ] && [ "$("$candidate" version --short)" = "$version" ]; then
    echo "$candidate"
    exit
  fi
done

echo "building golangci-lint $version" >&2
GOBIN=$own go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version" >&2
echo "$own/golangci-lint"
