-- Plays the reports that a test has drawn: ARGV[1] is the limit "tokens per burst horizon", each other argument one report, or "F now
-- later tokens", which is answered with the state, the factor now and later, and the price and slot of so many tokens.
local function numbers_of(text)
  local out = {}
  for word in string.gmatch(text, '%-?%d+') do out[#out + 1] = tonumber(word) end
  return out
end
local of = numbers_of(ARGV[1])
local b = { tokens = of[1], per = of[2], burst = of[3], full = 0, frac = 0, price = of[2], hope = of[2], starts = of[3], start = of[5] > 0 and of[5] or nil }
horizon = of[4]
local learn = learning()
local s = learn.new()
local out = {}
for i = 2, #ARGV do
  local kind, v = string.sub(ARGV[i], 1, 1), numbers_of(ARGV[i])
  now = v[1]
  if kind == 'E' then
    b.learnt = learnt_text({ state = s })
    learnt_of(b)
    s = b.state or s
  elseif kind == 'R' then
    learn.refused(b, s, v[2], v[3])
  elseif kind == 'O' then
    learn.overloaded(b, s, v[2], v[3])
  elseif kind == 'H' then
    learn.remaining(b, s, v[2], v[3], v[4], v[5], v[6])
  else
    b.state, b.learnt = s, '-'
    local text, part = learnt_text(b), learn.factor(b, s)
    local again = learn.read(b, text)
    for _, name in ipairs(PARTS) do
      if again[name] ~= s[name] then text = text .. ' reads another ' .. name end
    end
    b.full, b.frac, b.price = 0, 0, price_at(b, part)
    if v[3] > 0 and floor_for(b, v[3]) < floor_of(b) then error('a floor that is lower') end
    local _, at, frac = token_at(b, 3, v[3])
    now = v[2]
    out[#out + 1] = format('%s %d %d %d %d %s', text, part, learn.factor(b, s), b.price, at * b.tokens + frac, tostring(learn.forgotten(b, s)))
  end
end
return out
