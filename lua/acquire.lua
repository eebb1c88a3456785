-- Reserves tokens on every bucket of a route at once, each at the time of its use, or gives a place in line.
--
-- A bucket's level is a deficit: how long until it is full again, in units of 1/tokens of a microsecond, counted at the
-- time it was last seen. A token is per_us units and a microsecond gives tokens units back; both are whole, so nothing is
-- ever rounded away. Three deficits stand beside each other: full, that of what is reserved; back, with those counted in
-- whose turn came before their token; line, with everyone counted in who stands in line. A newcomer queues behind line,
-- one whose turn has come behind back, one who was called back, or is urgent and passes the line, behind full.
--
-- A reservation is due when every bucket of the route has a token, at most a horizon from now for everybody, and is
-- charged to each at that due time, so that no bucket promises a token twice in whatever order calls arrive.
--
-- KEYS[1]   state       hash without TTL: the epoch of the namespace and the level of each of its limits
-- KEYS[2]   last        string with TTL: number and reply of the last call of this replica on this route
-- ARGV[1]   seq         integer >= 1: number of this call; a call that is sent twice has one number
-- ARGV[2]   epoch       text: the epoch the caller knows, or -
-- ARGV[3]   grants      integer >= 0: the highest count of grants the caller saw in that epoch
-- ARGV[4]   fresh       text: the name of the epoch that begins if memory was lost
-- ARGV[5]   horizon_us  integer >= 0: microseconds that a reservation may be ahead, and of debt after lost memory
-- ARGV[6]   lead_us     integer 0..horizon_us: nothing is due sooner than this from now: what a slow reply needs
-- ARGV[7]   limits      integer >= 1: number of limits that follow, narrowest first, the shared one last, each as six
--                       arguments: field (text, its field of state), tokens and per_us (so many tokens in so many us),
--                       burst, and the caller's ticket there: rank (0 called back, 1 turn, 2 none), tokens left on it
-- ARGV[...] asks        the rest, in threes: cost (tokens, 1..burst), patience_us (longest wait, -1 without end),
--                       urgent (0 or 1)
--
-- Reply: status (0 done, 1 repeated: the reply of the first time, 2 stale: a newer call was answered, nothing done,
--        3 refused: argument number now_us is not valid, nothing done), now_us (the namespace's own time: TIME, but never going
--        back), grants, epoch, come_back_us (from
--        now, -1 for nowhere); for every limit the ticket to come back with: rank, tokens; then for every ask: kind
--        (1 reserved, 2 the wait exceeds the patience, 3 waits), at_us (from now: due, or the time expected), bound
--        (number of the limit that set it, 0 for none)

local state, last = KEYS[1], KEYS[2]
local seq, epoch, grants, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local horizon_us, lead_us, limits, rest, first = ARGV[5], ARGV[6], ARGV[7], ARGV, 8

local EXACT = 9007199254740991 -- 2^53 - 1: the largest integer that a Lua number can count to
local SPAN = 1125899906842624  -- 2^50: the deepest deficit in units, so that sums of several stay exact
local LAST_MS = 60000          -- how long a reply is kept for a repeat; clients give up resending long before
local SUPERSEDED = 8           -- how many former epochs are remembered
local EARLY = 60               -- percent of the horizon that a ticket comes back before its turn
local GRACE = 20000            -- us for which a token is left for the one whose turn it is
local CALLED, TURN, NEW = 0, 1, 2

local max, min, fmod, floor, ceil = math.max, math.min, math.fmod, math.floor, math.ceil

local function integer(x, low, high)
  local n = tonumber(x)
  if not n or n ~= n or n < low or n > high or n ~= floor(n) then return nil end
  return n
end

-- Whole microseconds from units of a limit, rounded up or down. fmod is exact where a quotient would be rounded.
local function up(units, tokens)
  local r = fmod(units, tokens)
  if r > 0 then return (units - r) / tokens + 1 end
  return (units - r) / tokens
