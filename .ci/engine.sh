# shellcheck shell=bash
# Sourced by run: a Docker engine for as long as the run takes, and nothing of the run left in it.
#
# Everything that a run makes in the engine carries its session, weir-ci-PID, as the label of testcontainers or as the
# name of the compose project. So it can be removed without touching what others have there, and what a killed run left
# is known by its PID being gone.
export session=weir-ci-$$
: "${tmp:?must be a directory for the log of the engine}"

engine_version() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }

# have_engine uses the engine that answers, else starts one.
have_engine() {
  engine_version >/dev/null && return
  need dockerd docker.io
  engine_version >/dev/null && return # started by the package
  [ "$(id -u)" = 0 ] || die 'no Docker engine answers, and only root can start one'
  # Nothing is pulled here; the dead proxy makes an attempt fail at once instead of hanging where there is no network.
  # setsid keeps Ctrl-C from ending the engine before what runs in it.
  HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 setsid dockerd >"$tmp/dockerd.log" 2>&1 &
  engine_pid=$!
  local tries=0
  until engine_version >/dev/null; do
    if ! kill -0 "$engine_pid" 2>/dev/null || [ $((tries += 1)) -gt 150 ]; then
      tail -n 20 "$tmp/dockerd.log" >&2
      die 'the Docker engine does not start'
    fi
    sleep 0.2
  done
}

# stop_engine stops the engine if have_engine started it, and waits: the next one would trip over its pid file.
stop_engine() {
  [ -n "${engine_pid:-}" ] || return 0
  kill "$engine_pid" 2>/dev/null || return 0
  wait "$engine_pid" || true
}

# remove_session SESSION: its containers with their anonymous volumes, networks and named volumes.
remove_session() {
  local label
  for label in org.testcontainers.sessionId com.docker.compose.project; do
    docker ps -aq --filter "label=$label=$1" | xargs -r docker rm -fv >/dev/null
    docker network ls -q --filter "label=$label=$1" | xargs -r docker network rm >/dev/null
    docker volume ls -q --filter "label=$label=$1" | xargs -r docker volume rm -f >/dev/null
  done
}

# remove_dead_sessions cleans up after runs that were killed.
remove_dead_sessions() {
  local label name
  for label in org.testcontainers.sessionId com.docker.compose.project; do
    {
      docker ps -a --format "{{.Label \"$label\"}}"
      docker network ls --format "{{.Label \"$label\"}}"
      docker volume ls --format "{{.Label \"$label\"}}"
    }
  done | sort -u | grep -x 'weir-ci-[0-9]*' | while read -r name; do
    kill -0 "${name#weir-ci-}" 2>/dev/null || remove_session "$name"
  done || true # grep finds none: nothing to clean
}
