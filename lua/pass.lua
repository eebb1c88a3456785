-- Pass: how far a limit may push a grant past the tokens of the others.

local function same_bucket(i, k)
  return string.match(fields[i + 2], ':%d+:(.*)$') == string.match(fields[k + 2], ':%d+:(.*)$')
end

local RIVAL = 1000000 -- us for which callers of other routes are expected to come again

-- If callers of other routes seek the limit: a quarter of the burst, at least one token and what arrives in a round
-- trip or two.
local function spare_of(b)
  local most_us = math.floor(horizon * 2 / 5)
  if (b.sought or 0) + RIVAL < now then return most_us end
  return math.min(most_us, math.max(2000, math.floor(math.max(b.price, math.floor((b.burst - 1) / 4) * b.per) / b.tokens)))
end

-- Whether no limit of another bucket passes over more than allowed.
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
