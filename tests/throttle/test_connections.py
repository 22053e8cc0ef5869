"""The number of connections that a relay allows: learned, shared through Redis, and one kept for who waits."""

import threading
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from newsletter.smtp import Allowed, OwnAllowances, Relay, Report, SmtpTransport, Stage
from newsletter.smtp.allowance import FORGOTTEN, GROWTH
from newsletter.supervisor.redis import NoRedis, program
from newsletter.throttle.connections import SharedAllowances
from tests.fault_smtp import FaultServer
from tests.redis_server import RedisServer
from tests.smtp.sending import Ledger, envelope, stages

pytestmark = pytest.mark.real
MX = "mx:25"


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Make = Callable[[], SharedAllowances]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    try:
        program()
    except NoRedis as error:
        pytest.skip(str(error))
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def make(server: RedisServer, hand: Hand) -> Make:
    redis = Redis.from_url(server.url)
    redis.flushall()
    return lambda: SharedAllowances(redis, monotonic=hand, redis_clock=hand)


def bulk(held: int, refused: float | None = None, *, wants: bool = True) -> Report:
    return Report(held, wants, urgent=False, refused=refused)


def urgent(held: int, refused: float | None = None, *, wants: bool = True) -> Report:
    return Report(held, wants, urgent=True, refused=refused)


def test_without_a_refusal_there_is_no_limit(make: Make) -> None:
    one, other = make(), make()
    assert one.report(MX, bulk(20)) == Allowed(None, 0)
    assert other.report(MX, bulk(20)) == Allowed(None, 20)


def test_what_was_open_when_one_more_was_refused_is_the_limit_of_all_together(make: Make, hand: Hand) -> None:
    one, other, waiting = make(), make(), make()
    one.report(MX, bulk(6))
    other.report(MX, bulk(4))
    hand.now += 1
    one.report(MX, bulk(6, refused=0.5))
    # Nine of ten for the two workers of bulk mail, the tenth for who waits.
    assert (one.report(MX, bulk(5)).connections, other.report(MX, bulk(4)).connections) in (
        (5, 4),
        (4, 5),
        (5, 5),
        (4, 4),
    )
    assert waiting.report(MX, urgent(0)).connections == 1


def test_of_one_connection_bulk_mail_gives_way(make: Make, hand: Hand) -> None:
    campaign, guide = make(), make()
    campaign.report(MX, bulk(1, refused=0.0))
    assert campaign.report(MX, bulk(1)).connections == 1
    assert guide.report(MX, urgent(0)) == Allowed(0, 1)
    assert campaign.report(MX, bulk(1)).connections == 0
    campaign.report(MX, bulk(0))
    assert guide.report(MX, urgent(0)).connections == 1
    guide.report(MX, urgent(0, wants=False))
    assert campaign.report(MX, bulk(0)).connections == 1


def test_a_limit_that_was_lowered_is_found_in_a_few_steps(make: Make, hand: Hand) -> None:
    campaign, guide = make(), make()
    campaign.report(MX, bulk(19))
    steps, held = 0, 19
    while held >= 2:  # the relay allows two now
        hand.now += 0.3
        guide.report(MX, urgent(0, refused=0.1))
        hand.now += 0.1
        held = min(held, campaign.report(MX, bulk(held)).connections or 0)
        campaign.report(MX, bulk(held))
        steps += 1
    assert steps <= 6


def test_the_limit_rises_again_slowly_and_is_forgotten_in_the_end(make: Make, hand: Hand) -> None:
    one = make()
    one.report(MX, bulk(4, refused=0.0))
    assert one.report(MX, bulk(4)).connections == 3
    hand.now += GROWTH + 0.1
    assert one.report(MX, bulk(3)).connections == 4
    hand.now += 2 * GROWTH
    assert one.report(MX, bulk(4)).connections == 6


def test_who_is_not_heard_of_holds_nothing(make: Make, hand: Hand) -> None:
    gone, left = make(), make()
    gone.report(MX, bulk(5))
    hand.now += 20
    assert left.report(MX, bulk(1)).others == 0


def test_who_has_just_left_may_still_be_counted_by_the_relay(make: Make, hand: Hand) -> None:
    gone, left = make(), make()
    gone.report(MX, bulk(1))
    gone.report(MX, bulk(0, wants=False))
    assert left.report(MX, bulk(0)).others == 1
    hand.now += 2
    assert left.report(MX, bulk(0)).others == 0


def test_without_redis_each_worker_goes_by_what_it_sees(hand: Hand) -> None:
    lost = SharedAllowances(Redis.from_url("unix:///nowhere/redis.sock"), monotonic=hand)
    assert lost.report(MX, bulk(20)).connections is None
    assert lost.report(MX, bulk(8, refused=0.0)).connections == 7
    assert lost.report(MX, urgent(0)).connections == 8


def test_a_worker_alone_forgets_a_limit_that_nothing_confirms() -> None:
    hand = Hand()
    own = OwnAllowances(hand)
    assert own.report(MX, bulk(8, refused=0.0)).connections == 7
    hand.now += FORGOTTEN + 1
    assert own.report(MX, bulk(8)).connections is None


class Sending(threading.Thread):
    """A worker of its own, which sends until it is done."""

    def __init__(self, redis: str, server: FaultServer, count: int, first: int, *, urgent: bool = False) -> None:
        super().__init__()
        relay = Relay.parse(f"smtp://127.0.0.1:{server.port}?connections=20")
        shared = SharedAllowances(Redis.from_url(redis))
        self.transport = SmtpTransport([relay], helo="client.example", allowances=shared)
        self.ledger = Ledger()
        self._keys = range(first, first + count)
        self._urgent = urgent

    def run(self) -> None:
        for _ in self.transport.send(map(envelope, self._keys), self.ledger, urgent=self._urgent):
            pass
        self.transport.close()


@pytest.mark.parametrize(("most", "then"), [(1, 0), (2, 0), (10, 0), (10, 1), (1, 10)])
def test_a_guide_goes_beside_two_workers_of_a_campaign(make: Make, server: RedisServer, most: int, then: int) -> None:
    del make  # an empty Redis
    with FaultServer(connection_limit=most, delay=0.002) as relay:
        campaign = [Sending(server.url, relay, 300, first) for first in (1, 1001)]
        for one in campaign:
            one.start()
        guides = []
        for number in range(5):
            guide = Sending(server.url, relay, 1, 3000 + number, urgent=True)
            guide.start()
            guide.join(10)
            guides.append(guide)
            if number == 2 and then:
                relay.connection_limit = then
        for one in campaign:
            one.join(40)
    assert [stages(one.ledger.known) for one in guides] == [{Stage.ACCEPTED: 1}] * 5
    for one in campaign:
        assert set(stages(one.ledger.known)) <= {Stage.ACCEPTED, Stage.RELAY}  # who found no connection free waits
    assert max(relay.received.values()) == 1
    assert relay.received.total() >= 300
