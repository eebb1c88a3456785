-- Time: the namespace's own time is TIME and shift, and never goes back. When TIME steps back, shift takes up the step.
-- Own time then stands still until it has made up for the step, a second at most: a clock that varies within a second
-- gives nothing. The rest of a larger step is owed, up to 10 s. The next step forward of more than a second pays the
-- debt: two servers with different clocks, one after the other, give nothing. More than a second between two scripts
-- counts as such a step.
do
  local passed = time + shift - now -- by TIME, since the last script
  if passed < 0 then
    shift, still = shift - passed, still - passed
    if still > STILL_US then
      owed = min(OWED_US, owed + still - STILL_US)
      still = STILL_US
    end
  elseif shift > 0 then
    local stop = min(still, passed)
    local paid = passed > STILL_US and min(owed, passed - stop) or 0
    shift, still, owed = shift - stop - paid, still - stop, owed - paid
  end
  now = time + shift
end
