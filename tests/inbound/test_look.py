"""A real IMAP conversation: what is taken, what is left untouched, and what the owner is told when it fails."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import accounts, articles, installation, jobs
from newsletter.clock import FixedClock
from newsletter.feedback import Inbox, InboxTrouble
from newsletter.inbound import look, read_inboxes
from newsletter.links import Purpose
from newsletter.mail.ledger import Lane, Message, State, queue
from newsletter.runtime import Runtime
from newsletter.settings import Settings
from newsletter.subscribers import Status, Stream, Subscriber
from tests.conftest import NOON
from tests.imap_server import ImapServer
from tests.reports import JANE, dsn, head, leaving

LETTER = (head("paul@example.org", "aunt@example.com", "Dinner on Sunday?") + "\n\nSix?\n").encode()
GOING_ON = lambda: False  # noqa: E731


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer([LETTER]) as server:
        yield server


@pytest.fixture
def rt(runtime: Runtime, server: ImapServer) -> Runtime:
    return _reading(runtime, server.url)


def _reading(runtime: Runtime, url: str) -> Runtime:
    runtime.settings = Settings.model_validate({**runtime.settings.model_dump(), "inbox_url": url})
    return runtime


@pytest.fixture
def jane(person: Callable[..., int]) -> int:
    return person(JANE)


def _leaving(rt: Runtime, jane: int, *more: str) -> bytes:
    return leaving(f"unsubscribe {rt.signer.token(Purpose.UNSUBSCRIBE, jane, 1)}", *more)


def _status(rt: Runtime, jane: int) -> Status:
    with rt.database.reading() as session:
        return session.get_one(Subscriber, jane).status


def _notices(rt: Runtime) -> list[str]:
    with rt.database.reading() as session:
        found = session.scalars(select(Message).where(Message.stream == Stream.NOTICE).order_by(Message.id))
        return [" ".join((one.context or {})["lines"]) for one in found]


def test_what_is_ours_is_taken_and_marked_and_all_else_is_left_as_it_lies(
    rt: Runtime, server: ImapServer, jane: int
) -> None:
    server.add(_leaving(rt, jane))
    assert read_inboxes(rt, GOING_ON) == 1
    assert _status(rt, jane) is Status.UNSUBSCRIBED
    assert server.flags == {1: set(), 2: {r"\Seen", "$Newsletter"}}
    assert set(server.heard) <= {"CAPABILITY", "LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE", "LOGOUT"}


def test_a_mail_is_read_once(rt: Runtime, server: ImapServer, jane: int) -> None:
    for _ in range(3):
        read_inboxes(rt, GOING_ON)
    server.add(_leaving(rt, jane))
    read_inboxes(rt, GOING_ON)
    assert server.fetched == [1, 2]
    server.uid_validity = 8  # the server has numbered its mails anew
    read_inboxes(rt, GOING_ON)
    assert server.fetched == [1, 2, 1]


def test_a_server_that_keeps_no_words_gets_the_flag_alone(rt: Runtime, server: ImapServer, jane: int) -> None:
    server.keeps_words = False
    uid = server.add(_leaving(rt, jane))
    read_inboxes(rt, GOING_ON)
    assert server.flags[uid] == {r"\Seen"}


def test_a_report_that_is_too_early_is_found_again(rt: Runtime, server: ImapServer, jane: int) -> None:
    with rt.database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="x").current
        message, _ = queue(session, session.get_one(Subscriber, jane), Stream.STEP, "one", NOON, revision=words)
        session.flush()
        id = message.id
    server.add(dsn(rt.renderer.return_path(id)))
    server.add(LETTER)
    assert read_inboxes(rt, GOING_ON) == 0
    assert server.flags[2] == set()
    rt.delivery.run(Lane.BULK)
    assert read_inboxes(rt, GOING_ON) == 1
    assert _status(rt, jane) is Status.BOUNCED
    with rt.database.reading() as session:
        assert session.get_one(Message, id).state is State.BOUNCED


def test_one_look_takes_only_so_much(
    rt: Runtime, server: ImapServer, jane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MOST", 3)
    for _ in range(3):
        server.add(LETTER)
    server.add(_leaving(rt, jane))
    assert [read_inboxes(rt, GOING_ON), read_inboxes(rt, GOING_ON)] == [0, 1]


def test_a_worker_that_is_told_to_stop_leaves_the_rest(rt: Runtime, server: ImapServer) -> None:
    read_inboxes(rt, lambda: True)
    assert server.fetched == []


@pytest.fixture
def owner(rt: Runtime) -> None:
    with rt.database.transaction() as session:
        if accounts.first(session) is None:
            accounts.create(session, "paul@example.org", "a password of Paul's own", NOON)


def _trouble(rt: Runtime) -> tuple[InboxTrouble | None, int]:
    with rt.database.reading() as session:
        inbox = session.scalars(select(Inbox)).one()
        assert "secret" not in inbox.name and "wrong" not in inbox.name
        return inbox.trouble, inbox.last_uid


@pytest.mark.parametrize(
    ("change", "trouble", "advice"),
    [(("secret", "wrong"), InboxTrouble.LOGIN, "password"), (("INBOX", "Inbokks"), InboxTrouble.FOLDER, "folder")],
)
def test_what_only_the_owner_can_mend_is_told_at_once_and_once_a_day(
    change: tuple[str, str], trouble: InboxTrouble, advice: str, rt: Runtime, server: ImapServer, owner: None
) -> None:
    _reading(rt, server.url.replace(*change))
    for _ in range(3):
        assert read_inboxes(rt, GOING_ON) == 0
    assert _trouble(rt)[0] is trouble
    (notice,) = _notices(rt)
    assert advice in notice and "INBOX_URL" in notice and "nothing is lost" in notice
    assert "wrong" not in notice.replace("wrong user or password", "")


def test_a_server_that_is_away_is_asked_again_and_the_owner_told_after_an_hour(
    runtime: Runtime, clock: FixedClock, jane: int
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        rt = _reading(runtime, f"imap://jane:secret@127.0.0.1:{nobody.getsockname()[1]}/INBOX")
        with rt.database.transaction() as session:
            if accounts.first(session) is None:
                accounts.create(session, "paul@example.org", "a password of Paul's own", NOON)
        for minutes, told in ((0, 0), (59, 0), (1, 1)):
            clock.forward(timedelta(minutes=minutes))
            assert read_inboxes(rt, GOING_ON) == 0
            assert len(_notices(rt)) == told
    assert _trouble(rt)[0] is InboxTrouble.UNREACHABLE


@pytest.mark.sqlite_only
@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE", "LOGOUT"])
@pytest.mark.parametrize(
    "words", ["", "* BYE\r\n", "* 1 FETCH (UID 2 BODY[]<0> {5000}\r\nFrom: half", "\udcff\udcfe\r\n"]
)
def test_whatever_the_server_does_in_the_middle_the_next_look_goes_on(
    command: str, words: str, rt: Runtime, server: ImapServer, jane: int
) -> None:
    uid = server.add(_leaving(rt, jane))
    server.hang_up_at, server.last_words = command, words
    read_inboxes(rt, GOING_ON)
    server.hang_up_at = ""
    read_inboxes(rt, GOING_ON)
    assert _status(rt, jane) is Status.UNSUBSCRIBED
    assert r"\Seen" in server.flags[uid]
    assert _trouble(rt) == (None, uid)


def test_a_copy_that_nobody_has_looked_at_leaves_the_inbox_to_the_original(
    rt: Runtime, server: ImapServer, jane: int
) -> None:
    server.add(_leaving(rt, jane))
    with rt.database.transaction() as session:
        installation.current(session).lock(installation.LockReason.COPIED, 0, None, NOON)
    assert jobs.read_inboxes(rt, GOING_ON) == 0
    assert server.sessions == 0
    with rt.database.transaction() as session:
        installation.current(session).unlock()
    assert jobs.read_inboxes(rt, GOING_ON) == 1


def test_without_an_inbox_nothing_is_asked(runtime: Runtime) -> None:
    assert read_inboxes(runtime, GOING_ON) == 0
