"""Names that may be used once, remembered in Redis for all processes, or by each alone while Redis is down."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from redis.exceptions import RedisError

from newsletter.settings import Settings
from newsletter.throttle.client import ALONE, client

REMEMBERED = 10_000
"""Names a process remembers itself; the oldest are dropped."""
log = structlog.get_logger()


class Values(Protocol):
    """The part of the Redis client used here."""

    def set(self, name: str, value: str, *, nx: bool, ex: int) -> Any:
        """Set a value, unless it is set."""

    def get(self, name: str) -> Any:
        """The value in octets, None if it is not set."""


class Once:
    """Gives each name to whoever uses it first."""

    def __init__(self, redis: Values, *, prefix: str = "{newsletter:once}:",
                 monotonic: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self._redis, self._prefix, self._monotonic = redis, prefix, monotonic
        self._own: OrderedDict[str, str] = OrderedDict()
        self._ask_at = float("-inf")

    def is_free(self, name: str, by: str, seconds: int) -> bool:
        """Use a name, remembered for this many seconds; return False if another `by` has used it.

        A repeat by the same `by` is allowed: browsers resend a form when they got no answer.
        """
        self._own.setdefault(name, by)
        while len(self._own) > REMEMBERED:
            self._own.popitem(last=False)
        if self._own.get(name, by) != by:
            return False
        if self._monotonic() < self._ask_at:
            return True
        try:
            if self._redis.set(self._prefix + name, by, nx=True, ex=seconds):
                return True
            return bool(self._redis.get(self._prefix + name) in (by.encode(), None))
        except (RedisError, OSError) as error:
            self._ask_at = self._monotonic() + ALONE
            log.warning("Redis does not answer: each process remembers its own proofs", error=type(error).__name__)
            return True


def once(settings: Settings) -> Once:
    """This process's Once on the product's Redis. Connects on first use."""
    return Once(client(settings))
