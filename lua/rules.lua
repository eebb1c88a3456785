-- Rules: what the steps ask of a limit. limiter/internal/bucket explains them.

-- How many values of a progression from 0 do not exceed a distance.
local function steps(distance, slope)
  if distance < 0 then return 0 end
  if distance >= slope * 2147483647 then return 2147483647 end
  return math.floor(distance / slope) + 1
end

-- Until when a grant passes over no token.
local function free_of(b)
  if b.log then return (token_at(b, 0, b.cost)) end
  return b.frac > 0 and b.full + 1 or b.full
end
