#!/usr/bin/env bash
# mutate.sh [NAME...]: removes each safety rule in turn from a copy of the tree, runs the tests that should notice, and
# prints a table. Exit status 1 if a removal went unnoticed. A rule is a Perl substitution that must change its file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d "${TMPDIR:-/tmp}/weir-mutate.XXXXXX")
trap 'rm -rf "$copy"' EXIT
unnoticed=0
printf '%-44s %s\n' 'removed' 'noticed by'

# rule NAME FILE SUBSTITUTION PACKAGE...
rule() {
  local name=$1 file=$2 change=$3 out
  shift 3
  case " ${only:-$name} " in *" $name "*) ;; *) return 0 ;; esac
  git ls-files -z -co --exclude-standard -- '*.go' '*.lua' '*.csv' go.mod go.sum | tar --null -T - -c | tar -x -C "$copy"
  perl -0pi -e "$change" "$copy/$file"
  if cmp -s "$file" "$copy/$file"; then
    printf '%-44s %s\n' "$name" 'NOT APPLIED: the rule is no longer written like that'
    unnoticed=1
    return 0
  fi
  if out=$(cd "$copy" && go test -timeout 30s -failfast "$@" 2>&1); then
    printf '%-44s %s\n' "$name" 'NOBODY'
    unnoticed=1
  elif grep -q 'build failed' <<<"$out"; then
    printf '%-44s %s\n' "$name" 'NOT BUILT'
    unnoticed=1
  else
    printf '%-44s %s\n' "$name" "$(grep -oE '^ *--- FAIL: [A-Za-z]+|^panic: [a-z A-Z]+|^fatal error: [a-z A-Z]+' <<<"$out" | sed 's/^ *--- FAIL: //' | awk '!seen[$0]++' | head -2 | paste -sd ';' || true)"
  fi
}

only=$*
L=./limiter S=lua/acquire.lua

rule 'a repeat gets its first reply' $S 's/if number == seq then/if false then/' $L
rule 'an older call is refused' $S 's/elseif number and number > seq then/elseif false then/' $L
rule 'lost memory begins in debt' $S 's/b\.full = burst \* per \+ horizon \* tokens/b.full = 0/' $L
rule 'the debt is a horizon deep' $S 's/b\.full = burst \* per \+ horizon \* tokens/b.full = burst * per/' $L
rule 'a smaller count of grants is lost memory' $S 's/ or \(epoch == id and count < grants\)//' $L
rule 'an unknown epoch is lost memory' $S 's/not id or not known or/not id or/' $L
rule 'a superseded epoch is known' $S 's/ or \(id and string\.find\(before, epoch, 1, true\)\)//' $L
rule 'the horizon, in the script' $S 's/local fits = due <= horizon/local fits = true/' $L
rule 'the horizon, in the model' limiter/plan.go 's/fits = due <= horizon/fits = true/' $L
rule 'charged at the due time, not now' limiter/bucket.go 's/at := due \* b\.tokens/at := int64(0)/' $L
rule 'charged exactly, not rounded up' limiter/bucket.go 's/exactly := b\.ready\(b\.full, cost\); b\.us\(exactly\) == due/exactly := int64(0); false/' $L
rule 'a refused wait takes nothing' $S 's/if patience >= 0 and at > patience then\n      kind = 2\n    elseif fits/if fits/' $L
rule 'the namespace has a time of its own' $S 's/if time \+ shift < now then/if false then/' $L
rule 'repairs are written when refused' $S "s/redis\.call\('HSET', state, unpack\(set\)\)/if come_back < 0 then redis.call('HSET', state, unpack(set)) end/" $L
rule 'a new rate spares what is reserved' limiter/bucket.go 's/kept := min\(us, float64\(b\.last\)\)/kept := us * 0/' $L
rule 'no use before it is due' limiter/reservation.go 's/!time\.Now\(\)\.Before\(r\.due\) && //' $L
rule 'no use when it is late' limiter/reservation.go 's/ && !r\.Late\(\) && / && /' $L
rule 'used once' limiter/reservation.go 's/r\.state\.CompareAndSwap\(held, used\)/true/' $L
rule 'used on its own route only' limiter/reservation.go 's/route == r\.route && //' $L
rule 'a clock that stepped back is believed' limiter/clock.go 's/ok && now\+least < s/ok \&\& now+least < s \&\& false/' $L
rule 'the smallest offset counts' limiter/clock.go 's/time\.Duration\(at\+least-received/time.Duration(at+least-least+at*0+received.Sub(c.zero).Microseconds()-at-received/' $L
rule 'replies that vary are allowed for' limiter/clock.go 's/return min\(vary, horizon\)/return 0/' $L
rule 'one call at a time for a lane' limiter/lane.go 's/if missing && !n\.flying/if missing/; s/if !n\.flying \{/if true {/' $L
rule 'given up goes to who waits next' limiter/lane.go 's/n\.poolLocked\(r\)\n\tn\.moveLocked\(\)/_ = r/' $L
rule 'given up once' limiter/reservation.go 's/if r\.state\.CompareAndSwap\(held, givenUp\) \{/if r.state.Store(givenUp); r != nil {/' $L
rule 'tickets are shown' limiter/lane.go 's/tickets := n\.tickets\n/tickets := []ticket(nil)\n/' $L
rule 'a process is known by its session' limiter/redis.go 's/session: uuid\.NewString\(\)/session: s.Replica/' $L
rule 'a cancelled task leaves the queue' orchestrator/task.go 's/t\.lane\.queue\.remove\(t\)\n/t.queued = false\n/' ./orchestrator
rule 'reservations without tasks are given back' orchestrator/lane.go 's/n\.reserved > n\.queue\.len/false/' ./orchestrator
rule 'no slot is held in line' orchestrator/lane.go 's/n\.giveUp\(want - len\(rs\)\)\n/if len(rs) > 0 {\n\t\t\tn.giveUp(want - len(rs))\n\t\t}\n/' ./orchestrator
rule 'nobody stands in line for nobody' orchestrator/lane.go 's/if n\.queue\.len <= n\.reserved/if false/' ./orchestrator
rule 'errors spare who has a reservation' orchestrator/lane.go 's/range n\.reserved - count/range 0/' ./orchestrator
rule 'panics end their task alone' orchestrator/task.go 's/v := recover\(\); v != nil/v := any(nil); v != nil/' ./orchestrator
rule 'one payment for each round trip' worker/transport/transport.go 's/return ok && r\.Use\(p\.route\)/return ok \&\& r != nil/' ./worker/transport

exit $unnoticed
