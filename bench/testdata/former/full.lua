-- Composed of the fragments in lua/ at commit 14930fc, as its script.go joined them; only this line is new.
-- Reserves tokens on every limit of a route at once, each at the time of its use, or gives a place in line.
--
-- limiter/internal/bucket explains the rules and is the same algorithm in Go. The plain script serves limits that are
-- configured buckets without a line and without an urgent past; where it cannot, it does nothing and says so. The full script
-- serves everything.
--
-- KEYS[1]   state       hash without TTL: the epoch of the namespace, the levels of its configured limits, the stored replies
-- KEYS[...] places      full script only, three for each limit: the string with TTL of a level made at run time, the sorted
--                       set with TTL of a window's starts (member due_us, score their number), the sorted set with TTL of
--                       the line (score: arrival in us)
-- ARGV[1]   last        text: field of state for the reply to the last call of this lane
-- ARGV[2]   spare       text: field of state for reservations on these limits that were returned
-- ARGV[3]   numbers     text of numbers "seq grants horizon_us lead_us limits backs": number of this call, from 1 (a call
--                       that is sent again keeps its number); the highest count of grants the caller saw in the epoch;
--                       how far ahead a reservation may be due; nothing is due sooner than lead_us, 0..horizon_us; how
--                       many limits and returned reservations follow
-- ARGV[4]   memory      text "2 epoch version ": version of the records, the epoch and the configuration the caller knows
-- ARGV[...] rest        for each limit, narrowest first, the shared one last, two: field (text: limit:... or window:..., the
--                       bucket last; own: before it for a level made at run time) and limit (text "2 tokens per_us burst ":
--                       so many tokens in so many us, at most burst at once, a window is of burst * per_us / tokens us; then
--                       - if a level made at run time begins empty, and @ and a moment of the namespace's own time, us, until which the bucket is closed); returned
--                       reservations, each "due_us costs"; asks, each "count costs patience_us urgent age_us": so many calls,
--                       the longest wait (-1 without end), 0 or 1, and how long the oldest has waited; costs is a number for
--                       all limits, or one for each with commas between
--
-- Reply: text of words. status (0 done; 1 the reply to this very call, stored before; 2 stale: a newer call was answered;
--        3 refused: the argument of the number that follows is not valid; 4 unknown: the epoch or the version is not that of
--        this memory: configure first; 5 the records have the newer version that follows; 6 only the full script can serve
--        this). Only with 0 and 1 something was done; then follow grants, now_us (the namespace's own time: TIME, but never
--        going back), come_back_us (from now; -1 if nobody waits), busy (1 where the next call needs the full
--        script), and answers for the asks in order, each count, verdict (1 reserved, 2 refused by patience, 3 waits), at_us
--        (from now) and at_units (1/tokens us) of the first, bound (number of the limit that sets it, 0 for none)

local state = KEYS[1]
local last, spare, numbers, memory = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local keys, rest, first = KEYS, ARGV, 5

-- Numbers: what the scripts share. Every number that a script reads is a whole number below 2^53. Script functions are made
-- anew by each run, at a cost: a fragment defines few, and each with few names of others.
local VERSION = 2
local EXACT = 9007199254740991  -- 2^53 - 1: the largest integer that a Lua number counts to
local SPAN = 2251799813685248   -- 2^51: the longest distance between two times, in units of a limit
local WIDEST = 1125899906842624 -- 2^50: burst * per and a horizon's tokens of a limit at most
local OWN_MS = 60000            -- how long a key outlives what it holds

local call, format, match, sub, tonumber = redis.call, string.format, string.match, string.sub, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Checks: what is read is checked before it is used.
local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n % 1 == 0 then return n end -- no comparison is true of what is not a number
end

-- Level: when a limit will be full again, at full us and frac units of 1/tokens us, exactly.
--
-- A record is "2 tokens per burst full frac last", where last is the due time of the latest reservation; then, unless all
-- eight are zero, " urgent claimed whole young total base edge sought": the level of urgent calls; the sums of the line; the
-- log of a window; when the limit last set the due time of a call that passes others, too.

-- A level from its record, or nothing.
local function read_level(text)
  local tokens, per, burst, full, frac, latest, tail =
    string.match(text, '^2 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  if not tokens then return end
  tokens, full, frac, latest = tonumber(tokens), tonumber(full), tonumber(frac), tonumber(latest)
  if not (full and latest and frac) or full > EXACT or latest > EXACT or frac >= tokens then return end
  return { -- with room for what a request needs: a table that grows is copied
    tokens = tokens, per = tonumber(per), burst = tonumber(burst), full = full, frac = frac, last = latest, tail = tail,
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

-- Change: what becomes of a level when its limit is another, when it was lost, and when its bucket was closed.

-- Empties the limit at a time, unless it is emptier.
local function empty_level(b, at)
  local full, frac = b.full, b.frac
  b.full, b.frac = at, 0
  move_level(b, b.burst * b.per)
  if full > b.full or full == b.full and frac > b.frac then b.full, b.frac = full, frac end
end

local function set_limit(b, tokens, per, burst)
  b.tokens, b.per, b.burst, b.head = tokens, per, burst, string.format('2 %d %d %d ', tokens, per, burst)
end

-- A level of which nothing is known: empty, and in debt by the horizon at a time.
local function lost_level(tokens, per, burst, window, at)
  local b = { full = 0, frac = 0, last = at, tail = '' }
  set_limit(b, tokens, per, burst)
  if window then b.tail = string.format(' 0 0 0 0 0 0 %d 0', at) else empty_level(b, at) end
  return b
end

-- Changes the limit. The number of tokens stays. The new rate counts from the last reservation that is out. Whole tokens stay
-- exact; others are rounded up, once.
local function change_level(b, now_us, tokens, per, burst)
  local from_us = math.max(now_us, b.last)
  local missing = 0 -- tokens
  if b.full >= from_us then missing = ((b.full - from_us) * b.tokens + b.frac) / b.per end
  local units = math.min(SPAN, math.ceil(missing * per)) + (burst - b.burst) * per
  b.full, b.frac = from_us, 0
  set_limit(b, tokens, per, burst)
  move_level(b, math.min(SPAN, math.max(0, units)))
end

-- Memory: the request's numbers, the repeat, the epoch, and the time.

-- Every argument is checked before the first write: a script that fails half-way is not undone.
local number, grants, horizon, lead, limits, backs = match(numbers, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
if not number then return '3 3' end
local seq = tonumber(number)
grants, horizon, lead, limits, backs = tonumber(grants), tonumber(horizon), tonumber(lead), tonumber(limits), tonumber(backs)
local asks = first + 2 * limits + backs
if seq < 1 or seq > EXACT or grants > EXACT or horizon > 3600000000 or lead > horizon or limits < 1 or limits > 100
  or backs > 100 or not rest[asks - 1] then
  return '3 3'
end

local fields = { 'epoch', 'time', last, spare, rest[first], nil, nil, nil } -- with room: a table that grows is copied
for i = 2, limits do fields[i + 4] = rest[first + 2 * i - 2] end
local clock = call('TIME')
local stored = call('HMGET', state, unpack(fields, 1, limits + 4))

-- The epoch is the identity of one continuous memory. configure judges a caller that knows another one, or has seen more
-- grants than are stored here.
local epoch, times, place = stored[1], stored[2], nil
if not epoch then return '4' end
if sub(epoch, 1, #memory) ~= memory then
  local version = tonumber(match(epoch, '^(%d+) ') or 1)
  if version > VERSION then return '5 ' .. version end
  return '4'
end

-- A repeat gets the reply of the first time: a lost reply must not pay twice.
if stored[3] then
  local answered
  answered, place = match(stored[3], '^2 (%d+) ([^\n]*)\n')
  if answered == number then return '1 ' .. match(stored[3], '\n(.*)$') end
  if answered and tonumber(answered) > seq then return '2' end
end

local count, now, steps_text = match(times or '', '^2 (%d+) (%d+)( %d+ %d+)$')
if not count then return '4' end
count, now = tonumber(count), tonumber(now)
local shift, owed = 0, 0
if steps_text ~= ' 0 0' then -- the server's clock has stepped back
  shift, owed = match(steps_text, '(%d+) (%d+)')
  shift, owed = tonumber(shift), tonumber(owed)
end
if count < grants or now > EXACT or shift > EXACT then return '4' end
local time = clock[1] * 1000000 + clock[2]

-- Time: the namespace's own time never goes back. Where TIME does, shift takes up the difference. What a step back added to shift
-- is owed, up to a second, and taken off again by letting own time run slower by a tenth: a clock that wanders gives nothing.
do
  local ahead = time + shift - now
  if ahead < 0 then
    shift, owed = shift - ahead, min(1000000, owed - ahead)
  elseif owed > 0 then
    local back = min(owed, floor(ahead / 10))
    shift, owed = shift - back, owed - back
  end
  now = time + shift
end

-- Hooks: what only the full script has. In the plain script they are nil: there is no line, and nothing was returned.
local own_level, new_level, share_of, enter, window_token, window_charge, ahead_of, told_of, take_spare
local spares, held_at, held_key, held_tokens, late, come_back, place_now, busy

-- Own: levels that were made at run time have keys of their own, which Redis forgets when they are full.
-- Those of an epoch that replaces none are as they begin; in another, they were lost when it began.
local id, born, former = string.match(epoch, '^2 (%S+) %d+ (%d+) (%S*)$')
born = former == '' and -horizon or tonumber(born)

function own_level(i, text)
  if string.sub(fields[i + 4], 1, 4) == 'own:' then return redis.call('GET', keys[3 * i - 1]) end
  return text
end

-- The limit of a text "2 tokens per burst ", if it can be kept exactly, and what follows.
local function read_limit(text)
  local tokens, per, burst, more = match(text, '^2 (%d+) (%d+) (%d+) (.*)$')
  tokens, per, burst = integer(tokens, 1, WIDEST), integer(per, 1, WIDEST), integer(burst, 1, WIDEST)
  if tokens and per and burst and burst * per + (horizon + 1) * tokens <= WIDEST then return tokens, per, burst, more end
end

-- The level of a limit that is another now, or of which nothing is known. What is damaged, and a configured limit that is not there,
-- was lost now. A limit made at run time is forgotten when it is full: the worst that it can have been is what was lost when the
-- epoch began, unless it begins empty.
function new_level(i, limit, text)
  local tokens, per, burst, opens = read_limit(limit)
  if not tokens then return end
  local empty = sub(opens, 1, 1) == '-'
  if empty then opens = sub(opens, 2) end
  if opens ~= '' then
    opens = integer(string.match(opens, '^@(%d+)$'), 0, EXACT)
    if not opens then return end
  end
  local field = fields[i + 4]
  local b = text and read_level(text)
  if not b then
    local at = now + horizon
    if not text and string.sub(field, 1, 4) == 'own:' then at = max(empty and now or 0, born + horizon) end
    b = lost_level(tokens, per, burst, string.match(field, 'window:'), at)
  elseif b.tokens ~= tokens or b.per ~= per or b.burst ~= burst then
    change_level(b, now, tokens, per, burst)
  else
    set_limit(b, tokens, per, burst)
  end
  b.opens = opens ~= '' and opens or nil
  return b
end

-- Window: a limit that remembers its starts, numbered from 1 in the order of their due times. The log holds a pair for each
-- due time: the number of the last start at it. Starts that are no longer in the log count as due at edge.

-- When the n-th token from now arrives, and how many further tokens arrive with it: one width after the n-th oldest of the last
-- burst starts. Every burst further tokens arrive one width after those have been used.
function window_token(b, n)
  local again = math.floor((n - 1) / b.burst)
  local serial, due, final = b.total - b.burst + n - again * b.burst, b.edge, b.base
  if serial > b.base then
    local pair = redis.call('ZRANGEBYSCORE', b.log, string.format('%d', serial), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    due, final = tonumber(pair[1]), tonumber(pair[2])
  end
  local at = math.max(due + b.width, b.last, b.opens or 0) -- due times never decrease
  if again > 0 then at = math.max(at, now) + again * b.width end
  return at, final - serial
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
      local part = units + k * p.cost * p.per
      local frac = part % p.tokens
      local moment = at + (part - frac) / p.tokens
      if frac > 0 then moment = moment + 1 end
      b.total = b.total + b.cost
      pairs_[2 * k + 1], pairs_[2 * k + 2] = string.format('%d', b.total), string.format('%d', moment)
    end
    redis.call('ZADD', b.log, unpack(pairs_))
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
    while gone < #pairs_ / 2 and pairs_[2 * gone + 1] + b.width <= now do gone = gone + 1 end
    if gone > 0 then
      b.edge, b.base = tonumber(pairs_[2 * gone - 1]), tonumber(pairs_[2 * gone])
      redis.call('ZREMRANGEBYRANK', b.log, 0, gone - 1)
    end
    if gone < 32 then return end
  end
end

-- Enter: what only the full script knows of a level: urgent calls, the line, the log of a window, a pause.

-- How far the level of urgent calls may be ahead: they have half of the burst and half of the rate.
function share_of(b) return math.ceil(2 * (math.max(1, math.floor(b.burst / 2)) - 1) * b.per / b.tokens) end

function enter(i, b)
  b.urgent, b.claimed, b.whole, b.young, b.total, b.base, b.edge, b.sought = 0, 0, 0, 0, 0, 0, 0, 0
  if b.tail ~= '' then
    local urgent, claimed, whole, young, total, base, edge, sought =
      string.match(b.tail, '^ (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    if urgent then
      b.urgent, b.claimed, b.whole, b.young = tonumber(urgent), tonumber(claimed), tonumber(whole), tonumber(young)
      b.total, b.base, b.edge, b.sought = tonumber(total), tonumber(base), tonumber(edge), tonumber(sought)
    end
  end
  b.lined, b.line = b.claimed > 0, keys[3 * i + 1]
  local own = string.sub(fields[i + 4], 1, 4) == 'own:'
  if own then b.own = keys[3 * i - 1] end
  if string.match(fields[i + 4], 'window:') then
    b.log = keys[3 * i]
    enter_window(b)
    if own then b.edge = math.max(b.edge, born + horizon) end
    return
  end
  -- What was lost when the epoch began, was lost of levels made at run time, too.
  if own then empty_level(b, born + horizon) end
  -- A closed bucket is empty at the moment at which it opens. The level stays as it is until something is charged: a pause
  -- that is withdrawn leaves nothing behind.
  b.kept, b.kept_frac = b.full, b.frac
  if b.opens then empty_level(b, b.opens) end
end

-- Limits: the route with the level of each limit, brought to now and to the limit in force.
local route, most, bar = {}, EXACT, '' -- bar: the tails of the levels, which the plain script does not know
for i = 1, limits do
  local limit, text, b = rest[first + 2 * i - 1], stored[i + 4], nil
  if own_level then text = own_level(i, text) end
  if text and sub(text, 1, #limit) == limit then b = read_level(text) end
  if b then
    b.head = limit -- what is stored was checked when it was new
  elseif enter then
    b = new_level(i, limit, text)
    if not b then return '3 ' .. first + 2 * i - 1 end
  else
    return '6'
  end
  if enter then enter(i, b) else bar = bar .. b.tail end
  if b.burst < most then most = b.burst end
  route[i] = b
end
if bar ~= '' then return '6' end
local shared = route[limits]

-- Asks: runs of equal calls, oldest first. The cost of a run is one number, or one for each limit.
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
      for k = 1, limits do
        if each[k] < 1 or each[k] > route[k].burst then return '3 ' .. i end
      end
    elseif cost < 1 or cost > most then
      return '3 ' .. i
    end
    if n < 1 or n > 100000 or patience < -1 or patience > EXACT or age > EXACT then return '3 ' .. i end
    if age > 86400000000 then age = 86400000000 end -- no caller counts as older than a day
    run = { n = n, cost = cost, each = each, costs = costs, patience = patience, urgent = urgent == '1', since = now - age }
  end
  runs[i - asks + 1] = run
end

-- Token: when the n-th token from now arrives: the first whole us not before it, the exact time, and for a window how many
-- further tokens arrive with it. n of a bucket is at most what counts exactly.
local function token_at(b, n)
  if b.log then
    local at, alike = window_token(b, n)
    return at, at, 0, alike
  end
  local k = n - b.burst
  if k * b.per > SPAN then k = math.floor(SPAN / b.per) end
  local units = b.frac + k * b.per
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
  if b.log then return (token_at(b, b.cost)) end
  return b.frac > 0 and b.full + 1 or b.full
end

-- Pass: how far a limit may push a grant past the tokens of the others.

local function same_bucket(i, k)
  return string.match(fields[i + 4], ':%d+:(.*)$') == string.match(fields[k + 4], ':%d+:(.*)$')
end

local RIVAL = 1000000 -- us for which callers of other routes are expected to come again

-- Where callers of other routes seek them, a quarter of the burst, at least one token and what arrives in a round trip or two.
local function spare_of(b)
  local most_us = math.floor(horizon * 2 / 5)
  if (b.sought or 0) + RIVAL < now then return most_us end
  return math.min(most_us, math.max(2000, math.floor(math.max(1, math.floor((b.burst - 1) / 4)) * b.per / b.tokens)))
end

-- Whether no limit of another bucket passes over more than it may.
local function passes(due, bound)
  for i = 1, limits do
    local b = route[i]
    if due > now + spare_of(b) and (b.log or due > free_of(b)) and not same_bucket(i, bound) then return false end
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
    if not of_shared and i ~= bound and not same_bucket(i, bound) then
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
    local units = p.units + (m - 1) * (p.log and 0 or p.cost * p.per)
    local frac = units % p.tokens
    final = p.at + (units - frac) / p.tokens
    if frac > 0 then final = final + 1 end
    if final <= latest then break end
    m = m - 1
  end
  return m, p.due, final, p.at, p.units
end

-- Line: lanes that wait at a limit, by arrival. A member is "2 key lane tokens cost rest": the arrival, the lane, the tokens that
-- the entry claims, the cost of its first call, and the tokens for which its lane waits besides. Of equal arrivals the name of the
-- lane decides, as it does in the order of the set. The arrival is the score, too, but Redis
-- takes half a microsecond to print a score.
local GRACE = 20000 -- us for which a token is left to the lane whose turn it is
local DEEP = 16     -- entries that one request counts exactly
local LATE = 64     -- late entries that one request removes

-- Without entries there are no sums, whatever was lost of either.
local function empty_line(b) b.claimed, b.whole, b.young, b.lined = 0, 0, 0, false end

local function leave_line(b, member)
  local tokens, rest_tokens = string.match(member, '^2 %d+ %S+ (%d+) %d+ (%d+)')
  b.claimed, b.whole = b.claimed - tokens, b.whole - tokens - rest_tokens
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
      local arrival, lane, cost = string.match(head, '^2 (%d+) (%S+) %d+ (%d+)')
      arrival = tonumber(arrival)
      if arrival > key or (arrival == key and lane >= last) then break end
      local _, at = token_at(b, tonumber(cost))
      if at + GRACE >= now then break end
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
    local arrival, lane, tokens = string.match(b.oldest[i], '^2 (%d+) (%S+) (%d+)')
    arrival = tonumber(arrival)
    if arrival > key or (arrival == key and lane >= last) then return n end
    n = n + tokens
  end
  if looked < DEEP then return n end
  b.length = b.length or redis.call('ZCARD', b.line)
  local rank = redis.call('ZCOUNT', b.line, '-inf', string.format('(%d', key))
  rank = math.max(rank, looked) -- those of one arrival are not counted
  return n + math.floor((b.claimed - n) * (rank - looked) / math.max(1, b.length - looked))
end

-- Tokens that come before a caller, for the time that the caller is told: those of whole lanes where no other caller is
-- younger by more than a horizon, else those that the entries claim.
function told_of(b, key, ahead)
  if b.lined and key + horizon >= b.young then return math.max(ahead, b.whole) end
  return ahead
end

-- Arrive: the lane leaves its former place in line, whose tokens keep their arrival, and passes lanes that are late.
local count_was = count
if place and place ~= '-' then
  local field, member = match(place, '^(%S+) (.*)$')
  for i = 1, limits do
    local b = route[i]
    if fields[i + 4] == field and b.lined and call('ZREM', b.line, member) == 1 then
      leave_line(b, member)
      held_key, held_tokens = match(member, '^2 (%d+) %S+ (%d+)')
      held_at, held_key, held_tokens = b, tonumber(held_key), tonumber(held_tokens)
    end
  end
end
if runs[1] then
  for i = 1, limits do
    local b = route[i]
    if b.lined then late = drop_late(b, b == held_at and held_key or runs[1].since) or late end
  end
end

-- Spare: reservations that were returned unused. Their tokens go back into the buckets, or they serve calls by their due time,
-- earliest first: those of former calls, then those of this call.
local function costs_fit(costs)
  local each = 0
  for word in string.gmatch(costs, '%d+') do
    each = each + 1
    local cost = tonumber(word)
    if each > limits or cost < 1 or cost > route[each].burst then return false end
  end
  return each == limits or (each == 1 and tonumber(costs) <= most)
end

spares = {} -- each due, cost of each limit
local function add_spare(due, costs)
  local s = { tonumber(due) }
  for word in string.gmatch(costs, '%d+') do s[#s + 1] = tonumber(word) end
  for i = #s + 1, limits + 1 do s[i] = s[2] end
  return s
end
if stored[4] then
  local of, list = string.match(stored[4], '^2 (%S+)(.*)$')
  if of == id then
    for due, costs in string.gmatch(list, '(%d+) ([%d,]+)') do spares[#spares + 1] = add_spare(due, costs) end
  end
end

-- How much of a reservation can go back into a bucket, in units of 1/tokens us. What was reserved after it may have counted on it
-- being gone, for as long as the distance of the due times.
local function returned(b, due, units)
  if b.log or b.opens or due < now or due > b.last then return 0 end
  return units - math.min(b.last - due, math.floor(SPAN / b.tokens)) * b.tokens
end

-- Puts the tokens of a reservation back, unless a limit would lose more than half of them.
local function give_back(s)
  for i = 1, limits do
    local units = s[i + 1] * route[i].per
    if 2 * returned(route[i], s[1], units) < units then return false end
  end
  for i = 1, limits do
    local b = route[i]
    move_level(b, -returned(b, s[1], s[i + 1] * b.per))
    b.kept = nil
  end
  return true
end

for i = asks - backs, asks - 1 do
  local due, costs = string.match(rest[i], '^(%d+) ([%d,]+)$')
  due = integer(due, 0, EXACT)
  if not due or not costs_fit(costs) then return '3 ' .. i end
  if due - now <= horizon then
    local s = add_spare(due, costs)
    if not give_back(s) then
      local at = #spares + 1
      while at > 1 and spares[at - 1][1] > s[1] do at = at - 1 end
      table.insert(spares, at, s)
    end
  end
end

-- The first that serves a call by a time. What is left of it serves calls that cost less.
function take_spare(run, by)
  if run.patience >= 0 then by = math.min(by, now + run.patience) end
  for i = 1, #spares do
    local s, enough, rests = spares[i], true, true
    for k = 1, limits do
      local cost = route[k].cost
      enough, rests = enough and s[k + 1] >= cost, rests and s[k + 1] > cost
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

-- Serve: answers the asks in order, step by step. A step is one call that is looked at for itself, or as many as follow it by
-- the same rule. The fragments up to the next "end of a step" share these names; the numbers of bucket.Answer are its result.
local from, latest_due = now + lead, now + horizon
local waiting                        -- what waits, once something does: then everybody behind waits, too
local out, size = {}, 0
local run_was, n_was, verdict_was, at_was, units_was, bound_was, next_at, next_units
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
      due, at, units = token_at(b, ahead + waiting.before + b.cost)
      verdict, m = 3, n
      if run.patience >= 0 then
        m = min(n, steps((now + run.patience - at) - units / b.tokens, b.cost * b.per / b.tokens))
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
        if enter then
          b.held = b == held_at and held_tokens > 0
          b.key = b.held and held_key or run.since
          b.jump = run.urgent and b.urgent <= latest_due + share_of(b)
          if b.lined and not b.jump then b.ahead = ahead_of(b, b.key) end
        end
        local us, whole, part = token_at(b, b.ahead + b.cost)
        if us > due or (us == due and bound > 0 and i == limits) then due, at, units, bound = us, whole, part, i end
        shared_due = us
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
        verdict, at, units, bound = 1, given, 0, 0
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
        local us, whole, part, alike = token_at(b, b.ahead + b.cost)
        b.due, b.at, b.units = us, whole, part
        b.value, b.slope = (whole - now) + part / b.tokens, b.cost * b.per / b.tokens
        if b.log then
          b.slope = 0
          m = min(m, 1 + floor(alike / b.cost))
        end
        if b.held then m = min(m, floor((held_tokens + b.cost - 1) / b.cost)) end -- the calls behind have another arrival
        if b.jump then m = min(m, steps(latest_due + share_of(b) - b.urgent, 2 * b.cost * b.per / b.tokens)) end
        if b.value > top or (b.value == top and bound > 0 and i == limits) then top, bound = b.value, i end
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
        if final > b.last then b.last = final end
        if b.log then
          window_charge(b, due, final, m, at, units, route[bound])
        else
          if due > b.full + (b.frac > 0 and 1 or 0) then b.full, b.frac = due, 0 end
          if m > 1 then
            move_level(b, (m - 1) * taken * b.per)
            if final > b.full + (b.frac > 0 and 1 or 0) then b.full, b.frac = final, 0 end
          end
          move_level(b, taken * b.per)
          b.kept = nil
        end
        if b.jump and b.lined then b.urgent = max(b.urgent, final) + ceil(2 * m * taken * b.per / b.tokens) end
        if b.held then held_tokens = max(0, held_tokens - m * taken) end
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
          out[size] = format(' %d %d %d %d %d', n_was, verdict_was, at_was - now, units_was, bound_was)
        end
        run_was, n_was, verdict_was, at_was, units_was, bound_was = run, m, verdict, at, units, bound
      end
      n = n - m
      if n > 0 then
        next_at, next_units = at, units
        if bound > 0 and not (verdict == 1 and route[bound].log) then
          local b = route[bound]
          local part = units + m * b.cost * b.per
          next_units = part % b.tokens
          next_at = at + (part - next_units) / b.tokens
        end
      end
    end
  end
end
if n_was == 1 and verdict_was == 1 and at_was == now and bound_was == 0 then
  out[size + 1] = ' 1 1 0 0 0' -- nearly every call
elseif n_was then
  size = size + 1
  out[size] = format(' %d %d %d %d %d', n_was, verdict_was, at_was - now, units_was, bound_was)
end

-- Stand: puts the lane into the line of the limit that binds, and says when to ask again.
if waiting then
  local b, need, one = route[waiting.bound], waiting.need, waiting[1]
  local key, tokens = one.since, 0
  local of_former, granted = b == held_at and held_tokens > 0, count > count_was
  if of_former and (granted or key <= held_key + GRACE) then key = held_key end
  if of_former and granted then
    tokens = max(one.cost, min(held_tokens, waiting.before))
  else
    -- A horizon's tokens at most, and only of callers whose waits differ by a quarter: a new caller does not pass in the
    -- company of an old one.
    local most_tokens = max(1, floor(horizon * b.tokens / b.per))
    local alike = one.since + max(horizon, floor((need - one.since) / 4))
    for i, w in ipairs(waiting) do
      if w.since > alike then break end
      local n = min(w.n, floor(max(0, most_tokens - tokens) / w.cost))
      if i == 1 then n = max(n, 1) end
      tokens = tokens + n * w.cost
      if n < w.n then break end
    end
    if b.jump then key = key - 10000000000000 end
  end
  local member = format('2 %d %s %d %d %d', key, last, tokens, one.cost, waiting.before - tokens)
  if not b.lined then call('DEL', b.line) end -- of a memory that was lost
  if call('ZADD', b.line, format('%d', key), member) == 1 then -- 0: an entry whose lane had forgotten it
    b.claimed, b.whole = b.claimed + tokens, b.whole + waiting.before
  end
  call('PEXPIRE', b.line, OWN_MS)
  b.lined = true
  b.young = max(b.young, waiting[#waiting].since)
  place_now = fields[waiting.bound + 4] .. ' ' .. member

  -- So early that the grant would push no other limit too far, and at least as early as the shared limit is promised ahead.
  local early = min(floor(horizon * 2 / 5), max(floor(horizon * 3 / 10), floor(b.per / b.tokens)))
  local before = early
  if not same_bucket(waiting.bound, limits) then
    local promised = min(early, (token_at(shared, shared.ahead + shared.cost)) - now)
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
      local _, at = token_at(b, tonumber(match(head, '^2 %d+ %S+ %d+ (%d+)')))
      back = min(back, max(now, at) + GRACE + 1000)
    end
  end
  come_back = max(0, back - now)
end

-- Settle: what the full script writes besides: the rest of each level, levels with keys of their own, returned reservations.
busy = 0
for i = 1, limits do
  local b = route[i]
  if b.kept then b.full, b.frac = b.kept, b.kept_frac end
  if b.urgent <= now then b.urgent = 0 end
  if b.sought + RIVAL < now then b.sought = 0 end
  if b.urgent + b.claimed + b.total + b.edge + b.sought > 0 then
    b.tail = format(' %d %d %d %d %d %d %d %d', b.urgent, b.claimed, b.whole, b.young, b.total, b.base, b.edge, b.sought)
    busy = 1
  else
    b.tail = ''
  end
  if b.own then
    local ms = ceil((max(0, b.full - now) + (b.width or 0) + 2 * horizon) / 1000) + OWN_MS
    call('SET', b.own, level_text(b), 'PX', ms)
  end
end
local list = { '2', id }
for _, s in ipairs(spares) do
  if s[1] > now then list[#list + 1] = format('%d %s', s[1], table.concat(s, ',', 2)) end
end
if list[3] then
  call('HSET', state, spare, table.concat(list, ' '))
  busy = 1
elseif stored[4] then
  call('HDEL', state, spare)
end

-- Reply: writes the levels, the time, and the reply for a repeat, even when nothing was granted: a repair that is only
-- remembered on success would never be made.
local counted = format('%d %d', count, now)
local steps_now = shift == 0 and owed == 0 and ' 0 0' or format(' %d %d', shift, owed)
local ahead = busy and format(' %d %d', come_back or -1, busy) or ' -1 0'
local reply = counted .. ahead .. (out[2] and table.concat(out) or out[1] or '')
local set = {
  'time', '2 ' .. counted .. steps_now, last, '2 ' .. number .. ' ' .. (place_now or '-') .. '\n' .. reply, nil, nil, nil, nil,
}
size = 4
for i = 1, limits do
  local b = route[i]
  if not b.own then
    set[size + 1], set[size + 2] = fields[i + 4], level_text(b)
    size = size + 2
  end
end
call('HSET', state, unpack(set, 1, size))
return '0 ' .. reply
