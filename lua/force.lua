-- Force: the limits in force.
local force, said, disputed, slowest = {}, {}, {}, nil
for _, entry in pairs(entries) do
  local _, names, wanted = entry_of(entry)
  local mine = {}
  for line in gmatch(wanted, lines) do
    local field, tokens, per, burst = parse(line)
    if field then
      local bucket = bucket_of(field)
      mine[bucket] = (mine[bucket] or '') .. ' ' .. line
      local f = force[field]
      if not f then
        force[field] = { tokens, per, burst }
      elseif match(field, '^window:') then
        if burst < f[3] then force[field] = { tokens, per, burst } end
      else
        if tokens / per < f[1] / f[2] then f[1], f[2] = tokens, per end
        f[3] = min(f[3], burst)
      end
    end
  end
  for bucket, limits_text in pairs(mine) do
    local by_text = said[bucket] or {}
    if next(by_text) and not by_text[limits_text] then disputed[bucket] = true end
    by_text[limits_text] = (by_text[limits_text] or '') .. string.gsub(names, ' %d+:', ' ')
    said[bucket] = by_text
  end
end
for key, text in pairs(words) do
  local bucket = match(key, '^limit (%S+)$')
  if bucket and said[bucket] then
    for field in pairs(force) do
      if bucket_of(field) == bucket then force[field] = nil end
    end
    for line in gmatch(text, lines) do
      local field, tokens, per, burst = parse(match(line, '^limit %S+ (.*)$'))
      force[field] = { tokens, per, burst }
    end
  end
end
local now_force = {}
for field, f in pairs(force) do now_force[#now_force + 1] = format('%s %d %d %d', field, f[1], f[2], f[3]) end
table.sort(now_force)
local text = '4\n' .. table.concat(now_force, '\n')
if text ~= fields.force or told ~= (fields.told or '') then stored = stored + 1 end

-- The limits that replicas want of disputed buckets.
local dispute = {}
for bucket in pairs(disputed) do
  for limits_text, names in pairs(said[bucket]) do
    local _, n = string.gsub(names, '%S+', '')
    dispute[#dispute + 1] = format('%s %d%s%s', bucket, n, names, limits_text)
  end
end
table.sort(dispute)
