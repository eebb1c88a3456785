-- Told: the limits, pauses and shadow modes that were set for the fleet, by word and bucket (bucket - is the shadow
-- mode of the fleet), behind a line with the time. The later text counts.
local function when(text) return integer(match(text or '', '^4 at (%d+)'), 0, EXACT / 2) or 0 end
local was, drift = fields.told or '', 0
if when(told) > when(was) then was, drift = told, now - time end -- its moments are those of TIME
local at, words, replaced = when(was), {}, {}
for line in gmatch(was, lines) do
  local key, text = match(line, '^(%S+ %S+) ?(.*)$')
  local fits = false
  if key and sub(key, 1, 6) == 'limit ' then fits = bucket_of(parse(text) or '') == sub(key, 7) end
  if key and sub(key, 1, 6) == 'opens ' then
    local moment, by = match(text, '^(%d+)( ?%S*)$')
    fits = integer(moment, 0, EXACT)
    line = format('%s %d%s', key, max(0, (fits or 0) + drift), by or '')
  end
  if key == 'shadow -' then fits = text == 'on' or text == 'off' end
  if key and sub(key, 1, 9) == 'shadowed ' then fits = text == 'on' end
  if fits then words[key] = (words[key] and words[key] .. '\n' or '') .. line end
end
local leveled, unlearnt, spent = {}, {}, {} -- changes of levels that are made at once and not remembered
for i = first, #rest do
  local key, more = match(rest[i], '^(%a+ %S+) ?(.*)$')
  local line, former_line = rest[i], words[key]
  local once, of = match(key, '^(%a+) (%S+)$')
  if once == 'level' then leveled[of] = tonumber(more) end
  if once == 'unlearn' then unlearnt[of] = true end
  if once == 'spent' then spent[of] = tonumber(more) end
  if once == 'level' or once == 'unlearn' or once == 'spent' then key = nil end
  if key and not replaced[key] then words[key], replaced[key] = nil, true end
  if key and more ~= '' then
    if match(line, '^opens ') then
      local us, by = match(more, '^(%d+)( ?%S*)$')
      local moment = now + tonumber(us)
      line = format('%s %d%s', key, moment, by)
      -- A pause never shortens another. Opening a bucket always works.
      if us ~= '0' and former_line and tonumber(match(former_line, '^%S+ %S+ (%d+)')) >= moment then line = former_line end
    end
    words[key] = (words[key] and words[key] .. '\n' or '') .. line
  end
  if key then at = max(at + 1, now) end
end
for of in pairs(leveled) do -- a pause that is over would empty the bucket again
  local moment = match(words['opens ' .. of] or '', '^opens %S+ (%d+)')
  if moment and tonumber(moment) <= now then words['opens ' .. of], at = nil, max(at + 1, now) end
end
local opened = {} -- buckets that opened long ago: their levels are enough from then on
for key, text in pairs(words) do
  local bucket, moment = match(text, '^opens (%S+) (%d+)')
  if bucket and tonumber(moment) + OPEN_US < now then words[key], opened[bucket] = nil, tonumber(moment) end
end
local all = {}
for _, text in pairs(words) do
  for line in gmatch(text, lines) do all[#all + 1] = line end
end
table.sort(all)
told = at > 0 and format('4 at %d\n%s', at, table.concat(all, '\n')) or ''
-- Two replicas of former epochs may have known different limits by one version. So calls of this epoch have a version
-- of their own.
if epoch ~= id and version > 0 and version >= stored then stored = version + 1 end
stored = max(stored, version)
if stored > EXACT / 4 then stored = 1 end -- from a damaged record
