#!/usr/bin/env bash
# mutate.sh [NAME...]: removes each safety rule in turn from a copy of the tree, runs the tests that should notice, and
# prints a table. Exit status 1 if a removal went unnoticed. A rule is a Perl substitution that must change its file. If the tests
# fail with nothing removed, the rule is not judged.
# mutate.sh --matrix [NAME...]: the same with rows of integration/matrix, for the rules of mutate-matrix.sh; about a quarter of an hour.
# Perl's substitutions contain $ and are therefore in single quotes. The unquoted variables after them are lists of arguments.
# shellcheck disable=SC2016,SC2086
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d "${TMPDIR:-/tmp}/weir-mutate.XXXXXX")
trap 'rm -rf "$copy"' EXIT
unnoticed=0
if [ "${1:-}" = --matrix ]; then
  shift
  only=$*
  source .ci/mutate-matrix.sh
  exit $unnoticed
fi
export WEIR_ROWS=all # a sample of the rows may miss a removal
declare -A sound # whether the tests pass with nothing removed, by the arguments of go test
printf '%-52s %s\n' 'removed' 'noticed by'

# rule NAME FILE[,FILE...] SUBSTITUTION PACKAGE...
rule() {
  local name=$1 files change=$3 out by file changed=no
  IFS=, read -ra files <<<"$2"
  shift 3
  case " ${only:-$name} " in *" $name "*) ;; *) return 0 ;; esac
  git ls-files -z -co --exclude-standard | tar --null -T - -c | tar -x -C "$copy"
  if [ -z "${sound[$*]:-}" ]; then
    sound[$*]=yes
    (cd "$copy" && timeout 90 go test -vet=off -timeout 80s "$@" >"$copy/out" 2>&1) || sound[$*]=no
  fi
  if [ "${sound[$*]}" = no ]; then
    printf '%-52s %s\n' "$name" 'NOT JUDGED: the tests fail with the rule'
    unnoticed=1
    return 0
  fi
  for file in "${files[@]}"; do
    perl -0pi -e "$change" "$copy/$file"
    cmp -s "$file" "$copy/$file" || changed=yes
  done
  if [ "$changed" = no ]; then
    printf '%-52s %s\n' "$name" 'NOT APPLIED: the rule is no longer written like that'
    unnoticed=1
    return 0
  fi
  if out=$(cd "$copy" && timeout 90 go test -vet=off -timeout 80s -failfast "$@" 2>&1); then
    printf '%-52s %s\n' "$name" 'NOBODY'
    unnoticed=1
  elif grep -q 'build failed' <<<"$out"; then
    printf '%-52s %s\n' "$name" 'NOT BUILT'
    unnoticed=1
  else
    by=$(grep -oE '^ *--- FAIL: [A-Za-z]+|^panic: [a-z A-Z]+|^fatal error: [a-z A-Z]+' <<<"$out" | sed 's/^ *--- FAIL: //' | awk '!seen[$0]++' | head -2 | paste -sd ';' || true)
    printf '%-52s %s\n' "$name" "${by:-a test that hangs}"
  fi
}

only=$*
# L: the tests of the limiter, except those that play the long table. K: the tests of the core, without the comparison with the
# scripts, which would notice any difference. W: that comparison.
L='-skip Conserves|Defects|FleetIsFair ./limiter'
rapid='-rapid.nofailfile -rapid.shrinktime=1s -rapid.checks'
K="-skip Walk ./limiter/internal/bucket $rapid=300"
W="-run Walk ./limiter/internal/bucket $rapid=200"
O=./orchestrator
C=$O/internal/core
I='-run Idle|Lane|Reservation|Store|Tenants ./limiter'
R='-run Route|Forgotten|Made|Refused|Limits ./limiter'
E='-run Grow|Remove|Dies ./limiter'
B=limiter/internal/bucket
D=$B/decide.go,$B/joint.go,$B/run.go,$B/entry.go # the decision
V=$B/level.go N=$B/line.go G=$B/window.go S=$B/spare.go

# Which reservations may be granted.
rule 'the horizon' $D 's/due > d\.Now\+d\.Horizon \|\| due >/due >/' $K
rule 'the horizon, of a run' $D 's/last <= d\.Now\+d\.Horizon/true/; s/n = min\(n, steps\(float64\(d\.Horizon\)-p\.at, p\.slope\)\)//' $K
rule 'no limit that binds is passed over' $D 's/ \|\| due > d\.Limits\[bound\]\.free\(d\.at\[bound\]\.cost\)//' $K
rule 'nor by a run' $D 's/p\.exact\.Ceil\(\) > b\.free\(d\.at\[bound\]\.cost\) \|\| //' $K
rule 'another limit is passed by its spare only' $D 's/due <= d\.Now\+b\.spare\(d\.Horizon\)/true/' $K
rule 'nor further by a run' $D 's/n = min\(n, d\.passing\(o, p, other\)\)/_ = o/' $K
rule 'no window is passed by its level' $D 's/!b\.Window && due <= b\.full/due <= b.full/' $K
rule 'what the shared limit sets passes all' $D 's/; due <= shared\.Ceil\(\) \{/; shared.Frac < 0 {/' $K
rule 'limits of one bucket are exempt' $D 's/d\.Of\[i\] == d\.Of\[bound\] \|\| due/i == bound || due/' $K
rule 'tokens that nobody seeks are spare' $V 's/b\.sought\+rival < b\.now/false/' $K
rule 'tokens that somebody seeks are not' $V 's/b\.sought\+rival < b\.now/true/' $K
rule 'a limit that binds is sought' $D 's/d\.Limits\[bound\]\.sought = d\.Now/_ = bound/' $K
rule 'a quarter of the burst is spare' $V 's/\(b\.Burst-1\)\/4/0/' $K
rule 'the spare is less than the horizon' $V 's/return min\(passed\(horizon\), (max\(2.*)\)\n/return $1\n/' $K
rule 'nothing is due before the lead' $D 's/from: q\.Now \+ q\.Lead/from: q.Now/' $K
rule 'of equal needs the shared limit binds' $D 's/ \|\| us == due && bound >= 0 && i == len\(d\.Limits\)-1//' $K

# Costs of each bucket, and costs that are known only afterwards.
rule 'a limit of cost 0 sets no time' $B/joint.go 's/if d\.at\[i\]\.cost == 0 \{\n\t\t\tcontinue/if false {\n\t\t\tcontinue/' $W
rule 'and is not charged' $B/joint.go 's/if s\.cost == 0 \{\n\t\t\tcontinue/if false {\n\t\t\tcontinue/' $W
rule 'a reservation of costs serves its own' limiter/internal/lane/pool.go 's/return c == call \|\| .*/return c.Tokens >= call.Tokens/' ./limiter/internal/lane
rule 'a surplus goes back as far as eras allow' $B/eras.go 's/surplus := min\(estimated-actual, b\.takeable\(since\)\)/surplus := estimated - actual/' $K
rule 'and is gone for the next' $B/eras.go 's/\tb\.lower\(since, surplus\)\n//' $K
rule 'an era keeps the least' $B/eras.go 's/least = min\(least, e\.low\)/_ = e.low/' $K
rule 'a charge bounds those before' $B/eras.go 's/last\.low = min\(last\.low, missing\)/_ = last.low/' $K
rule 'charges of one moment are in one era' $B/eras.go 's/i\+1 == newest \|\|/i == newest ||/' $K -rapid.checks=20000
rule 'and begin none of their own' $B/eras.go 's/if b\.now > last\.start \{/if true {/' $K
rule 'calls that start together bound nothing' $B/eras.go 's/ && due > b\.eras\[len\(b\.eras\)-1\]\.start//' -run SurplusOfCalls ./limiter/internal/bucket
rule 'calls that start later do' $B/eras.go 's/due > b\.eras\[len\(b\.eras\)-1\]\.start/due > b.now/' $K
rule 'the first calls of a bucket are settled' $B/eras.go 's/b\.eras\[0\]\.start = b\.now/_ = b.now/' -run SurplusOfCalls ./limiter/internal/bucket
rule 'but not those of before' $B/eras.go 's/if b\.full\.Ceil\(\) <= b\.now \{ \/\/ nothing/if true { \/\/ nothing/' $K -rapid.checks=20000
rule 'eras are fine' $B/eras.go 's/low\/4 \+ 1/low + 1/' -run SurplusOfCalls ./limiter/internal/bucket
rule 'another limit is noted' $V 's/b\.noteTokens\(min\(whole, max\(0, units\)\/l\.Per\)\)/_ = whole/' $K
rule 'what is returned lowers the eras' $S 's/\t\t\tb\.lower\(.*\n//' -run WalkWithCore$ ./limiter/internal/bucket $rapid=1500
rule 'a shortfall is debt' $B/eras.go 's/b\.owe\(actual - estimated\)/_ = actual/' $K
rule 'of one burst at most' $B/eras.go 's/least\(most, b\.after\(b\.paused, tokens\*b\.price\)\)/b.after(b.paused, tokens*b.price)/; s/most := b\.after/_ = b.after/' $W
rule 'settled: the eras bound it' lua/settled.lua 's/local surplus = min\(estimated - actual, takeable\(b, since\)\)/local surplus = estimated - actual/' $W
rule 'a call is settled once' limiter/settle.go 's/ \|\| !r\.settled\.CompareAndSwap\(false, true\)//' -run Contract ./limiter
rule 'what was not used is not settled' limiter/settle.go 's/r\.state\.Load\(\) == givenUp \|\|/r.state.Load() < 0 ||/' -run Contract ./limiter
rule 'what was settled is not given up' limiter/settle.go 's/r\.state\.CompareAndSwap\(held, used\)/_ = used/' -run Contract ./limiter
rule 'a call whose token an older one took asks again' limiter/internal/lane/reply.go 's/bucket\.Reserved \&\& !n\.place\.inLine:/bucket.Reserved \&\& false:/' ./limiter/internal/lane
rule 'settled costs do not pile up' limiter/internal/lane/settle.go 's/case n\.shared\.Local, len\(n\.settled\) >= maxSettled,/case n.shared.Local,/' ./limiter/internal/lane
rule 'estimates follow' limiter/settle.go 's/\*seen\.actual/*seen.estimated/' -run Contract ./limiter
rule 'a hold shuts the bucket' $B/hold.go 's/b\.set\(empty\)/_ = empty/' $W
rule 'nothing of before a hold goes back' $B/hold.go 's/if b\.eras != nil \{/if false {/' $W
rule 'hold: all limits of the bucket' lua/hold.lua 's/same_bucket\(i, of\)/i == of/' $W
rule 'a slow limit keeps its tokens' limiter/limit.go 's/limits\[i\]\.keeps = .*/limits[i].keeps = false \&\& faster/' -run SlowLimitsKeep ./limiter
rule 'a slow limit that is alone does not' limiter/limit.go 's/= faster \&\&/= (faster || true) \&\&/' -run SlowLimitsKeep ./limiter
rule 'closed: a slow limit keeps its tokens' lua/closed.lua 's/b\.keeps = true/b.keeps = nil/' -run SlowLimitsKeep ./limiter
rule 'closed: another bucket shuts nothing' lua/closed.lua 's/ and same_bucket\(i, k\)//' $W
rule 'hold: a slow limit keeps its tokens' lua/hold.lua 's/  if b\.keeps then return end\n//' -run SlowLimitsKeep ./limiter
rule 'settled: a slow limit keeps its tokens' lua/settled.lua 's/if b\.opens and not b\.keeps then/if b.opens then/' -run WalkWithCore$ ./limiter/internal/bucket $rapid=1500
rule 'token: nothing is due before a bucket opens' lua/token.lua 's/  if b\.opens and .*\n//' $W
rule 'levels: a slow limit keeps its tokens' lua/levels.lua 's/ and not \(faster\[bucket_of\(field\)\] and is_slow\(b\)\)//' -run SlowLimitsKeep ./limiter
rule 'a hold is sent at once' limiter/internal/lane/settle.go 's/case n\.held\.until\.After\(now\),.*:/case false:/' -run 'HoldOfAFleet|Contract' ./limiter

# What the fleet learns from its provider.
A=limiter/internal/adapt
rule 'a token is never below its price' $A/level.go 's/min\(max\(l\.Per, widest\/l\.Burst\), /min(max(l.Per, widest\/l.Burst), -l.Per\/2+/' ./limiter/internal/adapt
rule 'the rate never exceeds the configured one' $A/refused.go 's/l\.Floor\(\), Whole\)\n\}\n$/l.Floor(), 2*Whole)\n}\n/' ./limiter/internal/adapt
rule 'nor falls below the floor' $A/refused.go 's/s\.Limit = max\(l\.Floor\(\), limit\)/s.Limit = limit/' ./limiter/internal/adapt
rule 'one event cuts once' $A/refused.go 's/if due <= s\.Cut \{/if false {/' ./limiter/internal/adapt
rule 'one refusal is chance' $A/count.go 's/math\.Max\(2, few\+1\)/math.Max(1, few)/' ./limiter/internal/adapt
rule 'refusals are compared with calls' $A/limit.go 's/l\.Per \*= bound\(cost, 1, l\.Burst\)/_ = cost/' ./limiter/internal/adapt
rule 'only the newest answer counts' $A/remaining.go 's/arrived <= s\.Heard \|\| //' ./limiter/internal/adapt
rule 'what is under way is not left' $A/remaining.go 's/float64\(a\.Remaining\)-float64\(a\.UnderWay\)/float64(a.Remaining)/' ./limiter/internal/adapt
rule 'what comes meanwhile serves what was reserved' limiter/internal/bucket/learn.go 's/-t\.refill\(\)/-0*t.refill()/' -run WalkWithCore ./limiter/internal/bucket $rapid=1000
rule 'time without use finds no rate' $A/unknown.go 's/s\.Idle \+= .*\n/_ = now\n/' ./limiter/internal/adapt
rule 'tokens are charged the price' $V 's/tokens\*b\.price\)/tokens*b.Per)/' $W
rule 'the tokens are what remains' $B/learn.go 's/b\.set\(empty\)/_ = empty/' $K
rule 'a changed limit is tried as it is' $V 's/b\.Limit, b\.learnt = l, nil/b.Limit = l/' $K
rule 'learn: tokens are charged the price' lua/charge.lua 's/move_level\(b, taken \* b\.price\)/move_level(b, taken * b.per)/' $W
rule 'learn: a record is bounded' lua/learn.lua 's/s\.limit, s\.was, s\.share, s\.slow = between.*\n//' ./lua
rule 'a refusal is sent at once' limiter/internal/lane/settle.go 's/, n\.closed == nil && n\.urgentLessons\(\):/:/' -run OneEvent ./limiter
rule 'a refusal is reported once' limiter/report.go 's/!what && !r\.refused\.CompareAndSwap\(false, true\)/what \&\& false/' -run FixedRates ./limiter
rule 'fixed rates stay' limiter/report.go 's/l\.s\.FixedRates \|\| l\.shadows/l.shadows/' -run FixedRates ./limiter
rule 'a long hold ends gently' $B/learn.go 's/b\.learnt\.Waits\(.*\n//' -run Hold ./limiter
rule 'learn: a long hold ends gently' lua/learn.lua 's/if b\.state\.slowed < b\.opens then.*\n//' -run Hold ./limiter
rule 'a hold that was ended is over' $V 's/b\.learnt\.Slowed = now.*\n//' -run WalkWithCore$ ./limiter/internal/bucket $rapid=1500

