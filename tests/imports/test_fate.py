"""The rule: whatever a file says, nobody comes back who is gone here."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select

from newsletter import feedback, journey, sequences
from newsletter.db import Database
from newsletter.imports import Fate, Report
from newsletter.imports.fate import ENDS, Known, decide
from newsletter.imports.person import Person
from newsletter.imports.standing import Standing
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import (
    Basis,
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    read_address,
)  # fmt: skip
from newsletter.wordings import wording_id
from tests.conftest import NOON
from tests.imports.conftest import SECRET

Bring = Callable[..., Report]
JANE = read_address("jane@example.com")
WRITTEN_TO = (Fate.ADDED, Fate.CONFIRMED)


@pytest.mark.parametrize(("standing", "status", "suppressed"), list(product(Standing, [None, *Status], [True, False])))
def test_nobody_who_is_gone_comes_back(standing: Standing, status: Status | None, suppressed: bool) -> None:
    fate = decide(Person(2, JANE, standing), Known(1, status, suppressed))
    gone = status in (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED) or (
        suppressed and status is not Status.CONFIRMED
    )
    if gone or standing is not Standing.READER:
        assert fate not in WRITTEN_TO
    if standing in ENDS and status in (Status.CONFIRMED, Status.PENDING):
        assert fate is ENDS[standing][0]


def test_who_left_there_and_confirmed_here_since_stays_unless_they_complained() -> None:
    def left(standing: Standing, days: int | None) -> Fate:
        at = NOON + timedelta(days=days) if days is not None else None
        return decide(Person(2, JANE, standing, left=at), Known(1, Status.CONFIRMED, pressed=NOON))

    assert left(Standing.LEFT, -1) is Fate.STAYED
    assert left(Standing.LEFT, None) is Fate.STAYED
    assert left(Standing.LEFT, 1) is Fate.LEFT
    assert left(Standing.COMPLAINED, -1) is Fate.COMPLAINED


@pytest.mark.parametrize("word", ["unsubscribed", "blocked", "complained"])
def test_who_left_elsewhere_and_bounced_here_is_not_back_when_the_bounce_is_lifted(
    word: str, runtime: Runtime, person: Callable[..., int], bring: Bring
) -> None:
    id = person("jane@example.com")
    with runtime.database.transaction() as session:
        feedback.suppress(session, session.get_one(Subscriber, id), Status.BOUNCED, NOON)
    assert sum(bring(f"email,status\njane@example.com,{word}\n").fates.values()) == 1
    again = bring(f"email,status\njane@example.com,{word}\n")
    assert again.fates == {Fate.KNOWN: 1}, "a second import changes nothing"
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, id)
        assert journey.lift(session, runtime, jane, "Spoke to her.", NOON)
        assert (jane.status, jane.newsletter) == (Status.UNSUBSCRIBED, False)


@pytest.mark.parametrize("word", ["unsubscribed", "bounced", "complained"])
def test_who_was_imported_and_has_left_after_all_gets_nothing_more(
    word: str, bring: Bring, runtime: Runtime, person: Callable[..., int]
) -> None:
    id = person("jane@example.com", "Jane")
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, id)
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        sequences.enroll(session, jane, series, "Europe/London", NOON)
        ledger.queue(session, jane, Stream.GUIDE, "guide:x:1", NOON, context={})
    bring(f"email,status,unsubscribed_at\njane@example.com,{word},2026-05-30\n")
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
        assert (jane.status, jane.newsletter) == (Status(word), False)
        assert jane.left_at and jane.left_at.day == 30
        assert {one.state for one in session.scalars(select(Message))} == {State.CANCELLED}
        assert session.scalars(select(Enrollment)).one().ended_at is not None


def test_a_press_of_ones_own_here_is_newer_than_an_undated_word_there(
    bring: Bring, database: Database, person: Callable[..., int]
) -> None:
    id = person("jane@example.com")
    with database.transaction() as session:
        session.add(Consent(subscriber_id=id, newsletter=True, wording_id=wording_id(session, "w"), form="box",
                            given_at=NOON, confirmed_at=NOON))  # fmt: skip
    assert bring("email,status\njane@example.com,cancelled\n").fates == {Fate.STAYED: 1}
    with database.reading() as session:
        assert session.get_one(Subscriber, id).status is Status.CONFIRMED


def test_a_form_that_nobody_stood_by_is_no_press(bring: Bring, database: Database, person: Callable[..., int]) -> None:
    id = person("jane@example.com")
    with database.transaction() as session:
        session.add(Consent(subscriber_id=id, newsletter=True, wording_id=wording_id(session, "w"), form="box",
                            given_at=NOON, confirmed_at=NOON, basis=Basis.FORM))  # fmt: skip
    assert bring("email,status\njane@example.com,cancelled\n").fates == {Fate.LEFT: 1}


@pytest.mark.parametrize(
    ("said_it", "other"),
    [("jane+a@example.com", "jane+b@example.com"), ("jane@gmail.com", "j.ane+x@googlemail.com")],
)  # fmt: skip
def test_never_again_holds_for_the_mailbox_however_it_is_spelt(
    said_it: str, other: str, bring: Bring, database: Database
) -> None:
    with database.transaction() as session:
        hashed = address_hash(SECRET, read_address(said_it).mailbox)
        session.add(Suppression(address_hash=hashed, reason=SuppressionReason.REFUSED, created_at=NOON))
    assert bring(f"email\n{other}\n").fates == {Fate.SUPPRESSED: 1}


def test_who_was_erased_is_not_even_stored_as_gone(bring: Bring, database: Database) -> None:
    with database.transaction() as session:
        hashed = address_hash(SECRET, JANE.key)
        session.add(Suppression(address_hash=hashed, reason=SuppressionReason.ERASED, created_at=NOON))
    for word in ("active", "unsubscribed", "bounced", "pending"):
        assert bring(f"email,status\njane@example.com,{word}\n").fates == {Fate.SUPPRESSED: 1}
    with database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
