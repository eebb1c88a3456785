-- Enter: the parts of a level that only the full script uses: urgent calls, the line, the log of a window, a pause.

-- How far the level of urgent calls may be ahead. Urgent calls have half of the burst and half of the rate.
function share_of(b) return math.ceil(2 * (math.max(1, math.floor(b.burst / 2)) - 1) * b.per / b.tokens) end

function enter(i, b)
  b.urgent, b.claimed, b.whole, b.young, b.total, b.base, b.edge, b.sought, b.spared, b.collects = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  b.eras = nil
  if is_window(fields[i + 2]) then b.log = keys[3 * i + 2] end
  if b.tail ~= '' then
    local urgent, claimed, whole, young, total, base, edge, sought, spared, _, _, eras, collects = read_tail(b.tail)
    if not urgent then
      b.tail, b.learnt = lost_tail(is_window(fields[i + 2]), now + horizon), nil
      return enter(i, b)
    end
    learnt_of(b)
    if b.opens and b.gently then open_gently(b) end
    local far = now + math.max(horizon, UNHEARD) -- nothing is due later
    -- A value above what urgent calls can be ahead belongs to another limit, or is damaged.
    b.urgent = math.min(urgent, now + horizon + share_of(b) + math.ceil(2 * b.burst * b.price / b.tokens))
    b.claimed, b.whole, b.young = tonumber(claimed), tonumber(whole), math.min(young, now)
    b.total, b.base, b.edge = tonumber(total), math.min(base, total), math.min(edge, far)
    b.sought, b.spared, b.collects = math.min(sought, now), math.min(spared, far), tonumber(collects)
    if eras ~= '-' then b.eras = eras end
    if b.eras and b.changed then note_tokens(b, now, b.changed) end
  else
    if b.start then learnt_of(b) end
    if b.opens and b.gently then open_gently(b) end
  end
  b.lined, b.line = b.claimed > 0, keys[3 * i + 3]
  local own = string.sub(fields[i + 2], 1, 4) == 'own:'
  if own then b.own = keys[3 * i + 1] end
  if is_window(fields[i + 2]) then
    enter_window(b)
    if own then b.edge = math.max(b.edge, born + horizon) end
    return
  end
  -- The loss with which the epoch began includes the levels of limits made at run time, even if Redis still has them.
  if own then
    local full, frac = b.full, b.frac
    empty_level(b, born + horizon)
    if b.eras and (b.full ~= full or b.frac ~= frac) then b.eras = new_eras(now) end
  end
  b.kept, b.kept_frac = b.full, b.frac -- see closed
end
