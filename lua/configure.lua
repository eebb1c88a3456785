-- Notes what a replica wants and what the fleet was told, decides which limits are in force, and begins a new epoch when
-- memory was lost.
--
-- Each replica says every few seconds which limits it was configured with; it counts as live while it does, and its
-- wish for half a minute. Of wishes that differ the smallest rate and the smallest burst are in force, unless the fleet
-- was told otherwise. Whenever what is in force changes the version does, and calls that know another are turned away
-- until their replica has been here: so all calls of one version have the same limits.
--
-- KEYS[1]   state       hash without TTL: epoch, last and spare as acquire has them, and the levels; told: what the fleet
--                       was told and when, and force: the limits in force, both as lines; replica:SESSION and wish:DIGEST
-- ARGV[1]   epoch       text: the epoch the caller knows, or -
-- ARGV[2]   grants      integer >= 0: the highest count of grants the caller saw in that epoch
-- ARGV[3]   fresh       text: the name of the epoch that begins if memory was lost
-- ARGV[4]   version     integer >= 0: the version that the caller knows, 0 for none
-- ARGV[5]   told        text: what the fleet was told, as far as the caller knows, for a memory that has forgotten it
-- ARGV[6]   horizon_us  integer >= 0: debt of a limit of which nothing is known
-- ARGV[7]   replica     text: name of the replica, no blanks
-- ARGV[8]   session     text: of the process, no blanks; a process that restarts under its name is another
-- ARGV[9]   leaving     0 or 1: it ends, and is live no longer
-- ARGV[10]  digest      text: of wish
-- ARGV[11]  wish        text: the limits it was configured with, sorted lines "field tokens per_us burst"
-- ARGV[...] change      the rest, lines to be told to the fleet, each one argument: "limit BUCKET FIELD TOKENS PER BURST"
--                       and "opens BUCKET US" (nothing is due for so many us from now; what was told then names that
--                       moment of the namespace's own time); lines of one word and bucket replace what was told with
--                       those; "limit BUCKET" and "opens BUCKET" alone withdraw it
--
-- Reply: four texts: "now_us time_us grants version live epoch" (the namespace's own time, and TIME; number of live
--        replicas), told, force, and the buckets about which replicas disagree, with blanks between; or, if an argument is not valid, the number of it

local state = KEYS[1]
local epoch, grants, fresh, version, told, horizon_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local replica, session, leaving, digest, wish = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local rest, first = ARGV, 12

local EXACT = 9007199254740991 -- 2^53 - 1: the largest integer that a Lua number can count to
local SUPERSEDED = 8           -- how many former epochs are remembered
local SPAN = 1125899906842624  -- 2^50: the deepest deficit
local LAST_US = 60000000       -- how long a reply is kept for a repeat
local WISH_US = 30000000       -- how long a replica that is silent counts, and its wish

local call, format, match, gmatch, floor = redis.call, string.format, string.match, string.gmatch, math.floor

local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n == floor(n) then return n end
end

local clock = call('TIME')
local time = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

grants, version = integer(grants, 0, EXACT), integer(version, 0, EXACT)
local horizon = integer(horizon_us, 0, 3600000000)
if not grants then return 2 end
if not version then return 4 end
if not horizon then return 6 end

local lines = '[^\n]+'
local function parse(line) -- "field tokens per burst"
  local field, tokens, per, burst = match(line, '^(%S+) (%d+) (%d+) (%d+)$')
  return field, tonumber(tokens), tonumber(per), tonumber(burst)
end
local function bucket_of(field) return match(field, '^%a+:%d+:(%S+)$') end
for line in gmatch(wish, lines) do
  local field = parse(line)
  if not field or not bucket_of(field) then return 11 end
end
for i = first, #rest do
  local kind, bucket, field, limit = match(rest[i], '^(%a+) (%S+) ?(%S*) ?(.*)$')
  local fits = false
  if kind == 'opens' then fits = limit == '' and (field == '' or integer(field, 1, EXACT / 2)) end
  if kind == 'limit' then fits = field == '' or (bucket_of(field) == bucket and match(limit, '^%d+ %d+ %d+$')) end
  if not fits then return i end
end

-- The epoch is the identity of one continuous memory. A caller that saw more than is stored here, or an epoch that
-- this memory never replaced, proves that grants were forgotten: then every limit is empty and in debt.
local fields, list = {}, call('HGETALL', state)
for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
local id, stored, born, count, now, shift, before = match(fields.epoch or '', '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S*)$')
stored = integer(stored, 0, EXACT) or 0
born, count, now, shift = tonumber(born), tonumber(count), tonumber(now), tonumber(shift)
local known = epoch == '-' or epoch == id or (id and string.find(',' .. before .. ',', ',' .. epoch .. ',', 1, true))
if not id or not known or (epoch == id and count < grants) then
  local kept, seen = {}, {}
  for name in gmatch(epoch .. ',' .. (id or '-') .. ',' .. (before or ''), '[^,]+') do
    if name ~= '-' and not seen[name] and #kept < SUPERSEDED then kept[#kept + 1], seen[name] = name, true end
  end
  fields = { told = fields.told }
  id, born, count, now, shift, before = fresh, time, 0, time, 0, table.concat(kept, ',')
  call('DEL', state)
end

-- The namespace's own time never goes back.
if time + shift < now then shift = now - time end
now = time + shift

-- What the fleet was told, by word and bucket, behind a line that says when. Who was told later knows better.
local function when(text) return integer(match(text or '', '^at (%d+)'), 0, EXACT) or 0 end
local was = fields.told or ''
if when(told) > when(was) then was = told end
local at, words, replaced = when(was), {}, {}
for line in gmatch(was, lines) do
  local key = match(line, '^%a+ %S+')
  if key and not match(key, '^at ') then words[key] = (words[key] and words[key] .. '\n' or '') .. line end
end
for i = first, #rest do
  local key, more = match(rest[i], '^(%a+ %S+) ?(.*)$')
  if not replaced[key] then words[key], replaced[key] = nil, true end
  if more ~= '' then
    local line = rest[i]
    if match(line, '^opens ') then line = format('%s %d', key, now + tonumber(more)) end
    words[key] = (words[key] and words[key] .. '\n' or '') .. line
  end
  at = math.max(at + 1, now)
end
local all = {}
for _, text in pairs(words) do
  for line in gmatch(text, lines) do all[#all + 1] = line end
end
table.sort(all)
told = at > 0 and format('at %d\n%s', at, table.concat(all, '\n')) or ''
stored = math.max(stored, version)

-- Who is there, and what they want.
local set, gone, wishes, live = {}, {}, {}, 0
fields['replica:' .. session] = format('%d %s %s %s', now, leaving, digest, replica)
fields['wish:' .. digest] = wish
set[#set + 1], set[#set + 2] = 'replica:' .. session, fields['replica:' .. session]
set[#set + 1], set[#set + 2] = 'wish:' .. digest, wish
for field, value in pairs(fields) do
  if match(field, '^replica:') then
    local seen, left, of = match(value, '^(%d+) ([01]) (%S+) %S+$')
    seen = integer(seen, 0, EXACT)
    if not seen or seen < now - WISH_US then
      gone[#gone + 1], fields[field] = field, nil
    else
      if left == '0' then live = live + 1 end
      wishes[of] = fields['wish:' .. of]
    end
  end
end
-- Wishes that nobody has any more go, old replies, and spare reservations that nobody can use any more.
for field, value in pairs(fields) do
  local kind, of = match(field, '^(%a+):([^: ]+)')
  if kind == 'wish' and not wishes[of] then gone[#gone + 1] = field end
  if kind == 'last' then -- nobody sends a call again so late
    local answered = integer(match(value, '^%d+ 0 (%d+)'), 0, EXACT)
    if not answered or answered < now - LAST_US then gone[#gone + 1] = field end
  end
  if kind == 'spare' then
    local final = match(value, '(%d+) %d+$')
    if not final or tonumber(final) <= now then gone[#gone + 1] = field end
  end
end

local force, said, disputed = {}, {}, {}
for _, text in pairs(wishes) do
  local mine = {}
  for line in gmatch(text, lines) do
    local field, tokens, per, burst = parse(line)
    local bucket = bucket_of(field)
    mine[bucket] = (mine[bucket] or '') .. line .. '\n'
    local f = force[field]
    if not f then
      force[field] = { tokens, per, burst }
    elseif match(field, '^window:') then
      if burst < f[3] then force[field] = { tokens, per, burst } end
    else
      if tokens / per < f[1] / f[2] then f[1], f[2] = tokens, per end
      f[3] = math.min(f[3], burst)
    end
  end
  for bucket, texts in pairs(mine) do
    if said[bucket] and said[bucket] ~= texts then disputed[bucket] = true end
    said[bucket] = texts
  end
end
for key, text in pairs(words) do
  local bucket = match(key, '^limit (%S+)$')
  if bucket and said[bucket] then
    for field in pairs(force) do
      if bucket_of(field) == bucket then force[field] = nil end
    end
    for line in gmatch(text, lines) do
      local field, tokens, per, burst = parse(match(line, '^limit %S+ (.*)$'))
      force[field] = { tokens, per, burst }
    end
  end
end
local now_force = {}
for field, f in pairs(force) do now_force[#now_force + 1] = format('%s %d %d %d', field, f[1], f[2], f[3]) end
table.sort(now_force)
local text = table.concat(now_force, '\n')

if text ~= fields.force or told ~= (fields.told or '') then stored = stored + 1 end
-- What has come into force begins empty and in debt; what has left it is forgotten. A limit that is another now keeps the
-- number of tokens: the former one holds until now and, for what is reserved already, until that is due; the new one from
-- then on. The numbers are those of acquire.
local ceil, min, max = math.ceil, math.min, math.max
for field, f in pairs(force) do
  local t, p, n, seen, full, back, line, urgent, latest, hold, tail =
    match(fields[field] or '', '^5 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  t, p, n, seen, latest = integer(t, 1, EXACT), integer(p, 1, EXACT), integer(n, 1, EXACT), integer(seen, 0, EXACT), integer(latest, 0, EXACT)
  if t and p and n and seen and latest then
    if t ~= f[1] or p ~= f[2] or n ~= f[3] then
      local passed = max(0, now - seen)
      latest = max(0, latest - passed)
      local function left(deficit)
        deficit = tonumber(deficit)
        return ceil(deficit / t) <= passed and 0 or max(0, deficit - passed * t)
      end
      full, urgent = left(full), left(urgent)
      back = max(left(back), full)
      line = max(left(line), back)
      if line == full or tonumber(hold) >= f[3] then hold = '0' end
      local function become(deficit, add)
        local us = deficit / t
        local kept = min(us, latest)
        return ceil(kept * f[1]) + max(0, min(SPAN, ceil((us - kept) * (f[2] / f[1]) / (p / t) * f[1])) + add)
      end
      local more = (f[3] - n) * f[2]
      full, urgent = max(become(full, more), latest * f[1]), become(urgent, 0)
      back = max(become(back, more), full)
      line = max(become(line, more), back)
      set[#set + 1] = field
      set[#set + 1] = format('5 %d %d %d %d %d %d %d %d %d %s%s', f[1], f[2], f[3], now, full, back, line, urgent, latest, hold, tail)
    end
  else
    full = f[3] * f[2] + horizon * f[1]
    local record = format('5 %d %d %d %d %d %d %d 0 %d 0', f[1], f[2], f[3], now, full, full, full, horizon)
    if match(field, '^window:') then record = record .. format(' %d 0 0', now + horizon) end
    set[#set + 1], set[#set + 2] = field, record
  end
end
for field in pairs(fields) do
  if (match(field, '^limit:') or match(field, '^window:')) and not force[field] then gone[#gone + 1] = field end
end

call('HSET', state, 'epoch', format('%s %d %d %d %d %d %s', id, stored, born, count, now, shift, before), 'told', told, 'force', text)
for i = 1, #set, 2 do call('HSET', state, set[i], set[i + 1]) end
for _, field in ipairs(gone) do call('HDEL', state, field) end

local names = {}
for bucket in pairs(disputed) do names[#names + 1] = bucket end
table.sort(names)
return { format('%d %d %d %d %d %s', now, time, count, stored, live, id), told, text, table.concat(names, ' ') }
