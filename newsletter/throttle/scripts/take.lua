-- `groups`: {name, wanted, rates}; a rate is [span, count]. Answers in the same order.
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

-- Seconds until a tenth of the allowed number fits again, or what is wanted if that is less.
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