# Which tokens are charged, and which go back.
rule 'charged at the due time, not now' $V 's/if due > b\.full\.Ceil\(\) \{/if false {/' $K
rule 'rounding never adds up' $V 's/due > b\.full\.Ceil\(\)/due > b.full.At/' $K
rule 'a run is charged whole' $V 's/b\.take\(first, \(m-1\)\*cost\)/b.take(first, cost)/' $K
rule 'distances within a run never decrease' $D 's/if other\.slope > p\.slope \{/if false {/' $K
rule 'a step of a window is one moment' $D 's/n = min\(n, 1\+alike\/s\.cost\)/_ = alike/' $K
rule 'a run is of one place' $D 's/n = min\(n, \(d\.left\+s\.cost-1\)\/s\.cost\)/_ = s/' $K
rule 'a spare is there once' $S 's/d\.Left = slices\.Delete\(d\.Left, k, k\+1\)\n//' $K
rule 'what is left of a spare is less' $S 's/\ts\.Cost = rest\n/\t_ = s\n/' $K
rule 'a spare serves a call of its cost or less' $S 's/if s\.cost\(i\) < a\.cost\(i\) \{/if s.cost(i) < 0 {/' $K
rule 'a spare serves before a deadline' $D 's/by = min\(by, d\.Now\+a\.Patience\)/_ = by/' $K
rule 'a spare is not due before the lead' $S 's/s\.Due >= d\.from && //' $K
rule 'what is returned goes back' $S 's/b\.full = b\.after\(b\.full, -units\)/_ = units/' $K
rule 'it is not lost by half' $S 's/2\*b\.returned/int64(4e18)+0*b.returned/' $K
rule 'it goes back once' $S 's/!s\.Fresh \|\| //' $K
rule 'less what was reserved behind it' $S 's/return units - min.*\n/return units\n/' $K
rule 'no window takes any back' $S 's/b\.Window \|\| b\.opens/b.opens/' $K
rule 'nor a bucket that is paused' $S 's/ \|\| b\.opens > 0//' $K
rule 'each call of a run may take a spare' $D 's/if len\(d\.Left\) > 0 \{/if false {/' $K

# The line.
rule 'older entries come first' $D 's/s\.ahead = b\.line\.ahead\(s\.key, d\.Lane\)/s.ahead = 0/' $K
rule 'an entry claims its tokens' $N 's/n \+= e\.tokens\n/n++\n/' $K
rule 'nobody is before those that are older' $N 's/rank = max\(rank, looked\)/rank = max(rank, 0)/' $K
rule 'far entries count in proportion' $N 's/return n \+ int64\(.*\)\n/return n + int64(0*rank)*int64(behind)\n/' $K
rule 'few entries are counted one by one' $N 's/if looked == deep \{/if false {/' $K
rule 'what is left keeps its arrival' $D 's/return d\.heldKey\n/return d.since(a)\n/' $K
rule 'no more than what waits' $D 's/min\(d\.left, d\.before\)/d.left/' $K
rule 'what was served is not left' $D 's/d\.left = max\(0, d\.left-m\*d\.at\[d\.held\]\.cost\)/_ = m/' $K
rule 'an entry claims a horizon of tokens' $D 's/most := max\(1, b\.comes\(d\.Horizon\)\)/most := int64(1) << 40/' $K
rule 'an entry claims for one call at least' $D 's/n = max\(n, 1\)\n/_ = n\n/' $K
rule 'the young do not claim with the old' $D 's/if r\.since > alike \{/if alike < 0 {/' $K
rule 'the rest is remembered' $D 's/e\.rest = d\.before - e\.tokens/e.rest = 0/' $K
rule 'what is left of a place keeps its arrival' $D 's/e\.key, e\.tokens = d\.heldKey, max/e.tokens = max/' $K
rule 'a place grows if nothing of it was used' $D 's/if held && d\.used \{/if held {/' $K
rule 'and keeps its size if something was' $D 's/if held && d\.used \{/if false {/' $K
rule 'a place before all others stays one' $D 's/ \|\| held && d\.heldKey < now-oldest//' $K
rule 'a place ends with its callers' $D 's/held && e\.key <= d\.heldKey\+grace/held/' $K
rule 'an entry is replaced' $N 's/return l\.drop\(i\), true/return l.entries[i], true/' $K
rule 'late entries are removed' $N 's/at\.At\+grace >= now/at.At >= 0/' $K
rule 'a lane has a grace' $N 's/at\.At\+grace >= now/at.At >= now/' $K
rule 'only older entries are removed' $N 's/ \|\| !b\.line\.entries\[0\]\.before\(key, lane\)//' $K
rule 'no more than some at once' $N 's/for range most \{/for {/' $K
rule 'nobody is older than a day' $D 's/min\(max\(a\.Age, 0\), oldest\)/max(a.Age, 0)/' $K
rule 'urgent calls pass the line' $D 's/s\.jump = a\.Urgent &&/s.jump = a.Urgent \&\& d.Now < 0 \&\&/' $K
rule 'within their share' $D 's/a\.Urgent && b\.urgent <= d\.Now\+d\.Horizon\+b\.share\(\)/a.Urgent/' $K
rule 'within their share, a run' $D 's/n = min\(n, steps\(float64\(d\.Now\+d\.Horizon\+b\.share\(\)-b\.urgent\), b\.time\(2\*s\.cost\)\)\)/_ = b/' $K
rule 'what passes the line is counted' $D 's/b\.urgent = max\(b\.urgent, last\) \+/_ = last +/' $K
rule 'urgent entries stand first' $D 's/e\.key -= urgentAge/_ = e/' $K

# What a lane gets as a reply, and when it asks again.
rule 'patience' $D 's/if a\.Patience >= 0 && due > d\.Now\+a\.Patience \{/if false {/' $K
rule 'patience, of a run' $D 's/n = min\(n, steps\(float64\(a\.Patience\)-p\.at, p\.slope\)\)/_ = p/' $K
rule 'patience, of who waits' $D 's/patient = min\(n, steps\(far, .*\)\)/_ = far/' $K
rule 'who refuses to wait is in no line' $D 's/d\.waits = len\(d\.runs\) > 0/d.waits = true/; s/if len\(d\.runs\) == 0 \{/if false {/' $K
rule 'told by whole lanes' $N 's/return max\(ahead, b\.line\.whole\)/return ahead/' $K
rule 'but not by those who are younger' $N 's/key\+horizon >= b\.line\.young/true/' $K
rule 'who waits starts behind the others' $D 's/d\.before \+= patient \* cost/_ = cost/' $K
rule 'a lane asks before its need' $D 's/back := d\.need - d\.lead\(\)/back := d.need/' $K
rule 'as early as the shared limit is promised' $D 's/return max\(lead, promised\)/_ = promised\n\treturn lead/' $K
rule 'no earlier than the others can spare' $D 's/lead = min\(lead, passed\(o\.spare\(d\.Horizon\)\)\)/_ = o/' $K
rule 'a lane asks after a quarter of the rest' $D 's/back = now \+ \(d\.need-now\)\/4/back = now/' $K
rule 'a lane watches who is late' $D 's/if head := b\.line\.entries\[0\]; d\.late &&/if head := b.line.entries[0]; false \&\&/' $K

# Levels.
rule 'lost memory begins in debt' $V 's/b\.last = now \+ horizon/b.last = now/' $K
rule 'a lost window is shut' $V 's/b\.log\.edge = b\.last/b.log.edge = 0/' $K
rule 'another burst keeps the tokens' $V 's/ \+ \(l\.Burst-b\.Burst\)\*l\.Per//' $K
rule 'another rate keeps the tokens' $V 's/wide := missing \* per/wide := missing * float64(b.Per) \/ float64(b.Tokens) * float64(l.Tokens)/' $K
rule 'a new rate spares what is reserved' $V 's/from := max\(now, b\.last\)/from := now/' $K
rule 'nothing is due while a bucket is paused' $V 's/if b\.opens > 0 \&\& !b\.Window \&\& !b\.Keeps \{/if false {/' $K
rule 'nor a window' $V 's/, b\.last, b\.opens\)/, b.last)/' $K
rule 'a pause that is withdrawn leaves nothing' $V 's/if b\.opens > 0 \{\n\t\treturn b\.paused/if false {\n\t\treturn b.paused/' $K
rule 'what is charged in a pause stays' $V 's/\tb\.paused = b\.full\n\}/}/' $K
rule 'an emptied bucket is empty' $V 's/\t\tb\.raise\(b\.empty\(at\)\)\n/\t\t_ = at\n/' $K
rule 'an emptied window is shut' $V 's/b\.log\.edge = max\(b\.log\.edge, at\)/_ = at/' $K
rule 'a window keeps the order of its starts' $V 's/, b\.last, b\.opens\)/, b.opens)/' $K
rule 'a window waits for the oldest' $V 's/us = max\(us\+b\.Width\(\), /us = max(us*0, /' $K
rule 'and beyond its burst for a further width' $V 's/us = max\(us, b\.now\) \+ again\*b\.Width\(\)/_ = us/' $K
rule 'a window remembers its starts' $G 's/w\.pairs = append\(w\.pairs, pair\{due, w\.total\}\)/w.base, w.edge = w.total, 0/' $K
rule 'a window counts each start' $G 's/serial := w\.total - count \+ n/serial := w.total - 1 + n/' $K
rule 'a start ends after a width' $G 's/if n > 0 \{/if false {/' $K
rule 'starts of one moment are one pair' $G 's/n > 0 && w\.pairs\[n-1\]\.due == due/false/' $K
rule 'a bucket that owes is not forgotten' limiter/internal/bucket/state.go 's/ && b\.level\(\)\.Ceil\(\) <= now//' $K
rule 'nor one with a line' limiter/internal/bucket/state.go 's/len\(b\.line\.entries\) == 0 && //' $K
rule 'nor a window with starts' limiter/internal/bucket/state.go 's/max\(b\.last, b\.log\.edge\)\+b\.width\(\) <= now/true/' $K

