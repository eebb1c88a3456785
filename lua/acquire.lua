-- Reserves tokens on every bucket of a route at once, each at the time of its use.
--
-- A bucket is one stamp, full_at: the time at which it will be full again. With T the time of one token, its earliest
-- token comes at full_at + T - burst * T. A reservation is due when every bucket of the route has a token, and is
-- charged to each of them at that due time, so that no bucket promises a token twice in whatever order calls arrive.
--
-- Stamps are whole microseconds and a remainder counted in 1/tokens of a microsecond: nothing is ever rounded away.
--
-- KEYS[1]   state       hash without TTL: the epoch of the namespace and the level of each of its limits
-- KEYS[2]   last        string with TTL: number and reply of the last call of this replica on this route
-- ARGV[1]   seq         integer >= 1: number of this call; a call that is sent twice has one number
-- ARGV[2]   epoch       text: the epoch the caller knows, or -
-- ARGV[3]   grants      integer >= 0: the highest count of grants the caller saw in that epoch
-- ARGV[4]   fresh       text: the name of the epoch that begins if memory was lost
-- ARGV[5]   horizon_us  integer >= 0: microseconds of debt with which a lost memory begins again
-- ARGV[6]   lead_us     integer >= 0: nothing is due sooner than this many us from now: what a slow reply needs
-- ARGV[7]   limits      integer >= 1: number of limits that follow, narrowest first, each as four arguments:
--                       field (text, its field of state), tokens and per_us (so many tokens in so many us), burst
-- ARGV[...] asks        the rest, in pairs: cost (tokens, 1..burst), patience_us (longest wait, -1 without end)
--
-- Reply: status (0 done, 1 repeated: the reply of the first time, 2 stale: a newer call was answered, nothing done,
--        3 refused: argument number now_us is not valid, nothing done), now_us (TIME), grants, epoch; then for every
--        ask: kind (1 reserved, 2 the wait exceeds the patience), at_us (due, or the earliest that it could have been),
--        bound (number of the limit that set at_us, 0 for none)

local state, last = KEYS[1], KEYS[2]
local seq, epoch, grants, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local horizon_us, lead_us, limits, rest, first = ARGV[5], ARGV[6], ARGV[7], ARGV, 8

local EXACT = 9007199254740991 -- 2^53 - 1: the largest integer that a Lua number can count to
local SPAN = 1125899906842624  -- 2^50: the longest refill and the deepest converted debt in us, 35 years, so that sums stay exact
local LAST_MS = 60000          -- how long a reply is kept for a repeat; clients give up resending long before
local SUPERSEDED = 8           -- how many former epochs are remembered

local function integer(x, low, high)
  local n = tonumber(x)
  if not n or n ~= n or n < low or n > high or n ~= math.floor(n) then return nil end
  return n
end

-- Moves a stamp by x in units of 1/tokens us. fmod is exact where the quotient of a division would be rounded.
local function moved(us, rem, x, tokens)
  local sum = rem + x
  local r = math.fmod(sum, tokens)
  if r < 0 then r = r + tokens end
  return us + (sum - r) / tokens, r
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

-- Every argument is checked before the first write: a script that fails half-way is not undone.
local function invalid(i) return { 3, i, 0, '-' } end
seq = integer(seq, 1, EXACT)
grants = integer(grants, 0, EXACT)
horizon_us = integer(horizon_us, 0, EXACT)
lead_us = integer(lead_us, 0, EXACT)
limits = integer(limits, 1, 1000)
if not seq then return invalid(1) end
if not grants then return invalid(3) end
if not horizon_us then return invalid(5) end
if not lead_us then return invalid(6) end
if not limits then return invalid(7) end
local buckets, fields, most = {}, { 'epoch' }, EXACT
for i = 1, limits do
  local at = first + 4 * (i - 1)
  local b = { field = rest[at], tokens = integer(rest[at + 1], 1, EXACT), per = integer(rest[at + 2], 1, EXACT),
    burst = integer(rest[at + 3], 1, EXACT) }
  if not b.field or not b.tokens or not b.per or not b.burst or b.burst * b.per + b.tokens > SPAN then
    return invalid(at)
  end
  most = math.min(most, b.burst)
  buckets[i], fields[i + 1] = b, b.field
end
local asks = first + 4 * limits
for i = asks, #rest, 2 do
  if not integer(rest[i], 1, most) or not integer(rest[i + 1], -1, EXACT) then return invalid(i) end
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
    return { 2, now, 0, '-' }
  end
