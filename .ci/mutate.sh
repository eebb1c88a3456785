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
  local name=$1 file=$2 change=$3 out by
  shift 3
  case " ${only:-$name} " in *" $name "*) ;; *) return 0 ;; esac
  git ls-files -z -co --exclude-standard -- '*.go' '*.lua' '*.csv' go.mod go.sum | tar --null -T - -c | tar -x -C "$copy"
  perl -0pi -e "$change" "$copy/$file"
  if cmp -s "$file" "$copy/$file"; then
    printf '%-44s %s\n' "$name" 'NOT APPLIED: the rule is no longer written like that'
    unnoticed=1
    return 0
  fi
  if out=$(cd "$copy" && timeout 60 go test -timeout 50s -failfast "$@" 2>&1); then
    printf '%-44s %s\n' "$name" 'NOBODY'
    unnoticed=1
  elif grep -q 'build failed' <<<"$out"; then
    printf '%-44s %s\n' "$name" 'NOT BUILT'
    unnoticed=1
  else
    by=$(grep -oE '^ *--- FAIL: [A-Za-z]+|^panic: [a-z A-Z]+|^fatal error: [a-z A-Z]+' <<<"$out" | sed 's/^ *--- FAIL: //' | awk '!seen[$0]++' | head -2 | paste -sd ';' || true)
    printf '%-44s %s\n' "$name" "${by:-a test that hangs}"
  fi
}

only=$*
L=./limiter S=lua/acquire.lua C=lua/configure.lua O=./orchestrator