# The scripts, fragment by fragment, compared with the core.
rule 'arguments: each has its name' lua/arguments.lua 's/lane, numbers, memory = /numbers, lane, memory = /' ./lua
rule 'numbers: distances are bounded' lua/numbers.lua 's/SPAN = 2251799813685248/SPAN = 2251799813/' $W
rule 'numbers: a key outlives what it holds' lua/numbers.lua 's/OWN_MS = 60000/OWN_MS = 1/' $W
rule 'checks: numbers are whole' lua/checks.lua 's/ and n % 1 == 0//' ./lua
rule 'checks: numbers have a range' lua/checks.lua 's/ and n >= low and n <= high//' ./lua
rule 'a record without a version is an old one' lua/requested.lua 's/ or 1 end/ or VERSION end/' ./lua
rule 'level: a record that cannot be is lost' lua/level.lua 's/ or full > EXACT or latest > EXACT or frac >= tokens then return end/ then return end/' ./lua
rule 'level: fractions stay' lua/level.lua 's/b\.full \+ \(units - frac\) \/ b\.tokens, frac$/b.full + (units - frac) \/ b.tokens, 0/m' $W
rule 'level: nothing is due later than can be' lua/level.lua 's/  if b\.last > far then b\.last = far end\n//' ./lua
rule 'level: nothing is full later than can be' lua/level.lua 's/  if b\.full > fullest then .*\n//' ./lua
rule 'change: a tail has ten numbers' lua/change.lua "s/if not urgent or #urgent > 16 or/if urgent and (#urgent > 16 or/; s/#collects > 16 then/#collects > 16) then/" ./lua
rule 'change: of 16 digits at most' lua/change.lua 's/if not urgent or #urgent > 16.*\n.*#collects > 16 or tonumber\(total\) > EXACT \/ 2 then/if not urgent then/' ./lua
rule 'change: a window of which nothing can be read is shut' lua/change.lua "s/return window and string\.format\(.*\) or ''/return ''/" ./lua
rule 'checks: limits are exact' lua/checks.lua 's/ and burst \* per \+ \(horizon \+ 1\) \* tokens <= WIDEST//' ./lua
rule 'change: emptied, unless it is emptier' lua/change.lua 's/if full > b\.full or .* end$//m' $W
rule 'change: lost memory begins in debt' lua/change.lua 's/if not window then empty_level\(b, at\) end//' $W
rule 'change: a lost window is shut' lua/change.lua 's/return window and string\.format.*$/return \"\" end/m' $W
rule 'change: a new rate spares what is reserved' lua/change.lua 's/max\(now_us, b\.last\)/now_us/' $W
rule 'change: the tokens stay' lua/change.lua 's/ \+ more \* per\n/\n/' $W
rule 'memory: the numbers are checked' lua/memory.lua 's/ or lead > horizon//' ./lua
rule 'memory: calls of another one are turned away' lua/memory.lua 's/sub\(epoch, 1, #memory\) ~= memory/false/' $L
rule 'memory: newer records are left alone' lua/memory.lua "s/  if version and version > VERSION then return '5 ' \.\. version end\n//" ./lua
rule 'memory: a repeat gets its first reply' lua/memory.lua 's/if answered == number then/if false then/' $W
rule 'memory: an older call is refused' lua/memory.lua 's/if answered and answered > seq then/if false then/' $W
rule 'memory: a smaller count of grants is lost memory' lua/memory.lua 's/if count < grants or /if /' $L
rule 'memory: the time is bounded' lua/memory.lua 's/ or count > EXACT \/ 2 or now > EXACT \/ 2 or shift > EXACT \/ 2 or still > STILL_US or owed > OWED_US then/ then/' ./lua
rule 'memory: the time has five numbers' lua/memory.lua "s/if not count then return '4' end\ncount/if not count then count, now, steps_text = 0, clock[1] * 1000000 + clock[2], ' 0 0 0' end\ncount/" ./lua
rule 'memory: a number of a call that cannot be is none' lua/memory.lua 's/answered = integer\(answered, 1, EXACT \/ 2\)/answered = tonumber(answered)/' ./lua
rule 'time: it never goes back' lua/time.lua 's/if passed < 0 then/if false then/' $W
rule 'time: it stands still after a step back' lua/time.lua 's/local stop = min\(still, passed\)/local stop = 0/' $W
rule 'time: a second at most' lua/time.lua 's/if still > STILL_US then/if false then/' $W
rule 'time: the rest of a step is owed' lua/time.lua 's/min\(OWED_US, owed \+ still - STILL_US\)/owed/' $W
rule 'time: ten seconds at most' lua/time.lua 's/min\(OWED_US, (owed \+ still - STILL_US)\)/$1/' $W
rule 'time: a step forward pays what is owed' lua/time.lua 's/passed > STILL_US and min\(owed, passed - stop\) or 0/0/' $W
rule 'time: nothing less does' lua/time.lua 's/passed > STILL_US and min\(owed, passed - stop\) or 0/min(owed, passed - stop)/' $W
rule 'time: it pays no more than is owed' lua/time.lua 's/min\(owed, passed - stop\)/(passed - stop)/' $W
rule 'own: a level has a key of its own' lua/own.lua "s/  if string\.sub\(fields\[i \+ 2\], 1, 4\) == 'own:' then return.*\n//" $W
rule 'own: forgotten means full, but for the epoch' lua/own.lua 's/born \+ horizon\) end/now) end/' $W
rule 'own: nothing was lost before the first epoch' lua/own.lua "s/former == '' and -horizon or min\(born, now\)/min(born, now)/" -run FirstStart ./limiter
rule 'own: no epoch begins later than now' lua/own.lua 's/or min\(born, now\)/or tonumber(born)/' ./lua
rule 'own: what is damaged was lost now' lua/own.lua 's/    local at = now \+ horizon\n    if not text then at = (.*) end/    local at = $1/' ./lua
rule 'own: a level that is not exact is lost' lua/own.lua 's/  if b and not whole_limit\(b\.tokens.*\n//' ./lua
rule 'own: configure sees to a configured limit' lua/own.lua "s/  if not b and sub\(field, 1, 4\) ~= 'own:' then return nil, '4' end\n//" ./lua
rule 'own: a limit may begin empty' lua/own.lua 's/max\(empty and now or 0, /max(0, /' $L
rule 'own: another limit changes the level' lua/own.lua 's/change_level\(b, now, tokens, per, burst\)/set_limit(b, tokens, per, burst)/' $W
rule 'own: a pause is heard' lua/own.lua "s/b\.opens = opens ~= '' and opens or nil/b.opens = nil/" $W
rule 'window: a start waits for the oldest' lua/window.lua 's/max\(due \+ b\.width, /max(0, /' $W
rule 'window: the order of starts' lua/window.lua 's/b\.last, b\.opens or 0\)/b.opens or 0)/' $W
rule 'window: nothing is due in a pause' lua/window.lua 's/b\.last, b\.opens or 0\)/b.last)/' $W
rule 'window: beyond the burst' lua/window.lua 's/if again > 0 then .* end$//m' $W
rule 'window: starts are remembered' lua/window.lua "s/    redis\.call\('ZADD', b\.log, string\.format\('%d', b\.total\), string\.format\('%d', due\)\)\n//" $W
rule 'window: each start of a run' lua/window.lua 's/if due == final then/if true then/' $W
rule 'window: starts end after a width' lua/window.lua 's/ \+ b\.width <= now do/ + b.width < 0 do/' $W
rule 'window: one that lost its log stays shut' lua/window.lua 's/b\.base, b\.edge = b\.total, b\.last/b.base, b.edge = b.total, 0/' $L
rule 'window: a log of a lost memory goes' lua/window.lua "s/  if b\.total == b\.base then redis\.call\('DEL', b\.log\) end.*\n//" ./lua
rule 'window: a log is forgotten' lua/window.lua "s/  redis\.call\('PEXPIRE', b\.log.*\n//" ./lua
rule 'window: no start is due later than can be' lua/window.lua 's/integer\(pair\[1\], 0, far_of\(b\)\) or b\.last/tonumber(pair[1])/' ./lua
rule 'window: no start has a number that cannot be' lua/window.lua 's/integer\(pair\[2\], serial, b\.total\) or b\.total/tonumber(pair[2])/' ./lua
rule 'window: what is damaged does not stay' lua/window.lua 's/\(integer\(pairs_\[2 \* gone \+ 1\], 0, far_of\(b\)\) or 0\)/tonumber(pairs_[2 * gone + 1])/' ./lua
rule 'window: nor count for less' lua/window.lua 's/integer\(pairs_\[2 \* gone - 1\], 0, far_of\(b\)\) or b\.last/tonumber(pairs_[2 * gone - 1])/' ./lua
rule 'window: nor for more' lua/window.lua 's/integer\(pairs_\[2 \* gone\], 0, b\.total\) or b\.total/tonumber(pairs_[2 * gone])/' ./lua
rule 'enter: the share of urgent calls' lua/enter.lua 's/floor\(b\.burst \/ 2\)/b.burst/' $W
rule 'enter: nobody is of the time to come' lua/enter.lua 's/math\.min\(young, now\)/tonumber(young)/' ./lua
rule 'enter: a window counts no more than its starts' lua/enter.lua 's/math\.min\(base, total\)/tonumber(base)/' ./lua
rule 'enter: no window is shut for long' lua/enter.lua 's/math\.min\(edge, far\)/tonumber(edge)/' ./lua
rule 'enter: nothing is sought in the time to come' lua/enter.lua 's/math\.min\(sought, now\)/tonumber(sought)/' ./lua
rule 'enter: nothing is kept for long' lua/enter.lua 's/math\.min\(spared, far\)/tonumber(spared)/' ./lua
rule 'enter: the line is remembered' lua/enter.lua 's/b\.lined, b\.line = b\.claimed > 0,/b.lined, b.line = false,/' $W
rule 'enter: what was lost of a level of its own' lua/enter.lua 's/    empty_level\(b, born \+ horizon\)\n//' $W
rule 'enter: and of a window of its own' lua/enter.lua 's/    if own then b\.edge = .*\n//' ./lua
rule 'closed: a pause empties' lua/closed.lua 's/  if b\.opens and .* then empty_level\(b, b\.opens\) end\n//' $W
rule 'limits: a level of another limit is another' lua/limits.lua 's/if text and sub\(text, 1, #limit\) == limit then/if text then/' $W
rule 'limits: the plain script knows no tails' lua/limits.lua "s/if bar ~= '' then return '6' end//" $W
rule 'limits: the least burst' lua/limits.lua 's/  if b\.burst < most then most = b\.burst end\n//' ./lua
rule 'limits: configure ends a collection' lua/limits.lua "s/    if ends and ends <= now .*\n//" ./lua
rule 'limits: levels are bounded' lua/limits.lua "s/  bound_level\(b, now, horizon.*\n//" ./lua
rule 'asks: the costs are checked' lua/asks.lua 's/cost < 1 or cost > most/false/' ./lua
rule 'asks: one for each limit' lua/asks.lua "s/if #each ~= limits then return '3 ' \.\. i end//" ./lua
rule 'asks: each is checked' lua/asks.lua 's/if each\[k\] > route\[k\]\.burst then/if false then/' ./lua
rule 'asks: the counts are checked' lua/asks.lua 's/if n < 1 or n > 100000 or .* then return/if false then return/' ./lua
rule 'asks: nobody is older than a day' lua/asks.lua 's/  if age > 86400000000 then.*\n//' ./lua
rule 'token: it arrives when it is whole' lua/token.lua 's/return frac > 0 and at \+ 1 or at, at/return at, at/' $W
rule 'token: no number is too large' lua/token.lua 's/  if ahead \* price > SPAN then.*\n//' ./lua
rule 'rules: a run ends' lua/rules.lua 's/floor\(distance \/ slope\) \+ 1/floor(distance \/ slope) + 2/' $W
rule 'rules: a grant passes over nothing' lua/rules.lua 's/return b\.frac > 0 and b\.full \+ 1 or b\.full/return EXACT/' $W
rule 'pass: the spare' lua/pass.lua 's/if b\.cost > 0 and due > now \+ spare_of\(b\) and/if false and/' $W
rule 'pass: what is sought is not spare' lua/pass.lua 's/if \(b\.sought or 0\) \+ RIVAL < now then/if true then/' $W
rule 'pass: limits of one bucket' lua/pass.lua 's/ and not same_bucket\(i, bound\) then return false/ then return false/' $W
rule 'pass: nor by a run' lua/pass.lua 's/      m = math\.min\(m, k\)\n    end\n/    end\n/' $W
rule 'pass: distances never decrease' lua/pass.lua 's/    if o\.slope > p\.slope then.*\n//' $W
rule 'line: late entries are removed' lua/line.lua 's/if at \+ GRACE >= now then break end/if true then break end/' $W
rule 'line: sums are bounded' lua/line.lua 's/  if b\.claimed <= one and b\.whole <= crowd then return end\n/  do return end\n/' ./lua
rule 'line: but not where many claim' lua/line.lua 's/  if b\.claimed <= one \* lanes and .*\n//' ./lua
rule 'line: those beyond the first count' lua/line.lua 's/one \* math\.max\(0, lanes - LATE\), one \* math\.max\(0, lanes - LATE\)/0, 0/' ./lua
rule 'line: an entry that cannot be is none' lua/line.lua 's/  if not cost or #arrival > 16 .*\n/  if not cost then return end\n/' ./lua
rule 'line: an entry that cannot be read is removed' lua/line.lua 's/      if arrival then\n        if arrival > key/      if not arrival then break end\n      if arrival then\n        if arrival > key/' ./lua
rule 'line: a cost of another configuration is the burst' lua/line.lua 's/math\.min\(cost, b\.burst\)/tonumber(cost)/' ./lua
rule 'line: only older ones' lua/line.lua 's/      if arrival > key or .* then break end\n//' $W
rule 'line: older entries come first' lua/line.lua "s/    n = n \+ tokens\n//" $W
rule 'line: nobody is before those that are older' lua/line.lua 's/  rank = math\.max\(rank, looked\).*\n//' ./lua
rule 'line: far entries in proportion' lua/line.lua 's/return n \+ math\.floor\(.*$/return n/m' ./lua
rule 'line: told by whole lanes' lua/line.lua 's/return math\.max\(ahead, b\.whole\)/return ahead/' $W
rule 'line: without entries there are no sums' lua/line.lua 's/if b\.claimed <= 0 then empty_line\(b\) end//' $W
rule 'line: sums of a lost line are void' lua/line.lua 's/    if not head then\n      empty_line\(b\)\n    else/    if not head then\n      break\n    else/' ./lua
rule 'arrive: an entry is replaced' lua/arrive.lua "s/call\('ZREM', b\.line, member\) == 1/false/" $W
rule 'arrive: late lanes are passed' lua/arrive.lua 's/if b\.lined then late = .* end$//m' $W
rule 'spare: those of other replicas' lua/spare.lua 's/local spares_text = shared.*/local spares_text/' ./lua
rule 'spare: those of a lost memory are void' lua/spare.lua 's/if of == id and/if/' ./lua
rule 'spare: and those of another configuration' lua/spare.lua 's/ and under == configured then/ then/' ./lua
rule 'spare: those of a call' lua/spare.lua 's/      table\.insert\(spares, at, s\)\n//' $W
rule 'spare: within the horizon' lua/spare.lua 's/if due - now <= horizon then/if true then/' ./lua
rule 'spare: of costs that can be' lua/spare.lua "s/ or not costs_fit\(costs\) then/ then/" ./lua
rule 'spare: also those that are kept' lua/spare.lua 's/ and costs_fit\(costs\) then spares/ then spares/' ./lua
rule 'spare: of times that can be' lua/spare.lua 's/if integer\(due, 0, now \+ math\.max\(horizon, UNHEARD\)\) and/if/' ./lua
rule 'spare: nothing is read when nothing is kept' lua/spare.lua 's/shared\.spared > now and call/call/' ./lua
rule 'spare: earliest first' lua/spare.lua 's/while at > 1 and .* do at = at - 1 end//' ./lua
rule 'spare: there once' lua/spare.lua 's/      table\.remove\(spares, i\)\n//' ./lua
rule 'spare: of its cost or less' lua/spare.lua 's/enough and s\[k \+ 1\] >= cost/true/' $W
rule 'spare: less by what it served' lua/spare.lua 's/do s\[k \+ 1\] = s\[k \+ 1\] - route\[k\]\.cost end/do local _ = k end/' ./lua
rule 'spare: it goes back into the bucket' lua/spare.lua 's/      move_level\(b, -units\)\n//' $W
rule 'spare: it is not lost by half' lua/spare.lua 's/cost > 0 and 2 \* returned/cost > 0 and returned/' ./lua
rule 'spare: less what was reserved behind it' lua/spare.lua 's/return units - math\.min.*$/return units/m' ./lua
rule 'spare: no window and no pause takes any back' lua/spare.lua 's/if b\.log or b\.opens or due/if due/' $W
rule 'serve: nothing is due before the lead' lua/serve.lua 's/local from, latest_due = now \+ lead,/local from, latest_due = now,/' $W
rule 'serve: the horizon' lua/serve.lua 's/now \+ lead, now \+ horizon$/now + lead, now + 2 * horizon/m' $W
rule 'wait: patience' lua/wait.lua 's/if run\.patience >= 0 then/if false then/' $W
rule 'wait: behind the others' lua/wait.lua 's/waiting\.before = waiting\.before \+ m \* b\.cost/waiting.before = 0/' $W
rule 'joint: the latest need' lua/joint.lua 's/if us > due or \(us == due and bound > 0 and i == limits\)/if us > due/' $W
rule 'joint: the horizon' lua/joint.lua 's/due <= latest_due and due <= free_of/due <= free_of/' $W
rule 'joint: no limit is passed over' lua/joint.lua 's/ and due <= free_of\(route\[bound\]\) then/ then/' $W
rule 'joint: nor another' lua/joint.lua 's/fits = due <= shared_due or passes\(due, bound\)/fits = true/' $W
rule 'joint: what binds is sought' lua/joint.lua 's/route\[bound\]\.sought = now/_ = now/; s/        _ = now\n//' $W
rule 'joint: a refused wait takes nothing' lua/joint.lua 's/elseif run\.patience >= 0 and due > now \+ run\.patience then/elseif false then/' $W
rule 'more: a step of a window is one moment' lua/more.lua 's/          m = min\(m, 1 \+ floor\(alike \/ b\.cost\)\)\n//' $W
rule 'more: a run is of one place' lua/more.lua 's/        if b\.held then m = .*\n//' ./lua
rule 'more: urgent calls have a share' lua/more.lua 's/        if b\.jump then m = .*\n//' $W
rule 'charge: at the due time' lua/charge.lua 's/if due > b\.full \+ \(b\.frac > 0 and 1 or 0\) then b\.full, b\.frac = due, 0 end//' $W
rule 'charge: rounding never adds up' lua/charge.lua 's/if due > b\.full \+ \(b\.frac > 0 and 1 or 0\) then/if due > b.full then/' $W
rule 'charge: a run whole' lua/charge.lua 's/\(m - 1\) \* taken \* b\.price/taken * b.price/' $W
rule 'charge: urgent calls are counted' lua/charge.lua 's/        if b\.jump and b\.lined then.*\n//' $W
rule 'charge: grants are counted' lua/charge.lua 's/      count = count \+ m\n//' $W
rule 'answer: a progression goes on' lua/answer.lua 's/if run == run_was and .* then$/if false then/m' $W
rule 'stand: a place grows' lua/entry.lua 's/if of_former and count > count_was then/if of_former then/' $W
rule 'stand: what is left of a place keeps its arrival' lua/entry.lua 's/key, tokens = held_key, max/tokens = max/' $W
rule 'stand: a place before all others stays one' lua/entry.lua 's/ or \(of_former and held_key < now - 86400000000\)//' $W
rule 'stand: a place ends with its callers' lua/entry.lua 's/if of_former and key <= held_key \+ GRACE then/if of_former then/' $W
rule 'stand: a horizon of tokens' lua/entry.lua 's/local most_tokens = max\(1, .*$/local most_tokens = EXACT/m' $W
rule 'stand: the young do not claim with the old' lua/entry.lua 's/      if w\.since > alike then break end\n//' $W
rule 'stand: one call at least' lua/entry.lua 's/      if i == 1 then n = max\(n, 1\) end\n//' $W
rule 'stand: urgent entries first' lua/entry.lua 's/    key = key - 10000000000000\n//' $W
rule 'stand: an entry that was forgotten is no second' lua/entry.lua "s/ == 1 then -- 0: an entry/ >= 0 then -- 0: an entry/" ./lua
rule 'stand: a line of a lost memory goes' lua/entry.lua "s/  if not b\.lined then call\('DEL', b\.line\) end.*\n//" ./lua
rule 'stand: a line is forgotten' lua/entry.lua "s/  call\('PEXPIRE', b\.line, OWN_MS\)\n//" ./lua
rule 'stand: the youngest is remembered' lua/entry.lua 's/  b\.young = max\(.*\n//' $W
rule 'stand: a lane asks before its need' lua/entry.lua 's/local back = need - before$/local back = need/m' $W
rule 'stand: as the shared limit is promised' lua/entry.lua 's/    before = max\(before, promised\)\n//' $W
rule 'stand: no earlier than others can spare' lua/entry.lua 's/      if not same_bucket\(i, waiting\.bound\) then before.*\n//' $W
rule 'stand: a quarter of the rest' lua/entry.lua 's/  if back <= now and now < need then back.*\n//' ./lua
rule 'stand: who is late is watched' lua/entry.lua 's/  if late then$/  if false then/m' $W
rule 'stand: who waits comes back when it is collected' lua/entry.lua 's/    if route\[i\]\.collects > now then .*\n//' $W
rule 'settle: a pause leaves nothing behind' lua/settle.lua 's/  if b\.kept then b\.full, b\.frac = b\.kept, b\.kept_frac end\n//' $W
rule 'settle: the rest of a level is kept' lua/settle.lua 's/> 0 or b\.eras or b\.state then\n    b\.tail = format/> 0 and false then\n    b.tail = format/' $W
rule 'settle: levels of their own are kept' lua/settle.lua "s/    call\('SET', b\.own, level_text\(b\), 'PX', ms\)\n//" $W
rule 'settle: until they are full' lua/settle.lua 's/max\(0, b\.full - now\) \+ //' ./lua
rule 'settle: what is left is kept' lua/settle.lua "s/  call\('SET', kept_spares.*\n//" ./lua
rule 'settle: until it is due' lua/settle.lua "s/, 'PX', ceil\(\(latest - now\) \/ 1000\) \+ 1\)/)/" ./lua
rule 'settle: no more than some' lua/settle.lua 's/    if #list == KEPT then break end\n//; s/  if #list == KEPT then break end\n//' ./lua
rule 'settle: the next call hears of it' lua/settle.lua 's/  shared\.spared = max\(shared\.spared, latest\)\n//' ./lua
rule 'settle: and goes when it is used' lua/settle.lua "s/  call\('DEL', kept_spares\)\n//" ./lua
rule 'settle: and when it is due' lua/settle.lua 's/if s\[1\] > now then/if true then/' ./lua
rule 'settle: the next call needs the full script' lua/settle.lua 's/busy = 1/busy = 0/g' $L
rule 'reply: levels are written' lua/reply.lua 's/  if not b\.own then$/  if false then/m' $W
rule 'reply: levels of their own are not' lua/reply.lua 's/  if not b\.own then$/  if true then/m' ./lua
rule 'reply: replies have a time to live' lua/reply.lua "s/if not answer then call\('PEXPIRE', replies, OWN_MS\) end//" $E
rule 'reply: no level is told while it is collected' lua/reply.lua 's/b\.collects and b\.collects > 0 or //' ./lua
rule 'reply: nor of a window that was lost' lua/reply.lua 's/ or b\.log and b\.total == 0 and b\.edge \+ b\.width > now then/ then/' ./lua

