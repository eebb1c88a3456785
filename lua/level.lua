-- Level: when a limit will be full again, at full us and frac units of 1/tokens us, exactly.
--
-- A record is "4 tokens per burst full frac last", where last is the due time of the latest reservation; then, unless all
-- ten are zero, " urgent claimed whole young total base edge sought spared collects": the level of urgent calls; the sums of the line; the
-- log of a window; when the limit last set the due time of a call that passes others, too; until when something that was
-- returned may serve a call of a route that ends in this limit; until when it is collected what replicas remember of a limit
-- that was lost.

-- A level from its record, or nothing.
local function read_level(text)
  local tokens, per, burst, full, frac, latest, tail =
    string.match(text, '^4 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  if not tokens then return end
  tokens, full, frac, latest = tonumber(tokens), tonumber(full), tonumber(frac), tonumber(latest)
  if not (tokens and full and latest and frac) or full > EXACT or latest > EXACT or frac >= tokens then return end
  return { -- with room for what a request needs: a table that grows is copied
    tokens = tokens, per = tonumber(per), burst = tonumber(burst), full = full, frac = frac, last = latest, tail = tail,
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

-- Brings a level that was damaged into the bounds of what reservations can have made of it: none is due later than a horizon from
-- now, and the bucket is full when all of its burst has come after the latest.
local UNHEARD = 30000000 -- us: the horizons of replicas may differ
local function bound_level(b, now_us, horizon_of)
  local far = now_us + math.max(horizon_of, UNHEARD)
  if b.last > far then b.last = far end
  local fullest = math.max(now_us, b.last) + math.ceil(b.burst * b.per / b.tokens)
  if b.full > fullest then b.full, b.frac = fullest, 0 end
end
