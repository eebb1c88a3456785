#!/usr/bin/env bash
# redis-image.sh IMAGE: makes a Redis image from this machine's redis-server, without registry, builder or Dockerfile.
# It replaces the official image in tests: same commands, same port, same way to pass arguments.
set -euo pipefail
image=$1

# testcontainers runs a shell, cat, awk and grep in the container to see whether a port is open.
programs=(/usr/bin/redis-server /usr/bin/redis-cli /bin/dash /bin/cat /bin/grep /bin/sleep /usr/bin/mawk)

recipe=$(sha256sum "${BASH_SOURCE[0]}" "${programs[@]}" | sha256sum | cut -c1-16)
[ "$(docker image inspect -f '{{index .Config.Labels "weir.recipe"}}' "$image" 2>/dev/null)" != "$recipe" ] || exit 0

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# Libraries keep the paths that they have on this machine, so that the loader finds them on any architecture.
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
# Redis refuses writes if it cannot save to disk, so /data is writable for everybody. To give it to the user redis, this script would have to be root.
mkdir -m 1777 "$root/data" "$root/tmp"

# As in the official image: arguments that begin with an option or a configuration file are for redis-server, and protected mode is off.
# In protected mode a server without a password refuses every client outside its own container.
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
docker image prune -f --filter label=weir.recipe >/dev/null # the previous image, whose name the new one has taken
