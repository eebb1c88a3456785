-- Serve: answers the asks in order, step by step. A step is one call that is decided on its own, or as many as follow
-- it by the same rule. The fragments up to the next "end of a step" share these names; the numbers of bucket.Answer are
-- its result.
local from, latest_due = now + lead, now + horizon
local waiting                        -- the first ask that waits; all asks behind it wait, too
local out, size = {}, 0
local run_was, n_was, verdict_was, at_was, units_was, bound_was, text_was, next_at, next_units
local function bound_text(i, verdict)
  local b = route[i]
  local price = b and (verdict == 3 and b.hope or b.price)
  if price and price > b.per and not b.log then return format('%d:%d', i, price) end
  return i
end
for r = 1, #runs do
  local run = runs[r]
  local n, cost, follow = run.n, run.cost, false
  while n > 0 do
    local verdict, m, charged = nil, 1, false
    local due, final, at, units, bound
