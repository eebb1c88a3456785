-- Reserves tokens on every limit of a route at once, each at the time of its use, or gives a place in line.
--
-- limiter/internal/bucket explains the rules and is the same algorithm in Go. The plain script serves limits that are
-- configured buckets without a line and without an urgent past; where it cannot, it does nothing and says so. The full script
-- serves everything.
--
-- KEYS[1]   state       hash without TTL: the epoch of the namespace and the levels of its configured limits
-- KEYS[2]   replies     hash with TTL: the reply to the last call of each lane of this replica
-- KEYS[...] places      full script only: the string with TTL of reservations on these limits that were returned; then three for each limit: the string with TTL of a level made at run time, the sorted
--                       set with TTL of a window's starts (member due_us, score their number), the sorted set with TTL of
--                       the line (score: arrival in us)
-- ARGV[1]   lane        text: name of this lane in the fleet, its field of replies
-- ARGV[2]   numbers     text of numbers "seq grants horizon_us lead_us limits reports levels": number of this call, from 1 (a call
--                       that is sent again keeps its number); the highest count of grants the caller saw in the epoch;
--                       how far ahead a reservation may be due; nothing is due sooner than lead_us, 0..horizon_us; how
--                       many limits and reports follow; 1 where the reply is to tell the levels, 2 the tokens left, else 0
-- ARGV[3]   memory      text "4 epoch version ": version of the records, the epoch and the configuration the caller knows
-- ARGV[...] rest        for each limit, narrowest first, the shared one last, two: field (text: limit:... or window:..., the
--                       bucket last; own: before it for a level made at run time) and limit (text "4 tokens per_us burst ":
--                       so many tokens in so many us, at most burst at once, a window is of burst * per_us / tokens us; then
--                       - if a level made at run time begins empty, and @ or ~ and a moment of the namespace's own time, us, until which the bucket is closed; with ~ it opens gently); reports
--                       on former reservations, each "r due_us costs" (returned unused) or "s since_us:estimated:actual", the latter for each
--                       limit with commas between (what the call really cost), or "t us limit" (the provider shuts the bucket of the limit
--                       of that number for so many us); asks, each "count costs patience_us urgent age_us": so many calls,
--                       the longest wait (-1 without end), 0 or 1, and how long the oldest has waited; costs is a number for
--                       all limits, or one for each with commas between, 0 for a limit that the call does not pass, not all 0
--
-- Reply: text of words. status (0 done; 1 the reply to this very call, stored before; 2 stale: the call of the number that follows was answered, and is newer;
--        3 refused: the argument of the number that follows is not valid; 4 unknown: the epoch or the version is not that of
--        this memory: configure first; 5 the records have the newer version that follows; 6 only the full script can serve
--        this). Only with 0 and 1 something was done; then follow grants, now_us (the namespace's own time: TIME, but never
--        going back), come_back_us (from now; -1 if nobody waits), busy (1 where the next call needs the full
--        script), where that was asked for a number for each limit (in how many us a bucket is full, how many starts a
--        window has counted, -1 while it is collected what replicas remember of it; or how many tokens it has left), and answers for the asks in order, each count, verdict (1 reserved, 2 refused by patience, 3 waits), at_us
--        (from now) and at_units (1/tokens us) of the first, bound (number of the limit that sets it, 0 for none; then at_units is 1 for a
--        reservation that was returned before)

local state, replies = KEYS[1], KEYS[2]
local lane, numbers, memory = ARGV[1], ARGV[2], ARGV[3]
local keys, rest, first = KEYS, ARGV, 4

-- Numbers: what the scripts share. Every number that a script reads is a whole number below 2^53. Script functions are made
-- anew by each run, at a cost: a fragment defines few, and each with few names of others.
local VERSION = 4
local EXACT = 9007199254740991  -- 2^53 - 1: the largest integer that a Lua number counts to
local SPAN = 2251799813685248   -- 2^51: the longest distance between two times, in units of a limit
local WIDEST = 1125899906842624 -- 2^50: burst * per and a horizon's tokens of a limit at most
local STILL_US = 1000000        -- how long the namespace's own time stands still at most
local OWED_US = 10000000        -- how much of larger steps back of the clock it makes up for later, at most
local WHOLE = 1000000         -- parts of a rate: all of it
local OWN_MS = 60000            -- how long a key outlives what it holds, ms; and how long a silent replica's replies are kept

local call, format, match, sub, tonumber = redis.call, string.format, string.match, string.sub, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Checks: what is read is checked before it is used.
local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n % 1 == 0 then return n end -- no comparison is true of what is not a number
end

-- The numbers of a limit, if it can be kept exactly.
local function whole_limit(tokens, per, burst, horizon)
  tokens, per, burst = integer(tokens, 1, WIDEST), integer(per, 1, WIDEST), integer(burst, 1, WIDEST)
  if tokens and per and burst and burst * per + (horizon + 1) * tokens <= WIDEST then return tokens, per, burst end
end

-- Level: when a limit will be full again, at full us and frac units of 1/tokens us, exactly.
--
-- A record is "4 tokens per burst full frac last", where last is the due time of the latest reservation; then, unless all
-- are zero, " urgent claimed whole young total base edge sought spared learnt owes eras collects": the level of urgent calls; the sums of the line; the
-- log of a window; when the limit last set the due time of a call that passes others, too; until when something that was
-- returned may serve a call of a route that ends in this limit; what is learnt from the provider's answers, - for nothing; when the bucket is full, where calls that cost more than was reserved
-- put that off, else 0; how empty the bucket was, - before a cost was corrected; until when it is collected
-- what replicas remember of a limit that was lost.

-- A level from its record, or nothing.
local function read_level(text)
  local tokens, per, burst, full, frac, latest, tail =
    string.match(text, '^4 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  if not tokens then return end
  tokens, full, frac, latest = tonumber(tokens), tonumber(full), tonumber(frac), tonumber(latest)
  if not (tokens and full and latest and frac) or full > EXACT or latest > EXACT or frac >= tokens then return end
  local learnt = tail ~= '' and match(tail, ' (%d[%d,]*) %d+ %S+ %d+$') or nil
  return { -- with room for what a request needs: a table that grows is copied
    tokens = tokens, per = tonumber(per), burst = tonumber(burst), price = tonumber(per), hope = tonumber(per), starts = tonumber(burst), learnt = learnt, full = full, frac = frac, last = latest, tail = tail,
    head = '', cost = 0, ahead = 0, due = 0, at = 0, units = 0, value = 0, slope = 0, name = '',
  }
end

-- Moves the level by a number of units.
local function move_level(b, units)
  units = b.frac + units
  local frac = units % b.tokens
  b.full, b.frac = b.full + (units - frac) / b.tokens, frac
end

local function level_text(b) return b.head .. string.format('%d %d %d', b.full, b.frac, b.last) .. b.tail end

-- How long after its latest reservation a bucket can be full, us, that owes nothing: a call may cost more than the tokens of its burst
-- while the provider is slow.
local dearest -- what a token is charged at most: see rate
local function reach_of(b) return ceil(b.burst * (b.learnt and dearest and dearest(b) or b.per) / b.tokens) end

-- When the bucket is full, if it owes tokens: no reservations can have put that off so far.
local function owes_of(b, now_us)
  local at = b.frac > 0 and b.full + 1 or b.full
  return at > math.max(now_us, b.last) + reach_of(b) and at or 0
end

-- Brings a level that was damaged into the bounds of what reservations can have made of it: none is due later than a horizon from
-- now, and the bucket is full when all of its burst has come after the latest.
local UNHEARD = 30000000 -- us: the horizons of replicas may differ
local function bound_level(b, now_us, horizon_of)
  local far = now_us + math.max(horizon_of, UNHEARD)
  if b.last > far then b.last = far end
  local burst_us = reach_of(b)
  local fullest = math.max(now_us, b.last) + burst_us
  if b.full > fullest and b.tail ~= '' then -- calls that cost more than was reserved may have put it off by a burst
    local owes = tonumber(string.match(b.tail, ' (%d+) %S+ %d+$')) or 0
    if owes > 0 then fullest = math.max(fullest, math.min(fullest + burst_us, b.changed and EXACT or owes)) end
  end
  if b.full > fullest then b.full, b.frac = fullest, 0 end
end

-- Rate: parts of a limit's rate, ppm, and what a token is charged at a part. limiter/internal/adapt explains the sums.
-- A number of calls a second in parts of the limit's rate: 1/1000 of a fast limit at least, a tenth of a slow one.
local function bound(x, low, high) return max(low, min(high, x)) end
local function part_of(b, calls) return bound(ceil(calls * b.per / b.tokens), 1000, 100000) end
local function floor_of(b) return part_of(b, 0.5) end

-- What a token is charged at a part of the rate, in units.
local function price_at(b, part)
  local whole = floor(b.per / part)
  local rest_ = (b.per - whole * part) * WHOLE
  return min(max(b.per, floor(WIDEST / b.burst)), whole * WHOLE + ceil(rest_ / part))
end

function dearest(b) return price_at(b, floor_of(b)) end

-- Change: what becomes of a level when its limit is another, when it was lost, and when its bucket was closed.

-- Empties the limit at a time, unless it is emptier.
local function empty_level(b, at)
  local full, frac = b.full, b.frac
  b.full, b.frac = at, 0
  move_level(b, b.burst * b.per)
  if full > b.full or full == b.full and frac > b.frac then b.full, b.frac = full, frac end
end

local function set_limit(b, tokens, per, burst)
  b.tokens, b.per, b.burst, b.price, b.hope, b.starts, b.head = tokens, per, burst, per, per, burst, string.format('4 %d %d %d ', tokens, per, burst)
end

-- The tail of a level that was lost: nothing, or that of a window that is shut.
local function lost_tail(window, at) return window and string.format(' 0 0 0 0 0 0 %d 0 0 - 0 - 0', at) or '' end

-- A level of which nothing is known: empty, and in debt by the horizon at a time.
local function lost_level(tokens, per, burst, window, at)
  local b = { full = 0, frac = 0, last = at, tail = lost_tail(window, at) }
  set_limit(b, tokens, per, burst)
  if not window then empty_level(b, at) end
  return b
end

-- Changes the limit. The number of tokens stays. The new rate counts from the last reservation that is out. Whole tokens stay
-- exact; others are rounded up, once.
local function change_level(b, now_us, tokens, per, burst)
  local from_us = math.max(now_us, b.last)
  local missing = 0 -- tokens
  if b.full >= from_us then missing = ((b.full - from_us) * b.tokens + b.frac) / b.per end
  if owes_of(b, now_us) == 0 then missing = math.min(missing, b.burst) end -- more is rounding
  local wide, more = missing * per, burst - b.burst
  local units
  if wide < SPAN and math.abs(more) * per < SPAN then
    units = math.ceil(wide) + more * per
  else -- a product would not be exact: the difference of the bursts is taken first
    units = math.min(SPAN, math.ceil(math.max(0, missing + more) * per))
  end
  units = math.min(units, 2 * burst * per) -- no more than one burst of debt
  local whole = math.max(0, math.floor(missing))
  b.full, b.frac = from_us, 0
  set_limit(b, tokens, per, burst)
  move_level(b, math.min(SPAN, math.max(0, units)))
  b.learnt = nil -- a changed limit is tried as it is
  b.changed = math.min(whole, math.floor(math.max(0, units) / per)) -- for the eras
end

-- The numbers of a tail, as text; nothing if a script cannot have written it: no number has more than 16 digits, and the starts of a
-- window can still be counted.
local function read_tail(tail)
  local urgent, claimed, whole, young, total, base, edge, sought, spared, learnt, owes, eras, collects =
    string.match(tail, '^ (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+) (%d+)$')
  if not urgent or #urgent > 16 or #claimed > 16 or #whole > 16 or #young > 16 or #total > 16 or #base > 16 or #edge > 16
    or #sought > 16 or #spared > 16 or #owes > 16 or #collects > 16 or tonumber(total) > EXACT / 2 then
    return
  end
  return urgent, claimed, whole, young, total, base, edge, sought, spared, learnt, owes, eras, collects
end

-- Memory: the request's numbers, the repeat, the epoch, and the time.

-- Every argument is checked before anything is charged: a script that fails half-way is not undone.
local number, grants, horizon, lead, limits, reports, levels = match(numbers, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ([012])$')
if not number then return '3 2' end
local seq = tonumber(number)
grants, horizon, lead, limits, reports = tonumber(grants), tonumber(horizon), tonumber(lead), tonumber(limits), tonumber(reports)
local asks = first + 2 * limits + reports
if seq < 1 or seq > EXACT or grants > EXACT or horizon > 3600000000 or lead > horizon or limits < 1 or limits > 100
  or reports > 256 or not rest[asks - 1] then
  return '3 2'
end

local fields = { 'epoch', 'time', rest[first], nil, nil, nil } -- with room: a table that grows is copied
for i = 2, limits do fields[i + 2] = rest[first + 2 * i - 2] end
local clock = call('TIME')
local stored = call('HMGET', state, unpack(fields, 1, limits + 2))

-- The epoch is the identity of one continuous memory. configure judges a caller that knows another one, or has seen more
-- grants than are stored here.
local epoch, times, place = stored[1], stored[2], nil
if not epoch then return '4' end
if sub(epoch, 1, #memory) ~= memory then
  local version = integer(match(epoch, '^(%d+) '), 0, EXACT)
  if version and version > VERSION then return '5 ' .. version end
  return '4'
end

-- A repeat gets the reply of the first time: a lost reply must not pay twice.
local answer = call('HGET', replies, lane)
if answer then
  local answered
  answered, place = match(answer, '^4 (%d+) ([^\n]*)\n')
  if answered == number then return '1 ' .. match(answer, '\n(.*)$') end
  answered = integer(answered, 1, EXACT / 2)
  if answered and answered > seq then return format('2 %d', answered) end
end

local count, now, steps_text = match(times or '', '^4 (%d+) (%d+)( %d+ %d+ %d+)$')
if not count then return '4' end
count, now = tonumber(count), tonumber(now)
local shift, still, owed = 0, 0, 0
if steps_text ~= ' 0 0 0' then -- the server's clock has stepped back
  shift, still, owed = match(steps_text, '(%d+) (%d+) (%d+)')
  shift, still, owed = tonumber(shift), tonumber(still), tonumber(owed)
end
if not (count and now and shift and still and owed) then return '4' end
if count < grants or count > EXACT / 2 or now > EXACT / 2 or shift > EXACT / 2 or still > STILL_US or owed > OWED_US then return '4' end
local time = clock[1] * 1000000 + clock[2]

-- Time: the namespace's own time is TIME and shift, and never goes back. Where TIME steps back, shift takes up the step. Own time
-- then stands still until it has made up for the step, a second at most: a clock that wanders within a second gives nothing. The
-- rest of a larger step is owed, up to 10 s. The next step forward of more than a second pays the debt: two servers whose clocks
-- differ, one after the other, give nothing. More than a second between two scripts counts as such a step.
do
  local passed = time + shift - now -- on TIME, since the last script
  if passed < 0 then
    shift, still = shift - passed, still - passed
    if still > STILL_US then
      owed = min(OWED_US, owed + still - STILL_US)
      still = STILL_US
    end
  elseif shift > 0 then
    local stop = min(still, passed)
    local paid = passed > STILL_US and min(owed, passed - stop) or 0
    shift, still, owed = shift - stop - paid, still - stop, owed - paid
  end
  now = time + shift
end

-- Hooks: what only the full script has. In the plain script they are nil: there is no line, and nothing was returned.
local own_level, new_level, share_of, enter, window_token, window_left, window_charge, ahead_of, told_of, take_spare
local learnt_of, learnt_text, open_gently
local note_charge, lower_eras, set_level, settle_call
local spares, held_at, held_key, held_tokens, late, come_back, place_now, busy

-- Own: levels that were made at run time have keys of their own, which Redis forgets when they are full.
-- Those of an epoch that replaces none are as they begin; in another, they were lost when it began.
local id, configured, born, former = string.match(epoch, '^4 (%S+) (%d+) (%d+) (%S*)$')
born = former == '' and -horizon or min(born, now)

-- Whether a field is that of a window: names of buckets may hold any word.
local function is_window(field) return match(field, '^window:') or match(field, '^own:window:') end

function own_level(i, text)
  if string.sub(fields[i + 2], 1, 4) == 'own:' then return redis.call('GET', keys[3 * i + 1]) end
  return text
end

-- The limit of a text "4 tokens per burst ", if it can be kept exactly, and what follows.
local function read_limit(text)
  local tokens, per, burst, more = match(text, '^4 (%d+) (%d+) (%d+) (.*)$')
  tokens, per, burst = whole_limit(tokens, per, burst, horizon)
  return tokens, per, burst, more
end

-- The level of a limit whose numbers have changed, or whose level is missing or damaged. A configured limit without a readable level
-- is left to configure. For a limit made at run time, a damaged level counts as lost now. A missing level was full, for Redis forgets
-- such a level when it is full; or it was lost when the epoch began; or the limit is new, and begins empty if it is to.
function new_level(i, limit, text)
  local tokens, per, burst, opens = read_limit(limit)
  if not tokens then return end
  local empty, gently = sub(opens, 1, 1) == '-', false
  if empty then opens = sub(opens, 2) end
  if opens ~= '' then
    gently = sub(opens, 1, 1) == '~'
    opens = integer(string.match(opens, '^[@~](%d+)$'), 0, EXACT)
    if not opens then return end
  end
  local field = fields[i + 2]
  local b = text and read_level(text)
  if b and not whole_limit(b.tokens, b.per, b.burst, horizon) then b = nil end
  if not b and sub(field, 1, 4) ~= 'own:' then return nil, '4' end
  if not b then
    local at = now + horizon
    if not text then at = max(empty and now or 0, born + horizon) end
    b = lost_level(tokens, per, burst, is_window(field), at)
  elseif b.tokens ~= tokens or b.per ~= per or b.burst ~= burst then
    change_level(b, now, tokens, per, burst)
  else
    set_limit(b, tokens, per, burst)
  end
  b.opens = opens ~= '' and opens or nil
  b.empty, b.gently = empty, gently
  return b
end

-- Window: a limit that remembers its starts, numbered from 1 in the order of their due times. The log holds a pair for each
-- due time: the number of the last start at it. Starts that are no longer in the log count as due at edge.

-- No start is due later.
local function far_of(b) return math.max(b.last, now + math.max(horizon, UNHEARD)) end

-- When the n-th token from now arrives, and how many further tokens arrive with it: one width after the n-th oldest of the last
-- burst starts. Every burst further tokens arrive one width after those have been used. Where the provider serves
-- less, fewer starts count for the burst.
function window_token(b, ahead, cost)
  local n, burst = ahead + cost, math.max(b.starts, cost)
  local again = math.floor((n - 1) / burst)
  local serial, due, final = b.total - burst + n - again * burst, b.edge, b.base
  if serial > b.base then
    local pair = redis.call('ZRANGEBYSCORE', b.log, string.format('%d', serial), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    due, final = integer(pair[1], 0, far_of(b)) or b.last, integer(pair[2], serial, b.total) or b.total
  end
  local at = math.max(due + b.width, b.last, b.opens or 0) -- due times never decrease
  if again > 0 then at = math.max(at, now) + again * b.width end
  return at, final - serial
end

-- How many starts a window has left at this moment.
function window_left(b)
  local left, most = 0, b.starts
  while left < most do
    local n = math.ceil((left + most) / 2)
    if window_token(b, 0, n) <= now then left = n else most = n - 1 end
  end
  return left
end

-- Notes m calls, due from due to final by the progression of a limit p from at and units. Calls of one due time are one pair.
function window_charge(b, due, final, m, at, units, p)
  if b.total == b.base then redis.call('DEL', b.log) end -- of a memory that was lost
  if due == final then
    b.total = b.total + m * b.cost
    redis.call('ZADD', b.log, string.format('%d', b.total), string.format('%d', due))
  else
    local pairs_ = {}
    for k = 0, m - 1 do
      local part = units + k * p.cost * p.price
      local frac = part % p.tokens
      local moment = at + (part - frac) / p.tokens
      if frac > 0 then moment = moment + 1 end
      b.total = b.total + b.cost
      pairs_[2 * k + 1], pairs_[2 * k + 2] = string.format('%d', b.total), string.format('%d', moment)
    end
    for from = 1, #pairs_, 1000 do redis.call('ZADD', b.log, unpack(pairs_, from, math.min(#pairs_, from + 999))) end
  end
  redis.call('PEXPIRE', b.log, math.ceil((b.width + 2 * horizon) / 1000) + OWN_MS)
end

-- Forgets starts that no longer count, those a width ago. A log that is gone too early counts as one start at its end.
local function enter_window(b)
  b.width = math.floor(b.burst * b.per / b.tokens)
  for _ = 1, 64 do
    if b.total == b.base then return end
    local pairs_, gone = redis.call('ZRANGE', b.log, 0, 31, 'WITHSCORES'), 0
    if not pairs_[1] then
      b.base, b.edge = b.total, b.last
      return
    end
    while gone < #pairs_ / 2 and (integer(pairs_[2 * gone + 1], 0, far_of(b)) or 0) + b.width <= now do gone = gone + 1 end
    if gone > 0 then
      b.edge, b.base = integer(pairs_[2 * gone - 1], 0, far_of(b)) or b.last, integer(pairs_[2 * gone], 0, b.total) or b.total
      redis.call('ZREMRANGEBYRANK', b.log, 0, gone - 1)
    end
    if gone < 32 then return end
  end
end

-- Eras: how empty a bucket was, for costs that are known only afterwards. limiter/internal/bucket explains the rule. A text
-- "start_us:tokens" for each era, oldest first, with commas between: the tokens that were missing at the fullest charge of the era.
local UNNOTED = 1125899906842624 -- 2^50: more than a bucket can miss
local ERA_US = 500000            -- after which a charge begins a new era
local REACH_US = 1024000000      -- after which an era is forgotten

-- The eras of a bucket of which nothing is known before now.
local function new_eras(now_us) return string.format('%d:%d', now_us + 1, UNNOTED) end

local function eras_text(starts, lows)
  local out = {}
  for i = 1, #starts do out[i] = string.format('%d:%d', starts[i], lows[i]) end
  return table.concat(out, ',')
end

-- Starts and tokens of eras; those of a text that no script has written are unknown before now.
local function read_eras(text, now_us)
  local starts, lows, last = {}, {}, -1
  for start, low in string.gmatch(text, '(%d+):(%d+)') do
    start, low = integer(start, last + 1, now_us + 1), integer(low, 0, UNNOTED)
    if not (start and low) then return { now_us + 1 }, { UNNOTED } end
    starts[#starts + 1], lows[#lows + 1], last = start, low, start
  end
  if not starts[1] then return { now_us + 1 }, { UNNOTED } end
  return starts, lows
end

-- Notes how many tokens were missing before a charge, which counts for the charges of before. The charge itself begins a new era, unless
-- the newest is young.
local function note_tokens(b, now_us, tokens)
  local start, low = string.match(b.eras, '(%d+):(%d+)$')
  start, low = integer(start, 0, now_us + 1), integer(low, 0, UNNOTED)
  if start and low and now_us - start <= ERA_US and tokens >= low then return end
  local starts, lows = read_eras(b.eras, now_us)
  lows[#lows] = math.min(lows[#lows], tokens)
  if now_us - starts[#starts] > ERA_US then
    starts[#starts + 1], lows[#lows + 1] = now_us, UNNOTED
    local i = 1
    while i + 2 <= #starts do
      if starts[i + 2] - starts[i] <= math.floor((now_us - starts[i + 2]) / 2) then -- short for their age
        lows[i] = math.min(lows[i], lows[i + 1])
        table.remove(starts, i + 1)
        table.remove(lows, i + 1)
      else
        i = i + 1
      end
    end
    while #starts > 2 and starts[2] < now_us - REACH_US do
      table.remove(starts, 1)
      table.remove(lows, 1)
    end
  end
  b.eras = eras_text(starts, lows)
end

-- Whole tokens that a bucket misses at a time.
local function missing_at(b, us)
  local beyond = math.min(b.full - us, math.floor(SPAN / b.tokens))
  if beyond < 0 then return 0 end
  return math.floor((beyond * b.tokens + b.frac) / b.per)
end

-- Learn: what a bucket learns from its provider's answers. limiter/internal/adapt explains the rule and is the same in Go. Parts are ppm of
-- the configured rate, times are us. A record is the numbers of a state with commas between:
--
--   limit cut was began more     the rate that seems to be accepted; a refusal of what was due until cut belongs to the last event;
--                                the rate at that event, the due time that made it one, its refusals
--   first reports                refusals since then
--   slow slowed ofirst oreports  the same of a provider that is overloaded
--   heard share                  when the newest answer was heard that says what remains, and the rate that follows
--
-- The functions are made only where a bucket has learnt something.
local PARTS = { 'limit', 'cut', 'was', 'began', 'more', 'first', 'reports', 'slow', 'slowed', 'ofirst', 'oreports', 'heard', 'share' }
local rules
local function learning()
  if rules then return rules end
  local MOST, LONGEST, FORGOTTEN, STEADY = 1073741824, 70368744177664, 60, 1.001 -- 2^30, 2^46
  local SECOND, NEAR = 1000000, 300000
  local function crawl_of(b) return part_of(b, 1) end
  local function grants(b, us, ppm) return us * ppm / WHOLE * b.tokens / b.per end
  local function lasting(b, tokens, ppm) return min(LONGEST, floor(tokens * WHOLE / ppm * b.per / b.tokens)) end
  local function pace_of(b) return max(2500000, lasting(b, 10, WHOLE)) end

  -- What is left of a part when so many of the grants of a time at a rate failed: at least a part of it.
  local function left(b, part, least, failed, us, rate) return floor(part * max(least, 1 - failed / grants(b, us, rate))) end

  -- The rate that refusals allow.
  local function found(b, s)
    local since, pace = max(0, now - s.cut), pace_of(b)
    if s.limit == WHOLE or since >= FORGOTTEN * pace then return WHOLE end
    local x = since / pace - 1
    return bound(floor(s.limit * (1 + 0.06 * (x * x * x))), floor_of(b), WHOLE)
  end

  -- The rate at which a provider is asked that was overloaded.
  local function eased(s)
    local since, rate = max(0, now - s.slowed - SECOND), s.slow
    if rate == WHOLE or since >= 10 * SECOND then return WHOLE end
    while since >= SECOND do rate, since = rate * 2, since - SECOND end
    return min(WHOLE, rate + floor(rate * since / SECOND))
  end

  local function fresh(b, s) return s.heard > 0 and now - s.heard < 2 * pace_of(b) end

  -- The rate that callers may count on who wait for long: without what an overloaded provider takes.
  local function hope_of(b, s)
    local factor = found(b, s)
    if fresh(b, s) then factor = min(factor, s.share) end
    return factor
  end

  local function factor_of(b, s) return min(hope_of(b, s), eased(s)) end

  -- One report more of a count: its first due time, its reports, and whether they are an event.
  local function add(b, first, count, due, rate, probe, share, of)
    local span = max(SECOND, lasting(b, of, rate))
    if due > first + span then
      first, count = due, 0
    elseif due < first - span then
      return first, count, false
    end
    count = min(MOST, count + 1)
    local few = share * (grants(b, span, rate) / 2)
    return first, count, count >= (probe and max(1, few) or max(2, few + 1))
  end

  -- The limit in calls that cost so many tokens: refusals are compared with calls.
  local function calls_of(b, cost) return { tokens = b.tokens, per = b.per * bound(cost, 1, b.burst) } end

  local function refused(b, s, due, cost)
    local calls = calls_of(b, cost)
    if due <= s.cut then -- it tells how deep the last event is
      if due < s.began then return end
      s.more = min(MOST, s.more + 1)
      if s.more > max(6, 0.06 * grants(calls, SECOND, s.was)) then
        s.limit = max(floor_of(b), min(s.limit, left(calls, s.was, 0.7, s.more, horizon + NEAR, s.was)))
      end
      return
    end
    local rate, was, event = factor_of(b, s), found(b, s), nil
    local probe = rate > s.limit * STEADY and not fresh(b, s)
    s.first, s.reports, event = add(calls, s.first, s.reports, due, rate, probe, 0.03, 25)
    if not event then return end
    local more = s.reports - 1
    local limit = left(calls, was, 0.7, more, max(NEAR, due - s.first), rate)
    if probe then limit = min(limit, floor((2 * s.limit + was) / 3)) end
    s.limit = max(floor_of(b), limit)
    s.cut, s.was, s.began, s.more, s.first, s.reports = now + horizon, was, due, more, 0, 0
  end

  local function overloaded(b, s, due, cost)
    if due <= s.slowed then return end
    local calls, rate, event = calls_of(b, cost), factor_of(b, s), nil
    s.ofirst, s.oreports, event = add(calls, s.ofirst, s.oreports, due, rate, rate > s.slow * STEADY, 0.8, 3)
    if not event then return end
    s.slow = max(crawl_of(b), left(calls, rate, 0.25, s.oreports - 1, max(NEAR, due - s.ofirst), rate))
    s.slowed, s.ofirst, s.oreports = now + horizon, 0, 0
  end

  -- Whether the answer is the newest.
  local function remaining(b, s, heard, quota, period, rest_, under_way)
    heard = min(now, heard)
    if heard <= s.heard or quota < 1 then return false end
    local part, whole = min(1, max(0, rest_ - under_way) / (0.25 * quota)), 1
    if period > 0 then whole = min(1, quota * b.per / b.tokens / period) end
    s.heard, s.share = heard, bound(floor(WHOLE * whole * part), floor_of(b), WHOLE)
    return true
  end

  -- A state from its record, brought into the bounds of what the rule can have made of it; nothing if no script has written it.
  local function read(b, text)
    local s, i, far = {}, 0, now + max(horizon, UNHEARD)
    for word in string.gmatch(text, '%d+') do
      i = i + 1
      if not PARTS[i] then return end
      s[PARTS[i]] = integer(word, 0, EXACT)
      if not s[PARTS[i]] then return end
    end
    if i ~= #PARTS then return end
    local low = floor_of(b)
    s.limit, s.was, s.share, s.slow = bound(s.limit, low, WHOLE), bound(s.was, low, WHOLE), bound(s.share, low, WHOLE), bound(s.slow, crawl_of(b), WHOLE)
    s.cut, s.slowed, s.first, s.ofirst = min(s.cut, far), min(s.slowed, far), min(s.first, far), min(s.ofirst, far)
    s.began, s.more, s.reports, s.oreports = min(s.began, s.cut), min(s.more, MOST), min(s.reports, MOST), min(s.oreports, MOST)
    s.heard = min(s.heard, now)
    return s
  end

  local function idle(b, s) return now - max(s.cut, s.slowed, s.first, s.ofirst, s.heard) >= FORGOTTEN * pace_of(b) end

  -- The state of a bucket that has learnt nothing.
  local function new()
    return {
      limit = WHOLE, cut = 0, was = WHOLE, began = 0, more = 0, first = 0, reports = 0,
      slow = WHOLE, slowed = 0, ofirst = 0, oreports = 0, heard = 0, share = WHOLE,
    }
  end

  rules = { new = new, factor = factor_of, hope = hope_of, refused = refused, overloaded = overloaded, remaining = remaining, read = read, idle = idle }
  return rules
end

-- Sets what a token is charged by what is learnt.
local function reprice(b)
  if not b.state then return end
  if learning().idle(b, b.state) then
    b.state, b.learnt, b.price, b.hope, b.starts = nil, nil, b.per, b.per, b.burst
    return
  end
  local factor = learning().factor(b, b.state)
  if b.log then
    b.starts = max(1, floor(b.burst * factor / WHOLE))
  else
    b.price, b.hope = price_at(b, factor), price_at(b, learning().hope(b, b.state))
  end
end

function learnt_of(b)
  b.state = b.learnt and learning().read(b, b.learnt)
  if not b.state then b.learnt = nil end
  reprice(b)
end

-- The provider has asked to wait until the bucket opens: it is asked once a second then, and twice as often each second, as one that was
-- overloaded.
function open_gently(b)
  b.learnt, b.state = b.learnt or '-', b.state or learning().new()
  if b.state.slowed < b.opens then b.state.slow, b.state.slowed = part_of(b, 1), b.opens end
  reprice(b)
end

function learnt_text(b)
  if not b.state then return '-' end
  local words = {}
  for i = 1, #PARTS do words[i] = format('%d', b.state[PARTS[i]]) end
  return table.concat(words, ',')
end

-- Enter: what only the full script knows of a level: urgent calls, the line, the log of a window, a pause.

-- How far the level of urgent calls may be ahead: they have half of the burst and half of the rate.
function share_of(b) return math.ceil(2 * (math.max(1, math.floor(b.burst / 2)) - 1) * b.per / b.tokens) end

function enter(i, b)
  b.urgent, b.claimed, b.whole, b.young, b.total, b.base, b.edge, b.sought, b.spared, b.collects = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  b.eras = nil
  if b.tail ~= '' then
    local urgent, claimed, whole, young, total, base, edge, sought, spared, _, _, eras, collects = read_tail(b.tail)
    if not urgent then
      b.tail, b.learnt = lost_tail(is_window(fields[i + 2]), now + horizon), nil
      return enter(i, b)
    end
    if is_window(fields[i + 2]) then b.log = keys[3 * i + 2] end
    learnt_of(b)
    local far = now + math.max(horizon, UNHEARD) -- nothing is due later
    -- More than urgent calls can be ahead is of another limit, or damaged.
    b.urgent = math.min(urgent, now + horizon + share_of(b) + math.ceil(2 * b.burst * b.price / b.tokens))
    b.claimed, b.whole, b.young = tonumber(claimed), tonumber(whole), math.min(young, now)
    b.total, b.base, b.edge = tonumber(total), math.min(base, total), math.min(edge, far)
    b.sought, b.spared, b.collects = math.min(sought, now), math.min(spared, far), tonumber(collects)
    if eras ~= '-' then b.eras = eras end
    if b.eras and b.changed then note_tokens(b, now, b.changed) end
  end
  b.lined, b.line = b.claimed > 0, keys[3 * i + 3]
  local own = string.sub(fields[i + 2], 1, 4) == 'own:'
  if own then b.own = keys[3 * i + 1] end
  if is_window(fields[i + 2]) then
    b.log = keys[3 * i + 2]
    enter_window(b)
    if own then b.edge = math.max(b.edge, born + horizon) end
    if b.opens and b.gently then open_gently(b) end
    return
  end
  -- The loss with which the epoch began includes the levels of limits made at run time, wherever Redis still has them.
  if own then
    local full, frac = b.full, b.frac
    empty_level(b, born + horizon)
    if b.eras and (b.full ~= full or b.frac ~= frac) then b.eras = new_eras(now) end
  end
  -- A closed bucket is empty at the moment at which it opens. The level stays as it is until something is charged: a pause
  -- that is withdrawn leaves nothing behind.
  if b.opens and b.gently then open_gently(b) end
  b.kept, b.kept_frac = b.full, b.frac
  if b.opens then empty_level(b, b.opens) end
end

-- Limits: the route with the level of each limit, brought to now and to the limit in force.
local route, most, bar = {}, EXACT, '' -- bar: the tails of the levels, which the plain script does not know
if enter then
  for i = 1, limits do -- before anything is changed: configure ends the collection of what replicas remember
    local ends = stored[i + 2]
      and match(stored[i + 2], '^4 %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %S+ %d+ %S+ (%d+)$')
    ends = integer(ends, 1, EXACT)
    if ends and ends <= now then return '4' end
  end
end
for i = 1, limits do
  local limit, text, b = rest[first + 2 * i - 1], stored[i + 2], nil
  if own_level then text = own_level(i, text) end
  if text and sub(text, 1, #limit) == limit then b = read_level(text) end
  if b then
    b.head = limit -- what is stored was checked when it was new
  elseif enter then
    local why
    b, why = new_level(i, limit, text)
    if not b then return why or '3 ' .. first + 2 * i - 1 end
  else
    return '6'
  end
  bound_level(b, now, horizon)
  if enter then enter(i, b) else bar = bar .. b.tail end
  if b.burst < most then most = b.burst end
  route[i] = b
end
if bar ~= '' then return '6' end
local shared = route[limits]

-- Asks: runs of equal calls, oldest first. The cost of a run is one number, or one for each limit. A call does not pass a limit for
-- which it costs 0.
local runs = {}
for i = asks, #rest do
  local run
  if rest[i] == '1 1 -1 0 0' then -- nearly every call
    run = { n = 1, cost = 1, costs = '1', patience = -1, urgent = false, since = now }
  else
    local n, costs, patience, urgent, age = match(rest[i], '^(%d+) ([%d,]+) (%-?%d+) ([01]) (%d+)$')
    if not n then return '3 ' .. i end
    local cost, each
    n, cost, patience, age = tonumber(n), tonumber(costs), tonumber(patience), tonumber(age)
    if not cost then
      each = {}
      for word in string.gmatch(costs, '%d+') do each[#each + 1] = tonumber(word) end
      if #each ~= limits then return '3 ' .. i end
      local whole = 0
      for k = 1, limits do
        if each[k] > route[k].burst then return '3 ' .. i end
        whole = whole + each[k]
      end
      if whole == 0 then return '3 ' .. i end
    elseif cost < 1 or cost > most then
      return '3 ' .. i
    end
    if n < 1 or n > 100000 or patience < -1 or patience > EXACT or age > EXACT then return '3 ' .. i end
    if age > 86400000000 then age = 86400000000 end -- no caller counts as older than a day
    run = { n = n, cost = cost, each = each, costs = costs, patience = patience, urgent = urgent == '1', since = now - age }
  end
  runs[i - asks + 1] = run
end

-- Token: when the tokens of a call have arrived behind others: the first whole us not before, the exact time, and for a window how
-- many further tokens arrive with them. limiter/internal/adapt explains the sum.
local function token_at(b, ahead, cost, price)
  if b.log then
    local at, alike = window_token(b, ahead, cost)
    return at, at, 0, alike
  end
  price = price or b.price
  if ahead * price > SPAN then ahead = math.floor(SPAN / price) end
  local units = b.frac + ahead * price + math.min(0, cost * price - b.burst * b.per)
  local frac = units % b.tokens
  local at = b.full + (units - frac) / b.tokens
  return frac > 0 and at + 1 or at, at, frac, 0
end

-- Rules: what the steps ask of a limit. limiter/internal/bucket explains them.

-- How many values of a progression from 0 do not exceed a distance.
local function steps(distance, slope)
  if distance < 0 then return 0 end
  if distance >= slope * 2147483647 then return 2147483647 end
  return math.floor(distance / slope) + 1
end

-- Until when a grant passes over nothing.
local function free_of(b)
  if b.log then return (token_at(b, 0, b.cost)) end
  return b.frac > 0 and b.full + 1 or b.full
end

-- Pass: how far a limit may push a grant past the tokens of the others.

local function same_bucket(i, k)
  return string.match(fields[i + 2], ':%d+:(.*)$') == string.match(fields[k + 2], ':%d+:(.*)$')
end

local RIVAL = 1000000 -- us for which callers of other routes are expected to come again

-- Where callers of other routes seek them, a quarter of the burst, at least one token and what arrives in a round trip or two.
local function spare_of(b)
  local most_us = math.floor(horizon * 2 / 5)
  if (b.sought or 0) + RIVAL < now then return most_us end
  return math.min(most_us, math.max(2000, math.floor(math.max(b.price, math.floor((b.burst - 1) / 4) * b.per) / b.tokens)))
end

-- Whether no limit of another bucket passes over more than it may.
local function passes(due, bound)
  for i = 1, limits do
    local b = route[i]
    if b.cost > 0 and due > now + spare_of(b) and (b.log or due > free_of(b)) and not same_bucket(i, bound) then return false end
  end
  return true
end

-- For how many of m further calls of a run the progression of one limit holds, and their times.
local function progression(bound, m, was_due, patience)
  local p, latest = route[bound], now + horizon
  if p.due > free_of(p) or (p.log and p.due ~= was_due) then return 0, 0, 0, 0, 0 end
  m = math.min(m, steps(horizon - p.value, p.slope))
  if patience >= 0 then m = math.min(m, steps(patience - p.value, p.slope)) end
  local of_shared = same_bucket(bound, limits)
  for i = 1, limits do
    local o = route[i]
    if o.slope > p.slope then m = math.min(m, steps(p.value - o.value, o.slope - p.slope)) end
    if not of_shared and i ~= bound and o.cost > 0 and not same_bucket(i, bound) then
      local full, k = (o.full - now) + o.frac / o.tokens, steps(spare_of(o) - p.value, p.slope)
      if o.log then
        k = math.min(m, k)
      elseif o.slope < p.slope then
        k = math.max(k, steps(full - p.value, p.slope - o.slope))
      elseif p.value <= full then
        k = m
      end
      m = math.min(m, k)
    end
  end
  local final
  while m > 0 do
    local units = p.units + (m - 1) * (p.log and 0 or p.cost * p.price)
    local frac = units % p.tokens
    final = p.at + (units - frac) / p.tokens
    if frac > 0 then final = final + 1 end
    if final <= latest then break end
    m = m - 1
  end
  return m, p.due, final, p.at, p.units
end

-- Line: lanes that wait at a limit, by arrival. A member is "4 key lane tokens cost rest": the arrival, the lane, the tokens that
-- the entry claims, the cost of its first call, and the tokens for which its lane waits besides. Of equal arrivals the name of the
-- lane decides, as it does in the order of the set. The arrival is the score, too, but Redis
-- takes half a microsecond to print a score.
local GRACE = 20000 -- us for which a token is left to the lane whose turn it is
local DEEP = 16     -- entries that one request counts exactly
local CROWD = 100000 -- calls of one lane
local LATE = 64     -- late entries that one request removes

-- Without entries there are no sums, whatever was lost of either.
local function empty_line(b) b.claimed, b.whole, b.young, b.lined = 0, 0, 0, false end

-- Arrival, lane, tokens, cost and rest of an entry; nothing if no lane can have written it. A cost beyond the burst, of another
-- configuration, counts as the burst.
local function read_entry(b, member)
  local arrival, of, tokens, cost, others = string.match(member, '^4 (%d+) (%S+) (%d+) (%d+) (%d+)$')
  if not cost or #arrival > 16 or #tokens > 15 or #cost > 15 or #others > 15 then return end
  return tonumber(arrival), of, tonumber(tokens), math.min(cost, b.burst), tonumber(others)
end

-- Counts again, where the sums are more than entries can claim: a horizon's tokens each, or the first call. Entries of another
-- configuration may claim more. A lane may wait for the tokens of CROWD calls besides.
local function bound_line(b)
  local one, crowd = b.burst + math.ceil(horizon * b.tokens / b.per), CROWD * b.burst
  if b.claimed <= one and b.whole <= crowd then return end
  local lanes = redis.call('ZCARD', b.line)
  if b.claimed <= one * lanes and b.whole <= math.min(crowd * lanes, EXACT / 16) then return end
  local counted = redis.call('ZRANGE', b.line, 0, LATE - 1)
  b.claimed, b.whole = one * math.max(0, lanes - LATE), one * math.max(0, lanes - LATE)
  for i = 1, #counted do
    local _, _, tokens, _, others = read_entry(b, counted[i])
    if tokens then b.claimed, b.whole = b.claimed + tokens, b.whole + tokens + others end
  end
  if b.claimed <= 0 then empty_line(b) end
end

local function leave_line(b, member)
  local _, _, tokens, _, others = read_entry(b, member)
  if tokens then b.claimed, b.whole = b.claimed - tokens, b.whole - tokens - others end
  if b.claimed <= 0 then empty_line(b) end
end

-- Removes entries before a key whose lanes are late: their first calls could have started a grace ago.
local function drop_late(b, key)
  local dropped = 0
  while dropped < LATE and b.lined do
    local head = redis.call('ZRANGE', b.line, 0, 0)[1]
    if not head then
      empty_line(b)
    else
      local arrival, of, _, cost = read_entry(b, head)
      if arrival then
        if arrival > key or (arrival == key and of >= lane) then break end
        local _, at = token_at(b, 0, cost)
        if at + GRACE >= now then break end
      end
      redis.call('ZREM', b.line, head)
      leave_line(b, head)
      dropped = dropped + 1
    end
  end
  return dropped > 0
end

-- Tokens that the entries before a key claim: all, where no caller is younger; else exactly those of the oldest, and in proportion
-- to their number for the rest.
function ahead_of(b, key)
  if key > b.young then return b.claimed end
  b.oldest = b.oldest or redis.call('ZRANGE', b.line, 0, DEEP - 1)
  local n, looked = 0, #b.oldest
  for i = 1, looked do
    local arrival, of, tokens = string.match(b.oldest[i], '^4 (%d+) (%S+) (%d+) %d')
    if arrival and #arrival <= 16 and #tokens <= 15 then
      arrival = tonumber(arrival)
      if arrival > key or (arrival == key and of >= lane) then return n end
      n = n + tokens
    end
  end
  if looked < DEEP then return n end
  b.length = b.length or redis.call('ZCARD', b.line)
  local rank = redis.call('ZCOUNT', b.line, '-inf', string.format('(%d', key))
  rank = math.max(rank, looked) -- those of one arrival are not counted
  return n + math.floor(math.max(0, b.claimed - n) * (rank - looked) / math.max(1, b.length - looked))
end

-- Tokens that come before a caller, for the time that the caller is told: those of whole lanes where no other caller is
-- younger by more than a horizon, else those that the entries claim.
function told_of(b, key, ahead)
  if b.lined and key + horizon >= b.young then return math.max(ahead, b.whole) end
  return ahead
end

-- Settled: corrects the costs of calls. A surplus is taken back from the level as far as the eras allow. A shortfall becomes debt, one
-- burst at most.
function note_charge(b, due)
  if not b.eras then return end
  if b.kept and (b.kept ~= b.full or b.kept_frac ~= b.frac) then b.eras = new_eras(now) end -- a pause has emptied the bucket
  note_tokens(b, now, missing_at(b, due))
end

-- Lowers what is known of the eras since a time, where the level comes down by so many tokens.
function lower_eras(b, since, tokens)
  if not b.eras then return end
  local starts, lows = read_eras(b.eras, now)
  for i = #starts, 1, -1 do
    lows[i] = max(0, lows[i] - tokens)
    if starts[i] <= since then break end
  end
  b.eras = eras_text(starts, lows)
end

-- How many tokens can be taken back for a charge that was made at a time or after.
local function takeable(b, since)
  local starts, lows = read_eras(b.eras, now)
  if starts[1] > since then return 0 end
  local least = UNNOTED
  for i = #starts, 1, -1 do
    least = min(least, lows[i])
    if starts[i] <= since then break end
  end
  return least
end

-- The level is another: a bucket that is closed is empty when it opens.
function set_level(b)
  if not b.kept then return end
  b.kept, b.kept_frac = b.full, b.frac
  if b.opens then empty_level(b, b.opens) end
end

local function owe(b, tokens)
  tokens = min(tokens, b.burst)
  if b.log then
    b.last, b.cost = max(b.last, now), 1
    window_charge(b, b.last, b.last, tokens, b.last, 0, b)
    return
  end
  if b.kept then b.full, b.frac = b.kept, b.kept_frac end
  local cap = { tokens = b.tokens, full = max(now, b.last), frac = 0 }
  move_level(cap, 2 * b.burst * b.per)
  local was, was_frac = b.full, b.frac
  move_level(b, tokens * b.price)
  if cap.full < b.full or cap.full == b.full and cap.frac < b.frac then b.full, b.frac = cap.full, cap.frac end
  if b.full < was or b.full == was and b.frac < was_frac then b.full, b.frac = was, was_frac end
  set_level(b)
end

local function settle(b, since, estimated, actual)
  if actual > estimated then return owe(b, actual - estimated) end
  if actual == estimated or b.log then return end -- of a window, starts do not come back
  b.eras = b.eras or new_eras(now)
  -- Nothing is missing, or the level is that of a pause, which ends with an empty bucket.
  if b.full + (b.frac > 0 and 1 or 0) <= now or (b.kept and (b.kept ~= b.full or b.kept_frac ~= b.frac)) then return end
  local surplus = min(estimated - actual, takeable(b, since))
  move_level(b, -surplus * b.per)
  set_level(b)
  lower_eras(b, since, surplus)
end

-- Corrects the costs of a call: "since:estimated:actual" for each limit, with commas between. It reports whether the text is valid.
function settle_call(text)
  local each = {}
  for since, estimated, actual in string.gmatch(text, '(%d+):(%d+):(%d+)') do
    since, estimated, actual = integer(since, 0, EXACT), integer(estimated, 0, WIDEST), integer(actual, 0, WIDEST)
    if not (since and estimated and actual) then return false end
    each[#each + 1] = { since, estimated, actual }
  end
  if #each ~= limits then return false end
  for i = 1, limits do settle(route[i], each[i][1], each[i][2], each[i][3]) end
  return true
end

-- Arrive: the lane leaves its former place in line, whose tokens keep their arrival, and passes lanes that are late.
local count_was = count
if place and place ~= '-' then
  local field, member = match(place, '^(%S+) (.*)$')
  for i = 1, limits do
    local b = route[i]
    if fields[i + 2] == field and b.lined and call('ZREM', b.line, member) == 1 then
      leave_line(b, member)
      local arrival, _, tokens = read_entry(b, member)
      if arrival then held_at, held_key, held_tokens = b, arrival, tokens end
    end
  end
end
if runs[1] then
  for i = 1, limits do
    local b = route[i]
    if b.lined then bound_line(b) end
    if b.lined then late = drop_late(b, b == held_at and held_key or runs[1].since) or late end
  end
end

-- Spare: reservations that were returned unused. Their tokens go back into the buckets, or they serve calls by their due time,
-- earliest first: those of former calls, then those of this call.
local function costs_fit(costs)
  local each, whole = 0, 0
  for word in string.gmatch(costs, '%d+') do
    each = each + 1
    local cost = each <= limits and integer(word, 0, route[each].burst)
    if not cost then return false end
    whole = whole + cost
  end
  return whole > 0 and (each == limits or (each == 1 and integer(costs, 1, most)))
end

spares = {} -- each due, cost of each limit
local function add_spare(due, costs)
  local s = { tonumber(due) }
  for word in string.gmatch(costs, '%d+') do s[#s + 1] = tonumber(word) end
  for i = #s + 1, limits + 1 do s[i] = s[2] end
  return s
end
local kept_spares = keys[3]
local spares_text = shared.spared > now and call('GET', kept_spares) or nil
if spares_text then
  local of, under, list = string.match(spares_text, '^4 (%S+) (%d+)(.*)$')
  if of == id and under == configured then -- else its limits may have been others
    for due, costs in string.gmatch(list, '(%d+) ([%d,]+)') do
      if integer(due, 0, now + math.max(horizon, UNHEARD)) and costs_fit(costs) then spares[#spares + 1] = add_spare(due, costs) end
    end
  end
end

-- How much of a reservation can go back into a bucket, in units of 1/tokens us. Later reservations may have
-- counted on its absence, for as long as the distance of the due times.
local function returned(b, due, units)
  if b.log or b.opens or due < now or due > b.last then return 0 end
  return units - math.min(b.last - due, math.floor(SPAN / b.tokens)) * b.tokens
end

-- Puts the tokens of a reservation back, at the configured price, which is what they were charged at least, unless a limit would lose more than half of them.
local function give_back(s)
  for i = 1, limits do
    local b, cost = route[i], s[i + 1]
    if cost > 0 and 2 * returned(b, s[1], cost * b.per) < cost * b.price then return false end
  end
  for i = 1, limits do
    local b = route[i]
    if s[i + 1] > 0 then
      local units = returned(b, s[1], s[i + 1] * b.per)
      move_level(b, -units)
      b.kept = nil
      lower_eras(b, s[1] - horizon, math.ceil(units / b.per))
    end
  end
  return true
end

local function return_reservation(text)
  local due, costs = string.match(text, '^(%d+) ([%d,]+)$')
  due = integer(due, 0, EXACT)
  if not due or not costs_fit(costs) then return false end
  if due - now <= horizon then
    local s = add_spare(due, costs)
    if not give_back(s) then
      local at = #spares + 1
      while at > 1 and spares[at - 1][1] > s[1] do at = at - 1 end
      table.insert(spares, at, s)
    end
  end
  return true
end

-- The first that serves a call by a time. The rest serves calls that cost less.
function take_spare(run, by)
  if run.patience >= 0 then by = math.min(by, now + run.patience) end
  for i = 1, #spares do
    local s, enough, rests = spares[i], true, true
    for k = 1, limits do
      local cost = route[k].cost
      enough, rests = enough and s[k + 1] >= cost, rests and (s[k + 1] > cost or s[k + 1] == 0)
    end
    if enough and s[1] >= now + lead and s[1] <= by then
      if rests then
        for k = 1, limits do s[k + 1] = s[k + 1] - route[k].cost end
      else
        table.remove(spares, i)
      end
      if held_at then held_tokens = math.max(0, held_tokens - held_at.cost) end
      return s[1]
    end
  end
end

-- Hold: shuts the limits of one bucket, because the provider has asked for it: nothing is due before, and the bucket is empty then.
-- The longest hold wins. What was granted before gets nothing back any more.
local HOLD_US = 30000000 -- longer ones are told to the fleet as pauses

local function hold_limit(b, until_us)
  b.last = max(b.last, until_us)
  if b.log then return end
  if b.kept then b.full, b.frac = b.kept, b.kept_frac end
  empty_level(b, until_us)
  set_level(b)
  if b.eras then b.eras = new_eras(now) end
end

-- "us limit": for so long, and the number of one of the limits of the bucket. It reports whether the text is valid.
local function hold_bucket(text)
  local us, of = match(text, '^(%d+) (%d+)$')
  us, of = integer(us, 1, HOLD_US), integer(of, 1, limits)
  if not (us and of) then return false end
  for i = 1, limits do
    if same_bucket(i, of) then hold_limit(route[i], now + us) end
  end
  return true
end

-- Taught: what a call has taught about its provider: "c due limit cost" for one that was refused because of a quota, "o due limit cost" because
-- the provider was overloaded: when it was due, us, the number of the limit that learns, and what the call took of the limit. "h heard limit quota period left stand" for
-- headers: so much is left of a quota for so many us, or 0; stand is what the reply with the reservation told of the limit.
local function teach(kind, text)
  local due, of, more = match(text, '^(%d+) (%d+)(.*)$')
  due, of = integer(due, 0, EXACT), integer(of, 1, limits)
  if not (due and of) then return false end
  local quota, period, rest_, stand = match(more, '^ (%d+) (%d+) (%d+) (%d+)$')
  local cost = integer(match(more, '^ (%d+)$'), 1, WIDEST)
  quota, period, rest_, stand = integer(quota, 1, EXACT), integer(period, 0, EXACT), integer(rest_, 0, EXACT), integer(stand, 0, EXACT)
  if kind == 'h' and not (quota and period and rest_ and stand) or kind ~= 'h' and not cost then return false end
  local b, learn = route[of], learning()
  b.learnt = b.learnt or '-'
  b.state = b.state or learn.new()
  if kind == 'c' then
    learn.refused(b, b.state, min(due, now + horizon), cost)
  elseif kind == 'o' then
    learn.overloaded(b, b.state, min(due, now + horizon), cost)
  else
    -- What was reserved since has put the level off by its price.
    local since
    if b.log then
      since = max(0, b.total - stand)
    else
      local full, frac = b.kept or b.full, b.kept and b.kept_frac or b.frac
      local us = min(max(0, full + (frac > 0 and 1 or 0) - stand), floor(SPAN / b.tokens))
      since = floor(us * b.tokens / b.price)
    end
    if learn.remaining(b, b.state, due, quota, period, rest_, since) and not b.log then
      local tokens = max(0, rest_ - since)
      if tokens < b.burst then
        local most_full = { tokens = b.tokens, full = now, frac = 0 }
        move_level(most_full, max(0, b.burst * b.per - tokens * b.price))
        if b.kept then b.full, b.frac = b.kept, b.kept_frac end
        if most_full.full > b.full or most_full.full == b.full and most_full.frac > b.frac then
          b.full, b.frac = most_full.full, most_full.frac
          if b.eras then b.eras = new_eras(now) end
        end
        set_level(b)
      end
    end
  end
  reprice(b)
  return true
end

-- Reports: what the caller says of former reservations, before its asks are served: "r due costs" of one that was returned unused,
-- "s since:estimated:actual,..." of a call whose costs are known, "t us limit" of a call that the provider refused, for so long; what taught explains.
for i = asks - reports, asks - 1 do
  local kind, text = match(rest[i], '^(%a) (.+)$')
  local valid = false
  if kind == 'r' then valid = return_reservation(text) end
  if kind == 's' then valid = settle_call(text) end
  if kind == 't' then valid = hold_bucket(text) end
  if kind == 'c' or kind == 'o' or kind == 'h' then valid = teach(kind, text) end
  if not valid then return '3 ' .. i end
end

-- Serve: answers the asks in order, step by step. A step is one call that is looked at for itself, or as many as follow it by
-- the same rule. The fragments up to the next "end of a step" share these names; the numbers of bucket.Answer are its result.
local from, latest_due = now + lead, now + horizon
local waiting                        -- what waits, once something does: then everybody behind waits, too
local out, size = {}, 0
local run_was, n_was, verdict_was, at_was, units_was, bound_was, next_at, next_units
local function bound_text(i, verdict)
  local b = route[i]
  local price = b and (verdict == 3 and b.hope or b.price)
  if price and price > b.per and not b.log then return format('%d:%d', i, price) end
  return i
end
for r = 1, #runs do
  local run = runs[r]
  local n, cost, follow = run.n, run.cost, false
  while n > 0 do
    local verdict, m, charged = nil, 1, false
    local due, final, at, units, bound

    -- Wait: calls behind one that waits. A deadline that cannot be met is refused at once.
    if waiting then
      bound = waiting.bound
      local b = route[bound]
      local ahead = b.ahead
      b.cost = cost or run.each[bound]
      if told_of and not b.jump then ahead = told_of(b, run.since, ahead) end
      due, at, units = token_at(b, ahead + waiting.before, b.cost, b.hope)
      if b.hope < b.price and due < waiting.need then due, at, units = waiting.need, waiting.need, 0 end
      verdict, m = 3, n
      if run.patience >= 0 then
        m = min(n, steps((now + run.patience - at) - units / b.tokens, b.cost * b.hope / b.tokens))
      end
      if m == 0 then
        verdict, m = 2, n
        if not waiting[1] then waiting = nil end
      elseif not enter then
        return '6'
      else
        waiting[#waiting + 1] = { since = run.since, n = m, cost = b.cost }
        waiting.before = waiting.before + m * b.cost
      end
    end

    -- Joint: the earliest due time of one call over all limits, the limit that sets it (0 where the call may start at once), and
    -- whether it may be granted: no limit may pass over tokens that somebody else could use.
    if not verdict and not follow then
      due, at, units, bound = from, from, 0, 0
      local shared_due
      for i = 1, limits do
        local b = route[i]
        b.cost, b.ahead = cost or run.each[i], 0
        if b.cost == 0 then
          b.held, b.jump = false, false
        elseif enter then
          b.held = b == held_at and held_tokens > 0
          b.key = b.held and held_key or run.since
          b.jump = run.urgent and b.urgent <= latest_due + share_of(b)
          if b.lined and not b.jump then b.ahead = ahead_of(b, b.key) end
        end
        shared_due = from
        if b.cost > 0 then
          local us, whole, part = token_at(b, b.ahead, b.cost)
          if us > due or (us == due and bound > 0 and i == limits) then due, at, units, bound = us, whole, part, i end
          shared_due = us
        end
      end
      if bound > 0 and limits > 1 then
        if not enter then return '6' end
        route[bound].sought = now
      end
      local fits = bound == 0
      if not fits and due <= latest_due and due <= free_of(route[bound]) then
        fits = due <= shared_due or passes(due, bound)
      end
      local given = take_spare and take_spare(run, fits and due or latest_due)
      if given then
        verdict, at, units, bound = 1, given, 1, 0 -- 1: it was charged before
        count = count + 1
      elseif not fits then
        waiting, m = { bound = bound, need = due, before = 0 }, 0
      elseif run.patience >= 0 and due > now + run.patience then
        verdict, m = 2, n
      else
        verdict, final, charged = 1, due, true
        follow = n > 1 and not (take_spare and spares[1])
      end

    -- More: for how many further calls, equal to the one that was granted, one step is enough. They are due from due to final, by
    -- the progression of one limit. The distances between the due times of a step never decrease, so that no limit sees more than
    -- its burst at once. Floating point chooses the number; the times are exact.
    elseif not verdict then
      local was_due, top = follow, from - now
      follow, m, bound, due, final, at, units = false, n, 0, from, from, from, 0
      for i = 1, limits do
        local b = route[i]
        b.value, b.slope = -math.huge, 0
        if b.cost > 0 then
          local us, whole, part, alike = token_at(b, b.ahead, b.cost)
          b.due, b.at, b.units = us, whole, part
          b.value, b.slope = (whole - now) + part / b.tokens, b.cost * b.price / b.tokens
          if b.log then
            b.slope = 0
            m = min(m, 1 + floor(alike / b.cost))
          end
          if b.held then m = min(m, floor((held_tokens + b.cost - 1) / b.cost)) end -- the calls behind have another arrival
          if b.jump then m = min(m, steps(latest_due + share_of(b) - b.urgent, 2 * b.cost * b.price / b.tokens)) end
          if b.value > top or (b.value == top and bound > 0 and i == limits) then top, bound = b.value, i end
        end
      end
      if bound == 0 then
        for i = 1, limits do m = min(m, steps(top - route[i].value, route[i].slope)) end
      else
        if limits > 1 then
          if not enter then return '6' end
          route[bound].sought = now
        end
        m, due, final, at, units = progression(bound, m, was_due, run.patience)
      end
      charged = m > 0
      if charged then verdict = 1 end
    end

    -- Charge: takes the tokens of m calls from every limit, the first due at due, the last at final. A due time within the
    -- microsecond of full leaves full as it is, so that rounding never adds up.
    if charged then
      for i = 1, limits do
        local b = route[i]
        local taken = b.cost
        if taken > 0 then
          if final > b.last then b.last = final end
          if b.log then
            window_charge(b, due, final, m, at, units, route[bound])
          else
            if note_charge then note_charge(b, due) end
            if due > b.full + (b.frac > 0 and 1 or 0) then b.full, b.frac = due, 0 end
            if m > 1 then
              move_level(b, (m - 1) * taken * b.price)
              b.kept = nil
              if note_charge then note_charge(b, final) end
              if final > b.full + (b.frac > 0 and 1 or 0) then b.full, b.frac = final, 0 end
            end
            move_level(b, taken * b.price)
            b.kept = nil
          end
          if b.jump and b.lined then b.urgent = max(b.urgent, final) + ceil(2 * m * taken * b.price / b.tokens) end
          if b.held then held_tokens = max(0, held_tokens - m * taken) end
        end
      end
      count = count + m
      if follow == true then follow = due end
    end

    -- Answer: adds the answer of the step, or lengthens the last one where its progression goes on. The end of a step.
    if verdict then
      if run == run_was and verdict == verdict_was and bound == bound_was and at == next_at and units == next_units then
        n_was = n_was + m
      else
        if n_was then
          size = size + 1
          out[size] = format(' %d %d %d %d %s', n_was, verdict_was, at_was - now, units_was, bound_text(bound_was, verdict_was))
        end
        run_was, n_was, verdict_was, at_was, units_was, bound_was = run, m, verdict, at, units, bound
      end
      n = n - m
      if n > 0 then
        next_at, next_units = at, units
        if bound > 0 and not (verdict == 1 and route[bound].log) then
          local b = route[bound]
          local part = units + m * b.cost * (verdict == 3 and b.hope or b.price)
          next_units = part % b.tokens
          next_at = at + (part - next_units) / b.tokens
        end
      end
    end
  end
end
if n_was == 1 and verdict_was == 1 and at_was == now and units_was == 0 and bound_was == 0 then
  out[size + 1] = ' 1 1 0 0 0' -- nearly every call
elseif n_was then
  size = size + 1
  out[size] = format(' %d %d %d %d %s', n_was, verdict_was, at_was - now, units_was, bound_text(bound_was, verdict_was))
end

-- Stand: puts the lane into the line of the limit that binds, and says when to ask again.
if waiting then
  local b, need, one = route[waiting.bound], waiting.need, waiting[1]
  local key, tokens = one.since, 0
  local of_former = b == held_at and held_tokens > 0
  if b.jump or (of_former and held_key < now - 86400000000) then -- a place before all others stays one
    key = key - 10000000000000
  end
  if of_former and count > count_was then
    key, tokens = held_key, max(one.cost, min(held_tokens, waiting.before))
  else
    if of_former and key <= held_key + GRACE then key = min(key, held_key) end
    -- A horizon's tokens at most, and only of callers whose waits differ by a quarter: a new caller does not pass in the
    -- company of an old one.
    local most_tokens = max(1, floor(horizon * b.tokens / b.price))
    local alike = one.since + max(horizon, floor((need - one.since) / 4))
    for i, w in ipairs(waiting) do
      if w.since > alike then break end
      if w.cost > 0 then -- else the call waits behind those that pass the limit, and does not pass the limit itself
        local n = min(w.n, floor(max(0, most_tokens - tokens) / w.cost))
        if i == 1 then n = max(n, 1) end
        tokens = tokens + n * w.cost
        if n < w.n then break end
      end
    end
  end
  local member = format('4 %d %s %d %d %d', key, lane, tokens, one.cost, waiting.before - tokens)
  if not b.lined then call('DEL', b.line) end -- of a memory that was lost
  if call('ZADD', b.line, format('%d', key), member) == 1 then -- 0: an entry whose lane had forgotten it
    b.claimed, b.whole = b.claimed + tokens, b.whole + waiting.before
  end
  call('PEXPIRE', b.line, OWN_MS)
  b.lined = true
  b.young = max(b.young, waiting[#waiting].since)
  place_now = fields[waiting.bound + 2] .. ' ' .. member

  -- So early that the grant would push no other limit too far, and at least as early as the shared limit is promised ahead.
  local early = min(floor(horizon * 2 / 5), max(floor(horizon * 3 / 10), floor(b.price / b.tokens)))
  local before = early
  if not same_bucket(waiting.bound, limits) then
    local promised = min(early, (token_at(shared, shared.ahead, max(1, shared.cost))) - now)
    for i = 1, limits do
      if not same_bucket(i, waiting.bound) then before = min(before, floor(spare_of(route[i]) * 2 / 5)) end
    end
    before = max(before, promised)
  end
  local back = need - before
  if back <= now and now < need then back = now + floor((need - now) / 4) end -- older lanes have not asked yet
  if late then
    -- The next lane may be dead, too: come back when it would be late.
    local head = call('ZRANGE', b.line, 0, 0)[1]
    if head ~= member then
      local _, _, _, head_cost = read_entry(b, head or '')
      local _, at = token_at(b, 0, head_cost or 1)
      back = min(back, max(now, at) + GRACE + 1000)
    end
  end
  for i = 1, limits do
    if route[i].collects > now then back = min(back, route[i].collects) end -- then it may have tokens again
  end
  come_back = max(0, back - now)
end

-- Settle: what the full script writes besides: the rest of each level, levels with keys of their own, returned reservations.
local EMPTY_MS = 86400000 -- how long a level that began empty outlives what it holds: without it, it would be empty again
local KEPT = 3 + 64 -- reservations beyond serve nobody: each costs every call 3 us
local list, latest = { '4', id, configured }, 0
for _, s in ipairs(spares) do
  if #list == KEPT then break end
  if s[1] > now then
    list[#list + 1], latest = format('%d %s', s[1], table.concat(s, ',', 2)), max(latest, s[1])
  end
end
if list[4] then
  call('SET', kept_spares, table.concat(list, ' '), 'PX', ceil((latest - now) / 1000) + 1)
  shared.spared = max(shared.spared, latest)
elseif spares_text then
  call('DEL', kept_spares)
end
busy = 0
for i = 1, limits do
  local b = route[i]
  if b.kept then b.full, b.frac = b.kept, b.kept_frac end
  if b.urgent <= now then b.urgent = 0 end
  if b.sought + RIVAL < now then b.sought = 0 end
  if b.spared <= now then b.spared = 0 end
  local owes, learnt = b.log and 0 or owes_of(b, now), learnt_text(b)
  if b.urgent + b.claimed + b.total + b.edge + b.sought + b.spared + owes + b.collects > 0 or b.eras or b.state then
    b.tail = format(' %d %d %d %d %d %d %d %d %d %s %d %s %d', b.urgent, b.claimed, b.whole, b.young, b.total, b.base, b.edge, b.sought,
      b.spared, learnt, owes, b.eras or '-', b.collects)
    busy = 1
  else
    b.tail = ''
  end
  if b.own then
    local ms = ceil((max(0, b.full - now) + (b.width or 0) + 2 * horizon) / 1000) + (b.empty and EMPTY_MS or OWN_MS)
    call('SET', b.own, level_text(b), 'PX', ms)
  end
end

-- Reply: writes the levels, the time, and the reply for a repeat, even when nothing was granted: a repair that is only
-- remembered on success would never be made.
local counted = format('%d %d', count, now)
local steps_now = shift == 0 and ' 0 0 0' or format(' %d %d %d', shift, still, owed)
local ahead = busy and format(' %d %d', come_back or -1, busy) or ' -1 0'
if levels == '2' then
  for i = 1, limits do
    local b = route[i]
    local left = b.log and window_left(b) or max(0, floor((b.burst * b.per + min(0, (now - b.full) * b.tokens - b.frac)) / b.price))
    ahead = ahead .. format(' %d', left)
  end
elseif levels == '1' then
  for i = 1, limits do
    local b = route[i]
    local level = max(0, b.full - now + (b.frac > 0 and 1 or 0))
    if b.log then level = b.total end
    if b.collects and b.collects > 0 or b.log and b.total == 0 and b.edge + b.width > now then level = -1 end -- of a limit that was lost
    ahead = ahead .. format(' %d', level)
  end
end
local reply = counted .. ahead .. (out[2] and table.concat(out) or out[1] or '')
local set = { 'time', '4 ' .. counted .. steps_now, nil, nil, nil, nil }
size = 2
for i = 1, limits do
  local b = route[i]
  if not b.own then
    set[size + 1], set[size + 2] = fields[i + 2], level_text(b)
    size = size + 2
  end
end
call('HSET', state, unpack(set, 1, size))
call('HSET', replies, lane, '4 ' .. number .. ' ' .. (place_now or '-') .. '\n' .. reply)
if not answer then call('PEXPIRE', replies, OWN_MS) end -- else the replica's announcement renews it
return '0 ' .. reply
