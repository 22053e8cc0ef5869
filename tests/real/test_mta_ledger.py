"""The whole product sends through real servers that limit it and are killed: the ledger and their logs agree."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.conftest import Product, until
from tests.real.mta import Mta, postfix
from tests.real.mta_sending import running, wait_for
from tests.real.mta_situations import EXIM, OPENSMTPD, POSTFIX, SITUATIONS, Server

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]
MANY, RATE = 900, "100/second"
"""Nine seconds of sending, however fast the server: it is in the middle when it is killed at its first thirty."""
CONNECTIONS, PIPELINE = 3, 2
LIMITS = {
    EXIM: SITUATIONS["So many mails in a session"][EXIM],
    POSTFIX: lambda: postfix("smtpd_client_message_rate_limit = 150"),
    OPENSMTPD: SITUATIONS["So many mails in a session"][OPENSMTPD],
}
FINAL = {"sent", "failed", "uncertain", "cancelled"}


@pytest.fixture(params=list(LIMITS))
def name(request: pytest.FixtureRequest) -> str:
    """Which server."""
    return str(request.param)


@pytest.fixture
def relay(name: str) -> Iterator[Mta]:
    server: Server = LIMITS[name]
    with running(server()) as made:
        yield made


@pytest.fixture
def product(tmp_path: Path, relay: Mta) -> Iterator[Product]:
    """An installation that sends through this server."""
    url = f"smtp://127.0.0.1:{relay.port}?connections={CONNECTIONS}&pipeline={PIPELINE}"
    made = Product(tmp_path / "var", {"SMTP_URL": url})
    yield made.start()
    made.stop()


def _wires(port: int) -> int:
    """How many connections to a port of this machine are open."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[3] == "01" and int(line[1].partition(":")[2], 16) == port for line in lines)


def test_the_ledger_and_the_servers_log_agree_person_by_person(product: Product, relay: Mta) -> None:
    people = product.recruit(MANY)
    product.command("limit", "set", "--all", RATE)
    product.send_news()
    until(lambda: relay.took().total() >= MANY // 30, 90, "the campaign does not begin")
    wires = _wires(relay.port)
    relay.kill()
    in_the_middle = relay.took().total()
    time.sleep(0.5)  # they notice
    relay.start()
    until(lambda: len(product.ledger()) == MANY and set(product.ledger().values()) <= FINAL, 120,
          f"the campaign does not end: {Counter(product.ledger().values())}")  # fmt: skip

    ledger = product.ledger()
    count = Counter(ledger.values())
    took = wait_for(relay, [one for one, state in ledger.items() if state == "sent"])
    print(f"killed after {in_the_middle} of {MANY} with {wires} connections open; then: {dict(count)}")
    assert set(ledger) == set(people)
    assert in_the_middle < MANY
    assert max(took.values()) == 1, "nobody twice"
    assert [one for one, state in ledger.items() if state == "sent" and not took[one]] == []
    assert [one for one in took if ledger[one] not in ("sent", "uncertain")] == []
    assert count["sent"] + count["uncertain"] == MANY
    assert count["uncertain"] <= wires * PIPELINE, "only what was on its wires when it was killed"
