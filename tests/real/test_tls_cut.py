"""TLS connections that break in the middle, under the whole product: everybody gets one copy, or the owner is told."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault_smtp import Fault, FaultServer, What, Where, self_made_certificate
from tests.real.conftest import Product, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
PEOPLE = 1500
CONNECTIONS = 6
PIPELINE = 4
BEFORE: list[tuple[Where, What, int]] = [("starttls", "vanish", 17), ("mail", "reset", 151), ("rcpt", "vanish", 83),
                                         ("data", "reset", 97)]  # fmt: skip
AFTER: list[tuple[Where, What, int]] = [("content", "vanish", 89), ("content", "reset", 127), ("dot", "vanish", 71),
                                        ("dot", "reset", 101), ("dot", "half", 113)]  # fmt: skip
"""Where whole mails fit into the kernel's buffers, the final dot has left when the connection breaks in a content."""
FAULTS = [Fault(stage, action, nth, every=True) for stage, action, nth in (*BEFORE, *AFTER)]


@pytest.fixture(params=["data", "bdat"])
def relay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultServer]:
    """A relay that offers STARTTLS, and breaks."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made: the program `openssl` is missing")
    server, _ = self_made_certificate(tmp_path)
    with FaultServer(FAULTS, tls=server, chunking=request.param == "bdat") as made:
        yield made


@pytest.fixture
def product(tmp_path: Path, relay: FaultServer) -> Iterator[Product]:
    """An installation that trusts this relay's certificate, and sends nothing without TLS."""
    made = Product(tmp_path / "var", {
        "SMTP_URL": f"smtp://127.0.0.1:{relay.port}?tls=required&connections={CONNECTIONS}&pipeline={PIPELINE}",
        "SSL_CERT_FILE": str(tmp_path / "certificate.pem"),
    })  # fmt: skip
    yield made.start()
    made.stop()


def _settle(product: Product) -> None:
    """Wait until nothing is on its way, and let the time pass that the deferred wait for, until the campaign ends."""

    def rests() -> bool:
        states = product.ledger().values()
        return len(states) == PEOPLE and set(states) <= {"sent", "deferred", "failed", "uncertain", "cancelled"}

    for _ in range(12):
        until(rests, 100, "the campaign does not come to rest")
        if "deferred" not in product.ledger().values():
            return
        _let_time_pass(product)
    raise AssertionError(f"still deferred: {Counter(product.ledger().values())}")


def _let_time_pass(product: Product) -> None:
    tried = product.query("SELECT count(*) FROM attempts")
    product.command("fast-forward", "4h")

    def moved() -> bool:
        return product.query("SELECT count(*) FROM attempts") != tried or "deferred" not in product.ledger().values()

    until(moved, why="the deferred are not tried")


def test_with_tls_breaking_in_the_middle_everybody_is_counted(product: Product, relay: FaultServer) -> None:
    people = product.recruit(PEOPLE)
    campaign = product.send_news()
    _settle(product)
    status = product.status(campaign)
    ledger, copies = product.ledger(), relay.received
    uncertain = {one for one, state in ledger.items() if state == "uncertain"}
    broken = {whose for stage, _, whose in relay.struck if stage in ("content", "dot")}
    cuts = sum(stage != "starttls" for stage, _, _ in relay.struck)
    print(f"{len(relay.struck)} connections broke, {len(broken)} of them at or in a content; then:", status)

    assert set(ledger) == set(people)
    assert all(one.encrypted for one in relay.messages)
    assert max(copies.values()) == 1
    assert {one for one, state in ledger.items() if state != "uncertain"} <= set(copies)
    assert status["sent"] + status["uncertain"] == PEOPLE
    if relay.chunking:  # whole mails wait behind the one that is answered: nobody knows what became of them
        assert broken <= uncertain
        assert len(uncertain) <= cuts * PIPELINE
    else:
        assert broken == uncertain
