-- Learn: what a bucket learns from its provider's answers. limiter/internal/adapt explains the rule and is the same in
-- Go. Parts are ppm of the configured rate, times are us. A record is the numbers of a state with commas between:
--
--   limit cut was began more     the rate that seems to be accepted; a refusal of a call due until cut belongs to the
--                                last event; the rate at that event, the due time that made it one, its refusals
--   first reports                refusals since then
--   slow slowed ofirst oreports  the same for an overloaded provider
--   heard share                  when the newest answer that contains what remains arrived, and the rate from it
--   told seen idle               for an unknown limit: the limit by an answer, when the bucket was last used, and how
--                                long it was not used since the last event
--
-- The functions are made only if a bucket has learnt something.
local PARTS = { 'limit', 'cut', 'was', 'began', 'more', 'first', 'reports', 'slow', 'slowed', 'ofirst', 'oreports', 'heard', 'share', 'told', 'seen', 'idle' }
local rules
local function learning()
  if rules then return rules end
  local MOST, LONGEST, FORGOTTEN, STEADY = 1073741824, 70368744177664, 60, 1.001 -- 2^30, 2^46
  local SECOND, NEAR = 1000000, 300000
  local function crawl_of(b) return part_of(b, 1, WHOLE) end
  local function given(b, us, ppm) return us * ppm / WHOLE * b.tokens / b.per end
  local function lasting(b, tokens, ppm) return min(LONGEST, floor(tokens * WHOLE / ppm * b.per / b.tokens)) end
  local function pace_of(b) return max(2500000, lasting(b, 10, WHOLE)) end

  -- What is left of a part when so many of the grants of a time at a rate failed; at least a part of it.
  local function left(b, part, least, failed, us, rate) return floor(part * max(least, 1 - failed / given(b, us, rate))) end

  -- The rate that refusals allow.
  local function accepted(b, s)
    local since, pace = max(0, now - s.cut - s.idle), pace_of(b)
    if b.start and s.began == 0 then -- its provider has never refused: twice as fast each second
      local rate = s.limit
      while since >= SECOND and rate < WHOLE do rate, since = rate * 2, since - SECOND end
      if rate < WHOLE then rate = rate + floor(rate * since / SECOND) end
      return min(WHOLE, rate)
    end
    if b.start then
      since = min(since, FORGOTTEN * pace)
    elseif s.limit == WHOLE or since >= FORGOTTEN * pace then
      return WHOLE
    end
    local x = since / pace - 1
    return between(floor(s.limit * (1 + 0.06 * (x * x * x))), floor_of(b), WHOLE)
  end

  local function found(b, s)
    local rate = accepted(b, s)
    if b.start and s.told > 0 then rate = min(rate, max(floor_of(b), s.told)) end
    return rate
  end

  -- The rate at which an overloaded provider is asked.
  local function eased(s)
    local since, rate = max(0, now - s.slowed - SECOND), s.slow
    if rate == WHOLE or since >= 10 * SECOND then return WHOLE end
    while since >= SECOND do rate, since = rate * 2, since - SECOND end
    return min(WHOLE, rate + floor(rate * since / SECOND))
  end

  local function fresh(b, s) return s.heard > 0 and now - s.heard < 2 * pace_of(b) end

  local function factor_of(b, s)
    local factor = min(found(b, s), eased(s))
    if fresh(b, s) then factor = min(factor, s.share) end
    return factor
  end

  -- Adds one report to a count: its first due time, its reports, and whether they are an event.
  local function add(b, oldest, many, due, rate, probe, share, of)
    local span = max(SECOND, lasting(b, of, rate))
    if due > oldest + span then
      oldest, many = due, 0
    elseif due < oldest - span then
      return oldest, many, false
    end
    many = min(MOST, many + 1)
    local few = share * (given(b, span, rate) / 2)
    return oldest, many, many >= (probe and max(1, few) or max(2, few + 1))
  end

  -- The limit in calls that cost so many tokens, because refusals are compared with calls.
  local function calls_of(b, cost) return { tokens = b.tokens, per = b.per * between(cost, 1, b.burst) } end

  local function refused(b, s, due, cost)
    local calls = calls_of(b, cost)
    if due <= s.cut then -- it shows how deep the last event is
      if due < s.began then return end
      s.more = min(MOST, s.more + 1)
      if s.more > max(6, 0.06 * given(calls, SECOND, s.was)) then
        s.limit = max(floor_of(b), min(s.limit, left(calls, s.was, 0.7, s.more, horizon + NEAR, s.was)))
      end
      return
    end
    local rate, was = factor_of(b, s), found(b, s)
    local probe = rate > s.limit * STEADY and not fresh(b, s)
    local event
    s.first, s.reports, event = add(calls, s.first, s.reports, due, rate, probe, 0.03, 25)
    if not event then return end
    local more = s.reports - 1
    local limit = left(calls, was, 0.7, more, max(NEAR, due - s.first), rate)
    if probe and (not b.start or s.began > 0) then limit = min(limit, floor((2 * s.limit + was) / 3)) end
    s.limit = max(floor_of(b), limit)
    s.cut, s.was, s.began, s.more, s.first, s.reports = now + horizon, was, max(1, due), more, 0, 0
    s.idle = 0
  end

  local function overloaded(b, s, due, cost)
    if due <= s.slowed then return end
    local calls, rate = calls_of(b, cost), factor_of(b, s)
    local event
    s.ofirst, s.oreports, event = add(calls, s.ofirst, s.oreports, due, rate, rate > s.slow * STEADY, 0.8, 3)
    if not event then return end
    s.slow = max(crawl_of(b), left(calls, rate, 0.25, s.oreports - 1, max(NEAR, due - s.ofirst), rate))
    s.slowed, s.ofirst, s.oreports = now + horizon, 0, 0
  end

  -- Takes in an answer. Returns whether it is the newest.
  local function remaining(b, s, heard, quota, period, rest_, under_way)
    heard = min(now, heard)
    if heard <= s.heard or quota < 1 then return false end
    local part, whole = min(1, max(0, rest_ - under_way) / (0.25 * quota)), 1
    if period > 0 then whole = min(1, quota * b.per / b.tokens / period) end
    if b.start and period > 0 then s.told = max(1, floor(WHOLE * whole)) end
    s.heard, s.share = heard, between(floor(WHOLE * whole * part), floor_of(b), WHOLE)
    return true
  end

  -- A state from its record, bounded to what the rule can have made of it; nil if no script has written it.
  local function read(b, text)
    local s, i, far = {}, 0, now + max(horizon, UNHEARD)
    for word in string.gmatch(text, '%d+') do
      i = i + 1
      if not PARTS[i] then return end
      s[PARTS[i]] = integer(word, 0, EXACT)
      if not s[PARTS[i]] then return end
    end
    if i ~= #PARTS then return end
    local low = floor_of(b)
    s.limit, s.was, s.share, s.slow = between(s.limit, low, WHOLE), between(s.was, low, WHOLE), between(s.share, low, WHOLE), between(s.slow, crawl_of(b), WHOLE)
    s.cut, s.first, s.ofirst = min(s.cut, far), min(s.first, far), min(s.ofirst, far)
    if s.slowed > now + UNHEARD and s.slowed ~= b.opens then s.slowed = now end -- it belongs to a hold that was ended
    s.began, s.more, s.reports, s.oreports = min(s.began, s.cut), min(s.more, MOST), min(s.reports, MOST), min(s.oreports, MOST)
    s.heard, s.told, s.seen, s.idle = min(s.heard, now), min(s.told, WHOLE), min(s.seen, now), min(s.idle, now)
    return s
  end

  local function forgotten(b, s) return not b.start and now - max(s.cut, s.slowed, s.first, s.ofirst, s.heard) >= FORGOTTEN * pace_of(b) end

  -- The state of a bucket that has learnt nothing.
  local function new()
    return {
      limit = WHOLE, cut = 0, was = WHOLE, began = 0, more = 0, first = 0, reports = 0,
      slow = WHOLE, slowed = 0, ofirst = 0, oreports = 0, heard = 0, share = WHOLE, told = 0, seen = 0, idle = 0,
    }
  end

  -- hope is the rate that callers with a long wait may count on.
  rules = { new = new, factor = factor_of, hope = found, refused = refused, overloaded = overloaded, remaining = remaining, read = read, forgotten = forgotten }
  return rules
