-- Reserves tokens on every limit of a route at once, each at the time of its use, or gives a place in line.
--
-- A limit's level is a deficit: how long until it is full again, in units of 1/tokens of a microsecond, counted at the
-- time it was last seen. A token is per units and a microsecond gives tokens units back; both are whole, so nothing is
-- ever rounded away. Three deficits stand beside each other: full, that of what is reserved; back, with those counted in
-- whose turn came before their token did; line, with everyone counted in who stands in line. A newcomer queues behind
-- line, one whose turn has come behind back, one who was called back, or is urgent and passes the line, behind full.
-- Tokens that nobody comes for when it is their turn are anybody's, but for as many as a call of several tokens that
-- stands in line has to gather (hold).
--
-- A reservation is due when every limit of the route has a token, at most a horizon from now for everybody, and is
-- charged to each at that due time, so that no limit promises a token twice in whatever order calls arrive. A window
-- limit besides keeps the times of its last burst dues, and gives none before the window of the oldest has passed.
--
-- KEYS[1]   state       hash without TTL: the epoch of the namespace, the level of each of its limits, and what follows
-- KEYS[...] own         for each limit made at run time its level, a string with TTL; for each window limit its log, a
--                       list with TTL, newest first; in the order of the limits
-- ARGV[1]   last        text: field of state for number and reply of the last call of this replica on this route
-- ARGV[2]   spare       text: field of state for reservations of this route that were given back
-- ARGV[3]   numbers      text of numbers "seq grants horizon_us lead_us limits tickets backs": number of this call, from 1
--                       (one that is sent twice has one number); the highest count of grants the caller saw in the
--                       epoch; microseconds that a reservation may be ahead; nothing is due sooner than lead_us from
--                       now, what a slow reply needs, 0..horizon_us; how many limits, tickets and backs follow
-- ARGV[4]   memory      text "epoch version": the epoch and the version of the configuration that the caller knows
-- ARGV[...] rest        for each limit, narrowest first, the shared one last, two: field (text: its field of state,
--                       limit:... or window:...; with own: before it the level is an own key) and limit (text "tokens
--                       per_us burst": so many tokens in so many us, at most burst at once, a window is of burst * per_us
--                       / tokens us; a fourth word, @ and a number, is the moment of the namespace's own time, us, before
--                       which nothing is due); tickets, each "limit rank tokens", the caller's place at the limit of that number: rank 0
--                       called back, 1 turn; backs, reservations given back, each "due_us cost", due_us of the
--                       namespace's own time; asks, each "count cost patience_us urgent": so many for cost tokens each
--                       (1..burst), the longest wait (-1 without end), 0 or 1
--
-- Reply: text of words. status (0 done, 2 stale: a newer call was answered, 3 refused: the argument of the number that
--        follows is not valid, 4 unknown: the epoch or the version is not that of this memory: configure first). Nothing
--        was done unless it is 0; then follow now_us (the namespace's own time: TIME, but never going back), grants,
--        epoch, come_back_us (from now, -1 for nowhere), for every limit the ticket to come back with (rank, 2 for none,
--        and tokens), then runs of answers, for the asks in order, each count, kind (1 reserved, 2 the wait exceeds the
--        patience, 3 waits), at_us (from now: due, or the time expected, of a run that waits that of its first), bound
--        (number of the limit that set it, 0 for none). A repeat gets the reply of the first time, with status 1.

local state = KEYS[1]
local last, spare, numbers, memory = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local keys, rest, first = KEYS, ARGV, 5

local EXACT = 9007199254740991 -- 2^53 - 1: the largest integer that a Lua number can count to
local SPAN = 1125899906842624  -- 2^50: the deepest deficit in units, so that sums of several stay exact
local OWN_MS = 60000           -- how long an own key and a log outlive what they hold
local EARLY = 60               -- percent of the horizon that a ticket comes back before its turn
local GRACE = 20000            -- us for which a token is left for the one whose turn it is
local CALLED, TURN, NEW = 0, 1, 2

-- Script functions are made anew by each run, at a cost: what is needed once stands where it is needed.
local call, format, match, sub = redis.call, string.format, string.match, string.sub
local max, min, fmod, floor, ceil = math.max, math.min, math.fmod, math.floor, math.ceil

local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n % 1 == 0 then return n end -- no comparison is true of what is not a number
end

-- Whole microseconds from units of a limit, rounded up. fmod is exact where a quotient would be rounded.
local function up(units, tokens)
  if tokens == 1 then return units end
  local r = fmod(units, tokens)
  if r > 0 then return (units - r) / tokens + 1 end
  return (units - r) / tokens
end

-- Every argument is checked before the first write: a script that fails half-way is not undone.
local seq, grants, horizon, lead, limits, tickets, backs = match(numbers, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
if not seq then return '3 3' end
seq, grants, horizon, lead = tonumber(seq), tonumber(grants), tonumber(horizon), tonumber(lead)
limits, tickets, backs = tonumber(limits), tonumber(tickets), tonumber(backs)
if seq < 1 or seq > EXACT or grants > EXACT or horizon > 3600000000 or lead > horizon or limits < 1 or limits > 100
  or tickets > limits or backs > 100 or not rest[first + 2 * limits + tickets + backs - 1] then
  return '3 3'
end
local fields = { 'epoch', last, spare, rest[first], nil, nil, nil, nil } -- with room: a table that grows is copied each time
for i = 2, limits do fields[i + 3] = rest[first + 2 * i - 2] end

local clock = call('TIME')
local stored = call('HMGET', state, unpack(fields, 1, limits + 3))

-- A repeat gets the answer of the first time: a lost reply must not pay twice.
if stored[2] then
  local number, reply = match(stored[2], '^(%d+) 0 (.*)$')
  number = tonumber(number)
  if number == seq then return '1 ' .. reply end
  if number and number > seq then return '2' end
end

-- The epoch is the identity of one continuous memory. A caller that knows another one, or saw more than is stored here, is
-- for configure to judge.
if not stored[1] then return '4' end
local id, of, born, count, now, shift, before = match(stored[1], '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S*)$')
if not id then return '4' end
count, now, shift = tonumber(count), tonumber(now), tonumber(shift)
if sub(stored[1], 1, #memory + 1) ~= memory .. ' ' or count < grants then return '4' end

-- The namespace's own time never goes back: where TIME does, shift takes up the difference, for limits that nobody has
-- asked for since as well.
local time = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
if time + shift < now then shift = now - time end
now = time + shift

local most, own, windows, route = EXACT, 2, false, {}
for i = 1, limits do
  local at = first + 2 * (i - 1)
  local field, limit = rest[at], rest[at + 1]
  local text, key, log = stored[i + 3], nil, nil
  if sub(field, 1, 6) ~= 'limit:' then
    if sub(field, 1, 4) == 'own:' then
      key, own = keys[own], own + 1
      if not key then return '3 ' .. at end
      text = call('GET', key)
    end
    if match(field, '^window:') or match(field, '^own:window:') then
      log, own, windows = keys[own], own + 1, true
      if not log then return '3 ' .. at end
    elseif not key then
      return '3 ' .. at
    end
  end

  local bar = -EXACT
  local tokens, per, burst -- the limit that the caller knows
  local was_tokens, was_per, was_burst, seen, full, back, line, urgent, latest, hold, tail
  if text then
    was_tokens, was_per, was_burst, seen, full, back, line, urgent, latest, hold, tail =
      match(text, '^5 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  end
  if was_tokens then
    was_tokens, was_per, was_burst, seen = tonumber(was_tokens), tonumber(was_per), tonumber(was_burst), tonumber(seen)
    full, back, line, urgent, latest = tonumber(full), tonumber(back), tonumber(line), tonumber(urgent), tonumber(latest)
    hold = tonumber(hold)
  end
  if was_tokens and sub(text, 3, #limit + 3) == limit .. ' ' then
    tokens, per, burst = was_tokens, was_per, was_burst -- what is stored was checked when it was new
  else
    local opens
    tokens, per, burst, opens = match(limit, '^(%d+) (%d+) (%d+) ?@?(%d*)$')
    tokens, per, burst = integer(tokens, 1, SPAN), integer(per, 1, SPAN), integer(burst, 1, SPAN)
    if not (tokens and per and burst) or burst * per + (horizon + 1) * tokens > SPAN then return '3 ' .. (at + 1) end
    if opens ~= '' then
      bar = integer(opens, 0, EXACT)
      if not bar then return '3 ' .. (at + 1) end
      bar = bar - now
      limit = format('%d %d %d', tokens, per, burst)
    end
  end
  if key and was_tokens and seen <= tonumber(born) then was_tokens = nil end -- of a memory that was lost since
  if not was_tokens or was_tokens < 1 or was_per < 1 or full > EXACT or back > EXACT or line > EXACT
    or urgent > EXACT or seen > EXACT or latest > EXACT then
    -- Not there, or not readable: the worst that it can have been now or, for a limit made at run time, which is
    -- forgotten when it is full, when the epoch began.
    was_tokens, was_per, was_burst, hold, tail = tokens, per, burst, 0, ''
    seen = key and tonumber(born) or now
    full = burst * per + horizon * tokens
    back, line, urgent, latest = full, full, 0, horizon
  end
  if burst < most then most = burst end

  local gone = now - seen
  if gone > 0 then
    if up(line, was_tokens) <= gone then
      full, back, line = 0, 0, 0
    else -- below line nothing is deeper, so that the products stay exact
      local units = gone * was_tokens
      full, back, line = max(0, full - units), max(0, back - units), line - units
    end
    if urgent > 0 then
      if up(urgent, was_tokens) <= gone then urgent = 0 else urgent = urgent - gone * was_tokens end
    end
    latest = max(0, latest - gone)
  end
  if back < full then back = full end
  if line < back then line = back end
  if line == full or hold >= burst then hold = 0 end
  if tokens ~= was_tokens or per ~= was_per or burst ~= was_burst then
    -- A new limit keeps the number of tokens, and counts from the last reservation that is out: before that the former
    -- one holds. Both directions turn at the same moment, so that a change and its reverse lead nowhere.
    local was, is, more = was_per / was_tokens, per / tokens, (burst - was_burst) * per
    local function become(deficit, add)
      local us = deficit / was_tokens
      local kept = min(us, latest)
      return ceil(kept * tokens) + max(0, min(SPAN, ceil((us - kept) * is / was * tokens)) + add)
    end
    full, back, line, urgent = become(full, more), become(back, more), become(line, more), become(urgent, 0)
    full = max(full, latest * tokens)
    back = max(back, full)
    line = max(line, back)
  end
  local b = {
    limit = limit, tokens = tokens, per = per, burst = burst, key = key, log = log, opens = bar, bar = bar,
    full = full, back = back, line = line, urgent = urgent, latest = latest, hold = hold,
    lead = log and 0 or min(horizon, floor(floor((burst - 1) * per / 4) / tokens)),
    held = NEW, left = 0, rank = NEW, effect = NEW, jump = false, level = 0, asked = 0, need = 0,
  }
  if log then
    -- What is trimmed or forgotten counts as one use at the edge.
    local edge, length, final = match(tail, '^ (%d+) (%d+) (%d+)$')
    b.width, b.pushed, b.read = floor(burst * per / tokens), {}, {}
    b.edge, b.final, b.length, length = integer(edge, 0, EXACT), integer(final, 0, EXACT), call('LLEN', log), integer(length, 0, EXACT)
    if not (b.edge and b.final and length) then
      b.edge, b.final = seen + horizon, 0
    elseif b.length < length and b.final + b.width > now then
      b.edge = now + horizon -- uses that still count are gone from the log
    end
  end
  route[i] = b
end
local shared = route[limits]
for i = first + 2 * limits, first + 2 * limits + tickets - 1 do
  local number, rank, left = match(rest[i], '^(%d+) ([01]) (%d+)$')
  local b = route[tonumber(number)]
  left = integer(left, 1, SPAN)
  if not b or not left then return '3 ' .. i end
  b.held, b.left = tonumber(rank), left
end

-- Reservations that were given back, earliest first: those of other replicas, then those that come with this call.
local spares = {}
local asks = first + 2 * limits + tickets + backs
if stored[3] then
  local from, list = match(stored[3], '^(%S+)(.*)$')
  if from == id then
    for due, cost in string.gmatch(list, '(%d+) (%d+)') do spares[#spares + 1] = { tonumber(due) - now, tonumber(cost) } end
  end
end
for i = asks - backs, asks - 1 do
  local due, cost = match(rest[i], '^(%d+) (%d+)$')
  due, cost = integer(due, 0, EXACT), integer(cost, 1, most)
  if not due or not cost then return '3 ' .. i end
  if due - now <= horizon then spares[#spares + 1] = { due - now, cost } end
end
if #spares > 1 then table.sort(spares, function(x, y) return x[1] < y[1] end) end

local wishes = {}
for i = asks, #rest do
  local n, cost, patience, urgent = match(rest[i], '^(%d+) (%d+) (%-?%d+) ([01])$')
  if not n then return '3 ' .. i end
  n, cost, patience = tonumber(n), tonumber(cost), tonumber(patience)
  if n < 1 or n > 100000 or cost < 1 or cost > most or patience < -1 or patience > EXACT then return '3 ' .. i end
  wishes[i - asks + 1] = { n, cost, patience, urgent == '1' }
end

-- newest returns the n-th last due of a window limit, from now, the last being 1; or the edge where it has not so many.
local newest
if windows then
  newest = function(b, n)
    local pushed = #b.pushed
    if n <= pushed then return b.pushed[pushed - n + 1] end
    n = n - pushed
    if n > b.length then return b.edge - now end
    if not b.read[n] then b.read[n] = tonumber(call('LINDEX', b.log, n - 1)) or b.edge end
    return b.read[n] - now
  end
end

-- soonest is when a limit of a deficit can give cost tokens, us from now; negative where it could before.
local function soonest(b, deficit, cost)
  local us = up(deficit + (cost - b.burst) * b.per, b.tokens)
  if us < b.bar then return b.bar end
  return us
end

local early = floor(horizon * EARLY / 100)
local out, runs, n_was, kind_was, at_was, bound_was = {}, 0, 0, 0, 0, 0
local worst, one, waiting = nil, 0, 0
for r = 1, #wishes do
  local ask = wishes[r]
  local n, cost, patience, urgent = ask[1], ask[2], ask[3], ask[4]
  while n > 0 do
    local due
    local bound, fits, some, kind = 1, false, 1, 3
    if worst then
      -- Those before it wait: so does it, behind them. Its time is an estimate.
      local b = route[worst]
      due, bound = max(lead, soonest(b, b.level, waiting + cost)), worst
    else
      -- The earliest due time of the ask on every limit, which of them sets it, and whether it may be granted.
      for i = 1, limits do
        local b = route[i]
        local rank = NEW
        if b.left > 0 then rank = b.held end
        b.rank, b.jump, b.effect = rank, false, rank
        -- Urgent calls pass the line within half the rate, which a small bucket of its own keeps.
        if urgent and b.line > b.full and rank > CALLED
          and b.urgent - (max(1, floor(b.burst / 2)) - 1) * 2 * b.per <= horizon * b.tokens then
          b.jump, b.effect = true, CALLED
        end
        local level = b.line
        if b.effect == CALLED then level = b.full elseif b.effect == TURN then level = b.back end
        if b.log then b.bar = max(b.opens, newest(b, 1), newest(b, b.burst - cost + 1) + b.width) end
        local need = soonest(b, level, cost)
        b.level, b.asked, b.need = level, need, need
      end
      local base = max(lead, shared.need)
      if base > horizon - GRACE and shared.effect > CALLED then
        -- Nobody came for these tokens: take a no-show's place.
        local free = max(lead, soonest(shared, shared.full + shared.hold * shared.per, cost))
        if free <= early - GRACE then base = free end
      end
      local most_need = -EXACT
      for i = 1, limits do
        local b = route[i]
        local limit = base
        if i == limits then limit = early end
        local need = b.need
        if need > limit - GRACE and b.effect > CALLED then
          local free = soonest(b, b.full + b.hold * b.per, cost)
          if free <= limit - GRACE then need = free end
        end
        if need > most_need or (need == most_need and i == limits) then bound, most_need = i, need end
      end
      due, fits = lead, most_need <= horizon
      if most_need > due then due = most_need end
      if fits and due > base then
        -- Limits of one bucket are charged together, always: what one of them pushes another one ahead is no loss.
        local bucket = match(fields[bound + 3], ':%d+:(.*)$')
        for i = 1, limits do
          local b = route[i]
          if due > b.lead and (b.log or due > up(b.full, b.tokens)) and match(fields[i + 3], ':%d+:(.*)$') ~= bucket then fits = false end
        end
      end
      if most_need <= lead then bound = 0 end
    end

    -- A spare reservation that is due no later than the ask would be, or before it would have to wait.
    local given
    if #spares > 0 then
      local by = fits and due or horizon
      if patience >= 0 and patience < by then by = patience end
      for i, s in ipairs(spares) do
        if s[1] >= lead and s[1] <= by and s[2] == cost then
          given = table.remove(spares, i)
          break
        end
      end
    end

    if given then
      kind, due, bound = 1, given[1], 0
      for i = 1, limits do
        local b = route[i]
        if b.left > 0 then b.left = max(0, b.left - cost) end
      end
    elseif patience >= 0 and due > patience then
      kind, some = 2, n
    elseif fits then
      kind = 1
      for i = 1, limits do
        local b = route[i]
        local full, add = b.full, cost * b.per
        local at, exactly = due * b.tokens, full + (cost - b.burst) * b.per
        -- Exactly when its token came where that set the due time, so that rounding up to a whole us never adds up.
        if up(exactly, b.tokens) == due then at = exactly end
        b.full = (full < at and at or full) + add
        -- Who took a no-show's place passed nobody.
        if (b.rank > CALLED or b.jump) and not (b.effect > CALLED and b.asked > due) then
          b.back = max(b.back, at) + add
          if b.rank == NEW or b.jump then b.line = max(b.line, at) + add end
        end
        if b.back < b.full then b.back = b.full end
        if b.line < b.back then b.line = b.back end
        if b.jump then b.urgent = max(b.urgent, due * b.tokens) + add * 2 end
        if b.left > 0 then b.left = max(0, b.left - cost) end
        if b.latest < due then b.latest = due end
        if b.log then
          for _ = 1, cost do b.pushed[#b.pushed + 1] = due end
        end
      end
      if n > 1 and due == lead and not urgent and not windows and #spares == 0 then
        -- Where no limit binds a crowd is one step: as many more as are due at once by the same rules.
        some = n - 1
        for i = 1, limits do
          local b = route[i]
          local at, level = lead * b.tokens, b.line
          if b.effect == CALLED then level = b.full elseif b.effect == TURN then level = b.back end
          if b.full < at then some = 0 end
          some = min(some, max(0, floor((at - level + (b.burst - cost) * b.per) / (cost * b.per)) + 1))
          if b.rank < NEW then some = min(some, ceil(b.left / cost)) end
        end
        for i = 1, limits do
          local b = route[i]
          local add = some * cost * b.per
          b.full = b.full + add
          if b.rank > CALLED then b.back = b.back + add end
          if b.rank == NEW then b.line = b.line + add end
          if b.back < b.full then b.back = b.full end
          if b.line < b.back then b.line = b.back end
          if b.left > 0 then b.left = max(0, b.left - some * cost) end
        end
        some = some + 1
      end
    else
      if not worst then
        worst, one = bound > 0 and bound or limits, cost
        bound = worst
      end
      if patience < 0 then some = n end
      waiting = waiting + some * cost
    end
    if kind == 1 then count = count + some end
    n = n - some
    if kind == kind_was and bound == bound_was and (due == at_was or kind == 3) then
      n_was = n_was + some
    else
      if n_was > 0 then
        runs = runs + 1
        out[runs] = format(' %d %d %d %d', n_was, kind_was, at_was, bound_was)
      end
      n_was, kind_was, at_was, bound_was = some, kind, due, bound
    end
  end
end
if n_was > 0 then out[runs + 1] = format(' %d %d %d %d', n_was, kind_was, at_was, bound_was) end

-- Those that wait go into the line of the limit that binds, for as many tokens as one turn may take, and come back early
-- enough before their turn to meet what passed meanwhile.
local come_back = -1
if worst then
  local b, ahead = route[worst], horizon
  local bucket = match(fields[worst + 3], ':%d+:(.*)$')
  if match(fields[limits + 3], ':%d+:(.*)$') ~= bucket then
    for i, other in ipairs(route) do
      if match(fields[i + 3], ':%d+:(.*)$') ~= bucket then ahead = min(ahead, other.lead) end
    end
  end
  ahead = floor(ahead * EARLY / 100)
  local want = min(waiting, max(one, min(floor(b.burst / 2), b.burst - 1) + floor(ahead * b.tokens / b.per)))
  if b.left > 0 then want = min(want, b.left) end
  local add = want * b.per
  if one - 1 > b.hold then b.hold = one - 1 end
  local turn
  if b.rank == NEW and not b.jump then
    b.line = b.line + add
    turn = b.line
    b.held, b.left = TURN, want
  else
    -- Its turn has come, but those before it came late, or urgent calls passed.
    b.back = b.back + add
    turn = b.back
    if b.rank == NEW then b.line = b.line + add end
    b.line = max(b.line, b.back)
    if b.jump then b.urgent = b.urgent + add * 2 end
    b.held, b.left = CALLED, max(b.left, want)
  end
  come_back = max(0, soonest(b, turn, 0) - ahead)
end

-- Written even when nothing was granted: a repair that is only remembered on success would never be made.
local reply = format('0 %d %d %s %d', now, count, id, come_back)
local set = { 'epoch', format('%s %s %s %d %d %d %s', id, of, born, count, now, shift, before), last, '', nil, nil, nil, nil }
for i = 1, limits do
  local b = route[i]
  local text = format('5 %s %d %d %d %d %d %d %d', b.limit, now, b.full, b.back, b.line, b.urgent, b.latest, b.hold)
  if b.log then
    local length = b.length + #b.pushed
    if length > b.burst then b.edge = max(b.edge, now + newest(b, b.burst + 1)) end
    for at = 1, #b.pushed do call('LPUSH', b.log, format('%d', now + b.pushed[at])) end
    if length > b.burst then
      call('LTRIM', b.log, 0, b.burst - 1)
      length = b.burst
    end
    if length > 0 then call('PEXPIRE', b.log, ceil((b.width + 2 * horizon) / 1000) + OWN_MS) end
    local final = b.pushed[#b.pushed]
    text = format('%s %d %d %d', text, b.edge, length, final and now + final or b.final)
  end
  if b.key then
    call('SET', b.key, text, 'PX', ceil((up(b.line, b.tokens) + (b.width or 0) + 2 * horizon) / 1000) + OWN_MS)
  else
    set[#set + 1] = fields[i + 3]
    set[#set + 1] = text
  end
  if b.left > 0 then reply = format('%s %d %d', reply, b.held, b.left) else reply = reply .. ' 2 0' end
end
if stored[3] or #spares > 0 then
  local list = { id }
  for _, s in ipairs(spares) do
    if s[1] > 0 then list[#list + 1] = format('%d %d', now + s[1], s[2]) end
  end
  set[#set + 1], set[#set + 2] = spare, table.concat(list, ' ')
end
if out[1] then reply = reply .. (out[2] and table.concat(out) or out[1]) end
set[4] = format('%d ', seq) .. reply
call('HSET', state, unpack(set))
return reply
