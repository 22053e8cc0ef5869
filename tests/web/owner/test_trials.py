"""Tests to a few addresses, as the reader gets it who was looked at: and to nobody who must not be written to."""

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter.mail.ledger import Message
from newsletter.mail.ledger.mentions import forget_mentions
from newsletter.mail.ledger.trial import Trial
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    Field,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    read_address,
    set_values,
)
from newsletter.subscribers.suppression import address_hash
from tests.conftest import NOON
from tests.web.owner.conftest import EMAIL, Desk

Inbox = Callable[[str], list[EmailMessage]]


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture
def jane(runtime: Runtime, person: Callable[..., int]) -> int:
    """Jane, of Hull."""
    id = person("jane@example.com", "Jane")
    with runtime.database.transaction() as session:
        town = Field(key="town", label="Town", created_at=NOON)
        session.add(town)
        session.flush()
        set_values(session, id, {town: "Hull"})
    return id


def test_it_goes_to_each_once_as_the_chosen_reader_would_get_it(
    desk: Desk, runtime: Runtime, article: int, jane: int, inbox: Inbox
) -> None:
    words = {"title": "T", "subject": "For {{ first_name }}", "body": "{{ greeting }} of {{ fields.town }}."}
    desk.post(f"/owner/articles/{article}/edit", **words, base="1")
    form = {"to": f"ann@example.org, {EMAIL};bob@example.org ann@EXAMPLE.org", "subscriber": str(jane), "number": "1"}
    told = desk.told(f"/owner/articles/{article}/test", **form)
    assert f"on its way to ann@example.org, {EMAIL}, bob@example.org." in told
    assert "As Jane would get it" in told
    for one in ("ann@example.org", EMAIL, "bob@example.org"):
        (mail,) = inbox(one)
        assert mail["Subject"] == "[Test] For Jane"
        assert "Hello Jane of Hull." in text(mail)
        assert runtime.renderer.urls.preferences(jane) not in text(mail)
        assert runtime.renderer.urls.preferences(0) in text(mail)
    assert "on its way already" in desk.told(f"/owner/articles/{article}/test", **form)
    assert len(inbox("ann@example.org")) == 1
    assert inbox("jane@example.com") == []
    assert "to ann@example.org" in desk.read("/owner/audit")


def test_without_a_reader_and_without_an_address_it_goes_to_the_owner_as_nobody(
    desk: Desk, article: int, inbox: Inbox
) -> None:
    desk.post(f"/owner/articles/{article}/test", to=" ", number="1")
    (mail,) = inbox(EMAIL)
    assert "Hello," in text(mail)


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED])
def test_nobody_who_has_left_gets_a_test(
    desk: Desk, runtime: Runtime, article: int, jane: int, inbox: Inbox, status: Status
) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, jane).status = status
    told = desk.told(f"/owner/articles/{article}/test", to="ann@example.org JANE@example.com", number="1")
    assert "no test goes there. Nothing was sent." in told
    assert inbox("ann@example.org") == inbox("jane@example.com") == []


def test_nor_does_an_address_that_is_suppressed(desk: Desk, runtime: Runtime, article: int, inbox: Inbox) -> None:
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], read_address("eve@example.com").key)
        Suppression.add(session, hashed, SuppressionReason.REFUSED, NOON)
    assert "no test goes there" in desk.told(f"/owner/articles/{article}/test", to="eve+x@example.com", number="1")
    assert inbox("eve+x@example.com") == []


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("a@b", "is no e-mail address"), ("ann@example.org\r\nBcc: x", "“Bcc:” is no e-mail address"),
        ("a@example.org " * 6, "5 addresses at most"), ("<script>@x", "is no e-mail address"), ("\0", "on its way"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_and_nothing_is_sent(
    desk: Desk, article: int, to: str, told: str, inbox: Inbox
) -> None:
    assert told in desk.told(f"/owner/articles/{article}/test", to=to, number="1")
    assert inbox("ann@example.org") == []


def test_who_is_erased_meanwhile_is_in_no_test(
    desk: Desk, runtime: Runtime, article: int, jane: int, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.post(f"/owner/articles/{article}/test", to="zoe@example.org", subscriber=str(jane), number="1")
    with runtime.database.transaction() as session:
        forget_mentions(session, "zoe@example.org")
        session.delete(session.get_one(Subscriber, jane))
    with runtime.database.reading() as session:
        message = session.scalars(select(Message).where(Message.stream == Stream.TEST)).one()
        assert message.context is not None and "zoe" not in str(message.context)
        assert (message.context["to"], message.context["like"]) == ("[erased]", jane)
        assert replace(Trial.of(message.stream, message.context), fingerprint="") == Trial("", jane)


def test_only_a_test_goes_elsewhere() -> None:
    assert Trial.of(Stream.NOTICE, {"to": "a@example.org", "like": 1}) == Trial()
    assert Trial.of(Stream.TEST, None) == Trial()
