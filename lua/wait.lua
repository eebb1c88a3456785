    -- Wait: answers calls behind one that waits. A deadline that cannot be met is refused at once.
    if waiting then
      bound = waiting.bound
      local b = route[bound]
      local ahead = b.ahead
      b.cost = cost or run.each[bound]
      if price_for then price_for(b, b.cost) end
      if told_of and not b.jump then ahead = told_of(b, run.since, ahead) end
      due, at, units = token_at(b, ahead + waiting.before, b.cost, b.hope)
      if b.hope < b.price and due < waiting.need then due, at, units = waiting.need, waiting.need, 0 end
      verdict, m = 3, n
      if run.patience >= 0 then
        m = min(n, steps((now + run.patience - at) - units / b.tokens, b.cost * b.hope / b.tokens))
      end
      if m == 0 then
        verdict, m = 2, n
        if not waiting[1] then waiting = nil end
      elseif not enter then
        return '6'
      else
        waiting[#waiting + 1] = { since = run.since, n = m, cost = b.cost }
        waiting.before = waiting.before + m * b.cost
      end
    end
