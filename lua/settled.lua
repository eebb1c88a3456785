-- Settled: corrects the costs of calls. A surplus is taken back from the level as far as the eras allow. A shortfall
-- becomes debt, one burst at most.
-- Notes that something will be charged at a due time. A charge that is due when the newest era began, or before, bounds
-- nothing: it is due no later than the charges of that era, and their tokens are missing at its due time.
function note_charge(b, due)
  if not b.eras then return end
  if b.kept and (b.kept ~= b.full or b.kept_frac ~= b.frac) then b.eras = new_eras(now) end -- a pause has emptied the bucket
  if due > (tonumber(match(b.eras, '(%d+):%d+$')) or 0) then note_tokens(b, now, missing_at(b, due)) end
end

-- Lowers the eras since a time, when the level falls by so many tokens.
function lower_eras(b, since, tokens)
  if not b.eras then return end
  local starts, lows = read_eras(b.eras, now)
  for i = #starts, 1, -1 do
    if lows[i] < UNNOTED then lows[i] = max(0, lows[i] - tokens) end
    if starts[i] <= since then break end
  end
  b.eras = eras_text(starts, lows)
end

do -- few names fit into a script
  -- How many tokens can be taken back for a charge that was made at a time or after.
  local function takeable(b, since)
    local starts, lows = read_eras(b.eras, now)
    if starts[1] > since then return 0 end
    local least = UNNOTED
    for i = #starts, 1, -1 do
      least = min(least, lows[i])
      if starts[i] <= since then break end
    end
    return least
  end

  -- Records a changed level: a closed bucket is empty when it opens.
  function set_level(b)
    if not b.kept then return end
    b.kept, b.kept_frac = b.full, b.frac
    if b.opens and not b.keeps then empty_level(b, b.opens) end
  end

  local function owe(b, tokens)
    tokens = min(tokens, b.burst)
    if b.log then
      b.last, b.cost = max(b.last, now), 1
      window_charge(b, b.last, b.last, tokens, b.last, 0, b)
      return
    end
    if b.kept then b.full, b.frac = b.kept, b.kept_frac end
    local cap = { tokens = b.tokens, full = max(now, b.last), frac = 0 }
    move_level(cap, 2 * b.burst * b.per)
    local was, was_frac = b.full, b.frac
    move_level(b, tokens * b.price)
    if cap.full < b.full or cap.full == b.full and cap.frac < b.frac then b.full, b.frac = cap.full, cap.frac end
    if b.full < was or b.full == was and b.frac < was_frac then b.full, b.frac = was, was_frac end
    set_level(b)
  end

  local function settle(b, since, estimated, actual)
    if actual > estimated then return owe(b, actual - estimated) end
    if actual == estimated or b.log then return end -- a window does not take starts back
    if not b.eras then -- if the bucket is full, nothing has been charged at this moment
      b.eras = new_eras(b.full + (b.frac > 0 and 1 or 0) <= now and now - 1 or now)
    end
    -- Nothing is missing, or a pause has emptied the bucket.
    if b.full + (b.frac > 0 and 1 or 0) <= now or (b.kept and (b.kept ~= b.full or b.kept_frac ~= b.frac)) then return end
    local surplus = min(estimated - actual, takeable(b, since))
    move_level(b, -surplus * b.per)
    set_level(b)
    lower_eras(b, since, surplus)
  end

  -- Corrects the costs of a call: "since:estimated:actual" for each limit, with commas between. Returns whether the text
  -- is valid.
  function settle_call(text)
    local each = {}
    for since, estimated, actual in string.gmatch(text, '(%d+):(%d+):(%d+)') do
      since, estimated, actual = integer(since, 0, EXACT), integer(estimated, 0, WIDEST), integer(actual, 0, WIDEST)
      if not (since and estimated and actual) then return false end
      each[#each + 1] = { since, estimated, actual }
    end
    if #each ~= limits then return false end
    for i = 1, limits do settle(route[i], each[i][1], each[i][2], each[i][3]) end
    return true
  end
end
