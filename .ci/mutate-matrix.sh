# shellcheck shell=bash disable=SC2034 # mutate.sh reads what is set here
# The rules that rows of integration/matrix guard. mutate.sh --matrix [NAME...] sources this file. It removes each rule in turn from a copy of
# the tree, plays the row that should notice, and prints a table. The row notices the removal if it does not reach the named mark. If the row does
# not reach that mark with nothing removed either, the rule is not judged. With --ci a row is played in its short form.
: "${copy:?is the copy of mutate.sh}"
export GOFLAGS=-trimpath # the path of the copy is not part of what is built, so go build finds it in its cache
declare -A failing # the marks that are not reached with nothing removed, by the arguments of the row
printf '%-52s %-4s %s\n' 'removed' 'row' 'what it did not reach'

# play ARGS...: plays rows in the copy. Prints the marks that they do not reach, or why a row could not be played.
play() {
  { (cd "$copy" && timeout 400 go -C integration run ./matrix "$@" 2>&1 >/dev/null) || true; } | # the output shows which row failed
    sed -nE 's/^row [0-9]+ does not reach: ([^.]*(\.[0-9][^.]*)*)\..*/\1/p; s/^row [0-9]+: (.*)/NOT PLAYED: \1/p; s/.*(go build: .*|\.go:[0-9]+:[0-9]+: .*)/NOT BUILT: \1/p' | head -3 | paste -sd ';'
}

# row NAME FILE[,FILE...] SUBSTITUTION MARK ROW [--ci]
row() {
  local name=$1 files change=$3 mark=$4 number=$5 missed file changed=no
  IFS=, read -ra files <<<"$2"
  shift 4
  case " ${only:-$name} " in *" $name "*) ;; *) return 0 ;; esac
  git ls-files -z -co --exclude-standard | tar --null -T - -c | tar -x -C "$copy"
  if [ -z "${failing[$*]+played}" ]; then failing[$*]=$(play --rows "$@"); fi
  if [[ "${failing[$*]}" =~ $mark|NOT ]]; then
    printf '%-52s %-4s %s\n' "$name" "$number" "NOT JUDGED: with the rule the row does not reach: ${failing[$*]}"
    unnoticed=1
    return 0
  fi
  for file in "${files[@]}"; do
    perl -0pi -e "$change" "$copy/$file"
    cmp -s "$file" "$copy/$file" || changed=yes
  done
  if [ "$changed" = no ]; then
    printf '%-52s %-4s %s\n' "$name" "$number" 'NOT APPLIED: the rule is no longer written like that'
    unnoticed=1
    return 0
  fi
  missed=$(play --rows "$@")
  if [[ ! "$missed" =~ $mark ]]; then
    missed="NOBODY NOTICED${missed:+: $missed}"
    unnoticed=1
  fi
  printf '%-52s %-4s %s\n' "$name" "$number" "$missed"
}

# Redis forgets.
row 'what Redis has lost is not new' lua/requested.lua 's/local newcomer = .*/local newcomer = true/' excess 7 --ci
row 'what Redis has lost begins empty' lua/change.lua 's/if not window then empty_level\(b, at\) end//' excess 7 --ci
row 'what was reserved before a loss is owed' lua/levels.lua 's/fresh_limit and now or now \+ horizon\)/now)/' excess 7 --ci
row 'a smaller count of grants is lost memory' lua/memory.lua,lua/requested.lua 's/if count < grants or /if /; s/ or \(epoch == id and count < grants\)//' excess 15

# Calls to Redis, and what is reserved.
row 'a repeat gets its first reply' lua/memory.lua 's/if answered == number then/if false then/' used 5 --ci
row 'a call whose connection broke is sent again' limiter/redisline.go 's/!x\.broken && next/false \&\& next/' used 5
row 'no call on a late reservation' limiter/internal/lane/pool.go 's/return now\.Sub\(g\.Due\) > slack.*/return false/' excess 24 --ci
row 'a place is lost when its lane is late' lua/line.lua 's/if at \+ GRACE >= now then break end/if true then break end/' used 26 --ci

# What is in force.
row 'of differing rates the smallest is in force' lua/force.lua 's/if tokens \/ per < f\[1\] \/ f\[2\] then/if tokens \/ per > f[1] \/ f[2] then/' excess 30
row 'who knows another version asks what is in force' lua/memory.lua 's/sub\(epoch, 1, #memory\) ~= memory/false/' excess 31
row 'a hold outlives replicas and Redis' lua/settings.lua 's/if key and sub\(key, 1, 6\) == .opens . then/if false then/' calls 45

# Redis is away.
row 'who is closed starts nothing' limiter/alone.go 's/mode: Away, started/mode: Open, started/' excess 20 --ci
row 'shares are divided' limiter/share.go 's/\tl\.Per \*= .*\n//' excess 48 --ci
row 'what was spent without Redis is paid' limiter/alone.go 's/if a\.local == nil \{\n\t\treturn nil/if true {\n\t\treturn nil/' excess 48 --ci
row 'a window is shut when Redis is back' lua/levels.lua 's/if away and window then/if away and window then away = nil end\n    if false then/' 'at most in' 48
row 'a replica has the share of one' limiter/share.go 's/int64\(max\(1, live\)\)/int64(1)/' excess 51
