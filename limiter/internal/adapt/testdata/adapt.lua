-- Adapt: what a bucket has learnt from its provider's answers. Factors are ppm of the configured rate, times are us.
-- l: tokens, per, burst, horizon.  s: limit, cut, was, began, more, first, reports, slow, slowed, ofirst, oreports, heard, share.
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local WHOLE, MOST, LONGEST = 1000000, 1073741824, 70368744177664 -- 2^30, 2^46
local SPAN = 2251799813685248
local function bound(x, low, high) return max(low, min(high, x)) end
local function share_of(l, rate) return bound(ceil(rate * l.per / l.tokens), 1000, 100000) end
local function floor_of(l) return share_of(l, 0.5) end
local function grants(l, us, ppm) return us * ppm / WHOLE * l.tokens / l.per end
local function lasting(l, tokens, ppm) return min(LONGEST, floor(tokens * WHOLE / ppm * l.per / l.tokens)) end
local function left(l, factor, least, failed, us, rate)
  return floor(factor * max(least, 1 - failed / grants(l, us, rate)))
end
local function pace_of(l) return max(2500000, lasting(l, 10, WHOLE)) end
local function found(l, s, now)
  local since, pace = max(0, now - s.cut), pace_of(l)
  if s.limit == WHOLE or since >= 60 * pace then return WHOLE end
  local x = since / pace - 1
  return bound(floor(s.limit * (1 + 0.06 * (x * x * x))), floor_of(l), WHOLE)
end
local function eased(s, now)
  local since = max(0, now - s.slowed - 1000000)
  if s.slow == WHOLE or since >= 10000000 then return WHOLE end
  local rate = s.slow
  while since >= 1000000 do rate, since = rate * 2, since - 1000000 end
  return min(WHOLE, rate + floor(rate * since / 1000000))
end
local function fresh(l, s, now) return s.heard > 0 and now - s.heard < 2 * pace_of(l) end
local function factor_of(l, s, now)
  local f = min(found(l, s, now), eased(s, now))
  if fresh(l, s, now) then f = min(f, s.share) end
  return f
end
-- One report more of a count: the new first and reports, and whether it is an event.
local function add(l, first, reports, due, rate, n, probe, part, of)
  local span = max(1000000, lasting(l, of, rate))
  if due > first + span then first, reports = due, 0
  elseif due < first - span then return first, reports, false end
  reports = min(MOST, reports + n)
  local few = part * (grants(l, span, rate) / 2)
  return first, reports, reports >= (probe and max(1, few) or max(2, few + 1))
end
local function refused(l, s, now, due, sure)
  due = bound(due, 0, now + l.horizon)
  if due <= s.cut then
    if due < s.began then return end
    s.more = min(MOST, s.more + 1)
    if s.more > max(6, 0.06 * grants(l, 1000000, s.was)) then
      s.limit = max(floor_of(l), min(s.limit, left(l, s.was, 0.7, s.more, l.horizon + 300000, s.was)))
    end
    return
  end
  local rate, was = factor_of(l, s, now), found(l, s, now)
  local probe, event = rate > s.limit * 1.001 and not fresh(l, s, now), nil
  s.first, s.reports, event = add(l, s.first, s.reports, due, rate, sure and 2 or 1, probe, 0.03, 25)
  if not event then return end
  local more = s.reports - 1
  local limit = left(l, was, 0.7, more, max(300000, due - s.first), rate)
  if probe then limit = min(limit, floor((2 * s.limit + was) / 3)) end
  s.limit = max(floor_of(l), limit)
  s.cut, s.was, s.began, s.more, s.first, s.reports = now + l.horizon, was, due, more, 0, 0
end
local function overloaded(l, s, now, due)
  due = bound(due, 0, now + l.horizon)
  if due <= s.slowed then return end
  local rate, event = factor_of(l, s, now), nil
  s.ofirst, s.oreports, event = add(l, s.ofirst, s.oreports, due, rate, 1, rate > s.slow * 1.001, 0.8, 3)
  if not event then return end
  s.slow = max(share_of(l, 1), left(l, rate, 0.25, s.oreports - 1, max(300000, due - s.ofirst), rate))
  s.slowed, s.ofirst, s.oreports = now + l.horizon, 0, 0
end
local function remaining(l, s, now, heard, limit, period, rest, under_way)
  heard = min(now, heard)
  if heard <= s.heard or limit < 1 then return end
  local part, whole = min(1, max(0, rest - under_way) / (0.25 * limit)), 1
  if period > 0 then whole = min(1, limit * l.per / l.tokens / period) end
  s.heard, s.share = heard, bound(floor(WHOLE * whole * part), floor_of(l), WHOLE)
end
local function units(l, tokens, factor)
  local charge = tokens * l.per
  local whole = floor(charge / factor)
  if whole >= floor(SPAN / WHOLE) then return SPAN end
  return whole * WHOLE + ceil((charge - whole * factor) * WHOLE / factor)
end
local function slot(l, ahead, cost, factor)
  return units(l, ahead, factor) + min(0, units(l, cost, factor) - l.burst * l.per)
end

-- The rest plays the reports that a test has drawn: ARGV[1] is the limit "tokens per burst horizon", each other argument one report or
-- "F now later tokens", which is answered with the state, the factor now and later, and the units and slot of so many tokens.
local keys = { 'limit', 'cut', 'was', 'began', 'more', 'first', 'reports', 'slow', 'slowed', 'ofirst', 'oreports', 'heard', 'share' }
local function numbers(text)
  local out = {}
  for word in string.gmatch(text, '%-?%d+') do out[#out + 1] = tonumber(word) end
  return out
end
local of = numbers(ARGV[1])
local l = { tokens = of[1], per = of[2], burst = of[3], horizon = of[4] }
local s = {
  limit = WHOLE, cut = 0, was = WHOLE, began = 0, more = 0, first = 0, reports = 0, slow = WHOLE, slowed = 0, ofirst = 0, oreports = 0,
  heard = 0, share = WHOLE,
}
local out = {}
for i = 2, #ARGV do
  local kind, v = string.sub(ARGV[i], 1, 1), numbers(ARGV[i])
  if kind == 'R' then
    refused(l, s, v[1], v[2], v[3] == 1)
  elseif kind == 'O' then
    overloaded(l, s, v[1], v[2])
  elseif kind == 'H' then
    remaining(l, s, v[1], v[2], v[3], v[4], v[5], v[6])
  else
    local f, words = factor_of(l, s, v[1]), {}
    for k = 1, #keys do words[k] = string.format('%d', s[keys[k]]) end
    for _, n in ipairs({ f, factor_of(l, s, v[2]), units(l, v[3], f), slot(l, 3, v[3], f) }) do words[#words + 1] = string.format('%d', n) end
    out[#out + 1] = table.concat(words, ' ')
  end
end
return out
