-- Window: a limit that stores its starts, numbered from 1 in the order of their due times. The log holds a pair for
-- each due time: the number of the last start at it. Starts that are no longer in the log count as due at edge.

-- No start is due later.
local function far_of(b) return math.max(b.last, now + math.max(horizon, UNHEARD)) end

-- When the n-th token from now arrives, and how many further tokens arrive with it: one width after the n-th oldest of
-- the last burst starts. Every burst further tokens arrive one width after those have been used. If the provider serves
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

-- How many starts a window has left now.
function window_left(b)
  local left, most = 0, b.starts
  while left < most do
    local n = math.ceil((left + most) / 2)
    if window_token(b, 0, n) <= now then left = n else most = n - 1 end
  end
  return left
end

-- Adds m calls, due from due to final by the progression of a limit p from at and units. Calls of one due time are one
-- pair.
function window_charge(b, due, final, m, at, units, p)
  if b.total == b.base then redis.call('DEL', b.log) end -- of a lost memory
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

-- Removes starts that no longer count, those a width ago. A log that is gone too early counts as one start at its end.
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