rule 'a repeat gets its first reply' $S 's/if number == seq then/if false then/' $L
rule 'an older call is refused' $S 's/if number and number > seq then/if false then/' $L
rule 'a smaller count of grants is lost memory' $S 's/ or count < grants then/ then/' $L
rule 'an unknown epoch is lost memory' $C "s/if not id or not known or/if not id or/" $L
rule 'a superseded epoch is known' $C "s/ or \(id and string\.find\(',' \.\. before \.\. ',', ',' \.\. epoch \.\. ',', 1, true\)\)//" $L
rule 'calls of another memory are turned away' $S "s/sub\(stored\[1\], 1, #memory \+ 1\) ~= memory \.\. ' ' or //" $L
rule 'a level of a lost memory is void' $S 's/if key and was_tokens and seen <= tonumber\(born\) then was_tokens = nil end//' $L
rule 'lost memory begins in debt' $C 's/full = f\[3\] \* f\[2\] \+ horizon \* f\[1\]/full = 0/' $L
rule 'the debt is a horizon deep' $C 's/full = f\[3\] \* f\[2\] \+ horizon \* f\[1\]/full = f[3] * f[2]/' $L
rule 'a bucket of a tenant begins in debt, too' $S 's/seen = key and tonumber\(born\) or now/seen = key and now - 100000000 or now/' $L
rule 'the horizon, in the script' $S 's/most_need <= horizon$/true/m' $L
rule 'the horizon, in the model' limiter/plan.go 's/fits = due <= horizon/fits = true/' $L
rule 'charged at the due time, not now' limiter/bucket.go 's/at := due \* b\.tokens/at := int64(0)/' $L
rule 'charged exactly, not rounded up' limiter/bucket.go 's/exactly := b\.ready\(b\.full, cost\); b\.us\(exactly\) == due/exactly := int64(0); false/' $L
rule 'a refused wait takes nothing' $S 's/elseif patience >= 0 and due > patience then\n      kind, some = 2, n/elseif false then/' $L
rule 'a crowd is charged whole' $S 's/local add = some \* cost \* b\.per/local add = 0/' $L
rule 'a crowd stops where a limit binds' $S 's/some = min\(some, max\(0, floor\(/some = max(some, max(0, floor(/' $L
rule 'the namespace has a time of its own' $S 's/if time \+ shift < now then/if false then/' $L
rule 'repairs are written when refused' $S "s/call\('HSET', state, unpack\(set\)\)/if come_back < 0 then call('HSET', state, unpack(set)) end/" $L
rule 'a window remembers its starts' $S "s/call\('LPUSH', b\.log/local _ = ('LPUSH', b.log/; s/local _ = \('LPUSH', b\.log, format\('%d', now \+ b\.pushed\[at\]\)\)/local _ = at/" $L
rule 'a window waits for the oldest' limiter/bucket.go 's/, b\.newest\(b\.burst-cost\+1\)\+b\.width-b\.seen//' $L
rule 'a window keeps the order of its starts' limiter/bucket.go 's/at = max\(at, b\.newest\(1\)-b\.seen,/at = max(at,/' $L
rule 'a window that lost its log stays shut' $S 's/elseif b\.length < length and/elseif false and/' $L
rule 'nothing is due while a bucket is paused' $S 's/if us < b\.bar then return b\.bar end/if b.log and us < b.bar then return b.bar end/' $L
rule 'limits of one bucket push each other' limiter/plan.go 's/s\.of == steps\[worst\]\.of \|\|/i == worst ||/' $L
rule 'a new rate spares what is reserved' limiter/bucket.go 's/kept := min\(us, float64\(b\.last\)\)/kept := us * 0/' $L
rule 'of differing rates the smallest is in force' $C 's/if tokens \/ per < f\[1\] \/ f\[2\] then/if tokens \/ per > f[1] \/ f[2] then/' $L
rule 'of differing bursts the smallest is in force' $C 's/f\[3\] = math\.min\(f\[3\], burst\)/f[3] = math.max(f[3], burst)/' $L
rule 'a wish holds for half a minute' $C 's/local WISH_US = 30000000/local WISH_US = 3000000000/' $L
rule 'a new configuration has a new version' $C 's/then stored = stored \+ 1 end/then stored = stored + 0 end/' $L
rule 'what was told last is remembered' $C 's/if when\(told\) > when\(was\) then was = told end//' $L
rule 'what dies leaves nothing behind' $C "s/call\('HDEL', state, field\)/local _ = field/" $L
rule 'who left is live no longer' $C "s/if left == '0' then live/if left then live/" $L
rule 'who stands in line hears of a new rate' limiter/reroute.go 's/if slower > 0 \{/if false {/' $L
rule 'who stands in line hears of a resume' limiter/reroute.go 's/case opened\(was, r\):/case false:/' $L
rule 'who sleeps long listens' limiter/inforce.go 's/n%2 != 0 && !l\.sleepsLong\(\)/true/' $L
rule 'given back to other replicas' limiter/lane.go 's/case n\.queue\.len == 0 && n\.backsLocked\(now, nil\) > 0:/case false:/' $L
rule 'given back by who closes' limiter/lane.go 's/if !n\.flying && n\.backsLocked\(now, nil\) > 0 \{/if false {/' $L
rule 'what was given back is there once' $S 's/given = table\.remove\(spares, i\)/given = s/' $L
rule 'spares of a lost memory are void' $S 's/if from == id then/if from then/' $L
rule 'no use before it is due' limiter/pool.go 's/!now\.Before\(g\.due\) && //' $L
rule 'no use when it is late' limiter/pool.go 's/ && !g\.late\(now, slack\)//' $L
rule 'used once' limiter/reservation.go 's/r\.state\.CompareAndSwap\(held, used\)/true/' $L
rule 'used on its own route only' limiter/reservation.go 's/route == r\.path\.name && //' $L
rule 'a clock that stopped is refused' limiter/redis.go 's/now\.Sub\(at\)\.Abs\(\) > nearly/now.Sub(at).Abs() > nearly*1000000/; s/at\.Year\(\) < 1990/false/' $L
rule 'a clock that stepped back is believed' limiter/clock.go 's/ok && now\+least < s/ok \&\& now+least < s \&\& false/' $L
rule 'the smallest offset counts' limiter/clock.go 's/time\.Duration\(at\+least-received/time.Duration(at+least-least+at*0+received.Sub(c.zero).Microseconds()-at-received/' $L
rule 'replies that vary are allowed for' limiter/clock.go 's/return min\(vary, horizon\)/return 0/' $L
rule 'one call at a time for a lane' limiter/lane.go 's/case n\.flying:\n//; s/if !n\.flying \|\| len/if true || len/' $L
rule 'given up goes to who waits next' limiter/giveback.go 's/n\.pool\.add\(g\)\n\tn\.moveLocked\(now\)/_ = g/' $L
rule 'given up once' limiter/reservation.go 's/r\.state\.CompareAndSwap\(held, givenUp\) &&/r.state.Swap(givenUp) >= 0 \&\&/' $L
rule 'tickets are shown' limiter/flight.go 's/c\.tickets = n\.tickets\n/c.tickets = nil\n/' $L
rule 'callers gather behind reservations' limiter/lane.go 's/if last < 0 \|\|/if true ||/' $L
rule 'who has a deadline makes no call itself' limiter/lane.go 's/n\.healthy && want\.deadline\.IsZero\(\)/n.healthy/' $L
rule 'the deaf are told to listen' limiter/lane.go 's/if w\.deaf \{/if false {/' $L
rule 'a shadow never delays' limiter/limiter.go 's/if l\.s\.Shadow \{/if false {/' $L
rule 'a process is known by its session' limiter/redis.go 's/session: uuid\.NewString\(\)/session: s.Replica/' $L
rule 'a cancelled task leaves the queue' $O/watch.go 's/t\.opts\.lane\.queue\.remove\(t\)\n/_ = t\n/' $O
rule 'reservations without tasks are given back' $O/lane.go 's/for len\(n\.held\) > n\.queue\.len \{/for false {/' $O
rule 'no slot is held in line' $O/answer.go 's/for range missing \{/for range 0 {/' $O
rule 'a throttled route yields a slot' $O/work.go 's/if from = o\.holding\.richest\(1\); from == nil \{/if from = o.holding.richest(1); true {/' $O
rule 'its last slot is nobody else'"'"'s' $O/work.go 's/richest\(1\)/richest(0)/' $O
rule 'a route has no more than its slots' $O/lane.go 's/n\.most = min\(n\.most, most\)/_ = most/' $O
rule 'errors spare who has a reservation' $O/answer.go 's/for range len\(n\.held\) \{/for range 0 {/' $O
rule 'panics end their task alone' $O/task.go 's/v := recover\(\)\n/v := any(nil)\n/' $O
rule 'who exits ends its task' $O/task.go 's/o\.finish\(t, ErrGoexit\)/_ = ErrGoexit/' $O
rule 'who exits is replaced' $O/work.go 's/if !finished \{/if !finished \&\& finished {/' $O
rule 'classes age' $O/class.go 's/int64\(t\.rank\)\*int64\(ageing\)/int64(t.rank)*int64(ageing)*100/' $O
rule 'a class is first in, first out' $O/class.go 's/q\.lists\[t\.rank\]\.push\(t\)/q.lists[t.rank].insert(t, q.lists[t.rank].first)/' $O
rule 'urgent tasks pass the lines of the fleet' $O/lane.go 's/return true, true/return false, n.again[0].IsZero()/' $O
rule 'an attempt has a context of its own' $O/task.go 's/if t\.tries > 0 \{/if false {/' $O
rule 'no slot is held between attempts' $O/retry.go 's/t\.state = delayed\n/t.state = delayed\n\to.slots.take()\n/' $O
rule 'retries have a budget' $O/retry.go 's/if b\.tokens < 1 \{/if false {/' $O
rule 'what a provider puts off costs none of it' $O/retry.go 's/!e\.verdict\.Throttled && //' $O
rule 'no retry beyond the deadline' $O/retry.go 's/!e\.deadline\.IsZero\(\) && /false \&\& /' $O
rule 'a shared run outlives who began it' $O/flight.go 's/context\.WithoutCancel\(t\.ctx\)/t.ctx/' $O
rule 'a shared run ends with the last' $O/flight.go 's/\ts\.cancel\(why\)\n/\t_ = why\n/' $O
rule 'a late end frees no other run' $O/flight.go 's/if s\.o\.flights\[s\.key\] == flight\(s\) \{/if true {/' $O
rule 'errors are not kept' $O/flight.go 's/err == nil && keep > 0/keep > 0/' $O
rule 'room is bounded' $O/room.go 's/n <= o\.cfg\.MaxPending-r\.count/true/' $O
rule 'cost is bounded' $O/room.go 's/int64\(n\) <= \(o\.cfg\.MaxCost-r\.cost\)\/cost/true/; s/case set\.cost > o\.cfg\.MaxCost:/case false:/' $O
rule 'only less urgent tasks are shed' $O/room.go 's/for r := rank \+ 1/for r := rank/; s/if t\.rank > rank/if t.rank >= rank/' $O
rule 'who waits for room comes in order' $O/room.go 's/len\(o\.room\.door\) == 0 && o\.fits/o.fits/' $O
rule 'a task that awaits lends its slot' $O/slots.go 's/\tif r\.slot \{\n\t\tn := /\tif false {\n\t\tn := /' $O
rule 'and takes one again' $O/slots.go 's/if !r\.wantsSlot\(\) \{/if true {/' $O
rule 'who awaits itself is told' $O/future.go 's/r != nil && \(r\.t == &f\.task/r != nil \&\& (r.t == nil/' $O
rule 'a timeout counts from the start' $O/work.go 's/time\.AfterFunc\(limit, func/time.AfterFunc(limit-time.Duration(r.startedAt-t.queuedAt), func/' $O
rule 'what was given up keeps its slot' $O/work.go 's/t\.state = left\n/t.state = left\n\to.slots.leave()\n/' $O
rule 'finished batches expire' $O/registry.go 's/e\.until <= now/false/' $O
rule 'ids of expired batches are remembered' $O/registry.go 's/r\.gone\[e\.id\] = struct\{\}\{\}/_ = e/' $O
rule 'a live id is not taken' $O/registry.go 's/e\.state != over && set\.live == LiveFails/false/' $O
rule 'keys are asked for once' $O/batcher.go 's/if a == nil \{/if true {/' $O
rule 'a call takes no more than its size' $O/batcher.go 's/if len\(c\.order\) == b\.cfg\.Size \{/if false {/' $O
rule 'drains hand back' $O/drain.go 's/if how\.HandBack \{/if false {/' $O
rule 'drains end contexts' $O/drain.go 's/r\.cancel\(ErrClosed\)/_ = r/' $O
rule 'Close waits for the last word' $O/drain.go 's/ && o\.tellers\.Load\(\) == 0 && o\.overs\.first == nil//' $O
rule 'lanes of one age take turns' $O/lanes.go 's/s\.places = append\(s\.places, p\)/s.places = slices.Insert(s.places, 0, p)/' $O
rule 'drains take nothing in' $O/room.go 's/case o\.drain\.closed:/case false:/' $O
rule 'one payment for each round trip' worker/transport/transport.go 's/return ok && r\.Use\(p\.route\)/return ok \&\& r != nil/' ./worker/transport

exit $unnoticed
