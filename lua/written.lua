-- Written: writes the changes, and returns the reply.
call('HSET', state, 'epoch', format('4 %s %d %d %s', id, stored, born, before), 'time', format('4 %d %d %d %d %d', count, now, shift, still, owed),
  'told', told, 'force', text)
for i = 1, #set, 2 do call('HSET', state, set[i], set[i + 1]) end
for _, field in ipairs(out_of_force) do call('HDEL', state, field) end

local heard_levels = {}
for _, s in ipairs(slow) do
  local field, b = s[1], s[2]
  if not match(b.tail, ' [1-9]%d*$') then -- while reports are collected, nobody gets what would replace them
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
