"""Erasing leaves nothing: in no table, in no file of the data folder, in no log of the database."""

import io
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from newsletter import accounts, articles, credentials, jobs, journey, schema
from newsletter.accounts import AuditEntry, Owner, OwnerSession
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.events import By, Press
from newsletter.imports import Import, import_csv
from newsletter.imports.fate import Fate
from newsletter.imports.run import Order
from newsletter.imports.uploads import Upload
from newsletter.journey import SignUp
from newsletter.local_mail import FILE, Store
from newsletter.mail import alarms, ledger
from newsletter.mail.journal import ASIDE
from newsletter.mail.ledger import Dispatch, Lane, Message
from newsletter.mail.ledger.queue import fill
from newsletter.mail.ledger.trial import Trial
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Consent, Segment, Stream, Subscriber, address_hash, read_address, segments
from newsletter.subscribers.segments.rules import Called, Group, How, Rules
from newsletter.wordings import wording_id
from tests.conftest import NOON
from tests.test_migrations import back_to
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, sign_in
from tests.workbooks import xlsx

JANE, NAME = "jane.grosvenor@example.com", "Quirina"
PEOPLE = 24


def _names_jane(envelope: Envelope) -> SmtpResult:
    """A server that names Jane in every answer, also in those about others (a forwarder does)."""
    words = f"5.7.1 <{JANE.upper()}>: blocked, {JANE} is forwarded"
    return SmtpResult(envelope.key, Stage.REJECTED, 550, "5.7.1", words, "mx.example:25", "RCPT")


def _campaign(runtime: Runtime, readers: list[int]) -> None:
    """A campaign that the breaker pauses, with the server's words in the pause reason and in a notice to the owner."""
    with runtime.database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="{{ greeting }}").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=max(readers))
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, PEOPLE)
    runtime.delivery.run(Lane.BULK)


def _asked_for_her_address(runtime: Runtime, ann: int) -> None:
    """Ann wants to be written to at Jane's address."""
    with runtime.database.transaction() as session:
        reader = session.get_one(Subscriber, ann)
        assert journey.ask_move(session, runtime, reader, read_address(JANE), Press(By.PAGE), NOON)


def _into_the_mailbox(runtime: Runtime, sent: SentList) -> None:
    store = Store(runtime.settings.data_dir / FILE)
    for one in sent.envelopes:
        store.add(one.sender, [one.recipient], one.data, NOON)


@pytest.fixture
def known(runtime: Runtime, person: Callable[..., int], sent: SentList) -> int:
    """Jane, after everything that leaves a trace of her."""
    with runtime.database.transaction() as session:
        owner = credentials.add_owner(session, EMAIL, PASSWORD, NOON)
        accounts.note(session, owner, NOON, "looked for", f"“{JANE.upper()}”")
    jane = person(JANE, NAME)
    _asked_for_her_address(runtime, person("ann@example.com"))
    with runtime.database.transaction() as session:
        consent = Consent(subscriber_id=jane, wording_id=wording_id(session, "yes"), ip="192.0.2.77", given_at=NOON)
        session.add(consent)
        session.get_one(Subscriber, jane).rename("Wilhelmina")  # the name before stands in the file, let go
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, jane).rename(NAME)
        ledger.queue(session, session.get_one(Subscriber, jane), Stream.GOODBYE, "bye", NOON, context={})
    readers = [jane, *(person(f"r{number}@example.com") for number in range(PEOPLE))]
    sent._answer = _names_jane
    _campaign(runtime, readers)
    for lane in Lane:
        while runtime.delivery.run(lane):
            pass
    with runtime.database.transaction() as session:
        for name in (JANE, f"not {JANE.upper()}"):
            segments.save(session, name, Rules(Group(How.ANY, (Called(JANE), Called("golf")))), NOON)
        gone_to = segments.named(session, JANE)
        assert gone_to is not None
        article = articles.write(session, NOON, title="Sent", subject="Sent", body="Sent")
        session.add(Campaign(article=article, created_at=NOON, segment_rules=gone_to.stored))
        ledger.queue(session, session.get_one(Owner, 1), Stream.TEST, "test:1", NOON, revision=article.current,
                     context=Trial(JANE, jane).context)  # fmt: skip
        alarms.confirmations_end(session, [f"5.1.1 <{JANE}>: no such user"] * 2, NOON)
    _into_the_mailbox(runtime, sent)
    for content in (f"email\n{JANE}\n".encode(), f"email\n{JANE}\n".encode("utf-16"), b"email\nann@example.com\n"):
        Upload.keep(runtime.uploads, io.BytesIO(content))
    (book := Upload.keep(runtime.uploads, io.BytesIO(xlsx({"List": [["email"], [JANE]]})))).errors.write_text(JANE)
    assert book.book.is_file()
    listed = io.BytesIO(f"email,name\n{JANE},Jane\n".encode())
    import_csv(runtime.database, listed, f"asked {JANE}", runtime.secrets, NOON, name=f"{JANE.upper()}.csv",
               order=Order(basis="", tags=["desk"]))  # fmt: skip
    with runtime.database.transaction() as session:
        it = session.scalars(select(Import)).one()
        it.problem, it.seen, it.answers = f"“{JANE}” is no status", {"unknown": [[JANE, "s", 2, 1]]}, {JANE: "LEFT"}
    runtime.journals.mkdir(exist_ok=True)
    (runtime.journals / f"cafe.journal{ASIDE}").write_bytes(f"o\t7\t550 <{JANE}> no\n".encode() + b"\xff\0")
    return jane


