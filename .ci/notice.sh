#!/usr/bin/env bash
# notice.sh [-check]: writes NOTICE, the licences of what the released programs link. With -check it fails where NOTICE is out of date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/notice"
go run . "$@"
