-- Reply: writes the levels, the time, and the reply for a repeat, also if nothing was granted. If a repair were stored
-- only after a grant, it might never be stored.
local counted = format('%d %d', count, now)
local steps_now = shift == 0 and ' 0 0 0' or format(' %d %d %d', shift, still, owed)
local ahead = busy and format(' %d %d', come_back or -1, busy) or ' -1 0'
if levels == '2' then
  for i = 1, limits do
    local b = route[i]
    local left = b.log and window_left(b) or max(0, floor((b.burst * b.per + min(0, (now - b.full) * b.tokens - b.frac)) / b.price))
    ahead = ahead .. format(' %d', left)
  end
elseif levels == '1' then
  for i = 1, limits do
    local b = route[i]
    local level = max(0, b.full - now + (b.frac > 0 and 1 or 0))
    if b.log then level = b.total end
    if b.collects and b.collects > 0 or b.log and b.total == 0 and b.edge + b.width > now then level = -1 end -- of a lost limit
    ahead = ahead .. format(' %d', level)
  end
end
local reply = counted .. ahead .. (out[2] and table.concat(out) or out[1] or '')
local set = { 'time', '4 ' .. counted .. steps_now, nil, nil, nil, nil }
size = 2
for i = 1, limits do
  local b = route[i]
  if not b.own then
    set[size + 1], set[size + 2] = fields[i + 2], level_text(b)
    size = size + 2
  end
end
call('HSET', state, unpack(set, 1, size))
call('HSET', replies, lane, '4 ' .. number .. ' ' .. (place_now or '-') .. '\n' .. reply)
if not answer then call('PEXPIRE', replies, OWN_MS) end -- otherwise the replica's announcement renews it
return '0 ' .. reply
