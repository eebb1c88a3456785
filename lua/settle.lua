-- Settle: the other writes of the full script: the rest of each level, levels with keys of their own, returned
-- reservations.
local EMPTY_MS = 86400000 -- how long a level that began empty outlives its content: without the level it would be empty again
local KEPT = 3 + 64 -- reservations beyond serve nobody: each costs every call 3 us
local list, latest = { '4', id, configured }, 0
for _, s in ipairs(spares) do
  if #list == KEPT then break end
  if s[1] > now then
    list[#list + 1], latest = format('%d %s', s[1], table.concat(s, ',', 2)), max(latest, s[1])
  end
end
if list[4] then
  call('SET', kept_spares, table.concat(list, ' '), 'PX', ceil((latest - now) / 1000) + 1)
  shared.spared = max(shared.spared, latest)
elseif spares_text then
  call('DEL', kept_spares)
end
busy = 0
for i = 1, limits do
  local b = route[i]
  if b.kept then b.full, b.frac = b.kept, b.kept_frac end
  if b.urgent <= now then b.urgent = 0 end
  if b.sought + RIVAL < now then b.sought = 0 end
  if b.spared <= now then b.spared = 0 end
  local owes, learnt = b.log and 0 or owes_of(b, now), learnt_text(b)
  if b.urgent + b.claimed + b.total + b.edge + b.sought + b.spared + owes + b.collects > 0 or b.eras or b.state then
    b.tail = format(' %d %d %d %d %d %d %d %d %d %s %d %s %d', b.urgent, b.claimed, b.whole, b.young, b.total, b.base, b.edge, b.sought,
      b.spared, learnt, owes, b.eras or '-', b.collects)
    busy = 1
  else
    b.tail = ''
  end
  if b.own then
    local ms = ceil((max(0, b.full - now) + (b.width or 0) + 2 * horizon) / 1000) + (b.empty and EMPTY_MS or OWN_MS)
    call('SET', b.own, level_text(b), 'PX', ms)
  end
end
