-- `held`, `wants`, `urgent`, `refused`: see `Report`. Answers how many this worker may hold, and how many others hold.
local LIVES, WANTS, LEFT = 15, 2, 1
local workers, limit = prefix .. 'links:' .. q.relay, prefix .. 'allowed:' .. q.relay

-- What the others hold. A worker not heard of for LIVES seconds has closed its connections, or is gone.
local others, bulk, urgent, waits, mine, flat = 0, {}, 0, false, 0, redis.call('HGETALL', workers)
for i = 1, #flat, 2 do
  local held, wants, hurries, seen = string.match(flat[i + 1], '^(%d+) (%d) (%d) (%S+)$')
  held, seen = tonumber(held), tonumber(seen)
  if at - seen > LIVES then
    redis.call('HDEL', workers, flat[i])
  elseif flat[i] == q.worker then
    mine = held
  else
    others = others + held
    if hurries == '1' then
      urgent = urgent + held
      waits = waits or (wants == '1' and held == 0 and at - seen <= WANTS)
    elseif held > 0 or (wants == '1' and at - seen <= WANTS) then
      table.insert(bulk, {flat[i], held})
    end
  end
end
if q.held == 0 and not q.wants then
  redis.call('HDEL', workers, q.worker)
else
  redis.call('HSET', workers, q.worker,
             string.format('%d %d %d %.6f', q.held, q.wants and 1 or 0, q.urgent and 1 or 0, at))
  redis.call('EXPIRE', workers, FORGOTTEN)
end
if mine > q.held then redis.call('HSET', prefix .. 'left', q.relay, string.format('%.6f', at)) end

-- What the relay allows: the number open when it refused one more, or far fewer where it keeps refusing.
local known = redis.call('HMGET', limit, 'most', 'at')
local most, since = tonumber(known[1] or nil), tonumber(known[2] or nil)
if q.refused then
  local all = others + q.held
  if most and at - q.refused > since and at - since < RECENT then
    most = math.floor(math.min(most, all) / FAR_LESS)
  else
    most = math.min(most or all, all)
  end
  most, since = math.max(1, most), at
  redis.call('HSET', limit, 'most', most, 'at', string.format('%.6f', at))
  redis.call('EXPIRE', limit, FORGOTTEN)
end
-- The server may not have noticed yet that a connection has just closed.
local left = tonumber(redis.call('HGET', prefix .. 'left', q.relay) or '-inf') or -math.huge
local seen_by_relay = others
if others == 0 and at - left < LEFT then seen_by_relay = 1 end
if not most then return cjson.encode({others = seen_by_relay}) end

local may
most = most + math.floor((at - since) / GROWTH)
if q.urgent then
  may = most - others
else
  local kept = urgent
  if kept == 0 and (most > 1 or waits) then kept = 1 end
  local pool, place, taken = math.max(0, most - kept), 0, 0
  for _, one in ipairs(bulk) do
    taken = taken + one[2]
    if one[1] < q.worker then place = place + 1 end
  end
  local share = math.floor(pool / (#bulk + 1))
  if place < pool % (#bulk + 1) then share = share + 1 end
  may = math.min(share, pool - taken)
end
return cjson.encode({may = math.max(0, may), others = seen_by_relay})
