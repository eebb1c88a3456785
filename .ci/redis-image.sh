#!/usr/bin/env bash
# redis-image.sh IMAGE: makes a Redis image from this machine's redis-server, without registry, builder or Dockerfile,
# that stands in for the official one in tests: same commands, same port, same way to pass arguments.
set -euo pipefail
image=$1

# A shell with cat, awk and grep is what testcontainers looks into the container with to see whether a port is open.
programs=(/usr/bin/redis-server /usr/bin/redis-cli /bin/dash /bin/cat /bin/grep /bin/sleep /usr/bin/mawk)

recipe=$(sha256sum "${BASH_SOURCE[0]}" "${programs[@]}" | sha256sum | cut -c1-16)
[ "$(docker image inspect -f '{{index .Config.Labels "weir.recipe"}}' "$image" 2>/dev/null)" != "$recipe" ] || exit 0

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# The libraries go where the loader finds them on this machine, so any architecture will do.
{
  printf '%s\n' "${programs[@]}"
  ldd "${programs[@]}" | grep -o '/[^ ]*\.so[^ ]*' | sort -u
} | xargs cp -L --parents -t "$root"
ln -s dash "$root/bin/sh"
ln -s mawk "$root/usr/bin/awk"
ln -s redis-server "$root/usr/bin/redis-sentinel"

mkdir -p "$root/etc"
echo 'redis:x:999:999:redis:/data:/bin/sh' >"$root/etc/passwd"
echo 'redis:x:999:' >"$root/etc/group"
# Writable for the user redis without this script having to be root: Redis refuses writes when it cannot save.
mkdir -m 1777 "$root/data" "$root/tmp"

# As in the official image: options and a configuration file alone mean redis-server, and protected mode is off, without
# which a server with no password turns away everybody but its own container.
cat >"$root/entrypoint" <<'SH'
#!/bin/sh
case "${1:-}" in '' | -* | *.conf) set -- redis-server "$@" ;; esac
[ "$1" != redis-server ] || set -- "$@" --protected-mode no
exec "$@"
SH
chmod 755 "$root/entrypoint"

tar -C "$root" --owner=0 --group=0 --numeric-owner -c . | docker import \
  --change 'ENV PATH=/usr/bin:/bin' \
  --change 'USER 999:999' \
  --change 'WORKDIR /data' \
  --change 'EXPOSE 6379' \
  --change 'ENTRYPOINT ["/entrypoint"]' \
  --change 'CMD ["redis-server"]' \
  --change "LABEL weir.recipe=$recipe" \
  - "$image" >/dev/null
docker image prune -f --filter label=weir.recipe >/dev/null # the one that lost its name to this