end
local function down(units, tokens) return (units - fmod(units, tokens)) / tokens end

local clock = redis.call('TIME')
local time = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

-- Every argument is checked before the first write: a script that fails half-way is not undone.
local function invalid(i) return { 3, i, 0, '-' } end
seq = integer(seq, 1, EXACT)
grants = integer(grants, 0, EXACT)
local horizon = integer(horizon_us, 0, 3600000000)
local lead = integer(lead_us, 0, horizon or 0)
limits = integer(limits, 1, 100)
if not seq then return invalid(1) end
if not grants then return invalid(3) end
if not horizon then return invalid(5) end
if not lead then return invalid(6) end
if not limits then return invalid(7) end
local route, fields, most = {}, { 'epoch' }, EXACT
for i = 1, limits do
  local at = first + 6 * (i - 1)
  local b = { field = rest[at], tokens = integer(rest[at + 1], 1, SPAN), per = integer(rest[at + 2], 1, SPAN),
    burst = integer(rest[at + 3], 1, SPAN), held = integer(rest[at + 4], CALLED, NEW), left = integer(rest[at + 5], 0, SPAN) }
  if not (b.field and b.tokens and b.per and b.burst and b.held and b.left) or b.burst * b.per + (horizon + 1) * b.tokens > SPAN then
    return invalid(at)
  end
  most = min(most, b.burst)
  route[i], fields[i + 1] = b, b.field
end
local shared = route[limits]
local asks = first + 6 * limits
for i = asks, #rest, 3 do
  if not integer(rest[i], 1, most) or not integer(rest[i + 1], -1, EXACT) or not integer(rest[i + 2], 0, 1) then
    return invalid(i)
  end
end

