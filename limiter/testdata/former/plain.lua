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
