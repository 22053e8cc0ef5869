"""How many connections each relay allows, learned from its refusals and shared by all workers on all hosts.

One script in Redis decides: what all have together stays below what the relay allows, one connection is kept for mail
that people wait for, and the rest is divided among the workers of bulk mail.
"""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from newsletter.limits.scripts import PRELUDE
from newsletter.limits.shared import PATIENCE, Scripts
from newsletter.settings import Settings
from newsletter.smtp import Allowances, Allowed, OwnAllowances, Report
from newsletter.smtp.allowance import FAR_LESS, FORGOTTEN, GROWTH, RECENT

ALONE = 10 * PATIENCE
"""Seconds for which a Redis that did not answer is left alone."""
log = structlog.get_logger()

REPORT = (
    PRELUDE
    + f"local GROWTH, RECENT, FAR_LESS, FORGOTTEN = {GROWTH}, {RECENT}, {FAR_LESS}, {FORGOTTEN:.0f}\n"
    + """
local LIVES, WANTS, LEFT = 15, 2, 1
local workers, limit = prefix .. 'links:' .. q.relay, prefix .. 'allowed:' .. q.relay

-- What the others have. Who has not been heard of for LIVES seconds has closed all, or is gone.
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

-- What the relay allows: exactly what there was when it refused one more, or far less where it goes on refusing.
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
-- The server may not have noticed yet that somebody has just left.
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
"""
)
"""`held`, `wants`, `urgent`, `refused`: see `Report`. Answers how many this worker may have, and the others have."""


class SharedAllowances:
    """See `Allowances`. `redis_clock` takes the place of Redis's own (tests)."""

    def __init__(self, redis: Scripts, *, prefix: str = "{newsletter:throttle}:",
                 monotonic: Callable[[], float] = time.monotonic,
                 redis_clock: Callable[[], float] | None = None) -> None:  # fmt: skip
        self._redis, self._prefix = redis, prefix
        self._monotonic, self._redis_clock = monotonic, redis_clock
        self._worker = secrets.token_hex(8)
        self._own: Allowances = OwnAllowances(monotonic)
        self._ask_at = float("-inf")

    def report(self, relay: str, report: Report) -> Allowed:
        """See `Allowances`; without Redis each worker goes by what it sees itself."""
        own = self._own.report(relay, report)
        answer = self._ask(relay, report)
        if answer is None:
            return own
        may = answer.get("may")
        return Allowed(None if may is None else int(may), int(answer["others"]))

    def _ask(self, relay: str, report: Report) -> Any:
        if self._monotonic() < self._ask_at:
            return None
        refused = False if report.refused is None else report.refused
        data = {"relay": relay, "worker": self._worker, "held": report.held, "wants": report.wants,
                "urgent": report.urgent, "refused": refused,
                "now": self._redis_clock() if self._redis_clock else False}  # fmt: skip
        try:
            return json.loads(self._redis.eval(REPORT, 1, self._prefix, json.dumps(data)))
        except (RedisError, OSError) as error:
            self._ask_at = self._monotonic() + ALONE
            log.warning("Redis does not answer: connections are counted by each worker", error=type(error).__name__)
            return None


def connections(settings: Settings) -> SharedAllowances:
    """Those of this process, on the product's Redis. Connects when it is first asked."""
    url = settings.broker.replace("redis+socket://", "unix://", 1)
    redis = Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )  # fmt: skip
    return SharedAllowances(redis)
