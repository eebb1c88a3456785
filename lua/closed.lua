-- Closed: the levels of closed buckets. A closed bucket is empty when it opens. The level stays unchanged until something
-- is charged: a withdrawn pause has no effect. A slow limit keeps its tokens if a faster limit of its bucket shuts the
-- bucket: a day's calls must not be lost because a provider asks once to wait a second.
for i = 1, limits do
  local b = route[i]
  if not b.log and is_slow(b) then
    for k = 1, limits do
      if not is_slow(route[k]) and same_bucket(i, k) then b.keeps = true end
    end
  end
  if b.opens and not b.log and not b.keeps then empty_level(b, b.opens) end
end
