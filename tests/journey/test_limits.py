"""Nobody's inbox is filled from our forms, and nobody learns from them who is known."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.journey import SignUp
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.reasons import Reason
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.subscribers import (
    FormMail,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    read_address,
)
from tests.journey.conftest import FIFTY, JANE, PAIN, Street

People = Callable[..., int]
SPELLINGS = ("j.ane.doe@gmail.com", "janedoe+a@gmail.com", "Jane.Doe@googlemail.com", "janedoe+b+c@GMAIL.com",
             "j.a.n.e.d.o.e@gmail.com", "janedoe@gmail.com")  # fmt: skip


def _sent(runtime: Runtime, stream: Stream | None = None) -> int:
    with runtime.database.reading() as session:
        look = select(func.count(Message.id)).where(Message.state != State.CANCELLED)
        return session.scalar(look.where(Message.stream == stream) if stream else look) or 0


def test_three_mails_a_day_go_to_one_mailbox_however_it_is_spelt(street: Street, runtime: Runtime) -> None:
    for email in SPELLINGS:
        for guide in (FIFTY, PAIN):
            street.sign_up(email, guide)
    assert _sent(runtime) == 3


def test_six_mails_a_month_go_to_one_unproven_mailbox(street: Street, runtime: Runtime, clock: FixedClock) -> None:
    for _ in range(29):
        street.sign_up()
        street.sign_up(guide=PAIN)
        clock.forward(timedelta(days=1))
    assert _sent(runtime) == 6
    clock.forward(timedelta(days=2))
    street.sign_up()
    assert _sent(runtime) == 7


def test_a_reader_gets_three_guides_a_day_by_the_hands_of_others(
    street: Street, runtime: Runtime, person: People, clock: FixedClock
) -> None:
    person(JANE)
    for _ in range(8):
        street.sign_up()
        clock.forward(timedelta(minutes=1))
    assert _sent(runtime, Stream.GUIDE) == 3
    assert street.request(PAIN, series=False), "what they ask for themselves is not counted"


def test_what_a_limit_holds_back_is_on_record(street: Street, runtime: Runtime) -> None:
    for number in range(4):
        street.sign_up(name=f"Jane{'abcd'[number]}")
    with runtime.database.reading() as session:
        held = session.scalars(select(Message).where(Message.state == State.CANCELLED)).one()
        assert held.reason is Reason.MAILBOX_LIMIT
        assert (held.due_at, held.settled_at) == (None, runtime.clock.now())


@pytest.mark.parametrize("gap", [0, 1])
def test_two_sign_ups_at_once_do_not_get_by_the_limit(gap: int, street: Street, runtime: Runtime) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda email: street.sign_up(email), SPELLINGS * (1 + gap)))
    assert _sent(runtime) == 3
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(FormMail.id))) == len(SPELLINGS) * (1 + gap)


def test_what_was_sent_to_a_mailbox_is_remembered_when_its_sign_ups_are_deleted(
    street: Street, runtime: Runtime
) -> None:
    for _ in range(5):
        street.sign_up()
        with runtime.database.transaction() as session:
            session.delete(session.scalars(select(Subscriber)).one())
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(FormMail.id)).where(FormMail.sent)) == 3


def test_a_domains_sign_ups_beyond_its_limit_wait_for_their_turn(street: Street, runtime: Runtime) -> None:
    runtime.settings = load(
        {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "SIGN_UPS_PER_DOMAIN": "2"}
    )
    for number in range(8):
        street.sign_up(f"p{number}@small.example.com")
    street.sign_up("p@other.example.com")
    with runtime.database.reading() as session:
        look = select(Message.due_at).where(Message.state != State.CANCELLED).order_by(Message.id)
        days = [(due - runtime.clock.now()) / timedelta(days=1) for due in session.scalars(look) if due]
    assert days == [0, 0, 1, 1, 2, 2, 0], "two a day; who would wait for longer than two days gets none"


def test_an_address_that_bounced_is_asked_once_in_seven_days(
    street: Street, runtime: Runtime, person: People, clock: FixedClock
) -> None:
    person(JANE)
    street.bounce()
    clock.forward(timedelta(days=1))
    for _ in range(8):
        street.sign_up()
        clock.forward(timedelta(days=1))
    assert street.mails() == [Stream.CONFIRM] * 2
    street.press_newest()
    assert street.person().status is Status.CONFIRMED


KINDS = ("new", "pending", "confirmed", "unsubscribed", "bounced", "complained", "suppressed", "refused")


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement.split("FROM")[0].split("(")[0].strip())

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def _prepared(kind: str, runtime: Runtime, person: People) -> None:
    if kind in ("suppressed", "refused"):
        reason = SuppressionReason.OWNER if kind == "suppressed" else SuppressionReason.REFUSED
        with runtime.database.transaction() as session:
            hashed = address_hash(runtime.secrets[0], JANE)
            session.add(Suppression(address_hash=hashed, reason=reason, created_at=runtime.clock.now()))
    elif kind != "new":
        id = person(JANE, confirmed=kind != "pending")
        with runtime.database.transaction() as session:
            session.get_one(Subscriber, id).status = Status(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_costs_the_same_work(kind: str, street: Street, runtime: Runtime, person: People) -> None:
    street.sign_up("the-first@example.com", newsletter=True, name="Jane")  # whose words are new
    with _statements(runtime.database) as usual:
        street.sign_up("somebody-new@example.com", newsletter=True, name="Jane")
    _prepared(kind, runtime, person)
    with _statements(runtime.database) as seen:
        street.sign_up(newsletter=True, name="Jane")
    writes = [[one for one in some if not one.startswith("SELECT")] for some in (seen, usual)]
    assert len(writes[0]) == len(writes[1]), "as many rows are written, or taken back"
    assert len(seen) == len(usual)


@pytest.mark.parametrize("kind", KINDS)
def test_so_does_everybody_who_sends_the_same_words_again(
    kind: str, street: Street, runtime: Runtime, person: People, clock: FixedClock
) -> None:
    _prepared(kind, runtime, person)
    for email in ("somebody-new@example.com", JANE):
        asked = SignUp(read_address(email), PAIN, False, f"Words for {email} alone.")
        inserts = []
        for _ in range(2):
            with _statements(runtime.database) as seen, runtime.database.transaction() as session:
                journey.subscribe(session, runtime, asked, clock.now())
            inserts.append(seen.count("INSERT INTO wordings"))
            clock.forward(timedelta(minutes=1))
        assert inserts == [1, 0], "what is taken back leaves its words"


def test_a_suppressed_address_leaves_no_trace(street: Street, runtime: Runtime, person: People) -> None:
    _prepared("refused", runtime, person)
    street.sign_up()
    with runtime.database.reading() as session:
        assert [session.scalar(select(func.count(table.id))) for table in (Subscriber, Message)] == [0, 0]
