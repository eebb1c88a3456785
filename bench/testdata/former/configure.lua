-- Composed of the fragments in lua/ at commit 14930fc, as its script.go joined them; only this line is new.
-- Notes what a replica wants and what the fleet was told, decides which limits are in force, and begins a new epoch when
-- memory was lost.
--
-- Each replica says every few seconds which limits it was configured with; it counts as live while it does, and its
-- wish for half a minute. Of wishes that differ the smallest rate and the smallest burst are in force, unless the fleet
-- was told otherwise. Whenever what is in force changes the version does, and calls that know another are turned away
-- until their replica has been here: so all calls of one version have the same limits.
--
-- KEYS[1]   state       hash without TTL: epoch "2 id version born superseded", time "2 grants now_us shift_us", last and
--                       spare as acquire has them, and the levels; told "2 at US" and lines: what the fleet was told and
--                       when; force "2" and lines: the limits in force; replica:SESSION and wish:DIGEST
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
-- ARGV[12]  empty       text: fields of limits, with blanks between, that begin empty where nobody has used them; others begin full
-- ARGV[...] change      the rest, lines to be told to the fleet, each one argument: "limit BUCKET FIELD TOKENS PER BURST"
--                       and "opens BUCKET US" (nothing is due for so many us from now; what was told then names that
--                       moment of the namespace's own time, at which the bucket is empty); lines of one word and bucket replace what was told with
--                       those; "limit BUCKET" and "opens BUCKET" alone withdraw it
--
-- Reply: four texts: "now_us time_us grants version live former epoch" (the namespace's own time, and TIME; number of live
--        replicas; the version of the records that were found, 0 for none), told, force, and the buckets about which replicas
--        disagree, with blanks between. Or, where nothing was done: the number of an argument that is not valid; the text
--        "newer N" if the records have the newer version N

local state = KEYS[1]
local epoch, grants, fresh, version, told, horizon_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local replica, session, leaving, digest, wish, empty = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local rest, first = ARGV, 13

-- Numbers: what the scripts share. Every number that a script reads is a whole number below 2^53. Script functions are made
-- anew by each run, at a cost: a fragment defines few, and each with few names of others.
local VERSION = 2
local EXACT = 9007199254740991  -- 2^53 - 1: the largest integer that a Lua number counts to
local SPAN = 2251799813685248   -- 2^51: the longest distance between two times, in units of a limit
local WIDEST = 1125899906842624 -- 2^50: burst * per and a horizon's tokens of a limit at most
local OWN_MS = 60000            -- how long a key outlives what it holds

local call, format, match, sub, tonumber = redis.call, string.format, string.match, string.sub, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Checks: what is read is checked before it is used.
local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n % 1 == 0 then return n end -- no comparison is true of what is not a number
end

-- Level: when a limit will be full again, at full us and frac units of 1/tokens us, exactly.
--
-- A record is "2 tokens per burst full frac last", where last is the due time of the latest reservation; then, unless all
-- eight are zero, " urgent claimed whole young total base edge sought": the level of urgent calls; the sums of the line; the
-- log of a window; when the limit last set the due time of a call that passes others, too.

-- A level from its record, or nothing.
local function read_level(text)
  local tokens, per, burst, full, frac, latest, tail =
    string.match(text, '^2 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  if not tokens then return end
  tokens, full, frac, latest = tonumber(tokens), tonumber(full), tonumber(frac), tonumber(latest)
  if not (full and latest and frac) or full > EXACT or latest > EXACT or frac >= tokens then return end
  return { -- with room for what a request needs: a table that grows is copied
    tokens = tokens, per = tonumber(per), burst = tonumber(burst), full = full, frac = frac, last = latest, tail = tail,
    head = '', cost = 0, ahead = 0, due = 0, at = 0, units = 0, value = 0, slope = 0, name = '',
  }
end

-- Moves the level by a number of units.
local function move_level(b, units)
  units = b.frac + units
  local frac = units % b.tokens
  b.full, b.frac = b.full + (units - frac) / b.tokens, frac
end

local function level_text(b) return b.head .. string.format('%d %d %d', b.full, b.frac, b.last) .. b.tail end

-- Change: what becomes of a level when its limit is another, when it was lost, and when its bucket was closed.

-- Empties the limit at a time, unless it is emptier.
local function empty_level(b, at)
  local full, frac = b.full, b.frac
  b.full, b.frac = at, 0
  move_level(b, b.burst * b.per)
  if full > b.full or full == b.full and frac > b.frac then b.full, b.frac = full, frac end
end

local function set_limit(b, tokens, per, burst)
  b.tokens, b.per, b.burst, b.head = tokens, per, burst, string.format('2 %d %d %d ', tokens, per, burst)
end

-- A level of which nothing is known: empty, and in debt by the horizon at a time.
local function lost_level(tokens, per, burst, window, at)
  local b = { full = 0, frac = 0, last = at, tail = '' }
  set_limit(b, tokens, per, burst)
  if window then b.tail = string.format(' 0 0 0 0 0 0 %d 0', at) else empty_level(b, at) end
  return b
end

-- Changes the limit. The number of tokens stays. The new rate counts from the last reservation that is out. Whole tokens stay
-- exact; others are rounded up, once.
local function change_level(b, now_us, tokens, per, burst)
  local from_us = math.max(now_us, b.last)
  local missing = 0 -- tokens
  if b.full >= from_us then missing = ((b.full - from_us) * b.tokens + b.frac) / b.per end
  local units = math.min(SPAN, math.ceil(missing * per)) + (burst - b.burst) * per
  b.full, b.frac = from_us, 0
  set_limit(b, tokens, per, burst)
  move_level(b, math.min(SPAN, math.max(0, units)))
end

-- Requested: checks every argument before the first write.
local SUPERSEDED = 8     -- how many former epochs are remembered
local LAST_US = 60000000 -- how long a reply is kept for a repeat
local WISH_US = 30000000 -- how long a replica that is silent counts, and its wish
local OPEN_US = 60000000 -- how long after a bucket has opened that is kept apart from its level

local gmatch = string.gmatch
local clock = call('TIME')
local time = clock[1] * 1000000 + clock[2]

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
  if kind == 'opens' then fits = limit == '' and (field == '' or integer(field, 0, EXACT / 2)) end
  if kind == 'limit' then fits = field == '' or (bucket_of(field) == bucket and match(limit, '^%d+ %d+ %d+$')) end
  if not fits then return i end
end

-- The version of a record. A record without one is of the time before versions.
local function version_of(text) return tonumber(match(text, '^(%d+)[ \n]') or 1) end

-- The epoch is the identity of one continuous memory. A caller that saw more than is stored here, or an epoch that
-- this memory never replaced, proves that grants were forgotten: then every limit is empty and in debt.
local fields, list = {}, call('HGETALL', state)
for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
local former = fields.epoch and version_of(fields.epoch) or 0
if former > VERSION then return 'newer ' .. former end
local id, stored, born, before = match(fields.epoch or '', '^2 (%S+) (%d+) (%d+) (%S*)$')
local count, now, shift, owed = match(fields.time or '', '^2 (%d+) (%d+) (%d+) (%d+)$')
stored, born = integer(stored, 0, EXACT) or 0, integer(born, 0, EXACT)
count, now, shift = integer(count, 0, EXACT), integer(now, 0, EXACT), integer(shift, 0, EXACT)
owed = integer(owed, 0, EXACT)
if not (born and count and now and shift and owed) then id = nil end
local known = epoch == '-' or epoch == id or (id and string.find(',' .. before .. ',', ',' .. epoch .. ',', 1, true))
local newcomer = epoch == '-' and (id or not fields.epoch) -- it remembers nothing, and nothing was damaged
if not id or not known or (epoch == id and count < grants) then
  local kept, seen = {}, {}
  for name in gmatch(epoch .. ',' .. (id or '-') .. ',' .. (before or ''), '[^,]+') do
    if name ~= '-' and not seen[name] and #kept < SUPERSEDED then kept[#kept + 1], seen[name] = name, true end
  end
  if not newcomer and not kept[1] then kept[1] = '?' end -- an epoch that replaces none has lost nothing
  fields = { told = fields.told }
  id, born, count, now, shift, owed, before = fresh, time, 0, time, 0, 0, table.concat(kept, ',')
  call('DEL', state)
end


-- Time: the namespace's own time never goes back. Where TIME does, shift takes up the difference. What a step back added to shift
-- is owed, up to a second, and taken off again by letting own time run slower by a tenth: a clock that wanders gives nothing.
do
  local ahead = time + shift - now
  if ahead < 0 then
    shift, owed = shift - ahead, min(1000000, owed - ahead)
  elseif owed > 0 then
    local back = min(owed, floor(ahead / 10))
    shift, owed = shift - back, owed - back
  end
  now = time + shift
end

-- Told: what the fleet was told, by word and bucket, behind a line that says when. Who was told later knows better.
local function when(text) return integer(match(text or '', '^2 at (%d+)'), 0, EXACT) or 0 end
local was = fields.told or ''
if when(told) > when(was) then was = told end
local at, words, replaced = when(was), {}, {}
for line in gmatch(was, lines) do
  local key = match(line, '^%S+ %S+')
  if key and key ~= '2 at' then words[key] = (words[key] and words[key] .. '\n' or '') .. line end
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
local opened = {} -- buckets that have opened long ago: from then on their levels say so
for key, text in pairs(words) do
  local bucket, moment = match(text, '^opens (%S+) (%d+)$')
  if bucket and tonumber(moment) + OPEN_US < now then words[key], opened[bucket] = nil, tonumber(moment) end
end
local all = {}
for _, text in pairs(words) do
  for line in gmatch(text, lines) do all[#all + 1] = line end
end
table.sort(all)
told = at > 0 and format('2 at %d\n%s', at, table.concat(all, '\n')) or ''
stored = math.max(stored, version)

-- Wishes: the replicas that are there, and what they want.
local set, gone, wishes, live = {}, {}, {}, 0
fields['replica:' .. session] = format('2 %d %s %s %s', now, leaving, digest, replica)
wish = '2\n' .. wish
fields['wish:' .. digest] = wish
set[#set + 1], set[#set + 2] = 'replica:' .. session, fields['replica:' .. session]
set[#set + 1], set[#set + 2] = 'wish:' .. digest, wish
for field, value in pairs(fields) do
  if match(field, '^replica:') then
    local seen, left, of = match(value, '^2 (%d+) ([01]) (%S+) %S+$')
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
    local answered = integer(match(value, '^2 %d+ [^\n]*\n%d+ (%d+)'), 0, EXACT)
    if not answered or answered < now - LAST_US then gone[#gone + 1] = field end
  end
  if kind == 'spare' then
    local final = match(value, '(%d+) [%d,]+$')
    if not final or tonumber(final) <= now then gone[#gone + 1] = field end
  end
end

-- Force: the limits in force, and what changes with them.
local force, said, disputed = {}, {}, {}
for _, text in pairs(wishes) do
  local mine = {}
  for line in gmatch(sub(text, 3), lines) do
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
local text = '2\n' .. table.concat(now_force, '\n')

if text ~= fields.force or told ~= (fields.told or '') then stored = stored + 1 end

-- A limit that nobody has used begins as who brings it says: who remembers an epoch has used it, unless it tells the fleet of it now.
-- Else what is not there was lost: it begins empty and in debt. A limit that is another now keeps the number of tokens. One that is
-- no longer in force is forgotten when it is full.
for field, f in pairs(force) do
  local b = fields[field] and read_level(fields[field])
  local fresh_limit = not fields[field] and (newcomer or replaced['limit ' .. bucket_of(field)])
  if fresh_limit and not string.find(' ' .. empty .. ' ', ' ' .. field .. ' ', 1, true) then
    b = { full = 0, frac = 0, last = 0, tail = '' }
    set_limit(b, f[1], f[2], f[3])
  elseif not b then
    b = lost_level(f[1], f[2], f[3], match(field, '^window:'), fresh_limit and now or now + horizon)
  elseif b.tokens ~= f[1] or b.per ~= f[2] or b.burst ~= f[3] then
    change_level(b, now, f[1], f[2], f[3])
  else
    set_limit(b, f[1], f[2], f[3])
  end
  local opens = opened[bucket_of(field)]
  if opens and not match(field, '^window:') then empty_level(b, opens) end
  local record = level_text(b)
  if record ~= fields[field] then set[#set + 1], set[#set + 2] = field, record end
end
for field in pairs(fields) do
  if (match(field, '^limit:') or match(field, '^window:')) and not force[field] then
    local b = read_level(fields[field])
    local width = b and match(field, '^window:') and b.burst * b.per / b.tokens or 0
    if not b or (b.full <= now and b.last + width <= now) then gone[#gone + 1] = field end
  end
end

call('HSET', state, 'epoch', format('2 %s %d %d %s', id, stored, born, before), 'time', format('2 %d %d %d %d', count, now, shift, owed),
  'told', told, 'force', text)
for i = 1, #set, 2 do call('HSET', state, set[i], set[i + 1]) end
for _, field in ipairs(gone) do call('HDEL', state, field) end

local names = {}
for bucket in pairs(disputed) do names[#names + 1] = bucket end
table.sort(names)
return { format('%d %d %d %d %d %d %s', now, time, count, stored, live, former, id), told, text, table.concat(names, ' ') }