# The configuration.
rule 'an unknown epoch is lost memory' lua/requested.lua 's/if not id or not heard_of or/if not id or/' -run 'Epochs|NoSecondBurst' ./limiter
rule 'a smaller count is lost memory' lua/requested.lua 's/ or \(epoch == id and count < grants\)//' -run 'Epochs|NoSecondBurst' ./limiter
rule 'records that are damaged are lost memory' lua/requested.lua 's/if not \(versions and born and count and now.*\n//' ./lua
rule 'an epoch after a loss has a predecessor' lua/requested.lua "s/  if not newcomer and not kept\[1\] then.*\n//" ./lua
rule 'a superseded epoch is known' lua/requested.lua "s/ or \(id and string\.find\(',' \.\. before \.\. ',', ',' \.\. epoch \.\. ',', 1, true\)\)//" -run Epochs ./limiter
rule 'newer records are left alone' lua/requested.lua "s/if former > VERSION then return 'newer ' \.\. former end//" ./lua
rule 'what is told is checked' lua/requested.lua 's/  if not fits then return i end\n//' ./lua
rule 'what is wished is checked' lua/requested.lua "s/if not field or more ~= '' then return 11 end//" ./lua
rule 'of differing rates the smallest is in force' lua/force.lua 's/if tokens \/ per < f\[1\] \/ f\[2\] then/if tokens \/ per > f[1] \/ f[2] then/' $L
rule 'of differing bursts the smallest is in force' lua/force.lua 's/f\[3\] = min\(f\[3\], burst\)/f[3] = max(f[3], burst)/' -run Disagree ./limiter
rule 'of differing windows the smallest is in force' lua/force.lua 's/if burst < f\[3\] then force/if burst > f[3] then force/' $L
rule 'what the fleet was told is in force' lua/force.lua 's/if bucket and said\[bucket\] then/if false then/' $L
rule 'replicas that disagree are named' lua/force.lua 's/then disputed\[bucket\] = true end/then end/' -run Disagree ./limiter
rule 'a new configuration has a new version' lua/force.lua 's/then stored = stored \+ 1 end/then stored = stored + 0 end/' $L
rule 'levels: a limit that was lost begins in debt' lua/levels.lua 's/fresh_limit and now or now \+ horizon\)/now)/' ./lua
rule 'levels: another limit keeps the tokens' lua/levels.lua 's/change_level\(b, now, f\[1\], f\[2\], f\[3\]\)/set_limit(b, f[1], f[2], f[3])/' $W
rule 'levels: a bucket that opens is empty then' lua/levels.lua 's/    empty_level\(b, opens\)\n//' ./lua
rule 'levels: what is in force no more is forgotten' lua/levels.lua 's/if not b or \(b\.full <= now and .*\) then/if false then/' ./lua
rule 'written: what is forgotten is removed' lua/written.lua "s/call\('HDEL', state, field\)/local _ = field/" ./lua
rule 'wishes: those of the silent do not count' lua/wanted.lua 's/if not seen or seen < aged - WISH_US then/if not seen then/' ./lua
rule 'wishes: nor those that were damaged' lua/wanted.lua 's/if not seen or seen < aged/if seen and seen < aged/' ./lua
rule 'wishes: who leaves is not there' lua/wanted.lua "s/if leaving == '1' then/if false then/" -run Presence ./limiter
rule 'wishes: nor who is silent' lua/wanted.lua "s/call\('ZCOUNT', live, format\('%d', aged - WISH_US\)/call('ZCOUNT', live, '-inf'/; s/if silent\[1\] then/if false then/" -run Presence ./limiter
rule 'wishes: the silent are removed' lua/wanted.lua 's/if silent\[1\] then/if false then/' ./lua
rule 'wishes: they age by ten seconds at most' lua/wanted.lua 's/max\(0, min\(now - heard, BEAT_US\)\)/max(0, now - heard)/' ./lua
rule 'wishes: they never grow younger' lua/wanted.lua 's/max\(0, min\(now - heard, BEAT_US\)\)/min(now - heard, BEAT_US)/' ./lua
rule 'wishes: a clock that was lost begins anew' lua/wanted.lua 's/  aged = aged or now\n//; s/if seen and seen <= now then aged = .* end/;/' ./lua
rule 'wishes: with what was wanted last' lua/wanted.lua 's/if seen and seen <= now then aged = .* end/;/' ./lua
rule 'wishes: what was said in the time to come ages' lua/wanted.lua 's/elseif seen > aged then/elseif false then/' ./lua
rule 'wishes: who was heard in the time to come is forgotten' lua/wanted.lua "s/call\('ZREMRANGEBYSCORE', live.*//" ./lua
rule 'wishes: what the lost memory knew is brought' lua/wanted.lua "s/(and forced ~= '') then/\$1 and false then/" -run Dispute ./limiter
rule 'wishes: but not what this memory knows' lua/wanted.lua "s/if epoch ~= id and epoch ~= '-' and known/if known/" -run 'Dies|Presence|Disagree' ./limiter
rule 'wishes: names go with those who want it no more' lua/wanted.lua 's/integer\(said_us, aged - WISH_US, aged\)/integer(said_us, 0, aged)/' ./lua
rule 'wishes: a replica is named once' lua/wanted.lua 's/ and who ~= name//' ./lua
rule 'wishes: few are named' lua/wanted.lua 's/ and #kept < NAMES \+ 1//' ./lua
rule 'wishes: those that do not count go' lua/wanted.lua "s/call\('HDEL', wishes, of\)/local _ = of/" ./lua
rule 'wishes: replies live as long as their replica' lua/wanted.lua "s/call\('PEXPIRE', replies, OWN_MS\)//" ./lua
rule 'what was told last is remembered' lua/settings.lua 's/if when\(told\) > when\(was\) then was, drift = told, now - time end//' $L
rule 'a pause never shortens another' lua/settings.lua 's/>= moment then line = former_line end/< 0 then line = former_line end/' ./lua
rule 'but it may be opened' lua/settings.lua "s/if us ~= '0' and former_line/if former_line/" ./lua
rule 'what was told and is damaged is forgotten' lua/settings.lua 's/  if fits then words/  if key then words/' ./lua
rule 'requested: who remembers makes no first start' lua/requested.lua "s/local newcomer = epoch == '-' and/local newcomer = true and/" $L
rule 'levels: a new limit begins full' lua/levels.lua 's/  elseif fresh_limit and not string\.find/  elseif false and not string.find/' -run FirstStart ./limiter
rule 'levels: what is told begins anew in this epoch only' lua/levels.lua 's/\(epoch == id or bystander\) and told_now/told_now/' -run FirstStart ./limiter
rule 'levels: or empty' lua/levels.lua "s/ and not string\.find\(' ' \.\. empty \.\. ' '.*true\) then/ then/" -run FirstStart ./limiter
rule 'levels: what is damaged was lost' lua/levels.lua 's/not fields\[field\] and \(newcomer/(newcomer/' ./lua
rule 'levels: a limit that owes is not forgotten' lua/levels.lua 's/not b or \(b\.full <= now and .*\) then/true then/' ./lua
rule 'levels: nor a window with starts' lua/levels.lua 's/ and b\.last \+ width <= now\)/)/' ./lua
rule 'levels: a limit that is not exact is lost' lua/levels.lua 's/  if b and not whole_limit\(b\.tokens.*\n//' ./lua
rule 'levels: what was damaged is bounded' lua/levels.lua 's/    bound_level\(b, now, reach\)\n//' ./lua
rule 'levels: and its tail' lua/levels.lua "s/    if b\.tail ~= '' and not read_tail.*\n//" ./lua
rule 'levels: a slow limit that was lost is collected' lua/levels.lua 's/if not fresh_limit and is_slow\(b\) then begin_collecting\(field, b\) end//' ./lua
rule 'levels: no other limit waits for reports' lua/levels.lua "s/    b\.tail = string\.gsub\(b\.tail, '%d\+\\$', '0'\)\n//" ./lua
rule 'levels: what is known of a limit goes with it' lua/levels.lua "s/  elseif match\(field, '\^lost:'\) and not force\[sub\(field, 6\)\] then/  elseif false then/" ./lua
rule 'written: no level is told while it is collected' lua/written.lua "s/if not match\(b\.tail, ' \[1-9\]%d\*\\$'\) then/if true then/" ./lua
rule 'written: nor of a window that was lost' lua/written.lua "s/then what = nil end/then end/" ./lua
rule 'collect: nothing counts before the end' lua/collect.lua 's/  if ends > now then/  if false then/' ./lua
rule 'collect: it ends' lua/collect.lua 's/integer\(ends, 0, now \+ COLLECT_US\)/integer(ends, 0, EXACT)/' ./lua
rule 'collect: it is told how long it takes' lua/collect.lua 's/    collects = max\(collects, ends - now\)\n//' ./lua
rule 'collect: the newest of an epoch counts' lua/collect.lua 's/ and r\[3\] > seen\)/)/' ./lua
rule 'collect: of two epochs what owes more' lua/collect.lua 's/\(r\[2\] ~= of and tonumber\(what\) > than\)/r[2] ~= of/' ./lua
rule 'collect: what this epoch has charged is not what was lost' lua/collect.lua 's/ and \(r\[2\] ~= id or ends > 0\)//' ./lua
rule 'collect: it is applied once' lua/collect.lua "s/    ends, b\.tail = 0, /    b.tail = /" ./lua
rule 'collect: a horizon of debt at least' lua/collect.lua 's/local sooner = max\(tonumber\(best\), now \+ horizon\)/local sooner = tonumber(best)/' ./lua
rule 'collect: what was charged meanwhile stays charged' lua/collect.lua 's/ \+ max\(0, charged\)$//m' ./lua
rule 'collect: no limit owes more than when it was lost' lua/collect.lua 's/if sooner < b\.full then/if true then/' ./lua
rule 'collect: a later report adds debt' lua/collect.lua 's/      if ends == 0 and than then .*\n//' ./lua
rule 'collect: the earliest time of a start counts' lua/collect.lua 's/by\[number\] = min\(by\[number\] or due, due\)/by[number] = due/' ./lua
rule 'collect: also that of later starts' lua/collect.lua 's/  for i = #numbers - 1, 1, -1 do .*\n//' ./lua
rule 'collect: few starts are kept' lua/collect.lua 's/local step = ceil\(#numbers \/ STARTS\)/local step = 1/' ./lua
rule 'collect: another limit is not recovered' lua/collect.lua 's/ or limit_was ~= head then/ then/' ./lua
rule 'collect: nor by reports of another' lua/collect.lua 's/local what = r and r\[1\] == head and/local what = r and/' ./lua
rule 'collect: what is damaged is not recovered' lua/collect.lua 's/if not \(ends and full and seen\) or limit_was/if limit_was/' ./lua
rule 'collect: no report is of another age' lua/collect.lua "s/return us and format\('%d', max\(0, now \+ us\)\)/return us and format('%d', now + us)/" ./lua
rule 'collect: an older memory is a witness' lua/requested.lua 's/  if id then witness = .*\n//' ./lua
rule 'collect: of the same limit' lua/collect.lua 's/if not old or old\.tokens ~= b\.tokens.* then return/if not old then return/' ./lua
rule 'collect: on its own time' lua/collect.lua 's/old\.full - witness\.shift/old.full/; s/due - witness\.shift/due/' ./lua
rule 'collect: starts of a witness count' lua/collect.lua 's/if due then best = merge_starts/if false then best = merge_starts/' ./lua
rule 'collect: starts before the last burst do not count' lua/collect.lua 's/base = base or max\(0, total - b\.burst\)/base = base or 0/' ./lua
rule 'collect: a log of a lost memory goes' lua/collect.lua "s/  call\('DEL', log\)\n//" ./lua
rule 'collect: a log has a time to live' lua/collect.lua "s/  call\('PEXPIRE', log.*\n//" ./lua
rule 'collect: the last start holds' lua/collect.lua 's/total, b\.last = tonumber\(number\), max\(b\.last, tonumber\(due\)\)/total = tonumber(number)/' ./lua
rule 'collect: what is known goes when it is full' lua/collect.lua 's/  if ends == 0 and \(window or .* then$/  if false then/m' ./lua
rule 'collect: but not before' lua/collect.lua 's/  if ends == 0 and \(window or .* then$/  if ends == 0 then/m' ./lua
rule 'what is told replaces what was' lua/settings.lua 's/words\[key\], replaced\[key\] = nil, true/replaced[key] = true/' $L
rule 'what has opened is forgotten' lua/settings.lua 's/if bucket and tonumber\(moment\) \+ OPEN_US < now then/if false then/' ./lua
rule 'a silent replica leaves the set' lua/heartbeat.lua "s/redis\.call\('ZREMRANGEBYSCORE'.*\n//" ./lua ./worker/fleet

