-- Own: levels of limits made at run time have keys of their own, which Redis removes when they are full. In an epoch
-- that replaces none they begin as configured; in another, they were lost when it began.
local id, configured, born, former = string.match(epoch, '^4 (%S+) (%d+) (%d+) (%S*)$')
born = former == '' and -horizon or min(born, now)

-- Whether a field belongs to a window: names of buckets may contain any word.
local function is_window(field) return match(field, '^window:') or match(field, '^own:window:') end

function own_level(i, text)
  if string.sub(fields[i + 2], 1, 4) == 'own:' then return redis.call('GET', keys[3 * i + 1]) end
  return text
end

-- The limit of a text "4 tokens per burst ", if it is valid, and the rest of the text.
local function read_limit(text)
  local tokens, per, burst, more = match(text, '^4 (%d+) (%d+) (%d+) (.*)$')
  tokens, per, burst = whole_limit(tokens, per, burst, horizon)
  return tokens, per, burst, more
end

-- The level of a limit whose numbers have changed, or whose level is missing or damaged. configure handles a configured
-- limit without a readable level. For a limit made at run time, a damaged level counts as lost now. If the level is
-- missing there are three cases: it was full, because Redis removes full levels; it was lost when the epoch began; or
-- the limit is new, and begins as it asks.
function new_level(i, limit, text)
  local tokens, per, burst, opens = read_limit(limit)
  if not tokens then return end
  local empty, gently, start = sub(opens, 1, 1) == '-', false, nil
  if empty then opens = sub(opens, 2) end
  if sub(opens, 1, 1) == '+' then
    start, opens = match(opens, '^%+(%d+)(.*)$')
    start = integer(start, 1, WHOLE)
    if not start then return end
  end
  if opens ~= '' then
    gently = sub(opens, 1, 1) == '~'
    opens = integer(string.match(opens, '^[@~](%d+)$'), 0, EXACT)
    if not opens then return end
  end
  local field = fields[i + 2]
  local b = text and read_level(text)
  if b and not whole_limit(b.tokens, b.per, b.burst, horizon) then b = nil end
  if not b and sub(field, 1, 4) ~= 'own:' then return nil, '4' end
  if not b then
    local at = now + horizon
    if not text then at = max(empty and now or 0, born + horizon) end
    b = lost_level(tokens, per, burst, is_window(field), at)
  elseif b.tokens ~= tokens or b.per ~= per or b.burst ~= burst then
    change_level(b, now, tokens, per, burst)
  else
    set_limit(b, tokens, per, burst)
  end
  b.opens = opens ~= '' and opens or nil
  b.empty, b.gently, b.start = empty, gently, start
  return b
end
