#!/usr/bin/env bash
# image.sh TAG DIR LABEL: builds the image of the Dockerfile without pulling anything. The build stage of the Dockerfile needs a Go image from a
# registry, so this script builds only the last stage, from DIR. The caller puts the programs into DIR/out. The script adds the certificates, LICENSE
# and NOTICE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=$1 root=$2 label=$3
install -D -m 644 -t "$root/etc/ssl/certs" /etc/ssl/certs/ca-certificates.crt
install -D -m 644 -t "$root/src" LICENSE NOTICE
sed -n '/^FROM scratch/,$p' Dockerfile | sed 's/--from=build //' | docker build -q -t "$tag" --label "$label" -f - "$root"
