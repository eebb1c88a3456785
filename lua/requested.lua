-- Requested: checks every argument before the first write.
local SUPERSEDED = 8     -- how many former epochs are remembered
local WISH_US = 30000000 -- how long a silent replica counts, and the limits that it wants
local OPEN_US = 60000000 -- how long after a bucket has opened this is kept apart from its level

local gmatch = string.gmatch
local clock = call('TIME')
local time = clock[1] * 1000000 + clock[2]

grants, version = integer(grants, 0, EXACT), integer(version, 0, EXACT)
local horizon = integer(horizon_us, 0, 3600000000)
if not grants then return 2 end
if not version then return 4 end
if not horizon then return 6 end

local lines = '[^\n]+'
local function bucket_of(field) return match(field, '^%a+:%d+:(%S+)$') end
local function parse(line) -- "field tokens per burst" and more; nil if such a limit is not valid
  local field, tokens, per, burst, more = match(line, '^(%S+) (%d+) (%d+) (%d+) ?(.*)$')
  if not field or not bucket_of(field) then return end
  tokens, per, burst = whole_limit(tokens, per, burst, horizon)
  if tokens then return field, tokens, per, burst, more end
end
for line in gmatch(wish, lines) do
  local field, _, _, _, more = parse(line)
  if not field or more ~= '' then return 11 end
end
for i = first, #rest do
  local kind, bucket, field, limit = match(rest[i], '^(%a+) (%S+) ?(%S*) ?(.*)$')
  local fits = false
  if kind == 'opens' then fits = not match(limit, ' ') and (field == '' and limit == '' or integer(field, 0, EXACT / 2)) end
  if kind == 'shadow' then fits = bucket == '-' and limit == '' and (field == '' or field == 'on' or field == 'off') end
  if kind == 'shadowed' then fits = limit == '' and (field == '' or field == 'on') end
  if kind == 'spent' then fits = limit == '' and integer(field, 0, 1000000000) end
  if kind == 'level' then fits = limit == '' and integer(field, 0, EXACT) end
  if kind == 'unlearn' then fits = field == '' and limit == '' end
  if kind == 'limit' then
    fits = field == '' or (bucket_of(field) == bucket and match(limit, '^%d+ %d+ %d+$') and parse(field .. ' ' .. limit))
  end
  if not fits then return i end
end

-- The version of a record. A record without one is from before versions.
local function version_of(text) return integer(match(text, '^(%d+)[ \n]'), 0, EXACT) or 1 end

-- The epoch is the identity of one continuous memory. If a caller saw more than is stored here, or an epoch that this
-- memory never replaced, grants were lost. Then every limit is empty and in debt.
local fields, list = {}, call('HGETALL', state)
for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
local former = fields.epoch and version_of(fields.epoch) or 0
if former > VERSION then return 'newer ' .. former end
local id, stored, born, before = match(fields.epoch or '', '^4 (%S+) (%d+) (%d+) (%S*)$')
local count, now, shift, still, owed = match(fields.time or '', '^4 (%d+) (%d+) (%d+) (%d+) (%d+)$')
born = integer(born, 0, EXACT / 2)
local versions = integer(stored, 0, EXACT / 2)
stored, count, now = versions or 0, integer(count, 0, EXACT / 2), integer(now, 0, EXACT / 2)
shift, still, owed = integer(shift, 0, EXACT / 2), integer(still, 0, STILL_US), integer(owed, 0, OWED_US)
if not (versions and born and count and now and shift and still and owed) then id = nil end
call('HDEL', state, '') -- deletes nothing: a script that has written may continue when the server's memory is full
local heard_of = epoch == '-' or epoch == id or (id and string.find(',' .. before .. ',', ',' .. epoch .. ',', 1, true))
local newcomer = epoch == '-' and (id or not fields.epoch) -- it remembers nothing, and nothing was damaged
local began, witness = 0, nil -- witness: an older memory that replaces the lost one
if not id or not heard_of or (epoch == id and count < grants) then
  local kept, seen = {}, {}
  for name in gmatch(epoch .. ',' .. (id or '-') .. ',' .. (before or ''), '[^,]+') do
    if name ~= '-' and not seen[name] and #kept < SUPERSEDED then kept[#kept + 1], seen[name] = name, true end
  end
  if not newcomer and not kept[1] then kept[1] = '?' end -- an epoch that replaces none has lost nothing
  began = kept[1] and 2 or 1
  if id then witness = { id = id, count = count, shift = shift - still, fields = fields } end
  fields = { told = fields.told }
  id, born, count, now, shift, still, owed, before = fresh, time, 0, time, 0, 0, 0, table.concat(kept, ',')
  call('DEL', state)
end
