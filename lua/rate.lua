-- Rate: parts of a limit's rate, ppm, and the charge of a token at a part. limiter/internal/adapt explains the sums. A
-- number of calls a second in parts of the limit's rate is at least 1/1000 of a fast limit. For a slow limit it is at
-- most a tenth, or another bound.
local function between(x, low, high) return max(low, min(high, x)) end
local function part_of(b, calls, most) return between(ceil(calls * b.per / b.tokens), 1000, most or 100000) end
local function floor_of(b) return b.start and 1000 or part_of(b, 0.5) end

-- The lowest part for a call that costs so many tokens.
local function floor_for(b, cost)
  if b.start then return 1000 end
  return max(floor_of(b), between(ceil(0.5 * (b.per * between(cost, 1, b.burst)) / b.tokens), 1000, 100000))
end

-- The charge of a token at a part of the rate, in units.
local function price_at(b, part)
  local whole = floor(b.per / part)
  local rest_ = (b.per - whole * part) * WHOLE
  return min(max(b.per, floor(WIDEST / b.burst)), whole * WHOLE + ceil(rest_ / part))
end

-- The highest charge of a token. Only an unknown limit has been seen.
function dearest(b)
  local seen = match(b.learnt, ',(%d+),%d+$')
  return price_at(b, seen and seen ~= '0' and 1000 or floor_of(b))
end
