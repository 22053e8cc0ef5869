"""The start of a worker whose Redis is new: what was sent before is in the ledger."""

from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy.exc import OperationalError

from newsletter.mail.ledger import Lane
from newsletter.throttle.redis import SharedThrottle
from newsletter.throttle.rules import Rate, Rules, Used
from tests.redis_server import RedisServer

pytestmark = pytest.mark.real
HOUR = 3600


def test_what_the_ledger_cannot_tell_at_once_it_tells_later_and_nobody_takes_it_for_nothing(tmp_path: Path) -> None:
    limits, away, seconds = Rules(domains={"example.com": (Rate(100, HOUR),)}), [True], [5_000.0]

    def used(_: Rules) -> list[Used]:
        if away[0]:
            raise OperationalError("SELECT", {}, Exception("the database is away"))
        return [("domain", "example.com", HOUR, 600.0, 70)]

    server = RedisServer(tmp_path)
    server.start()
    try:
        redis = Redis.from_url(server.url)
        throttle = SharedThrottle(
            redis, lambda: limits, ["mx:25"], monotonic=lambda: seconds[0], redis_clock=lambda: seconds[0], used=used
        )
        assert throttle.take(Lane.BULK, {"example.com": 10}).granted["example.com"] == 10  # of its own share, a quarter
        away[0] = False
        seconds[0] += 2
        assert throttle.take(Lane.BULK, {"example.com": 100}).granted["example.com"] == 20
    finally:
        server.kill()
