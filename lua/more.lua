    -- More: for how many further calls, equal to the granted one, one step is enough. They are due from due to final,
    -- by the progression of one limit. The distances between the due times of a step never decrease, so that no limit
    -- sees more than its burst at once. Floating point chooses the number; the times are exact.
    elseif not verdict then
      local was_due, top = follow, from - now
      follow, m, bound, due, final, at, units = false, n, 0, from, from, from, 0
      for i = 1, limits do
        local b = route[i]
        b.value, b.slope = -math.huge, 0
        if b.cost > 0 then
          local us, whole, part, alike = token_at(b, b.ahead, b.cost)
          b.due, b.at, b.units = us, whole, part
          b.value, b.slope = (whole - now) + part / b.tokens, b.cost * b.price / b.tokens
          if b.log then
            b.slope = 0
            m = min(m, 1 + floor(alike / b.cost))
          end
          if b.held then m = min(m, floor((held_tokens + b.cost - 1) / b.cost)) end -- the calls behind have another arrival
          if b.jump then m = min(m, steps(latest_due + share_of(b) - b.urgent, 2 * b.cost * b.price / b.tokens)) end
          if b.value > top or (b.value == top and bound > 0 and i == limits) then top, bound = b.value, i end
        end
      end
      if bound == 0 then
        for i = 1, limits do m = min(m, steps(top - route[i].value, route[i].slope)) end
      else
        if limits > 1 then
          if not enter then return '6' end
          route[bound].sought = now
        end
        m, due, final, at, units = progression(bound, m, was_due, run.patience)
      end
      charged = m > 0
      if charged then verdict = 1 end
    end
