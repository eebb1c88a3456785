-- Taught: what a call has learnt about its provider. "c due limit cost" is a refusal because of a quota, "o due limit
-- cost" because the provider was overloaded: when the call was due, us, or 0 for now, the number of the limit that
-- learns, and what the call took of it. "h heard limit quota period left stand sent" is from headers: left of quota
-- remain for period us, or 0. stand is from the reply with the reservation, and sent is when the call was due, or 0.
local function teach(kind, text)
  local due, of, more = match(text, '^(%d+) (%d+)(.*)$')
  due, of = integer(due, 0, EXACT), integer(of, 1, limits)
  if not (due and of) then return false end
  local quota, period, rest_, stand, sent = match(more, '^ (%d+) (%d+) (%d+) (%d+) (%d+)$')
  local cost = integer(match(more, '^ (%d+)$'), 1, WIDEST)
  quota, period, rest_, stand = integer(quota, 1, EXACT), integer(period, 0, EXACT), integer(rest_, 0, EXACT), integer(stand, 0, EXACT)
  sent = integer(sent, 0, EXACT)
  if kind == 'h' and not (quota and period and rest_ and stand and sent) or kind ~= 'h' and not cost then return false end
  if due == 0 then due = now end
  local b, learn = route[of], learning()
  b.learnt = b.learnt or '-'
  b.state = b.state or learn.new()
  if kind == 'c' then
    learn.refused(b, b.state, min(due, now + horizon), cost)
  elseif kind == 'o' then
    learn.overloaded(b, b.state, min(due, now + horizon), cost)
  else
    -- Later reservations have moved the level by their price.
    local since
    if b.log then
      since = max(0, b.total - stand)
    else
      local full, frac = b.kept or b.full, b.kept and b.kept_frac or b.frac
      local us = min(max(0, full + (frac > 0 and 1 or 0) - stand), floor(SPAN / b.tokens))
      since = floor(us * b.tokens / b.price)
    end
    -- The provider counts what was reserved meanwhile against what has come meanwhile.
    if period > 0 and sent > 0 then
      since = max(0, since - floor(min(SPAN, quota * max(0, min(60000000, due - sent)) / period)))
    end
    if learn.remaining(b, b.state, due, quota, period, rest_, since) and not b.log then
      local tokens = max(0, rest_ - since)
      if tokens < b.burst then
        local most_full = { tokens = b.tokens, full = now, frac = 0 }
        move_level(most_full, max(0, b.burst * b.per - tokens * b.price))
        if b.kept then b.full, b.frac = b.kept, b.kept_frac end
        if most_full.full > b.full or most_full.full == b.full and most_full.frac > b.frac then
          b.full, b.frac = most_full.full, most_full.frac
          if b.eras then b.eras = new_eras(now) end
        end
        set_level(b)
      end
    end
  end
  reprice(b)
  return true
end