end

-- Sets the charge of a token for a call of a cost.
function price_for(b, cost)
  if not b.state or b.log then return end
  local least = floor_for(b, cost)
  b.price, b.hope = price_at(b, max(least, learning().factor(b, b.state))), price_at(b, max(least, learning().hope(b, b.state)))
end

-- Sets the charge of a token from what is learnt.
local function reprice(b)
  if not b.state then return end
  if learning().forgotten(b, b.state) then
    b.state, b.learnt, b.price, b.hope, b.starts = nil, nil, b.per, b.per, b.burst
    return
  end
  if b.log then
    b.starts = max(1, floor(b.burst * learning().factor(b, b.state) / WHOLE))
  else
    price_for(b, 1)
  end
end

function learnt_of(b)
  b.state = b.learnt and learning().read(b, b.learnt)
  if b.state and b.state.seen > 0 and not b.start then b.state = nil end -- the limit is known now
  if not b.state then b.learnt = nil end
  if b.start then -- an unknown limit
    local s = b.state or learning().new()
    if s.seen == 0 then
      s.limit, s.cut = between(b.start, floor_of(b), WHOLE), max(s.cut, now)
    else
      s.idle = s.idle + max(0, now - s.seen - 1000000)
    end
    s.seen = max(s.seen, now)
    b.state, b.learnt = s, b.learnt or '-'
  end
  reprice(b)
end

-- The provider has asked to wait until the bucket opens. Then calls start once a second, and twice as often each
-- second, as at a provider that was overloaded.
function open_gently(b)
  b.learnt, b.state = b.learnt or '-', b.state or learning().new()
  if b.state.slowed < b.opens then b.state.slow, b.state.slowed = part_of(b, 1, WHOLE), b.opens end
  reprice(b)
end

function learnt_text(b)
  if not b.state then return '-' end
  local words = {}
  for i = 1, #PARTS do words[i] = format('%d', b.state[PARTS[i]]) end
  return table.concat(words, ',')
end