def _traces(folder: Path, *words: str) -> list[str]:
    """Which files of a folder hold one of these words, in small letters or capitals, as text or quoted-printable."""
    needles = [word.lower().encode() for word in words]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sorted(file.name for file in files if any(needle in file.read_bytes().lower() for needle in needles))


def _rows(database: Database, *words: str) -> list[str]:
    found = []
    with database.reading() as session:
        for table in schema.metadata.sorted_tables:
            for row in session.execute(text(f"SELECT * FROM {table.name}")):  # as it is kept, whatever the type
                if any(word.lower() in str(tuple(row)).lower() for word in words):
                    found.append(table.name)
    return sorted(set(found))


def test_after_an_erasure_no_table_and_no_file_holds_anything(
    runtime: Runtime, known: int, desk_after: Callable[[], Desk], tmp_path: Path
) -> None:
    before = _rows(runtime.database, JANE, NAME)
    assert {"alarms", "attempts", "audit", "dispatches", "messages", "subscribers"} <= set(before)
    assert FILE in _traces(tmp_path, JANE, NAME)
    desk = desk_after()
    assert "Erased" in desk.told(f"/owner/subscribers/{known}/erase", sure="yes")
    assert _rows(runtime.database, JANE, NAME, "192.0.2.77", "Wilhelmina") == []
    assert _traces(tmp_path, JANE, NAME, "192.0.2.77", "Wilhelmina") == []


EARLIER = "jane.before@example.com"


@pytest.mark.parametrize("days", [0, 2])
def test_nor_does_anything_hold_an_address_that_they_had_before(
    days: int, runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock, tmp_path: Path
) -> None:
    jane = person(EARLIER, NAME)
    with runtime.database.transaction() as session:
        asked = session.get_one(Subscriber, jane)
        assert journey.ask_move(session, runtime, asked, read_address(JANE), Press(By.PAGE), NOON)
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    _into_the_mailbox(runtime, sent)
    with runtime.database.transaction() as session:
        journey.move(session, runtime, 1, Press(By.MAIL), NOON)
    clock.forward(timedelta(days=days))
    if days:
        jobs.sweep(runtime, lambda: False)
        assert (_rows(runtime.database, EARLIER), _traces(tmp_path, EARLIER)) == ([], []), "that day is over"
    with runtime.database.transaction() as session:
        addresses = journey.erase(session, runtime, session.get_one(Subscriber, jane), clock.now())
    runtime.forget_traces(*addresses)
    assert _rows(runtime.database, EARLIER, JANE) == []
    assert _traces(tmp_path, EARLIER, JANE) == []


def test_what_others_read_stays_but_for_the_address(
    runtime: Runtime, known: int, desk_after: Callable[[], Desk]
) -> None:
    desk_after().post(f"/owner/subscribers/{known}/erase", sure="yes")
    with runtime.database.reading() as session:
        reason = session.scalars(select(Dispatch.hold_reason)).one()
        assert "refused this mail" in reason and "<[erased]>: blocked" in reason
        notice = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        assert notice.context is not None and notice.context["title"] == "A campaign has been paused"
        assert "[erased]" in notice.context["lines"][0]
    assert len(list(runtime.uploads.iterdir())) == 1
    (aside,) = runtime.journals.iterdir()
    assert aside.read_bytes() == b"o\t7\t550 <[erased]> no\n\xff\0"
    store = Store(runtime.settings.data_dir / FILE)
    assert store.entries("r3@example.com") != []
    assert store.entries(JANE) == []


