"""What Redis does in one step (Lua): nothing can come between looking at a count and adding to it.

A window is a hash: slot number → messages, a slot being a sixtieth of the span. What is in a slot counts until all of
it is surely older than the span, so that in no span of that length, wherever it begins, more than the limit go.
Keys are made from the prefix KEYS[1], whose {braces} keep them together on one node of a cluster.
"""

PRELUDE = """
local prefix, q = KEYS[1], cjson.decode(ARGV[1])
local SLOTS, RECOVERY, SLOW_SPAN = 60, 120, 10

-- Our own time: it goes on with Redis's clock, and stands still where that is set back. It never goes back.
local function tell()
  local raw = q.now
  if not raw then
    local t = redis.call('TIME')
    raw = t[1] + t[2] / 1000000
  end
  local seen = redis.call('HMGET', prefix .. 'clock', 'raw', 'at')
  local at = raw
  if seen[1] then at = tonumber(seen[2]) + math.max(0, raw - tonumber(seen[1])) end
  redis.call('HSET', prefix .. 'clock', 'raw', string.format('%.6f', raw), 'at', string.format('%.6f', at))
  return at
end
local at = tell()

local function key_of(kind, name, span) return prefix .. 'w:' .. kind .. ':' .. name .. ':' .. span end

local function level_of(text)
  local level, since, base = string.match(text, '^(%S+) (%S+) (%S+)$')
  return tonumber(level) - (at - tonumber(since)) / RECOVERY, tonumber(since), tonumber(base)
end
"""

TAKE = (
    PRELUDE
    + """
local function look(kind, name, span, count)
  local w = {key = key_of(kind, name, span), span = span, count = count, used = 0, slots = {}}
  w.current = math.floor(at * SLOTS / span)
  local flat = redis.call('HGETALL', w.key)
  for i = 1, #flat, 2 do
    local slot, n = tonumber(flat[i]), tonumber(flat[i + 1])
    if slot < w.current - SLOTS then
      redis.call('HDEL', w.key, flat[i])
    else
      w.used = w.used + n
      table.insert(w.slots, {slot, n})
    end
  end
  return w
end

local function room(windows)
  local least = math.huge
  for _, w in ipairs(windows) do least = math.min(least, math.max(0, w.count - w.used)) end
  return least
end

local function spend(windows, n)
  if n == 0 then return end
  for _, w in ipairs(windows) do
    redis.call('HINCRBY', w.key, w.current, n)
    redis.call('EXPIRE', w.key, math.ceil(w.span * 2) + 60)
    w.used = w.used + n
    table.insert(w.slots, {w.current, n})
  end
end

-- Seconds until a tenth of the limit (or what is wanted, if that is less) fits again.
local function wait(windows, wanted)
  local longest = 0
  for _, w in ipairs(windows) do
    local excess = w.used + math.min(wanted, math.max(1, math.ceil(w.count / 10))) - w.count
    table.sort(w.slots, function(a, b) return a[1] < b[1] end)
    for _, slot in ipairs(w.slots) do
      if excess <= 0 then break end
      excess = excess - slot[2]
      longest = math.max(longest, (slot[1] + SLOTS + 1) * w.span / SLOTS - at)
    end
  end
  return longest
end

local function windows_of(kind, name, rates, share)
  local found = {}
  for _, rate in ipairs(rates) do
    table.insert(found, look(kind, name, rate[1], math.max(1, math.floor(rate[2] * share))))
  end
  return found
end

local function slowed(name)
  local text = redis.call('HGET', prefix .. 'slow', name)
  if not text then return 1 end
  local level, _, base = level_of(text)
  if level <= 0 then return 1 end
  return 2 ^ -level, base
end

local everything = windows_of('all', '', q.all, 1)
local relays, relay_room = {}, 0
for i, relay in ipairs(q.relays) do
  relays[i] = windows_of('relay', relay[1], relay[2], q.share)
  relay_room = relay_room + room(relays[i])
end
if not q.bounded then relay_room = math.huge end

local left = relay_room
if not q.force then left = math.min(left, room(everything)) end
local granted, short, sum = {}, {}, 0
for i, group in ipairs(q.groups) do
  local share, base = slowed(group.name)
  local own = windows_of('domain', group.name, group.rates, share)
  if base then table.insert(own, look('slow', group.name, SLOW_SPAN, math.max(1, math.floor(base * share)))) end
  local may = q.force and group.wanted or math.min(group.wanted, room(own))
  granted[i] = math.min(may, left)
  left, sum = left - granted[i], sum + granted[i]
  spend(own, granted[i])
  short[i] = {own = may < group.wanted and own or {}, common = may - granted[i]}
end
spend(everything, sum)
local reserved, common = {}, 0
for i, windows in ipairs(relays) do
  reserved[i] = math.min(room(windows), sum)
  spend(windows, reserved[i])
end
if left == 0 then
  if not q.force then common = wait(everything, 1000000000) end
  if q.bounded and relay_room <= sum then
    local soonest = math.huge
    for _, windows in ipairs(relays) do soonest = math.min(soonest, wait(windows, 1000000000)) end
    common = math.max(common, soonest)
  end
end
local waits = {}
for i, group in ipairs(q.groups) do
  waits[i] = wait(short[i].own, group.wanted - granted[i])
  if short[i].common > 0 then waits[i] = math.max(waits[i], common) end
end
return cjson.encode({granted = granted, waits = waits, reserved = reserved, common = common, sum = sum,
                     at = string.format('%.6f', at)})
"""
)
"""`groups`: {name, wanted, rates}; a rate is [span, count]. Answers in the same order."""

ADD = (
    PRELUDE
    + """
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
"""
)
"""`uses`: [kind, name, span, when, messages]; `when` is a moment, or with `ago` an age. Below zero: given back."""

SLOW = (
    PRELUDE
    + """
local text, level, base = redis.call('HGET', prefix .. 'slow', q.name), 0, q.base
if text then
  local since, before
  level, since, before = level_of(text)
  if level > 0 then
    if at - since < SLOW_SPAN then return 0 end  -- the replies to what was on the wire then
    base = before
  end
end
level = math.min(10, math.max(0, level) + 1)
redis.call('HSET', prefix .. 'slow', q.name, string.format('%.6f %.6f %.3f', level, at, base))
return 1
"""
)
"""Halves a domain's rate; `base`: messages in SLOW_SPAN seconds before. Each halving takes RECOVERY seconds to undo."""

LOOK = (
    PRELUDE
    + """
redis.call('ZADD', prefix .. 'workers', at, q.worker)
redis.call('ZREMRANGEBYSCORE', prefix .. 'workers', '-inf', at - 60)
local fresh = redis.call('HSETNX', prefix .. 'clock', 'epoch', q.worker .. string.format('%.6f', at))
local slow, flat = {}, redis.call('HGETALL', prefix .. 'slow')
for i = 1, #flat, 2 do
  if level_of(flat[i + 1]) > 0 then table.insert(slow, flat[i]) else redis.call('HDEL', prefix .. 'slow', flat[i]) end
end
return cjson.encode({workers = redis.call('ZCARD', prefix .. 'workers'), slow = slow, fresh = fresh == 1,
                     epoch = redis.call('HGET', prefix .. 'clock', 'epoch')})
"""
)
"""Says that a worker lives, and tells how many do, which domains are slowed down, and whether Redis forgot all."""
