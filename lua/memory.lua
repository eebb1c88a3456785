-- Memory: the request's numbers, the repeat, the epoch, and the time.

-- Every argument is checked before anything is charged: Redis does not undo a script that fails half-way.
local number, grants, horizon, lead, limits, reports, levels = match(numbers, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ([012])$')
if not number then return '3 2' end
local seq = tonumber(number)
grants, horizon, lead, limits, reports = tonumber(grants), tonumber(horizon), tonumber(lead), tonumber(limits), tonumber(reports)
local asks = first + 2 * limits + reports
if seq < 1 or seq > EXACT or grants > EXACT or horizon > 3600000000 or lead > horizon or limits < 1 or limits > 100
  or reports > 256 or not rest[asks - 1] then
  return '3 2'
end

local fields = { 'epoch', 'time', rest[first], nil, nil, nil } -- preallocated: a table that grows is copied
for i = 2, limits do fields[i + 2] = rest[first + 2 * i - 2] end
local clock = call('TIME')
local stored = call('HMGET', state, unpack(fields, 1, limits + 2))

-- The epoch is the identity of one continuous memory. A caller that knows another epoch, or has seen more grants than
-- are stored here, has to call configure.
local epoch, times, place = stored[1], stored[2], nil
if not epoch then return '4' end
if sub(epoch, 1, #memory) ~= memory then
  local version = integer(match(epoch, '^(%d+) '), 0, EXACT)
  if version and version > VERSION then return '5 ' .. version end
  return '4'
end

-- A repeat gets the first reply: a lost reply must not pay twice.
local answer = call('HGET', replies, lane)
if answer then
  local answered
  answered, place = match(answer, '^4 (%d+) ([^\n]*)\n')
  if answered == number then return '1 ' .. match(answer, '\n(.*)$') end
  answered = integer(answered, 1, EXACT / 2)
  if answered and answered > seq then return format('2 %d', answered) end
end

local count, now, steps_text = match(times or '', '^4 (%d+) (%d+)( %d+ %d+ %d+)$')
if not count then return '4' end
count, now = tonumber(count), tonumber(now)
local shift, still, owed = 0, 0, 0
if steps_text ~= ' 0 0 0' then -- the server's clock has stepped back
  shift, still, owed = match(steps_text, '(%d+) (%d+) (%d+)')
  shift, still, owed = tonumber(shift), tonumber(still), tonumber(owed)
end
if not (count and now and shift and still and owed) then return '4' end
if count < grants or count > EXACT / 2 or now > EXACT / 2 or shift > EXACT / 2 or still > STILL_US or owed > OWED_US then return '4' end
call('HDEL', state, '') -- deletes nothing: a script that has written may continue when the server's memory is full
local time = clock[1] * 1000000 + clock[2]
