    -- Answer: adds the answer of the step, or extends the last one if its progression continues. The end of a step.
    if verdict then
      if run == run_was and verdict == verdict_was and bound == bound_was and at == next_at and units == next_units then
        n_was = n_was + m
      else
        if n_was then
          size = size + 1
          out[size] = format(' %d %d %d %d %s', n_was, verdict_was, at_was - now, units_was, text_was)
        end
        run_was, n_was, verdict_was, at_was, units_was, bound_was, text_was = run, m, verdict, at, units, bound, bound_text(bound, verdict)
      end
      n = n - m
      if n > 0 then
        next_at, next_units = at, units
        if bound > 0 and not (verdict == 1 and route[bound].log) then
          local b = route[bound]
          local part = units + m * b.cost * (verdict == 3 and b.hope or b.price)
          next_units = part % b.tokens
          next_at = at + (part - next_units) / b.tokens
        end
      end
    end
  end
end
if n_was == 1 and verdict_was == 1 and at_was == now and units_was == 0 and bound_was == 0 then
  out[size + 1] = ' 1 1 0 0 0' -- nearly every call
elseif n_was then
  size = size + 1
  out[size] = format(' %d %d %d %d %s', n_was, verdict_was, at_was - now, units_was, text_was)
end
