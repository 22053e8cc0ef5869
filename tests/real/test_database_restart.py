"""The database goes away in the middle of a campaign, again and again, in every way: the campaign ends well."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests import postgres
from tests.fault_smtp import Fault, FaultServer
from tests.real.conftest import Product, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]
PEOPLE = 6000
LATE = 0.03  # seconds the relay takes for each message on each connection
CONNECTIONS = 5
RESTARTS = 9


@pytest.fixture
def database() -> Iterator[postgres.Cluster]:
    """A PostgreSQL of the test's own, as durable as in production."""
    try:
        with postgres.cluster() as made:
            made.start()
            with psycopg.connect(made.url, autocommit=True) as admin:
                admin.execute("CREATE DATABASE news")
            yield made
    except postgres.NoPostgres as error:
        pytest.skip(f"no PostgreSQL of our own: {error}")


@pytest.fixture
def relay() -> Iterator[FaultServer]:
    """A slow one, so that the campaign lasts."""
    with FaultServer([Fault("dot", "late", nth=0, seconds=LATE)]) as server:
        yield server


@pytest.fixture
def product(tmp_path: Path, database: postgres.Cluster, relay: FaultServer) -> Iterator[Product]:
    """An installation on these two."""
    made = Product(tmp_path / "var", {
        "DATABASE_URL": database.url.replace("/postgres?", "/news?"),
        "SMTP_URL": f"smtp://127.0.0.1:{relay.port}?tls=none&connections={CONNECTIONS}",
    })  # fmt: skip
    yield made.start()
    made.stop()


def _kill(database: postgres.Cluster) -> None:
    database.kill()


def _stop_at_once(database: postgres.Cluster) -> None:
    database.stop(signal.SIGQUIT)


def _kill_one_backend(database: postgres.Cluster) -> None:
    """The server takes all the others down itself, and recovers."""
    with psycopg.connect(database.url.replace("/postgres?", "/news?"), autocommit=True) as admin:
        found = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = 'news' AND pid <> pg_backend_pid() ORDER BY random()"
        ).fetchone()
        assert found
    os.kill(found[0], signal.SIGKILL)


MANNERS = (_kill, _stop_at_once, _kill_one_backend)


def test_a_campaign_ends_by_itself_however_often_the_database_is_killed(
    product: Product, database: postgres.Cluster, relay: FaultServer
) -> None:
    chance = random.Random()
    people = product.recruit(PEOPLE)
    campaign = product.send_news()
    until(lambda: relay.received)
    for number in range(RESTARTS):
        time.sleep(chance.uniform(0.3, 1.5))
        MANNERS[number % len(MANNERS)](database)
        if database.process is None:
            time.sleep(chance.uniform(0.0, 1.0))
            database.start()
    in_the_middle = sum(relay.received.values())

    def over() -> bool:
        with suppress(psycopg.OperationalError):
            return product.is_sent(campaign)
        return False

    until(over, 200, "the campaign does not end")
    status = product.status(campaign)
    print(f"{RESTARTS} restarts within the first {in_the_middle} of {PEOPLE} mails; then:", status)
    assert in_the_middle < PEOPLE
    assert max(relay.received.values()) == 1
    assert status["sent"] + status["uncertain"] == PEOPLE
    missing = set(people) - set(relay.received)
    assert len(missing) <= status["uncertain"]
    assert status["uncertain"] == 0
