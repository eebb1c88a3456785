#!/usr/bin/env bash
# notice.sh [-check]: writes NOTICE, the licences of the modules that the released programs link. With -check it writes nothing, and fails if
# NOTICE is out of date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/notice"
go run . "$@"
