-- Eras: how empty a bucket was, for costs that are known only afterwards. limiter/internal/bucket explains the rule.
-- The text is "start_us:tokens" for each era, oldest first, with commas between: so many tokens can be taken back at most
-- for a charge of the era.
local UNNOTED = 1125899906842624 -- 2^50: more than a bucket can miss

-- The eras of a bucket that is unknown before now.
local function new_eras(now_us) return string.format('%d:%d', now_us + 1, UNNOTED) end

local function eras_text(starts, lows)
  local out = {}
  for i = 1, #starts do out[i] = string.format('%d:%d', starts[i], lows[i]) end
  return table.concat(out, ',')
end

-- Starts and tokens of eras. Eras of a text that no script has written are unknown before now.
local function read_eras(text, now_us)
  local starts, lows, last = {}, {}, -1
  for start, low in string.gmatch(text, '(%d+):(%d+)') do
    start, low = integer(start, last + 1, now_us + 1), integer(low, 0, UNNOTED)
    if not (start and low) then return { now_us + 1 }, { UNNOTED } end
    starts[#starts + 1], lows[#lows + 1], last = start, low, start
  end
  if not starts[1] then return { now_us + 1 }, { UNNOTED } end
  return starts, lows
end

-- The least bound of an era behind an era of another bound.
local function grown(low) return low + math.floor(low / 4) + 1 end

-- Lowers the bounds of eras to those of later ones, and joins eras whose bounds are close, but not the newest: charges
-- of one moment must be in one era.
local function join_eras(b, starts, lows)
  local least, joined, bounds = UNNOTED, { starts[1] }, {}
  for i = #lows, 1, -1 do
    least = math.min(least, lows[i])
    lows[i] = least
  end
  bounds[1] = lows[1]
  for i = 2, #starts do
    if i == #starts or lows[i] >= grown(bounds[#bounds]) then joined[#joined + 1], bounds[#bounds + 1] = starts[i], lows[i] end
  end
  b.eras = eras_text(joined, bounds)
end

-- Notes how many tokens were missing before a charge, which bounds all earlier charges. The charge itself begins an era,
-- unless the newest began at the same moment.
local function note_tokens(b, now_us, tokens)
  local starts, lows = read_eras(b.eras, now_us)
  lows[#lows] = math.min(lows[#lows], tokens)
  if now_us > starts[#starts] then starts[#starts + 1], lows[#lows + 1] = now_us, UNNOTED end
  join_eras(b, starts, lows)
end

-- Whole tokens that a bucket misses at a time.
local function missing_at(b, us)
  local beyond = math.min(b.full - us, math.floor(SPAN / b.tokens))
  if beyond < 0 then return 0 end
  return math.floor((beyond * b.tokens + b.frac) / b.per)
end
