# shellcheck shell=bash
# Sourced by run: provides a Docker engine for the length of the run, and afterwards removes everything of the run from it.
#
# Everything that a run makes in the engine carries its session, weir-ci-PID, as the label of testcontainers or as the
# name of the compose project. So the run can remove its own things and nothing else. If no process has the PID of a session,
# its run was killed and left its things behind.
export session=weir-ci-$$
: "${tmp:?must be a directory for the log of the engine}"

engine_version() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }

# have_engine uses a running engine, or starts one.
have_engine() {
  engine_version >/dev/null && return
  need dockerd docker.io
  engine_version >/dev/null && return # installing the package has started it
  [ "$(id -u)" = 0 ] || die 'no Docker engine answers, and only root can start one'
  # The run pulls nothing. Without a network an attempt would hang; the proxy, to which nothing listens, makes it fail at once.
  # setsid keeps Ctrl-C from ending the engine before its containers.
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

# stop_engine stops the engine if have_engine started it, and waits for its end. Until then its pid file would keep the next one from starting.
stop_engine() {
  [ -n "${engine_pid:-}" ] || return 0
  kill "$engine_pid" 2>/dev/null || return 0
  wait "$engine_pid" || true
}

# remove_session SESSION: removes the containers of a session with their anonymous volumes, its networks and its named volumes.
remove_session() {
  local label
  for label in org.testcontainers.sessionId com.docker.compose.project; do
    docker ps -aq --filter "label=$label=$1" | xargs -r docker rm -fv >/dev/null
    docker network ls -q --filter "label=$label=$1" | xargs -r docker network rm >/dev/null
    docker volume ls -q --filter "label=$label=$1" | xargs -r docker volume rm -f >/dev/null
  done
}

# remove_dead_sessions removes the sessions of runs that were killed.
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
  done || true # grep fails if there is no session at all
}
