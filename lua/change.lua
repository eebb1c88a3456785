-- Change: the new level when a limit has changed, when its level was lost, and when its bucket was closed.

-- Whether a limit takes more than 12 s from empty to full: it is not full again before replicas have reported what they
-- remember.
local function is_slow(b) return b.burst * b.per > 12000000 * b.tokens end

-- Empties the limit at a time, unless it is emptier.
local function empty_level(b, at)
  local full, frac = b.full, b.frac
  b.full, b.frac = at, 0
  move_level(b, b.burst * b.per)
  if full > b.full or full == b.full and frac > b.frac then b.full, b.frac = full, frac end
end

local function set_limit(b, tokens, per, burst)
  b.tokens, b.per, b.burst, b.price, b.hope, b.starts, b.head = tokens, per, burst, per, per, burst, string.format('4 %d %d %d ', tokens, per, burst)
end

-- The tail of a lost level: empty, or for a window that it is shut.
local function lost_tail(window, at) return window and string.format(' 0 0 0 0 0 0 %d 0 0 - 0 - 0', at) or '' end

-- A level of which nothing is known: empty, and in debt by the horizon at a time.
local function lost_level(tokens, per, burst, window, at)
  local b = { full = 0, frac = 0, last = at, tail = lost_tail(window, at) }
  set_limit(b, tokens, per, burst)
  if not window then empty_level(b, at) end
  return b
end

-- Changes the limit. The number of tokens stays. The new rate counts from the last outstanding reservation. Whole
-- tokens stay exact; others are rounded up, once.
local function change_level(b, now_us, tokens, per, burst)
  local from_us = math.max(now_us, b.last)
  local missing = 0 -- tokens
  if b.full >= from_us then missing = ((b.full - from_us) * b.tokens + b.frac) / b.per end
  if owes_of(b, now_us) == 0 then missing = math.min(missing, b.burst) end -- more is a rounding error
  local wide, more = missing * per, burst - b.burst
  local units
  if wide < SPAN and math.abs(more) * per < SPAN then
    units = math.ceil(wide) + more * per
  else -- the product would not be exact: the difference of the bursts is taken first
    units = math.min(SPAN, math.ceil(math.max(0, missing + more) * per))
  end
  units = math.min(units, 2 * burst * per) -- no more than one burst of debt
  local whole = math.max(0, math.floor(missing))
  b.full, b.frac = from_us, 0
  set_limit(b, tokens, per, burst)
  move_level(b, math.min(SPAN, math.max(0, units)))
  b.learnt = nil -- a changed limit starts without what was learnt
  b.changed = math.min(whole, math.floor(math.max(0, units) / per)) -- for the eras
end

-- The numbers of a tail, as text; nil if no script can have written it: no number has more than 16 digits, and the
-- starts of a window can still be counted.
local function read_tail(tail)
  local urgent, claimed, whole, young, total, base, edge, sought, spared, learnt, owes, eras, collects =
    string.match(tail, '^ (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+) (%d+)$')
  if not urgent or #urgent > 16 or #claimed > 16 or #whole > 16 or #young > 16 or #total > 16 or #base > 16 or #edge > 16
    or #sought > 16 or #spared > 16 or #owes > 16 or #collects > 16 or tonumber(total) > EXACT / 2 then
    return
  end
  return urgent, claimed, whole, young, total, base, edge, sought, spared, learnt, owes, eras, collects
end
