#!/usr/bin/env bash
# go-tool.sh PACKAGE VERSION: prints the path of the program of a Go package at a version, after building it if it is missing.
set -euo pipefail
package=$1 version=$2
name=${package##*/}
own=${XDG_CACHE_HOME:-$HOME/.cache}/weir-ci/$name-$version
if [ ! -x "$own/$name" ]; then
  echo "building $name $version" >&2
  GOBIN=$own GOFLAGS='' go install "$package@v$version" >&2
fi
echo "$own/$name"
