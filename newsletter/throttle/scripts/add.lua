-- `uses`: [kind, name, span, when, messages]; `when` is a moment, or with `ago` an age. Below zero: given back.
for _, use in ipairs(q.uses) do
  local key, span, n = key_of(use[1], use[2], use[3]), use[3], use[5]
  local slot = math.floor((use[4] or at) * SLOTS / span)
  if q.ago then slot = math.floor((at - use[4]) * SLOTS / span) end
  if slot >= math.floor(at * SLOTS / span) - SLOTS then
    if n > 0 or tonumber(redis.call('HGET', key, slot) or '0') + n >= 0 then
      redis.call('HINCRBY', key, slot, n)
      redis.call('EXPIRE', key, math.ceil(span * 2) + 60)
    end
  end
end
