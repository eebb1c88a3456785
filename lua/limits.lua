-- Limits: the route with the level of each limit, updated to now and to the limit in force.
local route, most, bar = {}, EXACT, '' -- bar: the tails of the levels, which the plain script does not know
if enter then
  for i = 1, limits do -- before any change: configure ends the collection of what replicas remember
    local ends = stored[i + 2]
      and match(stored[i + 2], '^4 %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %S+ %d+ %S+ (%d+)$')
    ends = integer(ends, 1, EXACT)
    if ends and ends <= now then return '4' end
  end
end
for i = 1, limits do
  local limit, text, b = rest[first + 2 * i - 1], stored[i + 2], nil
  if own_level then text = own_level(i, text) end
  if text and sub(text, 1, #limit) == limit then b = read_level(text) end
  if b then
    b.head = limit -- the stored limit was checked when it was new
  elseif enter then
    local why
    b, why = new_level(i, limit, text)
    if not b then return why or '3 ' .. first + 2 * i - 1 end
  else
    return '6'
  end
  bound_level(b, now, horizon)
  if enter then enter(i, b) else bar = bar .. b.tail end
  if b.burst < most then most = b.burst end
  route[i] = b
end
if bar ~= '' then return '6' end
local shared = route[limits]
