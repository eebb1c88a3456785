-- Checks: every value is checked before it is used.
local function integer(x, low, high)
  local n = tonumber(x)
  if n and n >= low and n <= high and n % 1 == 0 then return n end -- comparisons with NaN are false
end

-- The numbers of a limit, if it can be kept exactly.
local function whole_limit(tokens, per, burst, horizon)
  tokens, per, burst = integer(tokens, 1, WIDEST), integer(per, 1, WIDEST), integer(burst, 1, WIDEST)
  if tokens and per and burst and burst * per + (horizon + 1) * tokens <= WIDEST then return tokens, per, burst end
end
