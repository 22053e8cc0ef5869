"""A Redis client for use within a request or a batch: short timeouts, no retries."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from newsletter.settings import Settings

REDIS_TIMEOUT = 0.5
"""Seconds Redis has to answer."""
ALONE = 10 * REDIS_TIMEOUT
"""Seconds before a Redis that did not answer is asked again."""


def client(settings: Settings) -> Redis:
    """A client that connects on first use."""
    return Redis.from_url(
        settings.redis, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0), health_check_interval=0,
    )  # fmt: skip
