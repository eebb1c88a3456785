-- Levels: updates each level to the limits in force. A limit begins as its replica says, if the replica remembers
-- nothing, or if the limit is new to this epoch. Any other missing limit was lost. A changed limit keeps the number of
-- tokens. A limit that is no longer in force is removed when it is full.
local slow = {}

-- Levels of limits that the fleet replaced, by bucket: the new limits take over the number of tokens.
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
-- A replica that leaves, or only sends a change, does not judge levels: it may have another horizon than the others,
-- and does not know what was lost. It leaves alone all that it does not change.
local bystander = leaving == '1' and began == 0
local reach = bystander and 3600000000 or horizon
local function inherit(b, former_level)
  bound_level(former_level, now, reach)
  change_level(former_level, now, b.tokens, b.per, b.burst)
  b.last = max(b.last, former_level.last)
  local full, frac = former_level.full, former_level.frac
  if full > b.full or (full == b.full and frac > b.frac) then b.full, b.frac = full, frac end
  begin_eras(b)
end
-- As in closed: a limit that keeps its tokens when its bucket is shut.
local faster = {}
for field, f in pairs(force) do
  if not is_slow({ tokens = f[1], per = f[2], burst = f[3] }) then faster[bucket_of(field)] = true end
end
for field, f in pairs(force) do
  local window = match(field, '^window:')
  local b = fields[field] and read_level(fields[field])
  if b and not whole_limit(b.tokens, b.per, b.burst, horizon) then b = nil end
  local told_now = replaced['limit ' .. bucket_of(field)]
  local fresh_limit = not fields[field] and (newcomer and not bystander or (epoch == id or bystander) and told_now)
  local skip = bystander and not b and not fresh_limit -- lost: a replica that remembers reports it
  if skip then
    b = nil
  elseif fresh_limit and bystander and not dropped[bucket_of(field)] then
    b = lost_level(f[1], f[2], f[3], window, now)
  elseif fresh_limit and not string.find(' ' .. empty .. ' ', ' ' .. field .. ' ', 1, true) then
    b = { full = 0, frac = 0, last = 0, tail = '' }
    set_limit(b, f[1], f[2], f[3])
  elseif not b then
    b = lost_level(f[1], f[2], f[3], window, fresh_limit and now or now + horizon)
    if not fresh_limit and is_slow(b) then begin_collecting(field, b) end
  else
    bound_level(b, now, reach)
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
  if b then
    if not was_in_force[field] and not window then
      for _, former_level in ipairs(dropped[bucket_of(field)] or {}) do inherit(b, former_level) end
    end
    local opens = opened[bucket_of(field)]
    if opens and not window and not (faster[bucket_of(field)] and is_slow(b)) then
      local full, frac = b.full, b.frac
      empty_level(b, opens)
      if b.full ~= full or b.frac ~= frac then begin_eras(b) end
    end
    local has = leveled[bucket_of(field)]
    if has and not window then -- these tokens include what is reserved ahead
      b.full, b.frac = now, 0
      move_level(b, max(0, b.burst - has) * b.per)
      begin_eras(b)
      if fields['lost:' .. field] then -- what replicas remember is no longer needed
        fields['lost:' .. field], out_of_force[#out_of_force + 1] = nil, 'lost:' .. field
      end
    end
    local away = spent[bucket_of(field)]
    if away and window then -- the window was used without this memory, at unknown times
      local reserved = now + 2 * horizon -- what the share reserves until the reply arrives is due by then
      b.tail = lost_tail(window, reserved)
      b.last = max(b.last, reserved)
    elseif away then -- as if these tokens were reserved, one after the other, behind an empty bucket
      empty_level(b, now)
      move_level(b, ceil(min(away, floor(SPAN / b.per)) * b.per / 1000))
      b.last = max(b.last, b.full + 1 - floor(b.burst * b.per / b.tokens))
      begin_eras(b)
    end
    if unlearnt[bucket_of(field)] then b.tail = string.gsub(b.tail, ' %S+ (%d+ %S+ %d+)$', ' - %1') end
    if fields['lost:' .. field] then
      collect(field, b)
    else
      b.tail = string.gsub(b.tail, '%d+$', '0')
    end
    if is_slow(b) then slow[#slow + 1] = { field, b } end
    local record = level_text(b)
    if record ~= fields[field] then set[#set + 1], set[#set + 2] = field, record end
  end
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
