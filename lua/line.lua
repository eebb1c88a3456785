-- Line: lanes that wait at a limit, by arrival. A member is "4 key lane tokens cost rest": the arrival, the lane, the
-- tokens that the entry claims, the cost of its first call, and the tokens that its lane waits for besides. For equal
-- arrivals the name of the lane decides, as in the order of the set. The arrival is also the score, but Redis takes
-- half a microsecond to print a score.
local GRACE = 20000 -- us for which a token is kept for the lane whose turn it is
local DEEP = 16     -- entries that one request counts exactly
local CROWD = 100000 -- calls of one lane
local LATE = 64     -- late entries that one request removes

-- Without entries there are no sums, whichever of the two was lost.
local function empty_line(b) b.claimed, b.whole, b.young, b.lined = 0, 0, 0, false end

-- Arrival, lane, tokens, cost and rest of an entry; nil if no lane can have written it. A cost beyond the burst, of
-- another configuration, counts as the burst.
local function read_entry(b, member)
  local arrival, of, tokens, cost, others = string.match(member, '^4 (%d+) (%S+) (%d+) (%d+) (%d+)$')
  if not cost or #arrival > 16 or #tokens > 15 or #cost > 15 or #others > 15 then return end
  return tonumber(arrival), of, tonumber(tokens), math.min(cost, b.burst), tonumber(others)
end

-- Counts again if the sums are more than entries can claim: a horizon's tokens each, or the first call. Entries of
-- another configuration may claim more. A lane may also wait for the tokens of CROWD calls.
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

-- Removes entries of late lanes before a key: their first calls could have started a grace ago.
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

-- Tokens that the entries before a key claim: all, if no caller is younger. Otherwise the oldest count exactly, and the
-- rest in proportion to their number.
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
  rank = math.max(rank, looked) -- entries of the same arrival are not counted
  return n + math.floor(math.max(0, b.claimed - n) * (rank - looked) / math.max(1, b.length - looked))
end

-- Tokens that come before a caller, for the time that the caller is given. If no other caller is younger by more than a
-- horizon, whole lanes count. Otherwise the tokens that the entries claim count.
function told_of(b, key, ahead)
  if b.lined and key + horizon >= b.young then return math.max(ahead, b.whole) end
  return ahead
end
