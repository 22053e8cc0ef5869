"""What is good once, told apart in Redis for all processes; while it does not answer, each remembers its own."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from redis.exceptions import RedisError

from newsletter.settings import Settings
from newsletter.throttle.client import ALONE, client

REMEMBERED = 10_000
"""Without Redis: the newest of a process."""
log = structlog.get_logger()


class Values(Protocol):
    """What is asked of the Redis client."""

    def set(self, name: str, value: str, *, nx: bool, ex: int) -> Any:
        """Set it, unless it is set."""

    def get(self, name: str) -> Any:
        """What it is set to, in octets."""


class Once:
    """Each name belongs to whoever uses it first."""

    def __init__(self, redis: Values, *, prefix: str = "{newsletter:once}:",
                 monotonic: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self._redis, self._prefix, self._monotonic = redis, prefix, monotonic
        self._own: OrderedDict[str, str] = OrderedDict()
        self._ask_at = float("-inf")

    def is_free(self, name: str, by: str, seconds: int) -> bool:
        """Use this name, which is remembered for so many seconds; False: somebody else has used it before.

        The same once more is no second use: a browser sends a form again when it heard no answer.
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
    """That of this process, on the product's Redis. Connects when it is first asked."""
    return Once(client(settings))
