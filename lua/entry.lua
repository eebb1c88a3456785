-- Stand: puts the lane into the line of the limit that binds, and sets when to ask again.
if waiting then
  local b, need, one = route[waiting.bound], waiting.need, waiting[1]
  local key, tokens = one.since, 0
  local of_former = b == held_at and held_tokens > 0
  if b.jump or (of_former and held_key < now - 86400000000) then -- a place before all others stays one
    key = key - 10000000000000
  end
  if of_former and count > count_was then
    key, tokens = held_key, max(one.cost, min(held_tokens, waiting.before))
  else
    if of_former and key <= held_key + GRACE then key = min(key, held_key) end
    -- A horizon's tokens at most, and only of callers whose waits differ by a quarter, so that a new caller does not
    -- pass together with an old one.
    local most_tokens = max(1, floor(horizon * b.tokens / b.price))
    local alike = one.since + max(horizon, floor((need - one.since) / 4))
    for i, w in ipairs(waiting) do
      if w.since > alike then break end
      if w.cost > 0 then -- else the call waits behind those that pass the limit, and does not pass the limit itself
        local n = min(w.n, floor(max(0, most_tokens - tokens) / w.cost))
        if i == 1 then n = max(n, 1) end
        tokens = tokens + n * w.cost
        if n < w.n then break end
      end
    end
  end
  local member = format('4 %d %s %d %d %d', key, lane, tokens, one.cost, waiting.before - tokens)
  if not b.lined then call('DEL', b.line) end -- of a lost memory
  if call('ZADD', b.line, format('%d', key), member) == 1 then -- 0: an entry whose lane had forgotten it
    b.claimed, b.whole = b.claimed + tokens, b.whole + waiting.before
  end
  call('PEXPIRE', b.line, OWN_MS)
  b.lined = true
  b.young = max(b.young, waiting[#waiting].since)
  place_now = fields[waiting.bound + 2] .. ' ' .. member

  -- So early that the grant would push no other limit too far, and at least as early as the shared limit is promised
  -- ahead.
  local early = min(floor(horizon * 2 / 5), max(floor(horizon * 3 / 10), floor(b.price / b.tokens)))
  local before = early
  if not same_bucket(waiting.bound, limits) then
    local promised = min(early, (token_at(shared, shared.ahead, max(1, shared.cost))) - now)
    for i = 1, limits do
      if not same_bucket(i, waiting.bound) then before = min(before, floor(spare_of(route[i]) * 2 / 5)) end
    end
    before = max(before, promised)
  end
  local back = need - before
  if back <= now and now < need then back = now + floor((need - now) / 4) end -- older lanes have not asked yet
  if late then
    -- The next lane may be dead, too: come back when its entry would be late.
    local head = call('ZRANGE', b.line, 0, 0)[1]
    if head ~= member then
      local _, _, _, head_cost = read_entry(b, head or '')
      local _, at = token_at(b, 0, head_cost or 1)
      back = min(back, max(now, at) + GRACE + 1000)
    end
  end
  for i = 1, limits do
    if route[i].collects > now then back = min(back, route[i].collects) end -- then it may have tokens again
  end
  come_back = max(0, back - now)
end
