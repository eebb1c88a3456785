#!/usr/bin/env bash
# publish.sh TAG [DIR]: makes a release on GitHub from the files that release.sh has made in DIR, by default dist. Needs gh and GH_TOKEN. If the
# release exists already, its files are replaced.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=$1 dir=${2:-dist}
(cd "$dir/assets" && sha256sum --check --strict --quiet SHA256SUMS)
if gh release view "$tag" >/dev/null 2>&1; then
  gh release upload "$tag" --clobber "$dir"/assets/*
else
  gh release create "$tag" --verify-tag --title "$tag" --notes-file "$dir/notes.md" "$dir"/assets/*
fi