# The limiter around them.
rule 'who stands in line hears of a new configuration' limiter/internal/lane/end.go 's/if !n\.place\.again\.IsZero\(\) \{/if false {/' $L
rule 'what was charged to other limits is dropped' limiter/internal/lane/end.go 's/n\.pool = pool\{\}/_ = n/' $L
rule 'who is served later by what is in force' limiter/internal/lane/end.go 's/if was\.Built > r\.Built \{/if false {/' $L
rule 'who cannot start any more is told' limiter/internal/lane/end.go 's/if err := r\.Check\(w\.Cost\); err != nil \{/if err := r.Check(w.Cost); err != nil \&\& false {/' $L
rule 'who stands in line comes back' limiter/internal/lane/schedule.go 's/n\.turnAwayLocked\(\)\n\t\treturn p\.again/n.turnAwayLocked()\n\t\treturn time.Time{}/' $L
rule 'not before it is told to' limiter/internal/lane/schedule.go 's/case missing && p\.again\.After\(now\) &&/case missing \&\& false \&\&/' $L
rule 'but within five seconds' limiter/internal/lane/reply.go 's/p\.again = sooner\(p\.again, received\.Add\(recheck\)\)/_ = recheck/' $L
rule 'the store hears of new callers' limiter/internal/lane/schedule.go 's/ && \(!p\.inLine \|\| n\.queue\.len-p\.sent < max\(fewNew, p\.sent\)\)/ \&\& fewNew > 0/' $L
rule 'an empty lane leaves the line' limiter/internal/lane/schedule.go 's/\(!p\.inLine \|\| p\.kept && n\.closed == nil\)/true/' $L
rule 'a scheduler keeps its place' limiter/internal/lane/schedule.go 's/\(!p\.inLine \|\| p\.kept && n\.closed == nil\)/!p.inLine/; s/_ = n//' $L
rule 'given back to other replicas' limiter/internal/lane/schedule.go 's/backs := n\.returnableLocked\(now, nil\) > 0/backs := false/' $L
rule 'what somebody here waits for is not given back' limiter/internal/lane/match.go 's/if wanted \{/if false {/' $L
rule 'nor what was reserved under a former configuration' limiter/internal/lane/match.go 's/ \|\| g\.Route != route / || route == nil /' $L
rule 'given back by who closes' limiter/internal/lane/schedule.go 's/case n\.closed == ErrRetired \|\|/case n.closed != nil ||/' -run WhoCloses ./limiter
rule 'who closes leaves the line' limiter/internal/lane/schedule.go 's/\(!p\.inLine \|\| p\.kept && n\.closed == nil\)/(!p.inLine || n.closed != nil || p.kept)/' $L
rule 'only what others can use is given back' limiter/internal/lane/match.go 's/!g\.Due\.After\(soon\) \|\| //; s/soon := now/_ = now/' $L
rule 'who asks once is told when to come' limiter/internal/lane/match.go 's/case w\.prompt\(\):/case w.Mode == AtOnce:/' $L
rule 'who would not wait is turned away' limiter/internal/lane/match.go 's/case w\.prompt\(\):/case w.Mode == Come:/' $L
rule 'who has a deadline is turned away' limiter/internal/lane/match.go 's/w\.Deadline\.Before\(ready\)/false/' $L
rule 'the deadline of who has a reservation' limiter/internal/lane/match.go 's/!w\.Deadline\.IsZero\(\) && w\.Deadline\.Before\(due\)/false/' $L
rule 'runs are of one age' limiter/internal/lane/request.go 's/ && q\.Asks\[last\]\.Age-k\.Age <= alikeAge\(last, k\.Age\)//' -run 'TestConserves$' ./limiter
rule 'a call has no more runs than some' limiter/internal/lane/request.go 's/if !alike && len\(q\.Asks\) == maxRuns \{/if false {/' -run RunsOfOneCall ./limiter
rule 'the age is told' limiter/internal/lane/request.go 's/k\.Age = max\(0, now\.Sub\(w\.Since\)\.Microseconds\(\)\)/_ = k/' $L
rule 'no use before it is due' limiter/internal/lane/pool.go 's/!now\.Before\(g\.Due\) && //' $L
rule 'no use when it is late' limiter/internal/lane/pool.go 's/ && !g\.Late\(now, slack\)//' $L
rule 'used once' limiter/reservation.go 's/r\.state\.CompareAndSwap\(held, used\)/true/' $L
rule 'used on its own route only' limiter/reservation.go 's/route == r\.grant\.Route\.Name && //' $L
rule 'a clock that stopped is refused' limiter/redisconfigure.go 's/now\.Sub\(at\)\.Abs\(\) > nearly/now.Sub(at).Abs() > nearly*1000000/; s/at\.Year\(\) < 1990/false/' $L
rule 'a clock that stepped back is believed' limiter/internal/lane/clock.go 's/ok && now\+least < s/ok \&\& now+least < s \&\& false/' $L
rule 'the smallest offset counts' limiter/internal/lane/clock.go 's/time\.Duration\(at\+least-received/time.Duration(at+least-least+at*0+received.Sub(c.zero).Microseconds()-at-received/' $L
rule 'replies that vary are allowed for' limiter/internal/lane/clock.go 's/return min\(vary, horizon\)/return 0/' $L
rule 'one call at a time for a lane' limiter/internal/lane/lane.go,limiter/internal/lane/callers.go 's/if !n\.asking \{\n\t\t\tat/if true {\n\t\t\tat/; s/if !n\.asking \|\| len/if true || len/' $L
rule 'given up goes to who waits next' limiter/internal/lane/lane.go 's/n\.pool\.add\(&g\)\n\tn\.advanceLocked\(now\)/_ = g/' $L
rule 'given up once' limiter/reservation.go 's/r\.state\.CompareAndSwap\(held, givenUp\) \{/r.state.Swap(givenUp) >= 0 {/' $L
rule 'callers gather behind reservations' limiter/internal/lane/schedule.go 's/if last < 0 \|\|/if true ||/' $L
rule 'a call is bounded though the client hangs' limiter/internal/lane/lane.go 's/if n\.asking && n\.queue\.prompt > 0 && now\.Sub\(n\.promptSince\) >= n\.shared\.Timeout \{/if false {/' -run CallTimeoutBounds ./limiter
rule 'who waits outlasts an outage' limiter/internal/lane/reply.go 's/if w\.prompt\(\) \|\| !n\.shared\.Passing\(err\) \{/if true {/' -run UnavailableRedis ./limiter
rule 'and does not ask all the time' limiter/internal/lane/reply.go 's/r\.pause = min\(longest, max\(first, 2\*r\.pause\)\)/r.pause = 2/' -run UnavailableRedis ./limiter
rule 'a refusal ends waits' limiter/limiter.go 's/ && !isRefusal\(err\) \}/ }/' -run 'Refus|ComesUp' ./limiter
rule 'a reservation of several serves calls of one' limiter/internal/lane/match.go 's/g\.left\(\)\.serves\(w\.Cost\) \{/g.left() == w.Cost {/' -run ReservationOfSeveral ./limiter
rule 'what one waits for is not there for the next' limiter/internal/lane/match.go 's/g\.promised \+= w\.Cost\.Tokens\n//' $L
rule 'older callers come first in a lane' limiter/internal/lane/queue.go 's/for after != nil && after\.Since\.After\(w\.Since\) \{/for false {/' $L
rule 'a batch is of the age of its runs' limiter/internal/lane/batch.go 's/Since: r\.Since\}\)/Since: now})/' -run BatchOfRuns ./limiter
rule 'waits without a deadline are bounded' limiter/calls.go 's/has \|\| l\.s\.MaxWait == 0/has || l.s.MaxWait >= 0/' -run MaxWait ./limiter
rule 'shadow mode is switched at run time' limiter/inforce.go 's/l\.shadows\.Store\(.*\)/_ = l/' -run Shadow ./limiter
rule 'a lost memory is told of shadow mode again' lua/settings.lua 's/  if key == .shadow -. then fits = .*\n//' -run Shadow ./limiter
rule 'sections are bounded' limiter/section.go 's/for size > maxSections/for false/' -run RecordsAreBounded ./limiter
rule 'a record ends with its replica' limiter/presence.go 's/l\.publisher != nil && err == nil/false/' -run 'Record$' ./limiter
rule 'and none comes after that' limiter/presence.go 's/\tl\.publishing\.Wait\(\)\n//' -run NoRecordComes ./limiter
rule 'a record is bounded' limiter/record.go 's/len\(text\) <= maxRecord \|\| //' -run RecordsAreBounded ./limiter
rule 'a quiet replica writes seldom' limiter/publish.go 's/!same \|\| !quiet \|\|/true ||/' -run Quiet ./limiter
rule 'the list of replicas is written seldom' limiter/publish.go 's/now\.Sub\(announced\) > quietPublish-l\.s\.Publish/now.Sub(announced) >= 0/' -run Quiet ./limiter
rule 'an order is for one process' limiter/publish.go 's/order == l\.drainOrder\(\)/order != ""/' -run Drain ./limiter
rule 'an operator does not bound by its own horizon' lua/levels.lua 's/bystander and 3600000000 or horizon/horizon/' -run LeavesOther ./limiter
rule 'nor judges what was lost' lua/levels.lua 's/local skip = bystander.*/local skip = false/' -run LeavesOther ./limiter
rule 'nor takes it for new' lua/levels.lua 's/newcomer and not bystander/newcomer/' -run LeavesOther ./limiter
rule 'a level that is set leaves windows alone' lua/levels.lua 's/if has and not window then/if has then/' -run RestoreLeaves ./limiter
rule 'and outlives a pause that is over' lua/settings.lua 's/  if moment and tonumber\(moment\) <= now then words.*\n//' -run RestoreHolds ./limiter
rule 'and what is collected' lua/levels.lua "s/        fields\['lost:' \.\. field\], out_of_force.*\n//" -run RestoreHolds ./limiter
rule 'words of operators are checked' lua/requested.lua "s/if kind == 'level' then fits = .*/if kind == 'level' then fits = true end/" -run WordsOf ./lua
rule 'a name is typed before a change' cmd/inspect/act.go 's/strings\.TrimSpace\(line\) != name/false/' -run Typed ./cmd/inspect
rule 'and on the page' cmd/inspect/internal/page/act.go 's/a\.Typed != a\.Name/false/' -run Actions ./cmd/inspect/internal/page
rule 'and in the live view' cmd/inspect/internal/tui/deeds.go 's/same := m\.input == deed\.Name/same := m.input != ""/' -run Deeds ./cmd/inspect/internal/tui
rule 'no terminal is told what Redis holds' cmd/internal/cli/clean.go 's/return r == utf8\.RuneError \|\| !unicode\.IsPrint\(r\)/return r == utf8.RuneError \&\& unicode.IsPrint(r)/' -run Escapes ./cmd/inspect/internal/report
A='-run WithoutRedis|Suspended|SlowRedisIs ./limiter'
rule 'shares begin empty' limiter/share.go 's/l\.Begin = Empty/l.Begin = Full/' $A
rule 'shares are divided' limiter/share.go 's/\tl\.Per \*= .*\n//' $A
rule 'also their bursts' limiter/share.go 's/l\.Burst = max\(1, l\.Burst\/n\)/l.Burst = max(1, l.Burst)/' $A
rule 'a slow limit has no share' limiter/share.go 's/if float64\(l\.Burst\) > l\.Rate\(\)\*slowAfter\.Seconds\(\)/if false/' $A
rule 'nor has a process that nobody counts' limiter/alone.go 's/if l\.announced \{/if true {/' $A
rule 'shares end' limiter/alone.go 's/l\.change\(a, func\(\) \{ a\.mode = Away \}\)/l.change(a, func() {})/' $A
rule 'who went on without Redis empties buckets' limiter/alone.go 's/if a\.local == nil \{\n\t\treturn nil/if true {\n\t\treturn nil/' $A
rule 'and pays until it is back' limiter/alone.go 's/if a\.mode == Local \{ \/\/ otherwise/if false { \/\/ otherwise/' $A
rule 'the payment is within bounds' lua/levels.lua 's/      b\.last = max\(b\.last, b\.full \+ 1 - .*\n//' $A
rule 'windows are shut' lua/levels.lua 's/if away and window then/if false then/' $A
rule 'idle buckets keep their burst' limiter/alone.go 's/!a\.local\.used\(bucket\)/false/' $A
rule 'a request that hangs is given up' limiter/internal/lane/end.go 's/if n\.asking && was\.Away == 0/if false/' $A
rule 'calls beyond a share wait for Redis' limiter/internal/lane/match.go 's/ && n\.route\.Load\(\)\.fits\(w\.Cost\)//' $A
rule 'a slow Redis is not away' limiter/outage.go 's/max\(silence, slowness\*max\(.*\)\)/silence/' $A
rule 'who has slept does not know' limiter/outage.go 's/o\.due\.Load\(\)\) > starved/o.due.Load()) > time.Hour/' $A
rule 'Redis is back when it is steady' limiter/alone.go 's/sent\.Sub\(answered\) >= steady/true/' $A
rule 'a slow Redis is asked again' limiter/redisconfigure.go 's/return s\.configureBy\(ctx, s\.patient, nil/short, end := context.WithTimeout(ctx, silence); defer end(); return s.configureBy(short, s.rdb, nil/' -run SlowRedis ./limiter
rule 'tenants buckets are emptied' limiter/redisline.go 's/if !x\.owing\.some\.Load\(\) \{/if true {/' $A
rule 'a window of a tenant has no share' limiter/share.go 's/if b\.own \|\| l\.Per/if l.Per/' $A
rule 'windows are shut for what is reserved' lua/levels.lua 's/now \+ 2 \* horizon/now/' $A
rule 'providers are obeyed without Redis' limiter/report.go 's/\tif l\.holdAlone\(b, hold\) \{/\tif false {/' $A
rule 'and the fleet is told of it' limiter/alone.go 's/append\(promises, /append([]change(nil), /' $A
rule 'also of what a tenant was told' limiter/alone.go 's/if h\.own \{/if false {/' $A
rule 'who was forgotten has no share' limiter/alone.go 's/\t\tl\.announced = false\n//' $A
rule 'a loop that was given up makes no request' limiter/internal/lane/request.go 's/if n\.loop != loop \{/if false {/' -race -run GivenUp ./limiter/internal/lane
rule 'what buckets in shadow mode say is told apart' lua/settings.lua "s/  if key and sub\(key, 1, 9\) == 'shadowed '.*\n//" -run Shadowed ./limiter
rule 'a bucket in shadow mode lets those go who wait' limiter/internal/lane/end.go 's/\} else if r\.free\(w\.Cost\) \{/} else if false {/' -run Shadowed ./limiter
rule 'and takes no part in costs' limiter/internal/lane/cost.go 's/!slices\.Contains\(r\.Beside, name\) && //' -run Shadowed ./limiter
rule 'and is not shut by its provider' limiter/report.go 's/ \|\| l\.shadowed\(b\.bucket\) && !b\.own//' -run Shadowed ./limiter
rule 'and is judged' limiter/calls.go 's/if err == nil \{\n\t\tl\.judgeBeside/if false {\n\t\tl.judgeBeside/' -run Shadowed ./limiter
rule 'also for schedulers' limiter/batch.go 's/if len\(n\.Route\(\)\.Beside\) > 0/if false/' -run Shadowed ./limiter
rule 'and no other bucket is judged' limiter/routing.go 's/ \|\| own != nil && key\.judges//' -run Shadowed ./limiter
rule 'what a window has left is counted' lua/window.lua 's/if window_token\(b, 0, n\) <= now then left = n/if true then left = n/' -run Decide ./limiter
rule 'tokens that are lost are counted' limiter/internal/lane/pool.go 's/\t\tp\.grants\[n\]\.Lose\(\)\n//' -run Metrics ./limiter
rule 'a shadow never delays' limiter/calls.go 's/if l\.shadows\.Load\(\) \{/if false {/' $L
rule 'a process is known by its session' limiter/redis.go 's/session: uuid\.NewString\(\)/session: s.Replica/' $L
rule 'who is taken for an older call asks again' limiter/redisline.go 's/if stale, ok := errors\.AsType\[\*lua\.StaleError\]\(err\); ok \{/if stale, ok := errors.AsType[*lua.StaleError](err); false \&\& ok {/' -run TakenForAn ./limiter
rule 'and goes on from there' limiter/redisline.go 's/for last := x\.calls\.Load\(\); last <= stale\.Answered && !x/for last := int64(0); false \&\& !x/' -run TakenForAn ./limiter
rule 'a step of the clock is said' limiter/redisconfigure.go 's/stepped := s\.steppedLocked\(got\.TimeUS\)/stepped := time.Duration(0)/' -run ClockStep ./limiter
rule 'a call that takes long is no step' limiter/redis.go 's/if by\.Abs\(\) < time\.Second \|\| /if by == 0 || /' -run ClockStep ./limiter
rule 'limits that were told are no wishes' limiter/redis.go 's/slices\.Contains\(got\.Set, l\.Field\.Bucket\)/false/' -run 'Dispute|Configure|Dies' ./limiter
rule 'counts of another epoch are others' limiter/redisconfigure.go 's/if got\.Epoch != s\.epoch \{/if false {/' -run 'Loss|Epochs|NoSecond' ./limiter
rule 'replies of another epoch are not remembered' limiter/redisline.go 's/if a\.Epoch == x\.epoch \{/if true {/' -run EpochThatIsOver ./limiter
rule 'a reply that was overtaken is not remembered' limiter/remember.go 's/case same && grants < k\.grants:\n/case false:\n/' -run Recollect ./limiter
rule 'numbers of another epoch are others' limiter/remember.go 's/case !same \|\| level < k\.total\(\):/case k == nil:/' -run Recollect ./limiter
rule 'a window that counts less is another' limiter/remember.go 's/case !same \|\| level < k\.total\(\):/case !same:/' -run Recollect ./limiter
rule 'starts that lie close together are one' limiter/remember.go 's/case n > 1 && due\.Sub/case false \&\& due.Sub/' -run Recollect ./limiter
rule 'of those the later time counts' limiter/remember.go 's/k\.starts\[n-1\] = started\{total, due\}/k.starts[n-1].number = total/' -run Recollect ./limiter
rule 'starts that count no more are forgotten' limiter/remember.go 's/for len\(k\.starts\) > 1 && /for false \&\& /' -run Recollect ./limiter
rule 'but for the latest of them' limiter/remember.go 's/for len\(k\.starts\) > 1 && k\.starts\[1\]/for len(k.starts) > 0 \&\& k.starts[0]/' -run Recollect ./limiter
rule 'a start is due within the horizon' limiter/remember.go 's/due := now\.Add\(horizon\)/due := now/' -run Recollect ./limiter
rule 'levels that are not known are not remembered' limiter/remember.go 's/if level < 0 \|\| l\.Own/if l.Own/' -run Recollect ./limiter
rule 'nor those made at run time' limiter/remember.go 's/ \|\| l\.Own \|\|/ ||/' -run Recollect ./limiter
rule 'other errors are no refusals' limiter/refused.go 's/case !isRefusal\(err\):/case false:/' -run 'Unavail|Refus' ./limiter
rule 'what was never served is refused' limiter/refused.go 's/case !before:/case false:/' -run Refus ./limiter
rule 'what was served is out of reach' limiter/refused.go 's/case !before:/case true:/' -run Refus ./limiter
rule 'refusals are said every half minute' limiter/refused.go 's/due := now\.Sub\(r\.logged\) >= warnEvery/due := true/' -run Refus ./limiter
rule 'a namespace in use is not removed' limiter/remove.go 's/if s\.Live > 0 \{/if false {/' -run Remove ./limiter
rule 'what has no time to live is removed' limiter/remove.go 's/names := \[\]string\{keys\.State\(\), keys\.Live\(\), keys\.Wishes\(\), /names := []string{keys.State(), keys.Live(), /' -run Remove ./limiter
rule 'lines and logs are removed' limiter/remove.go 's/names = append\(names, keys\.Line\(f\), keys\.Log\(f\)\)/_ = f/' -run Remove ./limiter
rule 'a lane that is used stays' limiter/internal/lane/end.go 's/if n\.used \|\| inLine/if inLine/' $I
rule 'and one with a place in line' limiter/internal/lane/end.go 's/ \|\| inLine//; s/inLine := /_ = /' $I
rule 'until nobody has come back' limiter/internal/lane/end.go 's/n\.place\.inLine && now\.Sub\(n\.place\.again\) < time\.Minute/n.place.inLine/' $I
rule 'and one with callers' limiter/internal/lane/end.go 's/inLine \|\| n\.queue\.len > 0/inLine/' $I
rule 'and one with a call under way' limiter/internal/lane/end.go 's/n\.queue\.len > 0 \|\| n\.asking \|\|/n.queue.len > 0 ||/' -run TestLaneWith ./limiter
rule 'and one with reservations' limiter/internal/lane/end.go 's/n\.asking \|\| len\(n\.pool\.grants\) > 0 \|\|/n.asking ||/' -run TestLaneWith ./limiter
rule 'a lane goes when it has been idle' limiter/internal/lane/end.go 's/ \|\| now\.Sub\(n\.since\) < idle \{/ {/' $I
rule 'replies to it are not forgotten' limiter/idle.go 's/if l\.lanes\[keyOf\(n\)\] == nil \{/if true {/' $I
rule 'nor those to a call under way' limiter/idle.go 's/if n\.Asking\(\) \{/if false {/' $I
rule 'who comes to a lane that is given up takes the next' limiter/calls.go,limiter/batch.go 's/if err == lane\.ErrRetired \{/if false {/g' -run GivenUp ./limiter
rule 'one lane is made in its place' limiter/lanes.go 's/case n != nil && n != givenUp:/case false:/' -run LaneIsMadeOnce ./limiter
rule 'no lane of a route that was forgotten' limiter/lanes.go 's/case l\.paths\[key\.route\] == nil:/case false:/' -run WhoWaitsWhen ./limiter
rule 'what is given up later goes to the next lane' limiter/internal/lane/lane.go 's/n = n\.shared\.Reopen\(n\)/n = nil/' $I
rule 'one bucket has one set of limits' limiter/routes.go 's/if made\[bucket\] != nil && others > 0 && /if false \&\& /' $R
rule 'unless the route alone passes it' limiter/routes.go 's/\t\t\tothers--\n/\t\t\t_ = others\n/' $R
rule 'a bucket goes with its last route' limiter/routes.go 's/if own\.routes--; own\.routes > 0 \{/if own.routes--; true {/' $R
rule 'and not before' limiter/routes.go 's/if own\.routes--; own\.routes > 0 \{/if own.routes--; false {/' $R
rule 'a configured route is not replaced' limiter/routes.go 's/if _, ok := l\.s\.paths\[name\]; ok \{/if false {/g' $R
rule 'nor a configured bucket' limiter/routes.go 's/if _, ok := l\.s\.Buckets\[b\.Name\]; ok \{/if false {/' $R
rule 'a route has no more limits than some' limiter/routes.go 's/if limits > maxLimits \{/if false {/' $R
rule 'who waits on a route that is forgotten is told' limiter/routes.go 's/n\.Close\(&RouteError\{Route: name\}\)/_ = n/' -run WhoWaitsWhen ./limiter
rule 'a reply answers each ask' lua/reply.go 's/return answered == asked && /return /' ./lua
rule 'and no more' lua/reply.go 's/ \|\| g\.Count > asked-answered//' ./lua
rule 'by a limit of the route' lua/reply.go 's/ \|\| g\.Bound < -1 \|\| g\.Bound >= limits//' ./lua
rule 'within the horizon' lua/reply.go 's/ \|\|\n\t\t\tg\.Kind == Reserved && g\.AtUS > a\.HorizonUS//' ./lua
rule 'in a way that is known' lua/reply.go 's/if !known \|\| /if false \&\& known || /' ./lua
rule 'at a time that can be' lua/reply.go 's/ \|\| g\.AtUS < 0 \|\| g\.Units < 0//; s/ && r\.Grants >= 0 && r\.NowUS >= 0//' ./lua
rule 'keys of another type are removed' lua/types.go 's/if got != want && got/if want == "" \&\& got/' -run 'DamagedRecords/another_type' ./limiter
rule 'buckets made at run time are forgotten' limiter/memory.go 's/if !configured && k\.Idle\(since\) \{/if false {/' $L
rule 'a bucket is told of a limit when it changes' limiter/memory.go 's/\t\t\tm\.bucketLocked\(b, m\.now\(\)\)\n\t\t\}\n\t\tswitch/\t\t\t_ = b\n\t\t}\n\t\tswitch/' $L

