-- Collect: slow limits that were lost, and what replicas remember of them. A record is "4 ends_us full_us tokens per
-- burst epoch grants best": until when reports are collected, 0 afterwards; the level as it was lost; the best report
-- so far, with its epoch and its count of grants, - for none. The report of a bucket is the time at which it is full.
-- The report of a window is "number:due_us" for starts: this many were due by then.
local COLLECT_US = 11000000 -- a presence interval, and one second for late replicas
local STARTS = 64           -- pairs of a window that are kept

local remembered = {}
for line in gmatch(reports, lines) do
  local field, tokens, per, burst, more = parse(line)
  local of, seen, what = match(more or '', '^(%S+) (%d+) (.+)$')
  seen = integer(seen, 0, EXACT)
  if seen then remembered[field] = { format('%d %d %d', tokens, per, burst), of, seen, what } end
end
local recovered, collects = {}, 0
local set, out_of_force = {}, {} -- fields of state to write, and to remove

-- The key of a window's log. It is not among the keys of the call, because the caller does not know which windows are
-- to be recovered.
local function log_of(field) return sub(state, 1, -6) .. 'log:' .. field end

-- The eras of a level are no longer true: they begin again.
local function begin_eras(b)
  b.tail = string.gsub(b.tail, ' %d+:%S+ (%d+)$', format(' %s %%1', new_eras(now)))
end

-- Merges two texts of pairs, by number: the time is the earliest one known for this number or more.
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

-- The level of a limit in an older memory that replaces the lost one.
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

-- Converts the times of a report, us from now, to the namespace's own time.
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

-- Gives a window the starts that replicas remember. Nothing has started since the window was lost.
local function recover_window(field, b, best)
  local log, total, base = log_of(field), 0, nil
  local lanes = match(b.tail, '^( %d+ %d+ %d+ %d+) 0 0 ')
  if not lanes or not match(best, ':') then return end
  call('DEL', log)
  for number, due in gmatch(best, '(%d+):(%d+)') do
    call('ZADD', log, number, due)
    total, b.last = tonumber(number), max(b.last, tonumber(due))
    base = base or max(0, total - b.burst) -- earlier starts do not count, or never happened
  end
  call('PEXPIRE', log, ceil((b.burst * b.per / b.tokens + 2 * horizon) / 1000) + OWN_MS)
  b.tail = format('%s %d %d 0 0 0 - 0 - 0', lanes, total, base)
end

-- Takes in what the caller remembers of a lost limit, and applies the best report at the end.
local function collect(field, b)
  local window, key, head = match(field, '^window:'), 'lost:' .. field, format('%d %d %d', b.tokens, b.per, b.burst)
  local ends, full, limit_was, of, seen, best = match(fields[key], '^4 (%d+) (%d+) (%d+ %d+ %d+) (%S+) (%d+) (.+)$')
  ends, full, seen = integer(ends, 0, now + COLLECT_US), integer(full, 0, EXACT), integer(seen, 0, EXACT)
  if not (ends and full and seen) or limit_was ~= head then -- damaged, or the limit has changed: it stays as it was lost
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
