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