rule 'a cancelled task leaves the queue' $C/inputs.go 's/\t\tt\.lane\.withdraw\(t\)\n\tcase resting/\t\t_ = t\n\tcase resting/' $C
rule 'reservations without tasks are given back' $C/lane.go 's/\tn\.trim\(\)\n/\t_ = n\n/' $C
rule 'no slot is held in line' $C/answer.go 's/c\.taken -= missing/_ = missing/' $C
rule 'a throttled route yields a slot' $C/slots.go 's/return c\.free\(\) == 0 && c\.hungry/return false \&\& c.hungry/' $C
rule 'its last slot is nobody else'"'"'s' $C/slots.go 's/from\.holds\(\) > 1/from.holds() > 0/' $C
rule 'a route has no more than its slots' $C/core.go 's/n\.most = min\(n\.most, most\)/_ = most/' $C
rule 'a limiter that fails ends no task' $C/answer.go 's/a\.Err != nil && a\.Fatal:/a.Err != nil:/' $C
rule 'a limiter that fails is asked with pauses' $C/answer.go 's/n\.again = \[2\]Time\{at, at\}/_ = at/' $C
rule 'a deadline that cannot be met ends a task' $C/line.go 's/t\.Deadline < ready \{/false {/; s/t != nil && t\.Deadline < l\.start/t != nil \&\& false \&\& t.Deadline < l.start/' $C
rule 'tasks are judged when no reservation can be theirs' $C/held.go 's/\t\tn\.judgeLater\(\)/\t\t_ = n/' $C
rule 'panics end their task alone' $O/work.go 's/v := recover\(\)\n/v := any(nil)\n/' $O
rule 'who exits ends its task' $O/work.go 's/o\.reportLast\(r, ErrGoexit\)/_ = ErrGoexit/' $O
rule 'classes age' $C/task.go 's/t\.since \+ Time\(t\.Rank\)\*ageing/t.since + Time(t.Rank)*ageing*100/' $C
rule 'strict classes do not overflow' $C/task.go 's/ageing > \(never-t\.since\)/false \&\& ageing > (never-t.since)/' $C
rule 'a class is first in, first out' $C/queue.go 's/return t\.number < other\.number/return t.number > other.number/' $C
rule 'a retry keeps its age' $C/queue.go 's/\|\| t\.tries > 0 \{/|| false {/; s/t\.older\(last\) \|\|/false ||/' $C
rule 'shares take turns' $C/queue.go 's/f\.served \+= t\.Cost\.Tokens/_ = f/' $C
rule 'a new share begins with the others' $C/queue.go 's/f\.served = max\(f\.served, c\.start\(\)\)/_ = f/' $C
rule 'what is only asked for is not served' $C/queue.go 's/return min\(c\.clock, c\.served\.served-c\.served\.front\)/return c.clock/' $C
rule 'costs of each bucket judge no deadline' $C/line.go 's/a\.Last == 0 \|\| n\.named > 0/a.Last == 0/' $C
rule 'what was not given is chosen anew' $C/answer.go 's/\tn\.putBack\(\)\n/\n/' $C
rule 'urgent tasks pass the lines of the fleet' $C/request.go 's/n\.uncoveredUrgent\(\) > 0 \{/false {/' $C
rule 'replicas with equal work take turns' $C/request.go 's/return since \+ \(n\.since-since\)\/2/return since/' $O
rule 'costs are told apart' $C/held.go 's/anyCost \|\| t\.Cost == cost/true/' $C
rule 'retries have a budget' $C/retry.go 's/if b\.tokens < 1 \{/if false {/' $C
rule 'what a provider puts off costs none of it' $C/retry.go 's/!r\.Throttled && //' $C
rule 'no retry beyond the deadline' $C/retry.go 's/t\.Deadline > 0 && t\.Deadline <= at/false/' $C
rule 'nothing runs again after handing back' $C/retry.go 's/ \|\| c\.stage >= HandingBack:/:/' $C
rule 'refusals are reported' $O/work.go 's/reported := o\.reportVerdict\(r, v\)/reported := false/' -run Refus $O
rule 'a refused task waits in line' $O/work.go 's/\t\tresult\.After = max\(pause, v\.Patience\) \/\//\t\t_ = pause \/\//' -run Refus $O
rule 'and not for its deadline' $O/work.go 's/reported && \(t\.Deadline == 0 \|\| t\.Deadline > until\+pause\)/reported/' -run Refus $O
rule 'it starts when its provider said, at the earliest' $O/refusal.go 's/left > min\(mostEarly/false \&\& left > min(mostEarly/' -run Refus $O
rule 'an attempt that comes too early rests' $C/inputs.go 's/if r\.After > 0 \{/if false {/' $C
rule 'a report delays no task' $O/refusal.go 's/v\.After <= limiter\.PromptHold/true/' -run Report $O
rule 'Close waits for a report' $O/refusal.go 's/o\.acting\.Add\(1\)/_ = 0/; s/defer o\.acted\(\)\n//' -run Report $O
rule 'a shared run outlives who began it' $O/key.go 's/context\.WithoutCancel\(t\.ctx\)/t.ctx/' $O
rule 'a shared run ends with the last' $O/key.go 's/\tof\.cancel\(why\)\n/\t_ = why\n/' $O
rule 'a late end frees no other run' $O/key.go 's/if k\.byKey\[s\.key\] == any\(s\) \{/if true {/' $O
rule 'errors are not kept' $O/key.go 's/err == nil && keep > 0/keep > 0/' $O
rule 'room is bounded' $C/admission.go 's/n <= c\.cfg\.MaxPending-c\.room\.pending/true/' $C
rule 'weight is bounded' $C/admission.go 's/weight <= c\.cfg\.MaxWeight-c\.room\.weight/true/' $C
rule 'only less urgent tasks are shed' $C/admission.go 's/rank := tasks\[0\]\.Rank \+ 1/rank := tasks[0].Rank/' $C
rule 'who waits for room comes in order' $C/admission.go 's/first == nil \|\| t\.comesBefore\(first, c\.cfg\.Ageing\)/first == nil || true/' $C
rule 'a task that awaits lends its slot' $C/slots.go 's/if lent = t\.is\(hasSlot\); lent \{/if false {/' $C
rule 'and takes one again' $C/slots.go 's/l\.lent == 0 && !t\.is\(hasSlot\)/false/' $C
rule 'its context ends the way back' $O/task.go 's/\t\tcase <-ctx\.Done\(\):\n\t\t\to\.do/\t\tcase <-o.over.Done():\n\t\t\to.do/' $O
rule 'who awaits itself is told' $O/future.go 's/return r != nil && \(r\.t == &f\.task/return r != nil \&\& (r.t == nil/' $O
rule 'what is stuck keeps its slot' $C/inputs.go 's/\tt\.state = stuck\n/\tt.state = stuck\n\tc.leaveSlot(t)\n/' $C
rule 'finished batches expire' $O/registry.go 's/r\.kept\[0\]\.until <= now/false/' $O
rule 'ids of expired batches are remembered' $O/registry.go 's/r\.gone\[e\.id\]\+\+/_ = e/' $O
rule 'a live id is not taken' $O/enqueue.go 's/if live == LiveFails \{/if false {/' $O
rule 'batches drop their functions' $O/batch.go 's/\tb\.parts = nil /\t_ = b.parts /' $O
rule 'keys are asked for once' $O/batcher.go 's/\tif a == nil \{/\tif true {/' $O
rule 'a call takes no more than its size' $O/batcher.go 's/full := len\(c\.order\) == b\.cfg\.Size/full := false/' $O
rule 'drains let gathering calls go' $C/drain.go 's/if t\.tries == 0 \{/if false {/' $C
rule 'drains hand back' $O/drain.go 's/stage = core\.HandingBack/_ = stage/' $O
rule 'drains end contexts' $O/orchestrator.go 's/base\(t\)\.cancel\(ErrClosed\)/_ = t/' $O
rule 'tasks of running tasks are taken in' $C/inputs.go 's/c\.stage == Closing && !tasks\[0\]\.Child/c.stage == Closing/' $C
rule 'Close waits for the last word' $O/orchestrator.go 's/o\.acting\.Add\(-1\) == 0 && o\.quiet\.Load\(\)/o.acting.Add(-1) >= 0 \&\& o.quiet.Load()/' $O
rule 'lanes of one age take turns' $C/core.go 's/return a\.asks < b\.asks/return a.asks > b.asks/' $O
rule 'a stream takes no more than there is room for' $O/stream.go 's/if !s\.calls\.TryAcquire\(1\) \{/if false {/' $O
rule 'one payment for each round trip' worker/transport/transport.go 's/ok && r\.Use\(route\)/ok \&\& r != nil/' ./worker/transport
rule 'what an answer says is reported' worker/transport/transport.go 's/\t\tp\.report\(req\.Context\(\), route, paid, res\)\n/\t\t_, _ = paid, res\n/' ./worker/transport
rule 'a report of a long hold delays no answer' worker/transport/report.go 's/longestWait   = time\.Second/longestWait   = time.Hour/' ./worker/transport
rule 'hidden resends pay' worker/transport/trip.go 's/if t\.sent\.next\(\) == 0 \{/if t.sent.next() >= 0 {/' ./worker/transport
rule 'a resend whose token is late waits' worker/transport/trip.go 's/\t\tif !ok \{\n\t\t\treturn/\t\tif ok || !ok {\n\t\t\treturn/' ./worker/transport
rule 'unknown routes are refused at once' worker/transport/routes.go 's/err != nil && !errors\.Is\(err, limiter\.ErrClosed\)/err == nil \&\& false/' ./worker/transport
rule 'a host without a route sends nothing' worker/transport/routes.go 's/if r\.Other != "" \{/if true {/' ./worker/transport
rule 'bodies of requests that are not sent are closed' worker/transport/transport.go 's/_ = req\.Body\.Close\(\)/_ = req/' ./worker/transport
rule 'the cost of the context counts' worker/transport/option.go 's/opts = append\(opts, c\.opts\.\.\.\)/opts = append(c.opts, opts...)/' ./worker/transport
rule 'spans of requests have no paths' worker/transport/span.go 's/template = s\.template\(t\.origin\)/template = t.origin.URL.Path/' ./worker/transport
rule 'spans of requests have no methods of clients' worker/transport/span.go 's/return otherMethod/return r.Method/' ./worker/transport
rule 'a wrapper pays on the route of its provider' worker/calls.go 's/o, log, providers\.APILastFM/o, log, providers.APISpotify/' -run Wrappers ./worker
rule 'failures of calls are warnings' worker/calls.go 's/level = slog\.LevelWarn/_ = level/' -run 'Wrappers|BatchLogs' ./worker
rule 'a provider that cannot serve is left alone' limiter/report.go 's/return l\.hold\(ctx, n, about, min\(r\.RetryAfter, LongestHold\)\)\n\tcase Remaining/_ = n\n\tcase Remaining/' -run Overloaded ./limiter
rule 'a hold of one provider shuts no other' worker/config.go 's/paths\[route\] = \[\]string\{route, shared\}/paths[route] = []string{shared}/' -run Hold ./worker
rule 'no span tells more than is listed' cmd/worker/telemetry.go 's/WithBatcher\(private\{exporter\}\)/WithBatcher(exporter)/' -run Nobodys ./cmd/worker
rule 'nor a URL' cmd/worker/private.go 's/"url.scheme",/"url.scheme", "url.full",/' -run Golden ./cmd/worker
rule 'spans are named by templates' cmd/worker/traced.go 's/cmp\.Or\(t\.pattern\(r\), r\.Method\)/r.URL.String()/' -run Golden ./cmd/worker
rule 'no third party is told of a trace' cmd/worker/traced.go 's/(tracers\), otelhttp\.WithMeterProvider\(meters\),\n\t\totelhttp\.WithPropagators\(propagation\.)NewCompositeTextMapPropagator\(\)/$1TraceContext{}/' -run Golden ./cmd/worker
rule 'the log has no names of playlists' worker/stream.go 's/"analysis begins", /"analysis begins", "playlist", list.Name, /' -run Nobodys ./cmd/worker
rule 'strangers make no series' cmd/worker/traced.go 's/, otelhttp\.WithServerName\("worker:80"\)//' -run Series ./cmd/worker
rule 'nothing stands around a result' cmd/worker/exporters.go 's/stdouttrace\.New\(.*\)\n/stdouttrace.New(stdouttrace.WithWriter(os.Stdout))\n/' -run 'Around|Nobodys' ./cmd/worker
rule 'nothing is sent unasked' cmd/worker/exporters.go 's/return toNone, nil/return toOTLP, nil/' -run Unasked ./cmd/worker
rule 'a disabled SDK is off' cmd/worker/telemetry.go 's/if sdkDisabled\(\) \{/if false {/' -run Unasked ./cmd/worker
rule 'the end of telemetry is bounded' cmd/worker/telemetry.go 's/context\.WithTimeout\(context\.WithoutCancel\(ctx\), flushTime\)/context.WithTimeout(context.WithoutCancel(ctx), 10*flushTime)/' -run EndIsBounded ./cmd/worker
rule 'and has its time after an interrupt' cmd/worker/telemetry.go 's/context\.WithTimeout\(context\.WithoutCancel\(ctx\), flushTime\)/context.WithTimeout(ctx, flushTime)/' -run EndIsBounded ./cmd/worker
rule 'profiles are for this machine' cmd/worker/admin.go 's/here == nil \|\| !isLoopback\(here\.String\(\)\) \|\| !isLoopback\(r\.RemoteAddr\)/here == nil/' -run Profiles ./cmd/worker
rule 'and for no page of another host' cmd/worker/admin.go 's/ \|\| !isLoopback\(r\.Host\)//' -run Profiles ./cmd/worker
rule 'a usual admin port that is taken is no mistake' cmd/worker/admin.go 's/err != nil && usual/err != nil \&\& false/' -run AdminPort ./cmd/worker
rule 'one call finds out after a pause' worker/providers/pause.go 's/\tcase p\.probing:\n\t\treturn firstPause\n//' -run Pauses ./worker/providers
rule 'a burst of refusals is one pause' worker/providers/pause.go 's/how == refused && \(probe \|\| p\.length == 0\)/how == refused/' -run Pauses ./worker/providers
rule 'a quota that is spent is not tried again' worker/providers/verdict.go 's/case denied\.Spent:/case false:/' -run Verdicts ./worker/providers
rule 'a question waits without the retry budget' worker/providers/verdict.go 's/v\.Patience = patient\.pause/v.Patience = 0/' -run Outlasts ./worker/analysis
rule 'patience costs none of the budget' $O/work.go 's/v\.Throttled \|\| v\.Patience > 0/v.Throttled/' -run Patient $O
rule 'nobody else waits for a patient task' worker/providers/verdict.go 's/(v\.Patience = patient\.pause)/$1\n\t\t\tv.After, v.Throttled = patient.pause, true/' -run Patient ./worker/providers
rule 'no answer in time is worth another attempt' worker/providers/sender.go 's/ok && err != nil/ok \&\& err == nil/' -run 'Timeout|Today' ./worker/providers
rule 'an answer without its last event is none' worker/providers/anthropic.go 's/\tcase !whole:/\tcase false:/' -run Today ./worker/providers
rule 'an error inside a stream counts as what it is' worker/providers/anthropicerror.go 's/e\.API != APIAnthropic \|\| e\.Status != http\.StatusOK/true/' -run Today ./worker/providers
rule 'a call that is refused costs no tokens' worker/providers/usage.go 's/u = tokensUsed\{\}/_ = denied/' -run Usage ./worker/providers
rule 'a broken answer costs its input' worker/providers/usage.go 's/if msg\.ID != ""/if whole/' -run Usage ./worker/providers
rule 'a rotated refresh token is kept' worker/providers/renewal.go 's/given\.Refresh != "" && given\.Refresh != latest/false/' -run Login ./worker/providers
rule 'another process may have rotated the token' worker/providers/renewal.go 's/fresh != latest/fresh == \"\"/' -run RotatedMeanwhile ./worker/providers
rule 'a renewal outlives who asked for it' worker/providers/login.go 's/l\.renewal\(context\.WithoutCancel\(ctx\), /l.renewal(ctx, /' -run OneRenewal ./worker/providers
rule 'one renewal at a time' worker/providers/login.go 's/mine := l\.under == nil/mine := true/' -run OneRenewal ./worker/providers
rule 'a login that is refused is left alone' worker/providers/login.go 's/l\.retryAt = time\.Now\(\)\.Add\(refusedFor\)/l.retryAt = time.Now()/' -run LoginsThatAreRefused ./worker/providers
rule 'a token that is refused at once is not dropped' worker/providers/login.go 's/time\.Since\(refused\.began\) < freshFor/false/' -run EndedEarly ./worker/providers
rule 'what may have been made is looked for' worker/providers/once.go 's/\t\tif !unsure \{/\t\tif true {/' -run Once ./worker/providers
rule 'what nobody can look for is not made again' worker/providers/once.go 's/if unsure && look == nil/if false/' -run Once ./worker/providers
rule 'an unknown track is no failure' worker/providers/lastfm.go 's/e\.Code == "6"/false/' -run Today ./worker/providers
rule 'what is closed is not asked again' worker/analysis/closed.go 's/\} else if providers\.Closed\(err\) \{/} else if false {/' -run Closed ./worker/analysis
rule 'audio features that nobody has are given up' worker/analysis/closed.go 's/d\.missing\.Add\(1\) >= unmeasured/d.missing.Add(1) >= 1000/' -run Closed ./worker/analysis
rule 'an analysis waits as long as it may' worker/analysis/analyzer.go 's/, MostAfter: deadline\}/}/' -run EveryLength ./worker/analysis
rule 'questions cost their tokens' worker/analysis/step.go 's/orchestrator\.Costs\(s\.costs\)/orchestrator.Tokens(1)/' -run InputTokens ./worker/analysis
rule 'comments are not tried again' worker/analysis/step.go 's/orchestrator\.Attempts\(1\), //' -run Comments ./worker/analysis
rule 'an analysis that cannot end is given up' worker/analysis/step.go 's/\t\tr\.giveUp\(err\)\n/\t\t_ = err\n/' -run ShutForADay ./worker/analysis
rule 'no event is longer than a reader takes' worker/sse/event.go 's/len\(b\)-before >= MaxEvent/false/' -run OneBound ./worker/sse
rule 'a reader takes no more' worker/sse/read.go 's/if l\.left == 0 \{/if false {/' -run OneBound ./worker/sse
rule 'a line break ends no field' worker/sse/event.go 's/\\r\\n\\x00/\\n\\x00/' ./worker/sse
rule 'nor does one in the data begin another' worker/sse/event.go 's/IndexAny\(data, "\\r\\n"\)/IndexAny(data, "\\n")/' -run Injects ./worker/sse
rule 'an analysis outlives a lost connection' worker/desk/desk.go 's/after := d\.cfg\.Linger/after := time.Duration(1)/' -run Outlives ./worker/desk
rule 'and ends when nobody comes back' worker/desk/desk.go 's/func\(\) \{ a\.End\(ErrLeft\) \}/func() {}/' -run Outlives ./worker/desk
rule 'a reader that comes back stops the clock' worker/desk/reader.go 's/\t\ta\.stopLocked\(\)\n/\t\t_ = a\n/' -run Outlives ./worker/desk
rule 'the bytes of all are bounded' worker/desk/desk.go 's/case d\.bytes\+weight > d\.cfg\.Bytes:/case false:/' -run Bytes ./worker/desk
rule 'the log of an analysis is bounded' worker/desk/log.go 's/\t\t\treturn ErrLogFull\n/\t\t\t_ = e\n/' -run Bounded ./worker/desk
rule 'the last events always fit' worker/desk/log.go 's/bytes > l\.limit \{\n\t\t\treturn nil, fmt/false {\n\t\t\treturn nil, fmt/' -run Bounded ./worker/desk
rule 'a key belongs to one order' worker/desk/desk.go 's/known\.digest != o\.Digest/false/' -run Keys ./worker/desk
rule 'a panic of an analysis is its own' worker/desk/analysis.go 's/if v := recover\(\); v != nil/if v := any(nil); v != nil/' -run EndsTheProcess ./worker/desk
rule 'work that ignores its end keeps nobody waiting' worker/desk/analysis.go 's/AfterFunc\(d\.cfg\.Grace/AfterFunc(d.cfg.Grace<<20/' -run 'TestEnd' ./worker/desk
rule 'an orderly end lets readers read on' worker/desk/close.go 's/a\.readers == 0 \{/a.readers >= 0 {/' -run 'TestClose' ./worker/desk
rule 'what JSON cannot say ends no process' worker/stream.go 's/\tif err != nil \{\n\t\tdata, _ =/\tif err != nil {\n\t\tpanic(err)\n\t\tdata, _ =/' -run CannotBeEncoded ./worker
rule 'streams are told of the end' worker/finish.go 's/if err := have\.desk\.Close\(running\); err != nil/if err := running.Err(); err != nil/' -run Orderly ./worker
rule 'a repetition is paid once' worker/deskhttp/handler.go 's/if o\.Key, ok = idempotencyKey\(r\); !ok/if _, ok = idempotencyKey(r); !ok/' -run Repet ./worker ./worker/deskhttp
rule 'a stream resumes where it was' worker/deskhttp/handler.go 's/a\.Read\(seen\)/a.Read(0*seen)/g' -run Lost ./worker ./worker/deskhttp
rule 'an id that another replica gave is sent there' worker/desk/desk.go 's/name != d\.cfg\.Name/false/' -run Find ./worker/desk
rule 'a number that cannot be is no answer' worker/providers/spotify.go 's/if !f\.plausible\(\) \{/if false {/' -run Hostile ./worker/analysis
rule 'a result has a bounded size' worker/analysis/result.go 's/playlist\.Clip\(name, maxFoundText\)/name/' -run Hostile ./worker/analysis
rule 'a panic ends one analysis, not the process' worker/analysis/caught.go 's/if v := recover\(\); v != nil/if v := any(nil); v != nil/' -run NoPanic ./worker/analysis
rule 'and the next one does not begin' worker/worker.go 's/time\.Until\(deadline\) < b\.PausedFor/time.Until(deadline) > time.Until(time.Time{}) + time.Duration(1<<62)/' -run LeavesAProvider ./worker

