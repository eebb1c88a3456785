-- Wishes: the limits that replicas want, and which replicas are live. Wishes age by the time between two announcements,
-- but by 10 s at most, so that neither a step of the clock nor a silence removes a wish.
local BEAT_US = 10000000 -- how often a replica announces itself
local NAMES = 8          -- of replicas that want the same

local entries, gone = {}, {}
list = call('HGETALL', wishes)
for i = 1, #list, 2 do entries[list[i]] = list[i + 1] end
local heard, aged = match(entries.clock or '', '^4 (%d+) (%d+)$')
heard, aged = integer(heard, 0, EXACT / 2), integer(aged, 0, EXACT / 2)
entries.clock = nil

-- When an entry was last wanted, the replicas that want it, and its limits.
local function entry_of(text)
  local seen, names, wanted = match(text, '^4 (%d+)([^\n]*)\n?(.*)$')
  seen = integer(seen, 0, EXACT)
  if seen then return seen, names, wanted end
end

if not heard or not aged then -- it begins again with the latest wish, so that nothing ages by that
  heard, aged = now, nil
  for _, text in pairs(entries) do
    local seen = entry_of(text)
    if seen and seen <= now then aged = max(aged or 0, seen) end
  end
  aged = aged or now
end
aged = aged + max(0, min(now - heard, BEAT_US))

local renewed = { 'clock', format('4 %d %d', now, aged) }
local function renew(of, wanted, name)
  local kept = { '4 ' .. format('%d', aged) }
  if name then kept[2] = format('%d:%s', aged, name) end
  local _, names = entry_of(entries[of] or '')
  for said_us, who in gmatch(names or '', '(%d+):(%S+)') do
    said_us = integer(said_us, aged - WISH_US, aged)
    if said_us and who ~= name and #kept < NAMES + 1 then kept[#kept + 1] = format('%d:%s', said_us, who) end
  end
  entries[of] = table.concat(kept, ' ') .. '\n' .. wanted
  renewed[#renewed + 1], renewed[#renewed + 2] = of, entries[of]
end
renew(digest, wish, replica)
if epoch ~= id and epoch ~= '-' and known ~= digest and forced ~= '' then renew(known, forced) end -- what the lost memory knew
for of, text in pairs(entries) do
  local seen, names, wanted = entry_of(text)
  if not seen or seen < aged - WISH_US then
    gone[#gone + 1], entries[of] = of, nil
  elseif seen > aged then -- of a lost clock: it ages from now on
    entries[of] = format('4 %d%s\n%s', aged, names, wanted)
    renewed[#renewed + 1], renewed[#renewed + 2] = of, entries[of]
  end
end
call('HSET', wishes, unpack(renewed))
for _, of in ipairs(gone) do call('HDEL', wishes, of) end

local who = session .. ' ' .. replica
call('ZREMRANGEBYSCORE', live, format('(%d', aged), '+inf') -- of a lost clock
if leaving == '1' then
  call('ZREM', live, who)
else
  call('ZADD', live, format('%d', aged), who)
end
local silent = call('ZRANGEBYSCORE', live, '-inf', format('(%d', aged - WISH_US), 'LIMIT', 0, 64)
if silent[1] then call('ZREM', live, unpack(silent)) end
local alive = call('ZCOUNT', live, format('%d', aged - WISH_US), '+inf')
call('PEXPIRE', live, OWN_MS)
call('PEXPIRE', replies, OWN_MS)
