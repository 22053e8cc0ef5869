"""Rules counted in a real Redis: by several processes, with clocks set back, with Redis gone."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from structlog.testing import capture_logs

from newsletter.mail.ledger import Lane
from newsletter.settings import ROOT
from newsletter.throttle.redis import SharedThrottle
from newsletter.throttle.rules import Rate, Rules
from tests.redis_server import RedisServer

pytestmark = pytest.mark.real
HOUR, SECOND = 3600, 1
PROCESS = """
import sys, time
from redis import Redis
from newsletter.throttle.redis import SharedThrottle
from newsletter.throttle.rules import Rules, Rate
from newsletter.mail.ledger import Lane
count, span, runs = map(int, sys.argv[2:])
limits = Rules(domains={"example.com": (Rate(count, span),)})
throttle = SharedThrottle(Redis.from_url(sys.argv[1]), lambda: limits, ["mx:25"])
until = time.monotonic() + runs
while time.monotonic() < until:
    grant = throttle.take(Lane.BULK, {"example.com": 7})
    if grant.granted["example.com"]:
        print(grant.at, grant.granted["example.com"], flush=True)
    else:
        time.sleep(0.01)
"""


class Hand:
    """A clock moved by hand: seconds."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis."""
    made = RedisServer(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def hand() -> Hand:
    """Both clocks: the process's own and Redis's."""
    return Hand()


Make = Callable[..., SharedThrottle]


@pytest.fixture
def make(server: RedisServer, hand: Hand) -> Make:
    """Makes a worker's throttle."""

    def made(rules: Rules | Callable[[], Rules], *relays: str, redis_clock: Hand = hand) -> SharedThrottle:
        read = rules if callable(rules) else lambda: rules
        names = relays or ("mx:25",)
        return SharedThrottle(Redis.from_url(server.url), read, names, monotonic=hand, redis_clock=redis_clock)

    return made


def _domain(count: int, seconds: int = HOUR) -> Rules:
    return Rules(domains={"example.com": (Rate(count, seconds),)})


def _get(throttle: SharedThrottle, count: int, domain: str = "example.com", lane: Lane = Lane.BULK) -> int:
    return throttle.take(lane, {domain: count}).granted[domain]


@pytest.mark.parametrize(("count", "span", "runs"), [(100, HOUR, 1), (40, SECOND, 3)])
def test_two_processes_together_never_exceed_a_limit(server: RedisServer, count: int, span: int, runs: int) -> None:
    argv = [sys.executable, "-c", PROCESS, server.url, str(count), str(span), str(runs)]
    both = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [line.split() for one in both for line in one.communicate(timeout=60)[0].splitlines()]
    sent = sorted((float(at), int(number)) for at, number in lines)
    in_any_span = [sum(n for at, n in sent if start <= at < start + span) for start, _ in sent]
    assert max(in_any_span) == count  # reached, and not passed
    assert all(line for line in lines) and len(sent) >= 2 * count // 7 // 2


def test_a_limit_is_free_again_when_its_span_is_over_and_not_before(make: Make, hand: Hand) -> None:
    throttle = make(_domain(100))
    assert [_get(throttle, 60), _get(throttle, 60)] == [60, 40]
    hand.move(HOUR - 1)
    assert _get(throttle, 60) == 0
    hand.move(HOUR / 60 + 1)
    assert _get(throttle, 160) == 100


def test_it_says_when_more_may_be_expected(make: Make, hand: Hand) -> None:
    throttle = make(_domain(100))
    grant = throttle.take(Lane.BULK, {"example.com": 130, "example.org": 5})
    assert (grant.granted, grant.waits["example.org"]) == ({"example.com": 100, "example.org": 5}, 0)
    hand.move(grant.waits["example.com"])
    assert HOUR <= grant.waits["example.com"] <= HOUR * 61 / 60
    assert _get(throttle, 30) == 30


def test_several_spans_hold_together(make: Make, hand: Hand) -> None:
    throttle = make(Rules(domains={"example.com": (Rate(5, SECOND), Rate(8, HOUR))}))
    assert _get(throttle, 10) == 5
    hand.move(2)
    assert _get(throttle, 10) == 3


def test_a_domain_does_not_take_from_another_and_the_rest_has_no_limit(make: Make) -> None:
    throttle = make(Rules(domains={"*": (Rate(3, HOUR),), "example.com": (Rate(10, HOUR),)}))
    wanted = {"example.com": 20, "example.org": 20, "example.net": 2}
    assert throttle.take(Lane.BULK, wanted).granted == {"example.com": 10, "example.org": 3, "example.net": 2}
    assert _get(make(_domain(10)), 500, "example.org") == 500


def test_what_somebody_waits_for_counts_but_only_a_relay_binds_it(make: Make) -> None:
    rules = Rules((Rate(10, HOUR),), {"mx:25": (Rate(20, HOUR),)}, {"example.com": (Rate(5, HOUR),)})
    throttle = make(rules)
    assert _get(throttle, 8, lane=Lane.TRANSACTIONAL) == 8
    assert _get(throttle, 8) == 0  # a domain's limit is used up, and more
    assert _get(throttle, 8, "example.org") == 2  # of the ten in all
    assert _get(throttle, 50, lane=Lane.TRANSACTIONAL) == 10


def test_bulk_leaves_a_tenth_of_a_relay_to_what_somebody_waits_for(make: Make) -> None:
    throttle = make(Rules(relays={"mx:25": (Rate(100, HOUR),)}))
    assert _get(throttle, 200) == 90
    assert _get(throttle, 200, lane=Lane.TRANSACTIONAL) == 10


def test_where_one_of_two_relays_is_limited_the_other_takes_the_rest(make: Make) -> None:
    throttle = make(Rules(relays={"a:25": (Rate(10, HOUR),)}), "a:25", "b:25")
    grant = throttle.take(Lane.BULK, {"example.com": 50})
    assert (grant.granted, grant.relays) == ({"example.com": 50}, {"a:25": 9})


def test_what_was_not_used_comes_back(make: Make, hand: Hand) -> None:
    throttle = make(Rules((Rate(100, HOUR),), {"mx:25": (Rate(100, HOUR),)}, {"example.com": (Rate(50, HOUR),)}))
    grant = throttle.take(Lane.BULK, {"example.com": 50})
    hand.move(300)
    throttle.give_back(grant, {"example.com": 20}, {"mx:25": 20})
    assert _get(make(_domain(50)), 50) == 20
    hand.move(HOUR)
    assert _get(throttle, 90) == 30  # what was given back is not there a second time
    hand.move(120)
    assert _get(throttle, 90) == 20


def test_all_workers_slow_down_on_4_7_and_recover_by_themselves(make: Make, hand: Hand) -> None:
    one, other = make(_domain(100, 60)), make(_domain(100, 60))
    assert _get(other, 10) == 10
    hand.move(120)
    one.slow_down("example.com", 50)
    assert _get(other, 200) == 50
    hand.move(61 + 5)
    assert 65 <= _get(other, 200) <= 80  # half of the way back after a minute
    hand.move(120)
    assert _get(other, 200) == 100


def test_a_domain_without_limits_is_slowed_down_too_and_replies_of_one_moment_halve_once(
    make: Make, hand: Hand
) -> None:
    one, other = make(Rules()), make(Rules())
    assert not other.is_active()
    for _ in range(20):
        one.slow_down("example.com", 40)
    hand.move(1.1)
    assert other.is_active() and 200 <= _get(other, 9_999) <= 205  # in ten seconds, of 400
    hand.move(11)
    one.slow_down("example.com", 9)
    hand.move(11)
    assert 90 <= _get(other, 9_999) <= 125
    hand.move(300)
    assert not other.is_active() and _get(other, 9_999) == 9_999


def test_a_clock_set_back_neither_opens_nor_blocks(make: Make, hand: Hand) -> None:
    redis_clock = Hand()
    throttle = make(_domain(100), redis_clock=redis_clock)
    assert _get(throttle, 100) == 100
    redis_clock.move(-10 * HOUR)
    assert _get(throttle, 1) == 0
    redis_clock.move(HOUR - 60)
    assert _get(throttle, 1) == 0
    redis_clock.move(130)
    assert _get(throttle, 100) == 100


def test_a_changed_limit_holds_within_a_second(make: Make, hand: Hand) -> None:
    holds = [Rules()]
    throttle = make(lambda: holds[0])
    assert not throttle.is_active()
    holds[0] = _domain(5)
    hand.move(1.0)
    assert (_get(throttle, 9), _get(throttle, 9)) == (5, 0)
    holds[0] = _domain(50)
    hand.move(1.0)
    assert _get(throttle, 99) == 45
    holds[0] = Rules((Rate(10, HOUR),))
    hand.move(1.0)
    assert _get(throttle, 99) == 10 and throttle.is_shut(Lane.BULK) is False
    assert _get(throttle, 99) == 0 and throttle.is_shut(Lane.BULK) and not throttle.is_shut(Lane.TRANSACTIONAL)
    holds[0] = Rules((Rate(20, HOUR),))
    hand.move(1.0)
    assert not throttle.is_shut(Lane.BULK) and _get(throttle, 99) == 10


def test_a_change_is_known_at_once_to_who_asks_whether_there_was_one(make: Make) -> None:
    holds = [_domain(5)]
    throttle = make(lambda: holds[0])
    grant = throttle.take(Lane.BULK, {"example.com": 9})
    assert not throttle.is_outdated(grant)
    holds[0] = Rules()
    assert throttle.is_outdated(grant)


def test_with_redis_down_each_worker_keeps_to_its_share_and_says_so_once(
    make: Make, hand: Hand, server: RedisServer
) -> None:
    throttle = make(_domain(100))
    assert _get(throttle, 20) == 20
    server.kill()
    with capture_logs() as said:
        got = []
        for _ in range(10):
            got.append(_get(throttle, 10))
            hand.move(6)
    assert sum(got) == 5  # a quarter of 100, of which 20 were used
    assert [line["event"] for line in said] == [
        "Redis does not answer: each worker keeps to its own share of the limits"
    ]
    assert _get(throttle, 10, "example.org") == 10


def test_redis_back_and_empty_is_told_what_was_used(make: Make, hand: Hand, server: RedisServer) -> None:
    one, other = make(_domain(100)), make(_domain(100))
    assert (_get(one, 30), _get(other, 20)) == (30, 20)
    server.kill()
    assert _get(one, 30) == 0
    server.start()
    hand.move(6)
    assert one.is_active() and other.is_active()
    hand.move(1)
    assert _get(make(_domain(100)), 100) == 50


def test_what_the_ledger_says_was_sent_counts_after_a_start(server: RedisServer, hand: Hand) -> None:
    rules = _domain(100)

    def started(sent: int) -> SharedThrottle:
        before = [("domain", "example.com", HOUR, 600.0, sent)]
        client = Redis.from_url(server.url)
        return SharedThrottle(client, lambda: rules, ["mx:25"], monotonic=hand, redis_clock=hand, used=lambda _: before)

    assert _get(started(70), 100) == 30
    assert _get(started(70), 100) == 0  # the second worker does not count it again, nor free it
    hand.move(HOUR - 600 + 61)
    assert _get(started(70), 100) == 70


def test_slowing_down_holds_without_redis(make: Make, hand: Hand, server: RedisServer) -> None:
    throttle = make(Rules())
    server.kill()
    throttle.slow_down("example.com", 40)
    assert _get(throttle, 9_999) == 50  # a quarter of half of 400
    hand.move(130)
    assert _get(throttle, 9_999) == 9_999
