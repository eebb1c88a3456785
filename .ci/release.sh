#!/usr/bin/env bash
# release.sh VERSION [--out DIR] [--without-image]: makes the files of a release from the commit with the tag vVERSION, and pushes nothing.
# DIR, by default dist, has to be empty. It gets notes.md, the release notes, and assets/: an archive for each platform, the modules of each
# program as CycloneDX (SBOM), the image, and SHA256SUMS.
#
# The same commit and the same Go give the same files, except the image, in which Docker writes the time of the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-release.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
source .ci/lib.sh

[ $# -gt 0 ] || die 'usage: release.sh VERSION [--out DIR] [--without-image]'
version=${1#v} out=dist image=yes
shift
while [ $# -gt 0 ]; do
  case $1 in
  --out) out=${2:?is missing after --out} && shift 2 ;;
  --without-image) image=no && shift ;;
  *) die "$1 is neither --out nor --without-image" ;;
  esac
done
tag=v$version

step "checks before the release of $tag"
[ -z "$(git status --porcelain)" ] || die "the tree is not clean: $(git status --porcelain | head -n 5)"
git tag --points-at HEAD | grep -qxF "$tag" || die "the commit that is checked out has no tag $tag"
newest=$(.ci/changelog.sh newest)
[ "$newest" = "$version" ] || die "the newest version in CHANGELOG.md is $newest, the tag is $tag"
.ci/notice.sh -check
[ -z "$(ls -A "$out" 2>/dev/null)" ] || die "$out is not empty"
mkdir -p "$out/assets"
assets=$(cd "$out/assets" && pwd)
need jq jq
need zip zip
if [ "$image" = yes ] && ! docker version >/dev/null 2>&1; then
  die 'no Docker engine answers; --without-image makes a release without the image'
fi
sbom=$(.ci/go-tool.sh github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod 1.9.0)

# Settings that may differ between machines are fixed here and in pack: settings of Go, time zone, order, owners, modes and times of files.
export CGO_ENABLED=0 GOFLAGS='' GOWORK=off GOAMD64=v1 GOARM64=v8.0 TZ=UTC LC_ALL=C
unset GOEXPERIMENT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

# modules PROGRAM FILE: writes to FILE which modules are linked into PROGRAM. The time in it is the time of the commit. The checksum of the tool is
# left out, because it depends on the machine on which the tool was built.
modules() {
  "$sbom" bin -json -std -noserial -version "$tag" -output "$tmp/sbom.json" "$1" 2>"$tmp/sbom.log" || {
    cat "$tmp/sbom.log" >&2
    die "no SBOM of $1"
  }
  jq '.metadata.timestamp = (env.SOURCE_DATE_EPOCH | tonumber | todate) | .metadata.tools |= map(del(.hashes))' "$tmp/sbom.json" >"$2"
}

# pack FOLDER ARCHIVE: packs $tmp/FOLDER into ARCHIVE.
pack() {
  find "$tmp/$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  case $2 in
  *.zip) (cd "$tmp" && find "$1" -type f | sort | zip -q -9 -X -D -@ "$2") ;;
  *) tar -C "$tmp" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=gnu -c "$1" | gzip -9n >"$2" ;;
  esac
}

while read -r platform; do
  step "$platform"
  name=weir_${version}_${platform/\//_} system=${platform%/*}
  exe='' archive=$name.tar.gz
  if [ "$system" = windows ]; then exe=.exe archive=$name.zip; fi
  GOOS=$system GOARCH=${platform#*/} go build -trimpath -buildvcs=true -ldflags='-s -w' -o "$tmp/$name/" ./cmd/worker ./cmd/inspect
  mkdir "$tmp/$name/sbom"
  for program in worker inspect; do
    built=$(go version -m "$tmp/$name/$program$exe" | awk '$1 == "mod" { print $3 }')
    [ "$built" = "$tag" ] || die "$program of $platform has the version $built, want $tag"
    chmod 755 "$tmp/$name/$program$exe"
    modules "$tmp/$name/$program$exe" "$tmp/$name/sbom/$program.cdx.json"
  done
  install -m 644 LICENSE NOTICE README.md "$tmp/$name/"
  chmod 644 "$tmp/$name"/sbom/*
  pack "$name" "$assets/$archive"
  echo "$archive"
done <.ci/platforms

step 'SBOM'
linux=$tmp/weir_${version}_linux_amd64 # also the platform of the image
for program in worker inspect; do
  cp "$linux/sbom/$program.cdx.json" "$assets/weir_${version}_linux_amd64_$program.cdx.json"
  echo "$program: $(jq '.components | length' "$linux/sbom/$program.cdx.json") components"
done

if [ "$image" = yes ]; then
  step 'image'
  mkdir -p "$tmp/image/out"
  cp "$linux/worker" "$linux/inspect" "$tmp/image/out/"
  .ci/image.sh "weir:$version" "$tmp/image" "org.opencontainers.image.version=$version"
  docker save "weir:$version" | gzip -9n >"$assets/weir_${version}_linux_amd64_image.tar.gz"
fi

step 'checksums and notes'
(cd "$assets" && sha256sum -- * >"$tmp/sums" && mv "$tmp/sums" SHA256SUMS && cat SHA256SUMS)
{
  .ci/changelog.sh notes "$version"
  printf '\nBuilt with %s. To reproduce the checksums of the archives, run .ci/release.sh %s on the same commit with the same Go.\n' "$(go env GOVERSION)" "$version"
  if [ "$image" = no ]; then printf '\nThis release has no image.\n'; fi
} >"$out/notes.md"
printf '\nmade in %s\n' "$out"
