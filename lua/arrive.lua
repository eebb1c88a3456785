-- Arrive: the lane leaves its former place in line and passes late lanes. The tokens of its place keep their arrival.
local count_was = count
if place and place ~= '-' then
  local field, member = match(place, '^(%S+) (.*)$')
  for i = 1, limits do
    local b = route[i]
    if fields[i + 2] == field and b.lined and call('ZREM', b.line, member) == 1 then
      leave_line(b, member)
      local arrival, _, tokens = read_entry(b, member)
      if arrival then held_at, held_key, held_tokens = b, arrival, tokens end
    end
  end
end
if runs[1] then
  for i = 1, limits do
    local b = route[i]
    if b.lined then bound_line(b) end
    if b.lined then late = drop_late(b, b == held_at and held_key or runs[1].since) or late end
  end
end
