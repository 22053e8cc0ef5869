-- Halves a domain's rate; `base`: messages in SLOW_SPAN seconds before. Each halving takes RECOVERY seconds to undo.
local text, level, base = redis.call('HGET', prefix .. 'slow', q.name), 0, q.base
if text then
  local since, before
  level, since, before = level_of(text)
  if level > 0 then
    if at - since < SLOW_SPAN then return 0 end  -- late replies to mail sent before the slow-down
    base = before
  end
end
level = math.min(10, math.max(0, level) + 1)
redis.call('HSET', prefix .. 'slow', q.name, string.format('%.6f %.6f %.3f', level, at, base))
return 1