end

-- The epoch is the identity of one continuous memory. A caller that saw more than is stored here, or an epoch that
-- this memory never replaced, proves that grants were forgotten: then every bucket is empty and in debt.
local stored = redis.call('HMGET', state, unpack(fields))
local id, born, count, before
if stored[1] then
  id, born, count, before = string.match(stored[1], '^(%S+) (%d+) (%d+) (%S*)$')
  born, count = tonumber(born), tonumber(count)
end
local known = epoch == '-' or epoch == id or (id and string.find(before, epoch, 1, true))
if not id or not known or (epoch == id and count < grants) then
  local former, kept = epoch .. ',' .. (id or '-') .. ',' .. (before or ''), {}
  for name in string.gmatch(former, '[^,]+') do
    if name ~= '-' and #kept < SUPERSEDED then kept[#kept + 1] = name end
  end
  id, born, count, before = fresh, now, 0, table.concat(kept, ',')
  stored = {}
  redis.call('DEL', state)
end

for i, b in ipairs(buckets) do
  local tokens, per, burst, seen, us, rem
  if stored[i + 1] then
    tokens, per, burst, seen, us, rem = string.match(stored[i + 1], '^1 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  end
  if us then
    tokens, per, burst = tonumber(tokens), tonumber(per), tonumber(burst)
    seen, us, rem = tonumber(seen), tonumber(us), tonumber(rem)
    if now < seen then us = us - (seen - now) end -- the clock stepped back, and the level steps with it
    if tokens ~= b.tokens or per ~= b.per or burst ~= b.burst then
      -- A new limit keeps the number of tokens. A slower rate counts from now, a faster one after the last reservation.
      local slower = b.per * tokens > per * b.tokens
      local pivot = slower and now or math.max(now, us + 1)
      local debt = math.min(SPAN, math.ceil(math.max(0, us + 1 - pivot) * (b.per / b.tokens) / (per / tokens)))
      us, rem = moved(pivot + debt, 0, (b.burst - burst) * b.per, b.tokens)
    end
  elseif stored[i + 1] then
    us, rem = moved(now + horizon_us, 0, b.burst * b.per, b.tokens) -- not readable: the worst that it can have been
  else
    us, rem = moved(math.min(born, now) + horizon_us, 0, b.burst * b.per, b.tokens) -- untouched since the epoch began
  end
  b.us, b.rem = us, rem
end

local reply = {}
for i = asks, #rest, 2 do
  local cost, patience = tonumber(rest[i]), tonumber(rest[i + 1])
  local due, bound = now + lead_us, 0
  for j, b in ipairs(buckets) do
    b.ready, b.ready_rem = moved(b.us, b.rem, (cost - b.burst) * b.per, b.tokens)
    b.whole = b.ready_rem > 0 and b.ready + 1 or b.ready
    if b.whole > due or (b.whole == due and bound > 0) then due, bound = b.whole, j end
  end
  local kind = 2
  if patience < 0 or due - now <= patience then
    kind, count = 1, count + 1
    for _, b in ipairs(buckets) do
      -- Charged at the exact stamp where this bucket set the due time, so that rounding up to a whole us never adds up.
      local us, rem = due, 0
      if b.whole == due then us, rem = b.ready, b.ready_rem end
      if us > b.us or (us == b.us and rem > b.rem) then b.us, b.rem = us, rem end
      b.us, b.rem = moved(b.us, b.rem, cost * b.per, b.tokens)
    end
  end
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = kind, due, bound
end

-- Written even when nothing was granted: a repair that is only remembered on success would never be made.
local set = { 'epoch', string.format('%s %d %d %s', id, born, count, before) }
for _, b in ipairs(buckets) do
  set[#set + 1] = b.field
  set[#set + 1] = string.format('1 %d %d %d %d %d %d', b.tokens, b.per, b.burst, now, b.us, b.rem)
end
redis.call('HSET', state, unpack(set))

local words = { string.format('%d %d %d %s', seq, now, count, id) }
for i = 1, #reply do words[i + 1] = string.format('%d', reply[i]) end
redis.call('SET', last, table.concat(words, ' '), 'PX', LAST_MS)

local answer = { 0, now, count, id }
for i = 1, #reply do answer[i + 4] = reply[i] end
return answer
