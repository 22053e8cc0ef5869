"""The product's Redis, for questions in the middle of a page or a batch: asked once, and not waited for."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from newsletter.settings import Settings

REDIS_TIMEOUT = 0.5
"""Seconds that it has to answer."""
ALONE = 10 * REDIS_TIMEOUT
"""Seconds for which a Redis that did not answer is left alone."""


def client(settings: Settings) -> Redis:
    """It connects when it is first asked."""
    return Redis.from_url(
        settings.redis, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0), health_check_interval=0,
    )  # fmt: skip
