    -- Charge: takes the tokens of m calls from every limit, the first due at due, the last at final. A due time within
    -- the microsecond of full leaves full unchanged, so that rounding never adds up.
    if charged then
      for i = 1, limits do
        local b = route[i]
        local taken = b.cost
        if taken > 0 then
          if final > b.last then b.last = final end
          if b.log then
            window_charge(b, due, final, m, at, units, route[bound])
          else
            if note_charge then note_charge(b, due) end
            if due > b.full + (b.frac > 0 and 1 or 0) then b.full, b.frac = due, 0 end
            if m > 1 then
              move_level(b, (m - 1) * taken * b.price)
              b.kept = nil
              if note_charge then note_charge(b, final) end
              if final > b.full + (b.frac > 0 and 1 or 0) then b.full, b.frac = final, 0 end
            end
            move_level(b, taken * b.price)
            b.kept = nil
          end
          if b.jump and b.lined then b.urgent = max(b.urgent, final) + ceil(2 * m * taken * b.price / b.tokens) end
          if b.held then held_tokens = max(0, held_tokens - m * taken) end
        end
      end
      count = count + m
      if follow == true then follow = due end
    end