# How Redis is reached.
rule 'nor what could not be sent' limiter/resend.go 's/&& op\.Op == "dial"/\&\& op.Op == ""/' -run SentAgain ./limiter
rule 'a client is given time' limiter/patient.go 's/return c\.WithTimeout\(most\)/return rdb/' -run Patience ./limiter
rule 'who is turned away is away' limiter/redis.go 's/if turnedAway\(err\)/if false/' -run TurnedAway ./limiter
rule 'a refusal of a command is not' limiter/refused.go 's/"max number of clients"/"max number of clients", "NOPERM"/' -run TurnedAway ./limiter
rule 'who was given up is no sign of an outage' limiter/outage.go 's/\to\.under\.Store\(0\)\n//' -run GivenUpIsNo ./limiter

# A Redis whose memory is full.
rule 'a full Redis serves calls' lua/memory.lua "s/call\('HDEL', state, ''\)/--/" -run AFullRedis ./limiter
rule 'and configures' lua/requested.lua "s/call\('HDEL', state, ''\)/--/" -run AFullRedis ./limiter

# Two versions of the records in Redis.
V4='-run Version ./limiter'
rule 'who looks knows the version' lua/level.go 's/s\.Records != 0 && s\.Records != Version/false/' $V4

# Who may call a replica, how many requests it serves at a time, and how it ends.
G8=worker/gate T8=./worker/gate
rule 'another site is refused' $G8/caller.go 's/if g\.foreign\(r\) \{/if false {/' $T8
rule 'reading is no exception' $G8/caller.go 's/\tasked\.Method = http\.MethodPost\n//' $T8
rule 'two headers are one too many' $G8/caller.go 's/if len\(r\.Header\.Values\("Sec-Fetch-Site"\)\) > 1 .*\{/if false {/' $T8
rule 'a name that was pointed here is refused' $G8/caller.go 's/g\.cfg\.Token == "" && !g\.addressed\(r\.Host\)/false/' $T8
rule 'the token is asked for' $G8/caller.go 's/g\.cfg\.Token != "" && !g\.authorized\(.*\)/false/' $T8
rule 'the whole token' $G8/caller.go 's/return subtle.*strings\.EqualFold/return strings.EqualFold/; s/sum := sha256.*\n/_, _ = subtle.ConstantTimeCompare, sha256.Sum256([]byte(token))\n/' $T8
rule 'probes are exact paths' $G8/gate.go 's/slices\.Contains\(g\.cfg\.Open, r\.URL\.Path\)/slices.ContainsFunc(g.cfg.Open, func(p string) bool { return len(r.URL.Path) >= len(p) \&\& r.URL.Path[:len(p)] == p })/' $T8
rule 'content types of forms are refused' $G8/upload.go 's/if slices\.Contains\(g\.cfg\.Types, kind\) \{/if slices.Contains(g.cfg.Types, kind) || kind != "none" {/' $T8
rule 'a body is bounded' $G8/arrival.go 's/case a\.bytes > a\.limit:/case false:/' $T8
rule 'also when unpacked' $G8/body.go 's/case b\.size > limit:/case false:/' $T8
rule 'all bodies together are bounded' $G8/body.go 's/if r\.used\.Add\(n\) > r\.limit \{/if r.used.Add(n) < 0 {/' $T8
rule 'their room is given back' $G8/body.go 's/b\.room\.used\.Add\(-b\.taken\)/_ = b.taken/' $T8
rule 'a body has to arrive' $G8/arrival.go 's/return a\.deadline\(t\)/return nil/; s/a\.patience\)/1e6*a.patience)/' $T8
rule 'by so much in each time' $G8/arrival.go 's/a\.bytes-a\.mark >= a\.progress/a.bytes > a.mark/' $T8
rule 'the deadline is for the body' $G8/upload.go 's/err = slow\.over\(\)/_ = slow.over/' $T8
rule 'a body that nobody reads has to arrive' $G8/gate.go 's/\t\t\t_ = http\.NewResponseController\(out\)\.SetReadDeadline.*\n//' $T8
rule 'a refused body is not read' $G8/upload.go 's/\t\t\tout\.Header\(\)\.Set\("Connection", "close"\).*\n//' $T8
rule 'a replica that ends waits for no upload' worker/finish.go 's/\tw\.gate\.Stop\(\)\n//' -run StopEnds ./worker
rule 'playlists are weighed' worker/stream.go 's/Weight: weigh\(list\), //' -run ByWeight ./worker
rule 'uploads end with the server' $G8/arrival.go 's/\t\t\ta\.ended = true\n//' $T8
rule 'requests are bounded' $G8/gate.go 's/g\.underWay\.Add\(1\) > int64\(g\.cfg\.Requests\)/g.underWay.Add(1) < 0/' $T8
rule 'ids of clients are harmless' $G8/log.go 's/if !harmless\(id\) \{/if id == "" {/' $T8
rule 'the log has routes' $G8/log.go 's/"route", route\(r\)/"route", r.URL.Path/' $T8
rule 'the log has no names of playlists' worker/stream.go 's/"tracks", len\(list\.Tracks\)/"playlist", list.Name/' -run 'LogHasNo' ./worker
rule 'not ready before the grace' worker/finish.go 's/\tw\.unready\.Store\(true\)\n//' -run EndInOrder ./worker
rule 'taking analyses during the grace' worker/finish.go 's/\ttime\.Sleep\(grace\)\n//' -run EndInOrder ./worker
rule 'analyses end before their streams are cut' worker/stream.go 's/err = ErrEnding/_ = ErrEnding/; s/reason = ErrEnding/_ = ErrEnding/' -run EndInOrder ./worker
rule 'presence is withdrawn' worker/finish.go 's/closed := have\.limiter\.Close\(last\)/closed := last.Err()/' -run EndInOrder ./worker
rule 'connections are bounded' worker/serve.go 's/listener = netutil\.LimitListener\(listener, w\.cfg\.Connections\)/_ = netutil.LimitListener/' -run Connections ./worker
rule 'a replica is for its machine' cmd/worker/listen.go 's/ok && at\.IP\.IsLoopback\(\)/ok/; s/at, ok :=/_, ok :=/' -run Listens ./cmd/worker

