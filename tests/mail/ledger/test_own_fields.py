"""A claim reads the fields that its words name, of its own readers, and nothing more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from quopri import decodestring

import pytest
from sqlalchemy import event, select

from newsletter import articles
from newsletter.articles import Revision
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Field, FieldKind, Segment, Stream, Subscriber, add_field, set_values
from tests.conftest import NOON

People = Callable[..., int]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def towns(database: Database, person: People) -> list[int]:
    """Ann of Leeds, and Bob, of whom nobody knows it; both have a size that no mail asks for."""
    ids = [person("ann@example.com", "Ann"), person("bob@example.com", "Bob")]
    with database.transaction() as session:
        city = add_field(session, key="city", label="Town", kind=FieldKind.TEXT, choices=[], fallback="town", now=NOON)
        size = add_field(session, key="size", label="Size", kind=FieldKind.NUMBER, choices=[], fallback="", now=NOON)
        set_values(session, ids[0], {city: "Leeds", size: "42"})
        set_values(session, ids[1], {size: "43"})
    return ids


def _queue(database: Database, ids: list[int], body: str, *, campaign: bool) -> None:
    with database.transaction() as session:
        revision = articles.write(session, NOON, title="t", subject="s", body=body).current
        session.flush()
        if campaign:
            made = Dispatch(revision_id=revision.id, idempotency_key="campaign:1", created_at=NOON, fill_until=max(ids))
            session.add(made)
            session.flush()
            fill(session, made, Segment().condition(), NOON, 100)
            return
        for id in ids:
            to = session.get_one(Subscriber, id)
            ledger.queue(session, to, Stream.STEP, "step:1:1", NOON, revision=revision, context={"guide": None})


def _claimed(runtime: Runtime) -> list[dict[str, str]]:
    with runtime.database.transaction() as session:
        claim = ledger.claim(session, Lane.BULK, "a", NOON, 10, own_fields=runtime.delivery.contents.own_fields)
        assert claim is not None
        return [dict(one.fields) for one in claim.messages]


@pytest.mark.parametrize("campaign", [True, False], ids=["batch", "rows"])
@pytest.mark.parametrize(
    ("body", "ann", "bob"),
    [
        ("{{ greeting }}", {"first_name": "Ann"}, {"first_name": "Bob"}),
        ("{{ fields.city }}", {"first_name": "Ann", "fields.city": "Leeds"}, {"first_name": "Bob"}),
    ],
    ids=["none", "one"],
)
def test_a_claim_reads_what_its_words_name(
    runtime: Runtime, towns: list[int], body: str, ann: dict[str, str], bob: dict[str, str], campaign: bool
) -> None:
    _queue(runtime.database, towns, body, campaign=campaign)
    with statements(runtime.database) as asked:
        assert _claimed(runtime) == [ann, bob]
    about = [one for one in asked if "field" in one]
    assert len(about) == (2 if "fields.city" in ann else 0), "the fields there are, and what these readers have"


@pytest.mark.parametrize("campaign", [True, False], ids=["batch", "rows"])
def test_each_reader_gets_their_own_value_or_the_fall_back(
    runtime: Runtime, sent: SentList, towns: list[int], campaign: bool
) -> None:
    _queue(runtime.database, towns, "In {{ fields.city }}.", campaign=campaign)
    assert runtime.delivery.run(Lane.BULK) == 2
    assert [b"In Leeds." in decodestring(one.data) for one in sent.envelopes] == [True, False]
    assert b"In town." in decodestring(sent.envelopes[1].data)


def test_a_fall_back_that_was_changed_is_in_the_next_mail(runtime: Runtime, sent: SentList, towns: list[int]) -> None:
    """The words of a revision are kept from one claim to the next; the fields are not."""
    _queue(runtime.database, towns[1:], "In {{ fields.city }}.", campaign=False)
    assert runtime.delivery.run(Lane.BULK) == 1
    with runtime.database.transaction() as session:
        session.scalars(select(Field).where(Field.key == "city")).one().fallback = "Rome"
        revision = session.scalars(select(Revision).order_by(Revision.id.desc()).limit(1)).one()
        to = session.get_one(Subscriber, towns[1])
        ledger.queue(session, to, Stream.STEP, "step:1:2", NOON, revision=revision, context={"guide": None})
    assert runtime.delivery.run(Lane.BULK) == 1
    seen = [decodestring(one.data) for one in sent.envelopes]
    assert b"In town." in seen[0] and b"In Rome." in seen[1]
