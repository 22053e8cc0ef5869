"""Shares among all workers on all hosts how many connections each relay allows, as learned from its refusals.

One script in Redis decides: the total stays within what the relay allows, one connection is kept for mail that people
wait for, and the rest is divided among the workers of bulk mail.
"""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from newsletter.settings import Settings
from newsletter.smtp import Allowances, Allowed, OwnAllowances, Report
from newsletter.smtp.allowance import FAR_LESS, FORGOTTEN, GROWTH, RECENT
from newsletter.throttle.client import ALONE, client
from newsletter.throttle.script import Scripts, script

REPORT = script("report", GROWTH=GROWTH, RECENT=RECENT, FAR_LESS=FAR_LESS, FORGOTTEN=FORGOTTEN)
log = structlog.get_logger()


class SharedAllowances:
    """`Allowances` counted in Redis. `redis_clock` replaces Redis's own clock (tests)."""

    def __init__(self, redis: Scripts, *, prefix: str = "{newsletter:throttle}:",
                 monotonic: Callable[[], float] = time.monotonic,
                 redis_clock: Callable[[], float] | None = None) -> None:  # fmt: skip
        self._redis, self._prefix = redis, prefix
        self._monotonic, self._redis_clock = monotonic, redis_clock
        self._worker = secrets.token_hex(8)
        self._own: Allowances = OwnAllowances(monotonic)
        self._ask_at = float("-inf")

    def report(self, relay: str, report: Report) -> Allowed:
        """Report to Redis and return its answer; without Redis each worker learns alone."""
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
    """This process's allowances on the product's Redis. Connects on first use."""
    return SharedAllowances(client(settings))