-- A repeat gets the answer of the first time: a lost reply must not pay twice.
local answered = redis.call('GET', last)
if answered then
  local words = {}
  for word in string.gmatch(answered, '%S+') do words[#words + 1] = word end
  local number = tonumber(words[1])
  if number == seq then
    local again = { 1, tonumber(words[2]), tonumber(words[3]), words[4] }
    for i = 5, #words do again[i] = tonumber(words[i]) end
    return again
  elseif number and number > seq then
    return { 2, time, 0, '-' }
  end
end

-- The epoch is the identity of one continuous memory. A caller that saw more than is stored here, or an epoch that
-- this memory never replaced, proves that grants were forgotten: then every bucket is empty and in debt.
local stored = redis.call('HMGET', state, unpack(fields))
local id, born, count, now, shift, before
if stored[1] then
  id, born, count, now, shift, before = string.match(stored[1], '^(%S+) (%d+) (%d+) (%d+) (%d+) (%S*)$')
  born, count, now, shift = tonumber(born), tonumber(count), tonumber(now), tonumber(shift)
end
local known = epoch == '-' or epoch == id or (id and string.find(before, epoch, 1, true))
if not id or not known or (epoch == id and count < grants) then
  local kept, seen = {}, {}
  for name in string.gmatch(epoch .. ',' .. (id or '-') .. ',' .. (before or ''), '[^,]+') do
    if name ~= '-' and not seen[name] and #kept < SUPERSEDED then kept[#kept + 1], seen[name] = name, true end
  end
  id, born, count, now, shift, before = fresh, time, 0, time, 0, table.concat(kept, ',')
  stored = {}
  redis.call('DEL', state)
end

-- The namespace's own time never goes back: where TIME does, shift takes up the difference, for limits that nobody has
-- asked for since as well.
if time + shift < now then shift = now - time end
now = time + shift

local LEVELS = { 'full', 'back', 'line', 'urgent' }

for i, b in ipairs(route) do
  local v, text = {}, stored[i + 1]
  if text then
    for word in string.gmatch(text, '%S+') do v[#v + 1] = integer(word, 0, EXACT) end
  end
  local tokens, per, burst, seen = b.tokens, b.per, b.burst, now
  if #v == 10 and v[1] == 3 then
    tokens, per, burst, seen = v[2], v[3], v[4], v[5]
    b.full, b.back, b.line, b.urgent, b.last = v[6], v[7], v[8], v[9], v[10]
  else
    -- Untouched since the epoch began, or not readable: the worst that it can have been, then or now.
    if not text then seen = born end
    b.full = burst * per + horizon * tokens
    b.back, b.line, b.urgent, b.last = b.full, b.full, 0, horizon
  end
  local gone = max(0, now - seen)
  for _, level in ipairs(LEVELS) do
    if down(b[level], tokens) < gone then b[level] = 0 else b[level] = b[level] - gone * tokens end
  end
  b.last = max(0, b.last - gone)
  b.back = max(b.back, b.full)
  b.line = max(b.line, b.back)
  if tokens ~= b.tokens or per ~= b.per or burst ~= b.burst then
    -- A new limit keeps the number of tokens, and counts from the last reservation that is out: before that the former
    -- one holds. Both directions turn at the same moment, so that replicas that disagree lead nowhere.
    local was, is = per / tokens, b.per / b.tokens
    for _, level in ipairs(LEVELS) do
      local us = b[level] / tokens
      local kept = min(us, b.last)
      local more = level == 'urgent' and 0 or b.burst - burst
      b[level] = ceil(kept * b.tokens) + max(0, min(SPAN, ceil((us - kept) * is / was * b.tokens)) + more * b.per)
    end
    b.full = max(b.full, b.last * b.tokens)
    b.back = max(b.back, b.full)
    b.line = max(b.line, b.back)
  end
  b.lead = min(horizon, down(floor((b.burst - 1) * b.per / 4), b.tokens))
end

local function ready(b, deficit, cost) return deficit + (cost - b.burst) * b.per end

local function level(b)
  return b.effect == CALLED and b.full or b.effect == TURN and b.back or b.line
end

-- joint returns the earliest due time of an ask on every bucket, which of them sets it, and whether it may be granted.
local function joint(cost, urgent)
  for _, b in ipairs(route) do
    b.rank, b.jump = NEW, false
    if b.left > 0 then b.rank = b.held end
    b.effect = b.rank
    -- Urgent calls pass the line within half the rate, which a small bucket of its own keeps.
    if urgent and b.line > b.full and b.rank > CALLED
      and b.urgent - (max(1, floor(b.burst / 2)) - 1) * 2 * b.per <= horizon * b.tokens then
      b.jump, b.effect = true, CALLED
    end
  end
  local base = max(lead, up(ready(shared, level(shared), cost), shared.tokens))
  if base > horizon - GRACE and shared.effect > CALLED then
    -- Nobody came for these tokens: take a no-show's place.
    local free = max(lead, up(ready(shared, shared.full, cost), shared.tokens))
    if free <= floor(horizon * EARLY / 100) - GRACE then base = free end
  end
  local due, worst = lead, 1
  for i, b in ipairs(route) do
    local limit = b == shared and floor(horizon * EARLY / 100) or base
    b.need = up(ready(b, level(b), cost), b.tokens)
    if b.effect > CALLED and b.need > limit - GRACE then
      local free = up(ready(b, b.full, cost), b.tokens)
      if free <= limit - GRACE then b.need = free end
    end
    if b.need > route[worst].need or (b.need == route[worst].need and b == shared) then worst = i end
    due = max(due, b.need)
  end
  local fits = due <= horizon
  for i, b in ipairs(route) do
    fits = fits and (i == worst or due <= max(base, up(b.full, b.tokens), b.lead))
  end
  return due, route[worst].need > lead and worst or 0, fits
end

local function charge(b, due, cost)
  local passed = b.effect > CALLED and up(ready(b, level(b), cost), b.tokens) > due
  local at, exactly, add = due * b.tokens, ready(b, b.full, cost), cost * b.per
  -- Exactly when its token came where that set the due time, so that rounding up to a whole us never adds up.
  if up(exactly, b.tokens) == due then at = exactly end
  b.full = max(b.full, at) + add
  if not passed and (b.rank > CALLED or b.jump) then
    b.back = max(b.back, at) + add
    if b.rank == NEW or b.jump then b.line = max(b.line, at) + add end
  end
  b.back = max(b.back, b.full)
  b.line = max(b.line, b.back)
  if b.jump then b.urgent = max(b.urgent, due * b.tokens) + add * 2 end
  b.left, b.last = max(0, b.left - cost), max(b.last, due)
end

-- queue puts the caller into the line of the bucket that binds, for as many tokens as one turn may take, and returns
-- when to come back: early enough before its turn to meet what passed meanwhile.
local function queue(worst, one, tokens)
  local b, ahead = route[worst], horizon
  if b ~= shared then
    for i, other in ipairs(route) do
      if i ~= worst then ahead = min(ahead, other.lead) end
    end
  end
  ahead = floor(ahead * EARLY / 100)
  local want = min(tokens, max(one, min(floor(b.burst / 2), b.burst - 1) + down(ahead * b.tokens, b.per)))
  if b.left > 0 then want = min(want, b.left) end
  local add = want * b.per
  local turn
  if b.rank == NEW and not b.jump then
    b.line = b.line + add
    turn = ready(b, b.line, 0)
    b.held, b.left = TURN, want
  else
    -- Its turn has come, but those before it came late, or urgent calls passed.
    b.back = b.back + add
    turn = ready(b, b.back, 0)
    if b.rank == NEW then b.line = b.line + add end
    b.line = max(b.line, b.back)
    if b.jump then b.urgent = b.urgent + add * 2 end
    b.held, b.left = CALLED, max(b.left, want)
  end
  return max(0, up(turn, b.tokens) - ahead)
end

local reply, worst, one, waiting = {}, nil, 0, 0
for i = asks, #rest, 3 do
  local cost, patience, urgent = tonumber(rest[i]), tonumber(rest[i + 1]), rest[i + 2] == '1'
  local kind = 3
  local at, bound
  if worst then
    -- Those before it wait: so does it, behind them. Its time is an estimate.
    local b = route[worst]
    at, bound = max(lead, up(ready(b, level(b), waiting + cost), b.tokens)), worst
    if patience >= 0 and at > patience then kind = 2 else waiting = waiting + cost end
  else
    local fits
    at, bound, fits = joint(cost, urgent)
    if patience >= 0 and at > patience then
      kind = 2
    elseif fits then
      kind, count = 1, count + 1
      for _, b in ipairs(route) do charge(b, at, cost) end
    else
      worst, one, waiting = bound > 0 and bound or limits, cost, cost
    end
  end
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = kind, at, bound
end
local come_back = -1
if worst then come_back = queue(worst, one, waiting) end

-- Written even when nothing was granted: a repair that is only remembered on success would never be made.
local set = { 'epoch', string.format('%s %d %d %d %d %s', id, born, count, now, shift, before) }
local answer = { 0, now, count, id, come_back }
for _, b in ipairs(route) do
  set[#set + 1] = b.field
  set[#set + 1] = string.format('3 %d %d %d %d %d %d %d %d %d',
    b.tokens, b.per, b.burst, now, b.full, b.back, b.line, b.urgent, b.last)
  answer[#answer + 1], answer[#answer + 2] = b.left > 0 and b.held or NEW, b.left
end
redis.call('HSET', state, unpack(set))
for i = 1, #reply do answer[#answer + 1] = reply[i] end

local words = { string.format('%d %d %d %s', seq, now, count, id) }
for i = 5, #answer do words[i - 3] = string.format('%d', answer[i]) end
redis.call('SET', last, table.concat(words, ' '), 'PX', LAST_MS)
return answer
