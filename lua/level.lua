-- Level: when a limit will be full again, at full us and frac units of 1/tokens us, exactly.
--
-- A record is "4 tokens per burst full frac last", where last is the due time of the latest reservation. Then, unless
-- all are zero, follow " urgent claimed whole young total base edge sought spared learnt owes eras collects": the level
-- of urgent calls; the sums of the line; the log of a window; when the limit last set the due time of a call that
-- passes others, too; until when a returned reservation may serve a call of a route that ends in this limit; what is
-- learnt from the provider's answers, - if nothing; when the bucket is full, if calls that cost more than reserved
-- delay that, otherwise 0; how empty the bucket was, - before a cost was corrected; until when Redis collects what
-- replicas remember of a lost limit.

-- A level from its record, or nil.
local function read_level(text)
  local tokens, per, burst, full, frac, latest, tail =
    string.match(text, '^4 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  if not tokens then return end
  tokens, full, frac, latest = tonumber(tokens), tonumber(full), tonumber(frac), tonumber(latest)
  if not (tokens and full and latest and frac) or full > EXACT or latest > EXACT or frac >= tokens then return end
  local learnt = tail ~= '' and match(tail, ' (%d[%d,]*) %d+ %S+ %d+$') or nil
  return { -- preallocated for a request: a table that grows is copied
    tokens = tokens, per = tonumber(per), burst = tonumber(burst), price = tonumber(per), hope = tonumber(per), starts = tonumber(burst), learnt = learnt, full = full, frac = frac, last = latest, tail = tail,
    head = '', cost = 0, ahead = 0, due = 0, at = 0, units = 0, value = 0, slope = 0, name = '',
  }
end

-- Moves the level by a number of units.
local function move_level(b, units)
  units = b.frac + units
  local frac = units % b.tokens
  b.full, b.frac = b.full + (units - frac) / b.tokens, frac
end

local function level_text(b) return b.head .. string.format('%d %d %d', b.full, b.frac, b.last) .. b.tail end

-- How long after its latest reservation a bucket that owes nothing can be full, us: a call may cost more than the
-- tokens of its burst while the provider is slow.
local dearest -- the highest charge of a token: see rate
local function reach_of(b) return ceil(b.burst * (b.learnt and dearest and dearest(b) or b.per) / b.tokens) end

-- When the bucket is full, if it owes tokens, which delays it further than reservations can; otherwise 0.
local function owes_of(b, now_us)
  local at = b.frac > 0 and b.full + 1 or b.full
  return at > math.max(now_us, b.last) + reach_of(b) and at or 0
end

-- Bounds a damaged level to what reservations can have made of it: none is due later than a horizon from now, and the
-- bucket is full when its whole burst has come after the latest.
local UNHEARD = 30000000 -- us: the horizons of replicas may differ
local function bound_level(b, now_us, horizon_of)
  local far = now_us + math.max(horizon_of, UNHEARD)
  if b.last > far then b.last = far end
  local burst_us = reach_of(b)
  local fullest = math.max(now_us, b.last) + burst_us
  if b.full > fullest and b.tail ~= '' then -- calls that cost more than reserved may have delayed it by a burst
    local owes = tonumber(string.match(b.tail, ' (%d+) %S+ %d+$')) or 0
    if owes > 0 then fullest = math.max(fullest, math.min(fullest + burst_us, b.changed and EXACT or owes)) end
  end
  if b.full > fullest then b.full, b.frac = fullest, 0 end
end
