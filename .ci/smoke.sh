#!/usr/bin/env bash
# smoke.sh: starts the services of docker-compose.yml and has them analyse four playlists at once. Called by run, which
# provides $tmp, $session, $REDIS_IMAGE and an engine, and removes the session. Nothing is pulled.
set -euo pipefail
source .ci/lib.sh

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
echo "${compose[*]}, version $("${compose[@]}" version --short)"
compose+=(-p "$session")
export WEIR_IMAGE=weir:dev REDIS_PORT=0 UPSTREAM_PORT=0 # 0: the engine picks a free port

"${compose[@]}" --profile observability config -q # the services of this profile are only parsed, and not started

show_logs() {
  [ $? = 0 ] || "${compose[@]}" logs --no-color --tail=40 >&2 || true
}
trap show_logs EXIT

root=$tmp/image
CGO_ENABLED=0 go build -ldflags='-s -w' -o "$root/out/" ./cmd/worker ./cmd/inspect
.ci/image.sh "$WEIR_IMAGE" "$root" weir.ci=smoke >"$tmp/build.log" 2>&1 || {
  cat "$tmp/build.log" >&2
  die "building $WEIR_IMAGE failed"
}
docker image prune -f --filter label=weir.ci=smoke >/dev/null # the image of the previous run

"${compose[@]}" up -d --no-build >"$tmp/up.log" 2>&1 || {
  cat "$tmp/up.log" >&2
  die 'compose up failed'
}

# healthy SERVICE: prints how many of its containers are healthy.
healthy() {
  "${compose[@]}" ps -q "$1" | xargs -r docker inspect -f '{{.State.Health.Status}}' | grep -cx healthy || true
}
deadline=$((SECONDS + 60))
until [ "$(healthy worker)" = 4 ]; do
  [ "$SECONDS" -lt "$deadline" ] || {
    "${compose[@]}" ps >&2
    die "after 60 s, $(healthy worker) of 4 workers are healthy"
  }
  sleep 0.5
done
echo '4 workers healthy'

curls=()
for port in 8080 8081 8082 8083; do
  curl -sSN --fail-with-body --max-time 120 -H 'Content-Type: text/csv' --data-binary @worker/playlist/sample.csv \
    "http://127.0.0.1:$port/v1/playlists/analyze" >"$tmp/stream.$port" 2>"$tmp/curl.$port" &
  curls+=($!)
done
for pid in "${curls[@]}"; do wait "$pid" || true; done # the check of the streams below prints more than the exit status
for port in 8080 8081 8082 8083; do
  for event in result 'done'; do
    grep -qx "event: $event" "$tmp/stream.$port" || {
      tail -n 20 "$tmp/stream.$port" "$tmp/curl.$port" >&2
      die "port $port: the stream has no event $event"
    }
  done
done
echo '4 playlists analysed'

# at SERVICE PORT: prints the address on this machine at which the engine publishes the port of a service.
at() { "${compose[@]}" port "$1" "$2"; }

curl -sS --fail "http://$(at upstream 9090)/stats" >"$tmp/stats.json"
jq -e '.total > 0 and .refused == 0' "$tmp/stats.json" >/dev/null || {
  jq -c . "$tmp/stats.json" >&2 || cat "$tmp/stats.json" >&2
  die 'the simulator refused calls, or received none'
}
jq -r '"\(.total) calls, \(.refused) refused, at most \(.worst_1s) in a second"' "$tmp/stats.json"

REDIS_URL=redis://$(at redis 6379)/0 "$root/out/inspect" --json >"$tmp/inspect.json"
jq -e '.replicas | length == 4' "$tmp/inspect.json" >/dev/null || {
  jq -c . "$tmp/inspect.json" >&2 || cat "$tmp/inspect.json" >&2
  die 'inspect does not show 4 replicas'
}
echo 'inspect shows 4 replicas'

"${compose[@]}" down -v >"$tmp/down.log" 2>&1 || {
  cat "$tmp/down.log" >&2
  die 'compose down failed'
}
