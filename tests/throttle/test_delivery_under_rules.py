"""A campaign under throttle rules of the owner, counted in a real Redis, from the database to the last reader."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from newsletter import articles
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Dispatch, Lane, Message, State
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Segment
from newsletter.throttle.redis import SharedThrottle, connect
from newsletter.throttle.rules import Rate, Rules, Scope, current, put, remove
from tests.conftest import NOON
from tests.redis_server import RedisServer

pytestmark = pytest.mark.real


def _campaign(runtime: Runtime, person: Callable[..., int]) -> None:
    last = [person(f"p{n}@{domain}") for n in range(6) for domain in ("gmail.com", "example.org")][-1]
    with runtime.database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, 100)


def _states(runtime: Runtime) -> Counter[State]:
    with runtime.database.reading() as session:
        return Counter(session.scalars(select(Message.state)))


def test_the_owners_limit_holds_and_lifting_it_lets_the_rest_go_at_once(
    runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock, tmp_path: Path
) -> None:
    seconds = [0.0]

    def read() -> Rules:
        with runtime.database.reading() as session:
            return current(session, clock.now())

    server = RedisServer(tmp_path)
    server.start()
    try:
        redis = Redis.from_url(server.url)
        runtime.throttle = SharedThrottle(redis, read, ["memory:0"], monotonic=lambda: seconds[0])
        _campaign(runtime, person)
        with runtime.database.transaction() as session:
            put(session, Scope.DOMAIN, "gmail.com", Rate(2, 3600), NOON)
            put(session, Scope.RELAY, "memory:0", Rate(9, 3600), NOON)
        assert runtime.delivery.run(Lane.BULK) == 12
        assert _states(runtime) == {State.SENT: 8, State.READY: 4}
        assert runtime.delivery.run(Lane.BULK) == 0
        with runtime.database.transaction() as session:
            remove(session, Scope.DOMAIN, NOON)
            remove(session, Scope.RELAY, NOON)
        seconds[0] += 1.0
        clock.forward(timedelta(seconds=2))
        assert runtime.delivery.run(Lane.BULK) == 4
        assert Counter(one.recipient for one in sent.envelopes).most_common(1)[0][1] == 1
        assert len(sent.envelopes) == 12
    finally:
        server.kill()


def test_a_worker_is_wired_to_the_products_redis(runtime: Runtime, tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    try:
        settings = runtime.settings.model_copy(update={"redis_url": server.url.replace("unix://", "redis+socket://")})
        throttle = connect(settings, runtime.database, runtime.clock)
        assert not throttle.is_active()
        with runtime.database.transaction() as session:
            put(session, Scope.ALL, "", Rate(3, 60), NOON)
        other = connect(settings, runtime.database, runtime.clock)
        assert other.take(Lane.BULK, {"example.org": 9}).granted == {"example.org": 3}
        with Redis.from_url(server.url) as redis:
            assert redis.keys("*w:all::60")
    finally:
        server.kill()
