"""One DKIM key for several hosts: which is the right one, what a host with another one does, and who is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from sqlalchemy import select

from newsletter import accounts
from newsletter.mail import alarms, ledger, signing
from newsletter.mail.alarms import AlarmKind
from newsletter.mail.delivery import Delivery
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.render import Dkim, DkimKey
from newsletter.mail.signing import SigningKey
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON
from tests.mail.render.conftest import CONTEXTS

NAME = "news._domainkey.example.org"


def _dkim(*selectors: str) -> Dkim:
    return Dkim("example.org", tuple(DkimKey(one, ed25519.Ed25519PrivateKey.generate()) for one in selectors))


RIGHT, OTHER = _dkim("news"), _dkim("news")


@pytest.fixture
def host(runtime: Runtime) -> Callable[[Dkim | None], Delivery]:
    """A worker's delivery on a host with these keys."""
    return lambda dkim: replace(runtime.delivery, renderer=replace(runtime.renderer, dkim=dkim), keys=alarms.Keys())


@pytest.fixture
def mail(runtime: Runtime, person: Callable[..., int]) -> int:
    """A guide that waits for Jane, and an owner to be told."""
    jane = person("jane@example.com", "Jane")
    with runtime.database.transaction() as session:
        accounts.create(session, "olga@example.org", "quite unlikely green teapots", NOON)
        to = session.get_one(Subscriber, jane)
        return ledger.queue(session, to, Stream.GUIDE, "guide:1", NOON, context=CONTEXTS[Stream.GUIDE])[0].id


def _known(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {one.name: one.key_print for one in session.scalars(select(SigningKey))}


def _alarms(runtime: Runtime, after: timedelta = timedelta()) -> list[str]:
    with runtime.database.reading() as session:
        every = alarms.current(session, NOON + after)
        return [one.reply for one in every if one.kind is AlarmKind.SIGNING and one.name == signing.HOST]


def test_the_first_key_is_taken_and_another_one_sends_nothing(
    runtime: Runtime, host: Callable[[Dkim | None], Delivery], mail: int, sent: SentList
) -> None:
    with runtime.database.transaction() as session:
        assert signing.settle(session, RIGHT, NOON) == []
    assert _known(runtime) == signing.prints(RIGHT) and list(_known(runtime)) == [NAME]
    assert host(OTHER).run(Lane.TRANSACTIONAL) == 0 and sent.envelopes == []
    with runtime.database.reading() as session:
        assert session.get_one(Message, mail).state is State.READY, "it waits, with no attempt counted"
        notice = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one().context or {}
    assert _alarms(runtime) == [NAME] and "sends nothing" in notice["title"] and NAME in notice["lines"][0]
    assert _known(runtime) == signing.prints(RIGHT)
    assert host(RIGHT).run(Lane.TRANSACTIONAL) == 2 and len(sent.envelopes) == 2
    assert all(b"s=news;" in one.data for one in sent.envelopes)


def test_it_is_told_once_a_day_and_over_when_the_key_is_right(
    runtime: Runtime, host: Callable[[Dkim | None], Delivery], mail: int
) -> None:
    with runtime.database.transaction() as session:
        signing.settle(session, RIGHT, NOON)
    delivery = host(OTHER)
    for _ in range(3):
        assert delivery.run(Lane.TRANSACTIONAL) == 0
    with runtime.database.reading() as session:
        assert len(session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).all()) == 1
    assert _alarms(runtime) and not _alarms(runtime, timedelta(minutes=16)), "a host that is gone is not told of"
    host(RIGHT).run(Lane.TRANSACTIONAL)
    assert not _alarms(runtime)


def test_another_selector_is_another_key_and_both_are_good(
    runtime: Runtime, host: Callable[[Dkim | None], Delivery], mail: int
) -> None:
    both = Dkim("example.org", (RIGHT.keys[0], *_dkim("second").keys))
    with runtime.database.transaction() as session:
        assert signing.settle(session, RIGHT, NOON) == [] and signing.settle(session, both, NOON) == []
        mixed = Dkim("example.org", (OTHER.keys[0], both.keys[1]))
        assert signing.other_keys(session, mixed) == [NAME] and signing.other_keys(session, None) == []
    assert set(_known(runtime)) == {NAME, "second._domainkey.example.org"}


def test_a_key_is_changed_on_purpose_under_its_selector(
    runtime: Runtime, host: Callable[[Dkim | None], Delivery], mail: int, sent: SentList
) -> None:
    with runtime.database.transaction() as session:
        signing.settle(session, RIGHT, NOON)
    assert host(OTHER).run(Lane.TRANSACTIONAL) == 0
    with runtime.database.transaction() as session:
        signing.adopt(session, OTHER, NOON)
    assert host(RIGHT).run(Lane.TRANSACTIONAL) == 0 and sent.envelopes == []
    assert host(OTHER).run(Lane.TRANSACTIONAL) == 2


def test_a_house_that_signs_nothing_keeps_nothing(
    runtime: Runtime, host: Callable[[Dkim | None], Delivery], mail: int
) -> None:
    assert host(None).run(Lane.TRANSACTIONAL) == 1 and _known(runtime) == {}


def test_of_two_hosts_that_are_first_at_once_one_is_right(runtime: Runtime) -> None:
    together = Barrier(2)

    def first(dkim: Dkim) -> list[str]:
        together.wait()
        with runtime.database.transaction() as session:
            return signing.settle(session, dkim, NOON)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(first, (RIGHT, OTHER)))
    assert sorted(found) == [[], [NAME]] and len(_known(runtime)) == 1
