-- Spare: reservations that were returned unused. Their tokens go back into the buckets, or they serve calls by their
-- due time, earliest first: the spares of former calls, then those of this call.
local function costs_fit(costs)
  local each, whole = 0, 0
  for word in string.gmatch(costs, '%d+') do
    each = each + 1
    local cost = each <= limits and integer(word, 0, route[each].burst)
    if not cost then return false end
    whole = whole + cost
  end
  return whole > 0 and (each == limits or (each == 1 and integer(costs, 1, most)))
end

spares = {} -- each due, cost of each limit
local function add_spare(due, costs)
  local s = { tonumber(due) }
  for word in string.gmatch(costs, '%d+') do s[#s + 1] = tonumber(word) end
  for i = #s + 1, limits + 1 do s[i] = s[2] end
  return s
end
local kept_spares = keys[3]
local spares_text = shared.spared > now and call('GET', kept_spares) or nil
if spares_text then
  local of, under, list = string.match(spares_text, '^4 (%S+) (%d+)(.*)$')
  if of == id and under == configured then -- otherwise its limits may have been others
    for due, costs in string.gmatch(list, '(%d+) ([%d,]+)') do
      if integer(due, 0, now + math.max(horizon, UNHEARD)) and costs_fit(costs) then spares[#spares + 1] = add_spare(due, costs) end
    end
  end
end

-- How much of a reservation can go back into a bucket, in units of 1/tokens us. Later reservations may have relied on
-- its absence, for as long as the distance of the due times.
local function returned(b, due, units)
  if b.log or b.opens or due < now or due > b.last then return 0 end
  return units - math.min(b.last - due, math.floor(SPAN / b.tokens)) * b.tokens
end

-- Puts the tokens of a reservation back, unless a limit would lose more than half of them. It uses the configured
-- price, which is at most what was charged.
local function give_back(s)
  for i = 1, limits do
    local b, cost = route[i], s[i + 1]
    if cost > 0 and 2 * returned(b, s[1], cost * b.per) < cost * b.price then return false end
  end
  for i = 1, limits do
    local b = route[i]
    if s[i + 1] > 0 then
      local units = returned(b, s[1], s[i + 1] * b.per)
      move_level(b, -units)
      b.kept = nil
      lower_eras(b, s[1] - horizon, math.ceil(units / b.per))
    end
  end
  return true
end

local function return_reservation(text)
  local due, costs = string.match(text, '^(%d+) ([%d,]+)$')
  due = integer(due, 0, EXACT)
  if not due or not costs_fit(costs) then return false end
  if due - now <= horizon then
    local s = add_spare(due, costs)
    if not give_back(s) then
      local at = #spares + 1
      while at > 1 and spares[at - 1][1] > s[1] do at = at - 1 end
      table.insert(spares, at, s)
    end
  end
  return true
end

-- Takes the first spare that serves a call by a time. The rest of it serves calls that cost less.
function take_spare(run, by)
  if run.patience >= 0 then by = math.min(by, now + run.patience) end
  for i = 1, #spares do
    local s, enough, rests = spares[i], true, true
    for k = 1, limits do
      local cost = route[k].cost
      enough, rests = enough and s[k + 1] >= cost, rests and (s[k + 1] > cost or s[k + 1] == 0)
    end
    if enough and s[1] >= now + lead and s[1] <= by then
      if rests then
        for k = 1, limits do s[k + 1] = s[k + 1] - route[k].cost end
      else
        table.remove(spares, i)
      end
      if held_at then held_tokens = math.max(0, held_tokens - held_at.cost) end
      return s[1]
    end
  end
end
