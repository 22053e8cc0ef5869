"""The sender's domain is looked at unasked: some times a day, at once for another sender, and never in local mode."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter import brand, sending
from newsletter.clock import FixedClock
from newsletter.preflight import Check, Level
from newsletter.runtime import Runtime, build
from newsletter.sending import LookKind
from newsletter.sending.again import EVERY, SOON
from newsletter.settings import load
from tests.dns_server import DnsServer, serving

DOMAIN = "human-movement.com"


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    zone = {
        f"{DOMAIN}. MX": ["10 mx.example."], f"news.{DOMAIN}. MX": ["10 mx.example."],
        f"news.{DOMAIN}. TXT": ['"v=spf1 mx ~all"'], f"_dmarc.{DOMAIN}. TXT": ['"v=DMARC1; p=reject"'],
    }  # fmt: skip
    with serving(DnsServer(zone)) as one:
        yield one


@pytest.fixture
def worker(runtime: Runtime, dns: DnsServer) -> Runtime:
    """A worker of a public site."""
    told = {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "SMTP_URL": "smtp://relay.example"}
    public = load({**told, "PUBLIC_URL": f"https://news.{DOMAIN}"})
    return replace(runtime, settings=public, renderer=build(public).renderer, resolver=dns.resolver)


def checks(rt: Runtime) -> list[Check]:
    with rt.database.reading() as session:
        return list(sending.sender_checks(session, brand.current(session)))


def waiting(rt: Runtime) -> list[str]:
    with rt.database.reading() as session:
        return [one.kind for one in sending.every(session) if one.waits]


def test_it_is_looked_at_some_times_a_day_and_no_relay_with_it(
    worker: Runtime, dns: DnsServer, clock: FixedClock
) -> None:
    (before,) = checks(worker)
    assert before.level is Level.TOLD and "have not been looked up yet" in before.found
    assert sending.look_again(worker) and not sending.look_again(worker)
    (check,) = checks(worker)
    assert check.level is Level.GOOD and f"The records of {DOMAIN}" in check.found
    assert waiting(worker) == []
    asked = len(dns.asked)
    clock.forward(EVERY - timedelta(minutes=1))
    assert not sending.look_again(worker) and len(dns.asked) == asked
    clock.forward(timedelta(minutes=1))
    dns.zone = {name: found for name, found in dns.zone.items() if not name.startswith("_dmarc")}
    assert sending.look_again(worker)
    (check,) = checks(worker)
    assert check.level is Level.WARNING and f"Your domain {DOMAIN} has no DMARC record" in check.found


def test_no_answer_is_no_alarm_and_asked_for_again_soon(worker: Runtime, dns: DnsServer, clock: FixedClock) -> None:
    dns.fails = {f"_dmarc.{DOMAIN}.", f"news.{DOMAIN}."}
    assert sending.look_again(worker)
    (check,) = checks(worker)
    assert check.level is Level.TOLD and "could be looked up (SPF, DMARC, Return path)" in check.found
    dns.fails = set()
    assert not sending.look_again(worker)
    clock.forward(SOON)
    assert sending.look_again(worker) and checks(worker)[0].level is Level.GOOD


def test_another_sender_is_another_domain(worker: Runtime) -> None:
    assert sending.look_again(worker)
    with worker.database.transaction() as session:
        brand.current(session).email = "paul@elsewhere.example"
    (check,) = checks(worker)
    assert "The records of elsewhere.example have not been looked up yet." in check.found
    assert sending.look_again(worker)
    assert any("elsewhere.example has no DMARC record" in one.found for one in checks(worker))


def test_where_mail_stays_on_this_machine_dns_is_not_asked(runtime: Runtime, dns: DnsServer) -> None:
    assert not sending.look_again(replace(runtime, resolver=dns.resolver))
    assert dns.asked == []


def test_who_has_asked_is_not_overtaken(worker: Runtime) -> None:
    with worker.database.transaction() as session:
        sending.ask(session, LookKind.DOMAIN, "", worker.clock.now())
    assert not sending.look_again(worker)
    assert waiting(worker) == ["domain"]


@pytest.mark.parametrize(("zone", "level", "words"), [
    ({f"news.{DOMAIN}. TXT": []}, Level.WARNING, f"Your domain news.{DOMAIN} has no SPF record"),
    ({f"news.{DOMAIN}. TXT": ['"v=spf1 +all"']}, Level.WARNING, "lets every server in the world send in your name"),
    ({f"_dmarc.{DOMAIN}. TXT": ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']}, Level.WARNING, "several such records"),
    ({f"_dmarc.{DOMAIN}. TXT": ['"v=DMARC1; q"']}, Level.WARNING, "a record that receivers cannot read"),
    ({f"news.{DOMAIN}. MX": []}, Level.WARNING, f"Nothing takes what comes back to news.{DOMAIN}"),
    ({f"news.{DOMAIN}. MX": ["0 ."]}, Level.WARNING, "says that it takes no mail"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_words(
    worker: Runtime, dns: DnsServer, zone: dict[str, list[str]], level: Level, words: str
) -> None:
    dns.zone = {name: found for name, found in {**dns.zone, **zone}.items() if found}
    assert sending.look_again(worker)
    (check,) = checks(worker)
    assert check.level is level and words in check.found
