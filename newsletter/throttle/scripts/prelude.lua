local prefix, q = KEYS[1], cjson.decode(ARGV[1])
local SLOTS, RECOVERY, SLOW_SPAN = 60, 120, 10

-- Our own clock: it follows Redis's, but stands still where that was set back.
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
