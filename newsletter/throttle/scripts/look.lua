-- Registers a worker as alive. Answers how many are, which domains are slowed down, and whether Redis forgot all.
redis.call('ZADD', prefix .. 'workers', at, q.worker)
redis.call('ZREMRANGEBYSCORE', prefix .. 'workers', '-inf', at - 60)
local fresh = redis.call('HSETNX', prefix .. 'clock', 'epoch', q.worker .. string.format('%.6f', at))
local slow, flat = {}, redis.call('HGETALL', prefix .. 'slow')
for i = 1, #flat, 2 do
  if level_of(flat[i + 1]) > 0 then table.insert(slow, flat[i]) else redis.call('HDEL', prefix .. 'slow', flat[i]) end
end
return cjson.encode({workers = redis.call('ZCARD', prefix .. 'workers'), slow = slow, fresh = fresh == 1,
                     epoch = redis.call('HGET', prefix .. 'clock', 'epoch')})