# Playlists as users send them.
P8=worker/playlist
rule 'equal rows are asked for once' worker/analysis/lookups.go 's/if !known\[is\] \{/if true {/' -run QuestionOnce ./worker/analysis
rule 'a song is asked for once' worker/analysis/lookups.go 's/ && !asked\[q\]//' -run QuestionOnce ./worker/analysis
rule 'names come before questions' worker/analysis/flow.go 's/if len\(l\.nameless\) > 0/if len(l.nameless) < 0/' -run NamesOfLinks ./worker/analysis
rule 'a result names what is left out' worker/analysis/analyzer.go 's/append\(\[\]playlist\.LeftOut\{\}, p\.LeftOut\.\.\.\)/[]playlist.LeftOut{}/' -run LeftOut ./worker/analysis
rule 'another playlist is another request' worker/stream.go 's/\t\t_, _ = io\.WriteString\(digest.*\n//' -run OfAClient ./worker
rule 'one of several playlists is chosen' $P8/lists.go 's/case in\.pick == "" && len\(in\.others\) == 0, /case in.pick == "", /' -run 'Files|Several' ./$P8
rule 'a comma may be part of a name' $P8/artists.go 's/if !strings\.ContainsAny\(refs, ",;"\)/if false/' -run 'Cells|Files' ./$P8
rule 'a cut file is refused' $P8/csv.go 's/if r\.cut && /if false \&\& /' -run Refusals ./$P8
rule 'rows are bounded' $P8/row.go 's/in\.rows > MaxTracks/false/' -run Refusals ./$P8
rule 'artists are bounded' $P8/artists.go 's/strings\.SplitN\(cell, sep, maxArtists\+1\)/strings.Split(cell, sep)/' -run Memory ./$P8
rule 'columns are bounded' $P8/rows.go 's/len\(r\.fields\) < maxColumns/true/' -run Memory ./$P8
rule 'artists of JSON are bounded' $P8/entry.go 's/in\.More\(\) && len\(\*p\) <= maxArtists/in.More()/' -run Memory ./$P8

rule 'short analyses beside a long one' worker/analysis/step.go 's/, orchestrator\.Share\(r\.id\)//' -run ShortAnalyses ./worker/analysis

exit $unnoticed
