-- Reports: reports of the caller on former reservations, before its asks: "r due costs" for one that was returned
-- unused, "s since:estimated:actual,..." for a call with known costs, "t us limit" for how long a provider that refused
-- a call asks to wait; the others are in taught.
for i = asks - reports, asks - 1 do
  local kind, text = match(rest[i], '^(%a) (.+)$')
  local valid = false
  if kind == 'r' then valid = return_reservation(text) end
  if kind == 's' then valid = settle_call(text) end
  if kind == 't' then valid = hold_bucket(text) end
  if kind == 'c' or kind == 'o' or kind == 'h' then valid = teach(kind, text) end
  if not valid then return '3 ' .. i end
end