def test_a_reader_in_the_way_only_puts_it_off(
    runtime: Runtime, known: int, desk_after: Callable[[], Desk], tmp_path: Path
) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL has no log of ours")
    desk = desk_after()
    with runtime.database.reading() as session:
        session.execute(select(Subscriber)).all()
        desk.post(f"/owner/subscribers/{known}/erase", sure="yes")
        assert not runtime.database.scrub()
    jobs.sweep(runtime, lambda: False)
    assert _traces(tmp_path, JANE, NAME) == []


@pytest.mark.parametrize("how", ["not me", "forgotten"])
def test_a_sign_up_that_is_deleted_leaves_no_word_of_its_server(
    how: str, runtime: Runtime, clock: FixedClock, sent: SentList
) -> None:
    """Its confirmations failed, and an alarm told the owner so in the server's words, which name the address."""
    jane = read_address(JANE)
    with runtime.database.transaction() as session:
        credentials.add_owner(session, EMAIL, PASSWORD, NOON)
    sent._answer = _names_jane
    for number in range(alarms.IN_A_ROW):
        with runtime.database.transaction() as session:
            address = jane if number == 4 else read_address(f"r{number}@example.com")
            sign_up = SignUp(address, "exercise-at-50", False, "Yes, please.", "Jane", "/", "box")
            journey.subscribe(session, runtime, sign_up, clock.now())
        runtime.delivery.run(Lane.TRANSACTIONAL)
    assert {"alarms", "messages"} <= set(_rows(runtime.database, JANE))
    with runtime.database.transaction() as session:
        if how == "not me":
            id = session.scalars(select(Subscriber.id).where(Subscriber.email_key == jane.key)).one()
            hashed = address_hash(runtime.secrets[0], jane.mailbox)
            journey.refuse(session, runtime, id, hashed, Press(By.MAIL, page="/not-me"), clock.now())
        else:
            journey.remind_and_forget(session, runtime, clock.now() + timedelta(days=31))
    assert _rows(runtime.database, JANE) == []


def test_who_was_erased_is_not_brought_back_by_an_old_list(
    runtime: Runtime, known: int, desk_after: Callable[[], Desk]
) -> None:
    desk_after().post(f"/owner/subscribers/{known}/erase", sure="yes")
    report = import_csv(runtime.database, io.BytesIO(f"email\n{JANE}\n".encode()), "a list", runtime.secrets, NOON)
    assert report.fates == {Fate.SUPPRESSED: 1}


@pytest.fixture
def desk_after(app: object, runtime: Runtime, sent: SentList) -> Callable[[], Desk]:
    """Paula's browser, signed in when it is called."""

    def opened() -> Desk:
        client = app.test_client()  # type: ignore[attr-defined]
        assert sign_in(client).status_code == 303
        return Desk(client)

    return opened


def test_what_was_deleted_before_deleting_overwrote_it_goes_with_the_upgrade(
    runtime: Runtime, person: Callable[..., int], tmp_path: Path
) -> None:
    database = runtime.database
    if not database.is_sqlite:
        pytest.skip("PostgreSQL looks after its own")
    jane = person(JANE, NAME)
    back_to("0006", database)
    with sqlite3.connect(tmp_path / "newsletter.sqlite3") as old:
        old.execute("PRAGMA secure_delete = OFF")
        old.execute("DELETE FROM subscribers WHERE id = ?", [jane])
    old.close()
    assert _traces(tmp_path, NAME) != []
    schema.upgrade(database)
    assert _traces(tmp_path, JANE, NAME) == []


def test_addresses_of_clients_are_kept_for_a_time(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    database, jane = runtime.database, person("jane@example.com")

    def kept() -> list[set[str | None]]:
        with database.reading() as session:
            return [set(session.scalars(select(kind.ip))) for kind in (Consent, AuditEntry, OwnerSession)]

    def leave_traces(ip: str) -> None:
        with database.transaction() as session:
            owner = accounts.first(session) or credentials.add_owner(session, EMAIL, PASSWORD, NOON)
            now = clock.now()
            for number in range(3):
                session.add(Consent(subscriber_id=jane, wording_id=wording_id(session, "yes"), ip=ip, given_at=now))
                accounts.note(session, owner, now, "signed in", str(number), ip=ip)
            OwnerSession.start(session, owner, now, ip=ip)

    leave_traces("192.0.2.1")
    clock.forward(timedelta(days=100))
    leave_traces("192.0.2.2")
    jobs.sweep(runtime, lambda: False)
    assert kept() == [{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}, {"192.0.2.2"}]
    clock.forward(timedelta(days=81))
    jobs.sweep(runtime, lambda: False)
    assert kept() == [{None, "192.0.2.2"}, {None, "192.0.2.2"}, set()]
    assert runtime.settings.keep_ip_days == 180
