-- Notes what a replica wants and what the fleet was told, decides which limits are in force, and begins a new epoch when
-- memory was lost.
--
-- Each replica says every 10 s which limits it was configured with; it counts as live for half a minute, and so does its wish. Of
-- wishes that differ the smallest rate and the smallest burst are in force, unless the fleet was told otherwise. Whenever what is in
-- force changes the version does, and calls that know another are turned away until their replica has been here: so all calls of
-- one version have the same limits.
--
-- A limit that takes more than 12 s from empty to full is slow. Replicas remember what they have heard of slow limits. When such a limit
-- was lost it begins empty, what replicas remember is collected for 11 s, and the best of it is applied once.
--
-- KEYS[1]   state       hash without TTL: epoch "4 id version born superseded", time "4 grants now_us shift_us still_us owed_us", the levels as
--                       acquire has them; told "4 at US" and lines: what the fleet was told and when; force "4" and lines: the
--                       limits in force; lost:FIELD: what is known of a slow limit that was lost
-- KEYS[2]   live        sorted set with TTL: "session replica" by when it was last heard, on the clock by which wishes age
-- KEYS[3]   wishes      hash without TTL: clock "4 heard_us aged_us", and by digest what replicas want: "4 SEEN", "SEEN:REPLICA" of
--                       some who want it, and a line for each limit
-- KEYS[4]   replies     hash with TTL: the replies to this replica, as acquire has them
-- ARGV[1]   epoch       text: the epoch the caller knows, or -
-- ARGV[2]   grants      integer >= 0: the highest count of grants the caller saw in that epoch
-- ARGV[3]   fresh       text: the name of the epoch that begins if memory was lost
-- ARGV[4]   version     integer >= 0: the version that the caller knows, 0 for none
-- ARGV[5]   told        text: what the fleet was told, as far as the caller knows, for a memory that has forgotten it; its moments are of
--                       TIME
-- ARGV[6]   horizon_us  integer >= 0: debt of a limit of which nothing is known
-- ARGV[7]   replica     text: name of the replica, no blanks
-- ARGV[8]   session     text: of the process, no blanks; a process that restarts under its name is another
-- ARGV[9]   leaving     0 or 1: it ends, and is live no longer
-- ARGV[10]  digest      text: of wish
-- ARGV[11]  wish        text: the limits it was configured with, sorted lines "field tokens per_us burst"
-- ARGV[12]  empty       text: fields of limits, with blanks between, that begin empty where nobody has used them; others begin full
-- ARGV[13]  known       text: digest of forced
-- ARGV[14]  forced      text: the limits that were in force when the caller last heard of them, lines like those of wish
-- ARGV[15]  reports     text: what the caller remembers of slow limits, lines "field tokens per_us burst epoch grants" and, of a bucket,
--                       in how many us it is full; of a window, "number:us" for starts: so many were due until so many us from now
-- ARGV[...] change      the rest, lines to be told to the fleet, each one argument: "limit BUCKET FIELD TOKENS PER BURST"
--                       and "opens BUCKET US" and perhaps the name of the replica whose provider asked for that (nothing is due for so many us from now, 0 opens it; what was told then names that
--                       moment of the namespace's own time, at which the bucket is empty; one that is later stays); limits
--                       replace what was told of the bucket; "limit BUCKET" and "opens BUCKET" alone withdraw it
--
-- Reply: six texts: "now_us time_us grants version live former began collects_us epoch" (the namespace's own time, and TIME; number of
--        live replicas; the version of the records that were found, 0 for none; 1 where this call began a namespace, 2 where it
--        found that memory was lost; for how long reports are collected), told, force, lines of the slow limits "field tokens per_us
--        burst" and in how many us a bucket is full or how many starts a window has counted, what replicas want of the buckets
--        about which they disagree, lines "bucket n" and n names and limits "field tokens per_us burst", and lines "field us" of the
--        slow limits that were recovered, each with the us by which it is full sooner. Or, where nothing was done: the number of an
--        argument that is not valid; the text "newer N" if the records have the newer version N

local state, live, wishes, replies = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, grants, fresh, version, told, horizon_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local replica, session, leaving, digest, wish, empty = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local known, forced, reports = ARGV[13], ARGV[14], ARGV[15]
local rest, first = ARGV, 16

-- Numbers: what the scripts share. Every number that a script reads is a whole number below 2^53. Script functions are made
-- anew by each run, at a cost: a fragment defines few, and each with few names of others.
local VERSION = 4
local EXACT = 9007199254740991  -- 2^53 - 1: the largest integer that a Lua number counts to
local SPAN = 2251799813685248   -- 2^51: the longest distance between two times, in units of a limit
local WIDEST = 1125899906842624 -- 2^50: burst * per and a horizon's tokens of a limit at most
local STILL_US = 1000000        -- how long the namespace's own time stands still at most
local OWED_US = 10000000        -- how much of larger steps back of the clock it makes up for later, at most
local WHOLE = 1000000         -- parts of a rate: all of it
local OWN_MS = 60000            -- how long a key outlives what it holds, ms; and how long a silent replica's replies are kept

local call, format, match, sub, tonumber = redis.call, string.format, string.match, string.sub, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Checks: what is read is checked before it is used.
local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n % 1 == 0 then return n end -- no comparison is true of what is not a number
end

-- The numbers of a limit, if it can be kept exactly.
local function whole_limit(tokens, per, burst, horizon)
  tokens, per, burst = integer(tokens, 1, WIDEST), integer(per, 1, WIDEST), integer(burst, 1, WIDEST)
  if tokens and per and burst and burst * per + (horizon + 1) * tokens <= WIDEST then return tokens, per, burst end
end

-- Level: when a limit will be full again, at full us and frac units of 1/tokens us, exactly.
--
-- A record is "4 tokens per burst full frac last", where last is the due time of the latest reservation; then, unless all
-- are zero, " urgent claimed whole young total base edge sought spared learnt owes eras collects": the level of urgent calls; the sums of the line; the
-- log of a window; when the limit last set the due time of a call that passes others, too; until when something that was
-- returned may serve a call of a route that ends in this limit; what is learnt from the provider's answers, - for nothing; when the bucket is full, where calls that cost more than was reserved
-- put that off, else 0; how empty the bucket was, - before a cost was corrected; until when it is collected
-- what replicas remember of a limit that was lost.

-- A level from its record, or nothing.
local function read_level(text)
  local tokens, per, burst, full, frac, latest, tail =
    string.match(text, '^4 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  if not tokens then return end
  tokens, full, frac, latest = tonumber(tokens), tonumber(full), tonumber(frac), tonumber(latest)
  if not (tokens and full and latest and frac) or full > EXACT or latest > EXACT or frac >= tokens then return end
  local learnt = tail ~= '' and match(tail, ' (%d[%d,]*) %d+ %S+ %d+$') or nil
  return { -- with room for what a request needs: a table that grows is copied
    tokens = tokens, per = tonumber(per), burst = tonumber(burst), price = tonumber(per), hope = tonumber(per), starts = tonumber(burst), learnt = learnt, full = full, frac = frac, last = latest, tail = tail,
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

-- How long after its latest reservation a bucket can be full, us, that owes nothing: a call may cost more than the tokens of its burst
-- while the provider is slow.
local dearest -- what a token is charged at most: see rate
local function reach_of(b) return ceil(b.burst * (b.learnt and dearest and dearest(b) or b.per) / b.tokens) end

-- When the bucket is full, if it owes tokens: no reservations can have put that off so far.
local function owes_of(b, now_us)
  local at = b.frac > 0 and b.full + 1 or b.full
  return at > math.max(now_us, b.last) + reach_of(b) and at or 0
end

-- Brings a level that was damaged into the bounds of what reservations can have made of it: none is due later than a horizon from
-- now, and the bucket is full when all of its burst has come after the latest.
local UNHEARD = 30000000 -- us: the horizons of replicas may differ
local function bound_level(b, now_us, horizon_of)
  local far = now_us + math.max(horizon_of, UNHEARD)
  if b.last > far then b.last = far end
  local burst_us = reach_of(b)
  local fullest = math.max(now_us, b.last) + burst_us
  if b.full > fullest and b.tail ~= '' then -- calls that cost more than was reserved may have put it off by a burst
    local owes = tonumber(string.match(b.tail, ' (%d+) %S+ %d+$')) or 0
    if owes > 0 then fullest = math.max(fullest, math.min(fullest + burst_us, b.changed and EXACT or owes)) end
  end
  if b.full > fullest then b.full, b.frac = fullest, 0 end
end

-- Rate: parts of a limit's rate, ppm, and what a token is charged at a part. limiter/internal/adapt explains the sums.
-- A number of calls a second in parts of the limit's rate: 1/1000 of a fast limit at least, a tenth of a slow one.
local function bound(x, low, high) return max(low, min(high, x)) end
local function part_of(b, calls) return bound(ceil(calls * b.per / b.tokens), 1000, 100000) end
local function floor_of(b) return part_of(b, 0.5) end

-- What a token is charged at a part of the rate, in units.
local function price_at(b, part)
  local whole = floor(b.per / part)
  local rest_ = (b.per - whole * part) * WHOLE
  return min(max(b.per, floor(WIDEST / b.burst)), whole * WHOLE + ceil(rest_ / part))
end

function dearest(b) return price_at(b, floor_of(b)) end

-- Change: what becomes of a level when its limit is another, when it was lost, and when its bucket was closed.

-- Empties the limit at a time, unless it is emptier.
local function empty_level(b, at)
  local full, frac = b.full, b.frac
  b.full, b.frac = at, 0
  move_level(b, b.burst * b.per)
  if full > b.full or full == b.full and frac > b.frac then b.full, b.frac = full, frac end
end

local function set_limit(b, tokens, per, burst)
  b.tokens, b.per, b.burst, b.price, b.hope, b.starts, b.head = tokens, per, burst, per, per, burst, string.format('4 %d %d %d ', tokens, per, burst)
end

-- The tail of a level that was lost: nothing, or that of a window that is shut.
local function lost_tail(window, at) return window and string.format(' 0 0 0 0 0 0 %d 0 0 - 0 - 0', at) or '' end

-- A level of which nothing is known: empty, and in debt by the horizon at a time.
local function lost_level(tokens, per, burst, window, at)
  local b = { full = 0, frac = 0, last = at, tail = lost_tail(window, at) }
  set_limit(b, tokens, per, burst)
  if not window then empty_level(b, at) end
  return b
end

-- Changes the limit. The number of tokens stays. The new rate counts from the last reservation that is out. Whole tokens stay
-- exact; others are rounded up, once.
local function change_level(b, now_us, tokens, per, burst)
  local from_us = math.max(now_us, b.last)
  local missing = 0 -- tokens
  if b.full >= from_us then missing = ((b.full - from_us) * b.tokens + b.frac) / b.per end
  if owes_of(b, now_us) == 0 then missing = math.min(missing, b.burst) end -- more is rounding
  local wide, more = missing * per, burst - b.burst
  local units
  if wide < SPAN and math.abs(more) * per < SPAN then
    units = math.ceil(wide) + more * per
  else -- a product would not be exact: the difference of the bursts is taken first
    units = math.min(SPAN, math.ceil(math.max(0, missing + more) * per))
  end
  units = math.min(units, 2 * burst * per) -- no more than one burst of debt
  local whole = math.max(0, math.floor(missing))
  b.full, b.frac = from_us, 0
  set_limit(b, tokens, per, burst)
  move_level(b, math.min(SPAN, math.max(0, units)))
  b.learnt = nil -- a changed limit is tried as it is
  b.changed = math.min(whole, math.floor(math.max(0, units) / per)) -- for the eras
end

-- The numbers of a tail, as text; nothing if a script cannot have written it: no number has more than 16 digits, and the starts of a
-- window can still be counted.
local function read_tail(tail)
  local urgent, claimed, whole, young, total, base, edge, sought, spared, learnt, owes, eras, collects =
    string.match(tail, '^ (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+) (%d+)$')
  if not urgent or #urgent > 16 or #claimed > 16 or #whole > 16 or #young > 16 or #total > 16 or #base > 16 or #edge > 16
    or #sought > 16 or #spared > 16 or #owes > 16 or #collects > 16 or tonumber(total) > EXACT / 2 then
    return
  end
  return urgent, claimed, whole, young, total, base, edge, sought, spared, learnt, owes, eras, collects
end

-- Eras: how empty a bucket was, for costs that are known only afterwards. limiter/internal/bucket explains the rule. A text
-- "start_us:tokens" for each era, oldest first, with commas between: the tokens that were missing at the fullest charge of the era.
local UNNOTED = 1125899906842624 -- 2^50: more than a bucket can miss
local ERA_US = 500000            -- after which a charge begins a new era
local REACH_US = 1024000000      -- after which an era is forgotten

-- The eras of a bucket of which nothing is known before now.
local function new_eras(now_us) return string.format('%d:%d', now_us + 1, UNNOTED) end

local function eras_text(starts, lows)
  local out = {}
  for i = 1, #starts do out[i] = string.format('%d:%d', starts[i], lows[i]) end
  return table.concat(out, ',')
end

-- Starts and tokens of eras; those of a text that no script has written are unknown before now.
local function read_eras(text, now_us)
  local starts, lows, last = {}, {}, -1
  for start, low in string.gmatch(text, '(%d+):(%d+)') do
    start, low = integer(start, last + 1, now_us + 1), integer(low, 0, UNNOTED)
    if not (start and low) then return { now_us + 1 }, { UNNOTED } end
    starts[#starts + 1], lows[#lows + 1], last = start, low, start
  end
  if not starts[1] then return { now_us + 1 }, { UNNOTED } end
  return starts, lows
end

-- Notes how many tokens were missing before a charge, which counts for the charges of before. The charge itself begins a new era, unless
-- the newest is young.
local function note_tokens(b, now_us, tokens)
  local start, low = string.match(b.eras, '(%d+):(%d+)$')
  start, low = integer(start, 0, now_us + 1), integer(low, 0, UNNOTED)
  if start and low and now_us - start <= ERA_US and tokens >= low then return end
  local starts, lows = read_eras(b.eras, now_us)
  lows[#lows] = math.min(lows[#lows], tokens)
  if now_us - starts[#starts] > ERA_US then
    starts[#starts + 1], lows[#lows + 1] = now_us, UNNOTED
    local i = 1
    while i + 2 <= #starts do
      if starts[i + 2] - starts[i] <= math.floor((now_us - starts[i + 2]) / 2) then -- short for their age
        lows[i] = math.min(lows[i], lows[i + 1])
        table.remove(starts, i + 1)
        table.remove(lows, i + 1)
      else
        i = i + 1
      end
    end
    while #starts > 2 and starts[2] < now_us - REACH_US do
      table.remove(starts, 1)
      table.remove(lows, 1)
    end
  end
  b.eras = eras_text(starts, lows)
end

-- Whole tokens that a bucket misses at a time.
local function missing_at(b, us)
  local beyond = math.min(b.full - us, math.floor(SPAN / b.tokens))
  if beyond < 0 then return 0 end
  return math.floor((beyond * b.tokens + b.frac) / b.per)
end

-- Requested: checks every argument before the first write.
local SUPERSEDED = 8     -- how many former epochs are remembered
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
local function bucket_of(field) return match(field, '^%a+:%d+:(%S+)$') end
local function parse(line) -- "field tokens per burst" and more; nothing if such a limit cannot be kept
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
  if kind == 'limit' then
    fits = field == '' or (bucket_of(field) == bucket and match(limit, '^%d+ %d+ %d+$') and parse(field .. ' ' .. limit))
  end
  if not fits then return i end
end

-- The version of a record. A record without one is of the time before versions.
local function version_of(text) return integer(match(text, '^(%d+)[ \n]'), 0, EXACT) or 1 end

-- The epoch is the identity of one continuous memory. A caller that saw more than is stored here, or an epoch that
-- this memory never replaced, proves that grants were forgotten: then every limit is empty and in debt.
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
local heard_of = epoch == '-' or epoch == id or (id and string.find(',' .. before .. ',', ',' .. epoch .. ',', 1, true))
local newcomer = epoch == '-' and (id or not fields.epoch) -- it remembers nothing, and nothing was damaged
local began, witness = 0, nil -- witness: an older memory that is found in place of the one that was lost
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

-- Time: the namespace's own time is TIME and shift, and never goes back. Where TIME steps back, shift takes up the step. Own time
-- then stands still until it has made up for the step, a second at most: a clock that wanders within a second gives nothing. The
-- rest of a larger step is owed, up to 10 s. The next step forward of more than a second pays the debt: two servers whose clocks
-- differ, one after the other, give nothing. More than a second between two scripts counts as such a step.
do
  local passed = time + shift - now -- on TIME, since the last script
  if passed < 0 then
    shift, still = shift - passed, still - passed
    if still > STILL_US then
      owed = min(OWED_US, owed + still - STILL_US)
      still = STILL_US
    end
  elseif shift > 0 then
    local stop = min(still, passed)
    local paid = passed > STILL_US and min(owed, passed - stop) or 0
    shift, still, owed = shift - stop - paid, still - stop, owed - paid
  end
  now = time + shift
end

-- Told: the limits and pauses that the fleet was told, by word and bucket, and whether it only pretends to limit (bucket -), behind a line with the time. The later text counts.
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
  if fits then words[key] = (words[key] and words[key] .. '\n' or '') .. line end
end
for i = first, #rest do
  local key, more = match(rest[i], '^(%a+ %S+) ?(.*)$')
  local line, former_line = rest[i], words[key]
  if not replaced[key] then words[key], replaced[key] = nil, true end
  if more ~= '' then
    if match(line, '^opens ') then
      local us, by = match(more, '^(%d+)( ?%S*)$')
      local moment = now + tonumber(us)
      line = format('%s %d%s', key, moment, by)
      -- A pause never shortens another. To open a bucket is another matter.
      if us ~= '0' and former_line and tonumber(match(former_line, '^%S+ %S+ (%d+)')) >= moment then line = former_line end
    end
    words[key] = (words[key] and words[key] .. '\n' or '') .. line
  end
  at = max(at + 1, now)
end
local opened = {} -- buckets that have opened long ago: from then on their levels say so
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
-- Two replicas of former epochs may have known different limits by one version: calls of this epoch have a version of their own.
if epoch ~= id and version > 0 and version >= stored then stored = version + 1 end
stored = max(stored, version)
if stored > EXACT / 4 then stored = 1 end -- of a record that was damaged

-- Wishes: what replicas want, and which of them are there. Wishes age by the time between two announcements, but by 10 s at most: so
-- neither a step of the clock nor a silence forgets what is wanted.
local BEAT_US = 10000000 -- how often a replica announces itself
local NAMES = 8          -- of those who want the same

local entries, gone = {}, {}
list = call('HGETALL', wishes)
for i = 1, #list, 2 do entries[list[i]] = list[i + 1] end
local heard, aged = match(entries.clock or '', '^4 (%d+) (%d+)$')
heard, aged = integer(heard, 0, EXACT / 2), integer(aged, 0, EXACT / 2)
entries.clock = nil

-- When an entry was last wanted, who wants it, and its limits.
local function entry_of(text)
  local seen, names, wanted = match(text, '^4 (%d+)([^\n]*)\n?(.*)$')
  seen = integer(seen, 0, EXACT)
  if seen then return seen, names, wanted end
end

if not heard or not aged then -- it begins anew with what was wanted last, so that nothing ages by that
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
  elseif seen > aged then -- of a clock that was lost: it ages from now on
    entries[of] = format('4 %d%s\n%s', aged, names, wanted)
    renewed[#renewed + 1], renewed[#renewed + 2] = of, entries[of]
  end
end
call('HSET', wishes, unpack(renewed))
for _, of in ipairs(gone) do call('HDEL', wishes, of) end

local who = session .. ' ' .. replica
call('ZREMRANGEBYSCORE', live, format('(%d', aged), '+inf') -- of a clock that was lost
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

-- Force: the limits in force.
local force, said, disputed, slowest = {}, {}, {}, nil
for _, entry in pairs(entries) do
  local _, names, wanted = entry_of(entry)
  local mine = {}
  for line in gmatch(wanted, lines) do
    local field, tokens, per, burst = parse(line)
    if field then
      local bucket = bucket_of(field)
      mine[bucket] = (mine[bucket] or '') .. ' ' .. line
      local f = force[field]
      if not f then
        force[field] = { tokens, per, burst }
      elseif match(field, '^window:') then
        if burst < f[3] then force[field] = { tokens, per, burst } end
      else
        if tokens / per < f[1] / f[2] then f[1], f[2] = tokens, per end
        f[3] = min(f[3], burst)
      end
    end
  end
  for bucket, limits_text in pairs(mine) do
    local by_text = said[bucket] or {}
    if next(by_text) and not by_text[limits_text] then disputed[bucket] = true end
    by_text[limits_text] = (by_text[limits_text] or '') .. string.gsub(names, ' %d+:', ' ')
    said[bucket] = by_text
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
local text = '4\n' .. table.concat(now_force, '\n')
if text ~= fields.force or told ~= (fields.told or '') then stored = stored + 1 end

-- What replicas want of the buckets about which they disagree.
local dispute = {}
for bucket in pairs(disputed) do
  for limits_text, names in pairs(said[bucket]) do
    local _, n = string.gsub(names, '%S+', '')
    dispute[#dispute + 1] = format('%s %d%s%s', bucket, n, names, limits_text)
  end
end
table.sort(dispute)

-- Collect: slow limits that were lost, and what replicas remember of them. A record of one is "4 ends_us full_us tokens per burst epoch
-- grants best": until when reports are collected, 0 afterwards; the level as it was lost; the best report so far, with the epoch and
-- the count of grants that it was heard with, and - for none. Of a bucket it is the time at which the bucket is full; of a
-- window, "number:due_us" for starts: so many were due by then.
local COLLECT_US = 11000000 -- a presence interval, and one second for who is late
local SLOW_US = 12000000    -- from empty to full: other limits are full again before what was collected could count
local STARTS = 64           -- pairs of a window that are kept

local remembered = {}
for line in gmatch(reports, lines) do
  local field, tokens, per, burst, more = parse(line)
  local of, seen, what = match(more or '', '^(%S+) (%d+) (.+)$')
  seen = integer(seen, 0, EXACT)
  if seen then remembered[field] = { format('%d %d %d', tokens, per, burst), of, seen, what } end
end
local recovered, collects = {}, 0
local set, out_of_force = {}, {} -- fields of state to write, and to forget

-- The key of a window's log. It is not among the keys of the call, which does not know whose windows are to be recovered.
local function log_of(field) return sub(state, 1, -6) .. 'log:' .. field end

-- What is known of the eras of a level is no longer true: it begins anew.
local function begin_eras(b)
  b.tail = string.gsub(b.tail, ' %d+:%S+ (%d+)$', format(' %s %%1', new_eras(now)))
end

local function is_slow(b) return b.burst * b.per > SLOW_US * b.tokens end

-- The starts of two texts of pairs, by number: the time is the earliest that is known of as many or more.
local function merge_starts(a, b)
  local by, numbers, out = {}, {}, {}
  for number, due in gmatch(a .. ' ' .. b, '(%d+):(%d+)') do
    number, due = integer(number, 0, EXACT / 2), integer(due, 0, EXACT / 2)
    if number and due then
      if not by[number] then numbers[#numbers + 1] = number end
      by[number] = min(by[number] or due, due)
    end
  end
  table.sort(numbers)
  for i = #numbers - 1, 1, -1 do by[numbers[i]] = min(by[numbers[i]], by[numbers[i + 1]]) end
  local step = ceil(#numbers / STARTS)
  for i = #numbers, 1, -step do table.insert(out, 1, format('%d:%d', numbers[i], by[numbers[i]])) end
  return table.concat(out, ' ')
end

-- What an older memory, which is found in place of the one that was lost, has of a limit.
local function witnessed(field, b)
  local old = witness and witness.fields[field] and read_level(witness.fields[field])
  if not old or old.tokens ~= b.tokens or old.per ~= b.per or old.burst ~= b.burst then return '- 0 -' end
  local best = format('%d', max(0, old.full - witness.shift))
  if match(field, '^window:') then
    local starts = call('ZRANGE', log_of(field), -STARTS, -1, 'WITHSCORES')
    best = '-'
    for i = 1, #starts, 2 do
      local due = integer(starts[i], witness.shift, EXACT / 2)
      if due then best = merge_starts(best, format('%d:%d', starts[i + 1], due - witness.shift)) end
    end
  end
  return format('%s %d %s', witness.id, witness.count, best == '' and '-' or best)
end

local function begin_collecting(field, b)
  local ends = now + COLLECT_US
  fields['lost:' .. field] = format('4 %d %d %d %d %d %s', ends, b.full, b.tokens, b.per, b.burst, witnessed(field, b))
  b.tail = format(' 0 0 0 0 0 0 %d 0 0 - 0 - %d', match(field, '^window:') and b.last or 0, ends)
end

-- What is told in us from now, in the namespace's own time.
local function told_times(field, what)
  if not match(field, '^window:') then
    local us = match(what, '^(%-?%d+)$')
    us = integer(us, -EXACT / 4, EXACT / 4)
    return us and format('%d', max(0, now + us))
  end
  return (string.gsub(what, '(%d+):(%-?%d+)', function(number, us)
    us = integer(us, -EXACT / 4, EXACT / 4)
    return us and format('%s:%d', number, max(0, now + us)) or ''
  end))
end

-- Gives a window the starts that replicas remember. Nothing has started since it was lost.
local function recover_window(field, b, best)
  local log, total, base = log_of(field), 0, nil
  local lanes = match(b.tail, '^( %d+ %d+ %d+ %d+) 0 0 ')
  if not lanes or not match(best, ':') then return end
  call('DEL', log)
  for number, due in gmatch(best, '(%d+):(%d+)') do
    call('ZADD', log, number, due)
    total, b.last = tonumber(number), max(b.last, tonumber(due))
    base = base or max(0, total - b.burst) -- those up to it do not count, or never were
  end
  call('PEXPIRE', log, ceil((b.burst * b.per / b.tokens + 2 * horizon) / 1000) + OWN_MS)
  b.tail = format('%s %d %d 0 0 0 - 0 - 0', lanes, total, base)
end

-- Takes in what the caller remembers of a limit that was lost, and at the end what is best of it.
local function collect(field, b)
  local window, key, head = match(field, '^window:'), 'lost:' .. field, format('%d %d %d', b.tokens, b.per, b.burst)
  local ends, full, limit_was, of, seen, best = match(fields[key], '^4 (%d+) (%d+) (%d+ %d+ %d+) (%S+) (%d+) (.+)$')
  ends, full, seen = integer(ends, 0, now + COLLECT_US), integer(full, 0, EXACT), integer(seen, 0, EXACT)
  if not (ends and full and seen) or limit_was ~= head then -- damaged, or another limit now: it stays as it was lost
    b.tail = string.gsub(b.tail, '%d+$', '0')
    out_of_force[#out_of_force + 1] = key
    return
  end
  local r = remembered[field]
  local what = r and r[1] == head and (r[2] ~= id or ends > 0) and told_times(field, r[4])
  if what and window and ends > 0 then
    best = merge_starts(best, what)
    of, seen = r[2], r[3]
  elseif what and not window then
    local than = integer(best, 0, EXACT)
    if not than or (r[2] == of and r[3] > seen) or (r[2] ~= of and tonumber(what) > than) then
      if ends == 0 and than then b.full = b.full + max(0, tonumber(what) - max(than, now + horizon)) end
      best, of, seen = what, r[2], r[3]
    end
  end
  if ends > now then
    collects = max(collects, ends - now)
    b.tail = string.gsub(b.tail, '%d+$', format('%d', ends))
  elseif ends > 0 then
    local was_full = b.full
    ends, b.tail = 0, string.gsub(b.tail, '%d+$', '0')
    if window then
      recover_window(field, b, merge_starts(best, ''))
      recovered[#recovered + 1] = field .. ' 0'
    elseif integer(best, 0, EXACT) then
      local charged = b.full + (b.frac > 0 and 1 or 0) - full
      local sooner = max(tonumber(best), now + horizon) + max(0, charged)
      if sooner < b.full then
        b.full, b.frac = sooner, 0
        begin_eras(b)
      end
      recovered[#recovered + 1] = format('%s %d', field, was_full - b.full)
    end
  end
  if ends == 0 and (window or (integer(best, 0, EXACT) or 0) < now) then
    out_of_force[#out_of_force + 1] = key
  else
    set[#set + 1], set[#set + 2] = key, format('4 %d %d %s %s %d %s', ends, full, head, of, seen, best)
  end
end

-- Levels: what becomes of each level with the limits in force. A limit begins as its replica says, if the replica remembers nothing, or
-- if this epoch is told of the limit now. Any other limit that is not there was lost. A limit that is another now keeps the number of
-- tokens. A limit that is no longer in force is forgotten when it is full.
local slow = {}

-- Levels of limits that the fleet was told to replace, by bucket: the limits in their place go on with the number of tokens.
local dropped, was_in_force = {}, {}
for line in gmatch(sub(fields.force or '', 3), lines) do
  local field = parse(line)
  if field then
    was_in_force[field] = true
    local of, b = bucket_of(field), fields[field] and read_level(fields[field])
    if b and not force[field] and replaced['limit ' .. of] and not match(field, '^window:') then
      dropped[of] = dropped[of] or {}
      table.insert(dropped[of], b)
    end
  end
end
local function inherit(b, former_level)
  bound_level(former_level, now, horizon)
  change_level(former_level, now, b.tokens, b.per, b.burst)
  b.last = max(b.last, former_level.last)
  local full, frac = former_level.full, former_level.frac
  if full > b.full or (full == b.full and frac > b.frac) then b.full, b.frac = full, frac end
  begin_eras(b)
end
for field, f in pairs(force) do
  local window = match(field, '^window:')
  local b = fields[field] and read_level(fields[field])
  if b and not whole_limit(b.tokens, b.per, b.burst, horizon) then b = nil end
  local fresh_limit = not fields[field] and (newcomer or (epoch == id and replaced['limit ' .. bucket_of(field)]))
  if fresh_limit and not string.find(' ' .. empty .. ' ', ' ' .. field .. ' ', 1, true) then
    b = { full = 0, frac = 0, last = 0, tail = '' }
    set_limit(b, f[1], f[2], f[3])
  elseif not b then
    b = lost_level(f[1], f[2], f[3], window, fresh_limit and now or now + horizon)
    if not fresh_limit and is_slow(b) then begin_collecting(field, b) end
  else
    bound_level(b, now, horizon)
    if b.tail ~= '' and not read_tail(b.tail) then b.tail = lost_tail(window, now + horizon) end
    if b.tokens ~= f[1] or b.per ~= f[2] or b.burst ~= f[3] then
      change_level(b, now, f[1], f[2], f[3])
      b.eras = match(b.tail, ' (%d+:%S+) %d+$')
      if b.eras then note_tokens(b, now, b.changed) end
      b.tail = string.gsub(b.tail, ' %S+ %d+ %S+ (%d+)$', format(' - %d %s %%1', window and 0 or owes_of(b, now), b.eras or '-'))
    else
      set_limit(b, f[1], f[2], f[3])
    end
  end
  if not was_in_force[field] and not window then
    for _, former_level in ipairs(dropped[bucket_of(field)] or {}) do inherit(b, former_level) end
  end
  local opens = opened[bucket_of(field)]
  if opens and not window then
    local full, frac = b.full, b.frac
    empty_level(b, opens)
    if b.full ~= full or b.frac ~= frac then begin_eras(b) end
  end
  if fields['lost:' .. field] then
    collect(field, b)
  else
    b.tail = string.gsub(b.tail, '%d+$', '0')
  end
  if is_slow(b) then slow[#slow + 1] = { field, b } end
  local record = level_text(b)
  if record ~= fields[field] then set[#set + 1], set[#set + 2] = field, record end
end
for field in pairs(fields) do
  if not force[field] and (match(field, '^limit:') or match(field, '^window:')) then
    local b = read_level(fields[field])
    local width = b and match(field, '^window:') and b.burst * b.per / b.tokens or 0
    if not b or (b.full <= now and b.last + width <= now) then out_of_force[#out_of_force + 1] = field end
  elseif match(field, '^lost:') and not force[sub(field, 6)] then
    out_of_force[#out_of_force + 1] = field
  end
end

-- Written: writes what has changed, and answers.
call('HSET', state, 'epoch', format('4 %s %d %d %s', id, stored, born, before), 'time', format('4 %d %d %d %d %d', count, now, shift, still, owed),
  'told', told, 'force', text)
for i = 1, #set, 2 do call('HSET', state, set[i], set[i + 1]) end
for _, field in ipairs(out_of_force) do call('HDEL', state, field) end

local heard_levels = {}
for _, s in ipairs(slow) do
  local field, b = s[1], s[2]
  if not match(b.tail, ' [1-9]%d*$') then -- while reports are collected, nobody is told what would replace them
    local what = max(0, b.full - now + (b.frac > 0 and 1 or 0))
    if match(field, '^window:') then
      local total, _, edge = match(b.tail, '^ %d+ %d+ %d+ %d+ (%d+) (%d+) (%d+)')
      what = total or 0
      if what == '0' and edge + b.burst * b.per / b.tokens > now then what = nil end -- shut: it was lost
    end
    heard_levels[#heard_levels + 1] = what and format('%s %d %d %d %d', field, b.tokens, b.per, b.burst, what)
  end
end
return {
  format('%d %d %d %d %d %d %d %d %s', now, time, count, stored, alive, former, began, collects, id), told, text,
  table.concat(heard_levels, '\n'), table.concat(dispute, '\n'), table.concat(recovered, '\n'),
}
