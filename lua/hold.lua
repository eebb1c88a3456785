-- Hold: shuts the limits of one bucket, because the provider has asked to wait. Nothing is due before the end, and the
-- bucket is empty then. The longest hold wins. Earlier grants get nothing back any more. A limit that keeps its tokens is
-- left alone.
local HOLD_US = 30000000 -- longer holds are pauses for the fleet

local function hold_limit(b, until_us)
  if b.keeps then return end
  b.last = max(b.last, until_us)
  if b.log then return end
  if b.kept then b.full, b.frac = b.kept, b.kept_frac end
  empty_level(b, until_us)
  set_level(b)
  if b.eras then b.eras = new_eras(now) end
end

-- Parses "us limit": how long, and the number of one of the limits of the bucket. Returns whether the text is valid.
local function hold_bucket(text)
  local us, of = match(text, '^(%d+) (%d+)$')
  us, of = integer(us, 1, HOLD_US), integer(of, 1, limits)
  if not (us and of) then return false end
  for i = 1, limits do
    if same_bucket(i, of) then hold_limit(route[i], now + us) end
  end
  return true
end
