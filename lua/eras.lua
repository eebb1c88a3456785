-- Eras: how empty a bucket was, for costs that are known only afterwards. limiter/internal/bucket explains the rule.
-- The text is "start_us:tokens" for each era, oldest first, with commas between: the tokens that were missing at the
-- fullest charge of the era.
local UNNOTED = 1125899906842624 -- 2^50: more than a bucket can miss
local ERA_US = 500000            -- after which a charge begins a new era
local REACH_US = 1024000000      -- after which an era is forgotten

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

-- Notes how many tokens were missing before a charge; this counts for earlier charges. The charge itself begins a new
-- era, unless the newest is young.
local function note_tokens(b, now_us, tokens)
  local start, low = string.match(b.eras, '(%d+):(%d+)$')
  start, low = integer(start, 0, now_us + 1), integer(low, 0, UNNOTED)
  if start and low and now_us - start <= ERA_US and tokens >= low then return end
  local starts, lows = read_eras(b.eras, now_us)
  lows[#lows] = math.min(lows[#lows], tokens)
  if now_us - starts[#starts] > ERA_US then
    starts[#starts + 1], lows[#lows + 1] = now_us, UNNOTED
    local i = 1
    while i + 2 <= #starts do
      if starts[i + 2] - starts[i] <= math.floor((now_us - starts[i + 2]) / 2) then -- short for their age
        lows[i] = math.min(lows[i], lows[i + 1])
        table.remove(starts, i + 1)
        table.remove(lows, i + 1)
      else
        i = i + 1
      end
    end
    while #starts > 2 and starts[2] < now_us - REACH_US do
      table.remove(starts, 1)
      table.remove(lows, 1)
    end
  end
  b.eras = eras_text(starts, lows)
end

-- Whole tokens that a bucket misses at a time.
local function missing_at(b, us)
  local beyond = math.min(b.full - us, math.floor(SPAN / b.tokens))
  if beyond < 0 then return 0 end
  return math.floor((beyond * b.tokens + b.frac) / b.per)
end
