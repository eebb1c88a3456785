-- Asks: runs of equal calls, oldest first. The cost of a run is one number, or one for each limit. A call does not pass
-- a limit for which it costs 0.
local runs = {}
for i = asks, #rest do
  local run
  if rest[i] == '1 1 -1 0 0' then -- nearly every call
    run = { n = 1, cost = 1, costs = '1', patience = -1, urgent = false, since = now }
  else
    local n, costs, patience, urgent, age = match(rest[i], '^(%d+) ([%d,]+) (%-?%d+) ([01]) (%d+)$')
    if not n then return '3 ' .. i end
    local cost, each
    n, cost, patience, age = tonumber(n), tonumber(costs), tonumber(patience), tonumber(age)
    if not cost then
      each = {}
      for word in string.gmatch(costs, '%d+') do each[#each + 1] = tonumber(word) end
      if #each ~= limits then return '3 ' .. i end
      local whole = 0
      for k = 1, limits do
        if each[k] > route[k].burst then return '3 ' .. i end
        whole = whole + each[k]
      end
      if whole == 0 then return '3 ' .. i end
    elseif cost < 1 or cost > most then
      return '3 ' .. i
    end
    if n < 1 or n > 100000 or patience < -1 or patience > EXACT or age > EXACT then return '3 ' .. i end
    if age > 86400000000 then age = 86400000000 end -- no caller counts as older than a day
    run = { n = n, cost = cost, each = each, costs = costs, patience = patience, urgent = urgent == '1', since = now - age }
  end
  runs[i - asks + 1] = run
end
