"""Parts that fail while people use the product: nothing is lost, nothing is sent twice."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.real.conftest import Product, free_port, link_in, until

pytestmark = pytest.mark.real


class Counting:
    """An SMTP server that counts what it has accepted for everybody."""

    def __init__(self, port: int, delay: float = 0.0) -> None:
        self.copies: Counter[str] = Counter()
        self.delay = delay
        self._server = Controller(self, hostname="127.0.0.1", port=port)
        self._server.start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.delay:
            time.sleep(self.delay)
        self.copies.update(envelope.rcpt_tos)
        return "250 2.0.0 taken"

    def close(self) -> None:
        self._server.stop()


@pytest.fixture
def smtp_port() -> int:
    return free_port()


@pytest.fixture
def with_relay(tmp_path: Path, smtp_port: int) -> Iterator[Product]:
    """An installation whose relay is somebody else's server, which is not there yet."""
    product = Product(tmp_path / "var", {"SMTP_URL": f"smtp://127.0.0.1:{smtp_port}"})
    yield product.start()
    product.stop()


def test_with_the_relay_down_the_page_answers_and_the_mail_goes_when_it_is_back(
    with_relay: Product, smtp_port: int
) -> None:
    began = time.monotonic()
    assert "inbox" in with_relay.sign_up("jane@example.com").lower()
    assert time.monotonic() - began < 5  # a person waits here; it is a fifth of a second on an idle machine
    time.sleep(2)
    relay = Counting(smtp_port)
    until(lambda: relay.copies["jane@example.com"] == 1, 40)
    time.sleep(3)
    relay.close()
    assert relay.copies == Counter({"jane@example.com": 1})


def test_with_redis_killed_a_sign_up_is_stored_and_its_mail_goes(product: Product) -> None:
    for pid in product.processes("redis.conf") or _redis(product):
        os.kill(pid, signal.SIGKILL)
    assert "inbox" in product.sign_up("jane@example.com").lower()
    product.mail("jane@example.com", "confirm", 60)
    product.confirm("jane@example.com")
    product.mail("jane@example.com", "principles", 60)
    assert len(product.inbox("jane@example.com")) == 2


def _redis(product: Product) -> list[int]:
    here = str(product.data / "redis")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()) == here:
                found.append(int(entry.name))
        except OSError:
            continue
    assert found
    return found


def test_with_web_killed_it_is_back_by_itself(product: Product) -> None:
    for pid in product.processes("granian"):
        os.kill(pid, signal.SIGKILL)
    until(product.answers)


def _wait_for_the_end(product: Product, campaign: str) -> None:
    until(lambda: product.is_sent(campaign), 120, "the campaign does not end")


def _kill_workers(product: Product) -> None:
    for pid in product.processes("bulk@"):
        os.kill(pid, signal.SIGKILL)


def _restart(product: Product) -> None:
    product.stop(signal.SIGTERM)
    product.start()


@pytest.mark.parametrize("saboteur", [_kill_workers, _restart], ids=["kill -9 of the workers", "stop and start"])
def test_a_campaign_survives_and_nobody_gets_two(
    with_relay: Product, smtp_port: int, saboteur: Callable[[Product], None]
) -> None:
    relay = Counting(smtp_port, delay=0.005)
    people = with_relay.recruit(900)
    campaign = with_relay.send_news()
    until(lambda: len(relay.copies) > 150)
    saboteur(with_relay)

    _wait_for_the_end(with_relay, campaign)
    status = with_relay.status(campaign)
    relay.close()
    assert max(relay.copies.values()) == 1
    missing = set(people) - set(relay.copies)
    assert status["sent"] + status["uncertain"] == 900
    assert len(missing) <= status["uncertain"]
    if saboteur is _restart:
        assert status["uncertain"] == 0
        assert not missing


def test_pause_holds_and_resume_goes_on(with_relay: Product, smtp_port: int) -> None:
    relay = Counting(smtp_port, delay=0.01)
    people = with_relay.recruit(600)
    campaign = with_relay.send_news()
    until(lambda: len(relay.copies) > 50)
    with_relay.command("campaign", "pause", campaign)
    time.sleep(2)
    held = len(relay.copies)
    time.sleep(2)
    assert len(relay.copies) == held < 600
    with_relay.command("campaign", "resume", campaign)
    _wait_for_the_end(with_relay, campaign)
    relay.close()
    assert relay.copies == Counter(dict.fromkeys(people, 1))


def test_the_journey_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS journey")
        admin.execute("CREATE DATABASE journey")
    head, _, query = postgres_server.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/journey" + (f"?{query}" if query else "")
    product = Product(tmp_path / "var", {"DATABASE_URL": url}).start()
    try:
        product.sign_up("jane@example.com", newsletter="y", first_name="Jane")
        product.confirm("jane@example.com")
        product.mail("jane@example.com", "principles")
        product.command("fast-forward", "3d")
        leave = link_in(product.mail("jane@example.com", "Start here"), "/unsubscribe/")
        product.post(leave, **{"List-Unsubscribe": "One-Click"})
        assert "unsubscribed" in product.command("subscribers", "export")
    finally:
        product.stop()
