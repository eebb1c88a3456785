#!/usr/bin/env bash
# changelog.sh newest: prints the newest version in CHANGELOG.md. changelog.sh notes VERSION: prints the section of a version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
newest)
  sed -nE 's/^## \[([0-9]+\.[0-9]+\.[0-9]+)\] - .*/\1/p' CHANGELOG.md | head -n 1
  ;;
notes)
  version=${2:?is missing}
  notes=$(awk -v heading="## [$version] - " '
    index($0, heading) == 1 { inside = 1; next }
    /^## \[/ || /^\[[^]]+\]: / { inside = 0 }
    inside && (seen || NF) { seen = 1; print }
  ' CHANGELOG.md)
  if [ -z "$notes" ]; then
    echo "CHANGELOG.md has no section for $version, or an empty one" >&2
    exit 1
  fi
  # The notes are read outside the repository, so relative links become links to the file at this version.
  sed -E "s#\]\(([^):]+)\)#](https://github.com/weir-go/weir/blob/v$version/\1)#g" <<<"$notes"
  ;;
*)
  echo 'usage: changelog.sh newest | notes VERSION' >&2
  exit 2
  ;;
esac
