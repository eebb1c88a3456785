-- Token: when the tokens of a call have arrived behind others: the first whole us not before, the exact time, and for a
-- window how many further tokens arrive with them. limiter/internal/adapt explains the sum.
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
  if b.opens and at < b.opens then return b.opens, b.opens, 0, 0 end -- of a bucket that keeps its tokens
  return frac > 0 and at + 1 or at, at, frac, 0
end
