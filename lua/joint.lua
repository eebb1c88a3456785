    -- Joint: the earliest due time of one call over all limits, the limit that sets it (0 if the call may start at
    -- once), and whether the call may be granted: no limit may pass over tokens that others could use.
    if not verdict and not follow then
      due, at, units, bound = from, from, 0, 0
      local shared_due
      for i = 1, limits do
        local b = route[i]
        b.cost, b.ahead = cost or run.each[i], 0
        if b.cost == 0 then
          b.held, b.jump = false, false
        elseif enter then
          price_for(b, b.cost)
          b.held = b == held_at and held_tokens > 0
          b.key = b.held and held_key or run.since
          b.jump = run.urgent and b.urgent <= latest_due + share_of(b)
          if b.lined and not b.jump then b.ahead = ahead_of(b, b.key) end
        end
        shared_due = from
        if b.cost > 0 then
          local us, whole, part = token_at(b, b.ahead, b.cost)
          if us > due or (us == due and bound > 0 and i == limits) then due, at, units, bound = us, whole, part, i end
          shared_due = us
        end
      end
      if bound > 0 and limits > 1 then
        if not enter then return '6' end
        route[bound].sought = now
      end
      local fits = bound == 0
      if not fits and due <= latest_due and due <= free_of(route[bound]) then
        fits = due <= shared_due or passes(due, bound)
      end
      local given = take_spare and take_spare(run, fits and due or latest_due)
      if given then
        verdict, at, units, bound = 1, given, 1, 0 -- 1: it was charged before
        count = count + 1
      elseif not fits then
        waiting, m = { bound = bound, need = due, before = 0 }, 0
      elseif run.patience >= 0 and due > now + run.patience then
        verdict, m = 2, n
      else
        verdict, final, charged = 1, due, true
        follow = n > 1 and not (take_spare and spares[1])
      end
