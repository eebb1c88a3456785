-- Reports: what the caller says of former reservations, before its asks are served: "r due costs" of one that was returned unused,
-- "s since:estimated:actual,..." of a call whose costs are known, "t us limit" of a call that the provider refused, for so long; what taught explains.
for i = asks - reports, asks - 1 do
  local kind, text = match(rest[i], '^(%a) (.+)$')
  local valid = false
  if kind == 'r' then valid = return_reservation(text) end
  if kind == 's' then valid = settle_call(text) end
  if kind == 't' then valid = hold_bucket(text) end
  if kind == 'c' or kind == 'o' or kind == 'h' then valid = teach(kind, text) end
  if not valid then return '3 ' .. i end
end
