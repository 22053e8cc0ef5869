"""Before it goes an owner is told whether they have seen it as it is: its words, its theme, and who sends."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from newsletter import accounts, brand, preflight
from newsletter.accounts import Owner
from newsletter.campaigns import Campaign
from newsletter.mail import ledger
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.trial import Trial
from newsletter.preflight import Check, Level
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from newsletter.theme import FIRST
from tests.conftest import NOON

Say = Callable[[], list[Check]]


@pytest.fixture
def draft(runtime: Runtime) -> int:
    """A campaign of the first article that there is."""
    with runtime.database.transaction() as session:
        accounts.create(session, "paula@example.org", "a long enough password", NOON)
        one = session.scalars(select(Campaign).order_by(Campaign.id).limit(1)).one()
        return one.id


@pytest.fixture
def say(runtime: Runtime, draft: int) -> Say:
    """What is said of its test."""

    def said() -> list[Check]:
        with runtime.database.reading() as session:
            campaign, house = session.get_one(Campaign, draft), brand.current(session)
            return list(preflight.tested(session, runtime.renderer, house, campaign))

    return said


def send_test(runtime: Runtime, draft: int, key: str, *, noted: bool = True) -> None:
    """A test of the campaign's words as they are now."""
    with runtime.database.transaction() as session:
        revision = session.get_one(Campaign, draft).revision
        words = content_of(session, revision)
        seen = preflight.print_of(runtime.renderer, brand.current(session), words) if noted else ""
        owner = session.scalars(select(Owner)).first()
        assert owner is not None
        ledger.queue(session, owner, Stream.TEST, key, NOON, revision=revision,
                     context=Trial(fingerprint=seen).context)  # fmt: skip


def test_a_mail_that_nobody_has_tried_is_a_warning(say: Say) -> None:
    (check,) = say()
    assert check.level is Level.WARNING and "No test of it has been sent yet." in check.found


def test_a_test_as_it_stands_is_in_order(runtime: Runtime, draft: int, say: Say) -> None:
    send_test(runtime, draft, "test:1")
    (check,) = say()
    assert check.level is Level.GOOD


def test_other_words_want_another_test(runtime: Runtime, draft: int, say: Say) -> None:
    send_test(runtime, draft, "test:1")
    with runtime.database.transaction() as session:
        session.get_one(Campaign, draft).article.revise(NOON, subject="Other", preheader="", body="Other words.")
    (check,) = say()
    assert check.level is Level.WARNING and "Its words have changed since the last test." in check.found
    send_test(runtime, draft, "test:2")
    assert say()[0].level is Level.GOOD


def test_another_theme_or_sender_wants_another_test(runtime: Runtime, draft: int, say: Say) -> None:
    send_test(runtime, draft, "test:1")
    with runtime.database.transaction() as session:
        brand.current(session).wear(FIRST, "another frame", "")
    assert "The theme, or what Settings say of you, has changed since the last test." in say()[0].found
    send_test(runtime, draft, "test:2")
    assert say()[0].level is Level.GOOD
    with runtime.database.transaction() as session:
        brand.current(session).address = "1 Other Street"
    assert say()[0].level is Level.WARNING


def test_whether_clicks_are_counted_is_no_other_look(runtime: Runtime, draft: int, say: Say) -> None:
    send_test(runtime, draft, "test:1")
    with runtime.database.transaction() as session:
        brand.current(session).counts_clicks = True
    assert say()[0].level is Level.GOOD


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_test_that_never_came_does_not_count(runtime: Runtime, draft: int, say: Say, state: State) -> None:
    send_test(runtime, draft, "test:1")
    with runtime.database.transaction() as session:
        session.execute(update(Message).values(state=state, due_at=None, settled_at=NOON))
    assert say()[0].level is Level.WARNING


def test_a_test_of_an_older_version_counts_for_its_words(runtime: Runtime, draft: int, say: Say) -> None:
    send_test(runtime, draft, "test:1", noted=False)
    assert say()[0].level is Level.GOOD
