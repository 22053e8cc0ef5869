"""Out and in again on a new server: the same people, and byte for byte the same addresses."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter import clicks, topics
from newsletter.db import Database
from newsletter.imports import COLUMNS, Fate, export_csv
from newsletter.imports.address import unguarded
from newsletter.imports.export import guarded, tag_cell
from newsletter.imports.person import split_tags
from newsletter.subscribers import (
    EVERY_TOPIC,
    BadAddress,
    Status,
    Subscriber,
    SubscriberTag,
    Suppression,
    Tag,
    TopicChoice,
    clean_name,
    clean_tag,
    read_address,
    set_topics,
    suppressed,
    tag_ids,
    tags_of,
    topic_choice,
)  # fmt: skip
from tests.conftest import NOON
from tests.imports.conftest import SECRET, bring_into

NASTY = '=Food, "sleep"; and | more'
ATEXT = "abcXYZ019!#$%&'*+-/=?^_`{|}~.ëß漢"
NAMES = st.one_of(
    st.text(max_size=30), st.sampled_from(["=1+1", "'=1", "-Ann", "@home", "O'Neil", "St.Jo", 'A "B" C', "a,b;c"])
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2026, 5, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def _emails(draw: st.DrawFn) -> str:
    local = draw(st.text(ATEXT, min_size=1, max_size=12))
    domain = draw(st.sampled_from(["example.com", "bücher.example", "a-b.example.org"]))
    try:
        return read_address(f"{local}@{domain}").email
    except BadAddress:
        return read_address(f"-{len(local)}'x@{domain}").email


@st.composite
def _people(draw: st.DrawFn) -> list[dict[str, object]]:
    people: dict[str, dict[str, object]] = {}
    for email in draw(st.lists(_emails(), min_size=1, max_size=6)):
        status = draw(st.sampled_from(Status))
        joined = draw(MOMENTS)
        confirmed = status is Status.CONFIRMED
        people[read_address(email).key] = {
            "email": email,
            "first_name": clean_name(clean_name(draw(NAMES))),
            "status": status,
            "newsletter": confirmed and draw(st.booleans()),
            "zone": draw(st.sampled_from([None, "Europe/London", "Asia/Kolkata"])),
            "created_at": joined,
            "confirmed_at": joined + timedelta(minutes=5) if confirmed else None,
            "left_at": joined + timedelta(days=9) if status not in (Status.CONFIRMED, Status.PENDING) else None,
            "paused_until": NOON + timedelta(days=draw(st.integers(1, 30)))
            if confirmed and draw(st.booleans())
            else None,
            "digest": confirmed and draw(st.booleans()),
            "objects": draw(st.booleans()),
            "tags": sorted({tag for tag in map(clean_tag, draw(st.lists(NAMES, max_size=3))) if tag}),
            "topics": draw(st.one_of(st.just(EVERY_TOPIC), st.sets(st.sampled_from([1, 2, 3])).map(TopicChoice.of))),
        }
    return list(people.values())


def _fill(database: Database, people: list[dict[str, object]]) -> None:
    with database.transaction() as session:
        for one in people:
            values = {name: one[name] for name in (*COLUMNS, "digest")}
            row = Subscriber(**values, email_key=read_address(str(one["email"])).key)
            session.add(row)
            session.flush()
            ids = tag_ids(session, one["tags"])  # type: ignore[arg-type]
            session.add_all(SubscriberTag(subscriber_id=row.id, tag_id=id) for id in ids.values())
            if one["objects"]:
                clicks.object_to(session, row.id, NOON)
            set_topics(session, row, one["topics"])  # type: ignore[arg-type]


def _read(database: Database) -> list[dict[str, object]]:
    with database.reading() as session:
        return [
            {name: getattr(one, name) for name in (*COLUMNS, "digest")}
            | {"tags": sorted(tags_of(session, one.id)), "topics": topic_choice(session, one)}
            | {"objects": clicks.objects(session, one.id)}
            for one in session.scalars(select(Subscriber).order_by(Subscriber.id))
        ]


def _clear(database: Database) -> None:
    with database.transaction() as session:
        for table in (SubscriberTag, Tag, Subscriber):
            session.execute(table.__table__.delete())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=_people())
def test_the_same_people_come_back(people: list[dict[str, object]], database: Database) -> None:
    _clear(database)
    with database.transaction() as session:
        if topics.by_name(session, NASTY) is None:
            assert topics.add(session, NASTY, NOON).id == 3
    _fill(database, people)
    assert _read(database) == people
    out = io.StringIO(newline="")
    with database.reading() as session:
        export_csv(session, out, [SECRET])
    _clear(database)
    report = bring_into(database, out.getvalue().encode(), now=NOON)
    assert not report.fates[Fate.REFUSED], out.getvalue()
    assert _read(database) == people


@pytest.mark.parametrize("word", ["yes", "", "no", "nonsense"])
@pytest.mark.parametrize("chosen", [True, False])
def test_nobody_who_is_here_is_given_another_rhythm(word: str, chosen: bool, database: Database) -> None:
    """Jane is a reader, Joe waits for his own press: what they chose here holds, whatever the file says."""
    header = "email,status,one_mail_a_week\n"
    bring_into(database, f"{header}jane@x.example,active,\njoe@x.example,pending,yes\n")
    with database.transaction() as session:
        jane, joe = session.scalars(select(Subscriber).order_by(Subscriber.id))
        assert (jane.digest, joe.digest) == (False, False), "who is no reader has chosen nothing"
        jane.digest = chosen
    bring_into(
        database, f"{header}jane@x.example,active,{word}\njoe@x.example,active,{word}\nnew@x.example,active,{word}\n"
    )
    with database.reading() as session:
        jane, joe, new = session.scalars(select(Subscriber).order_by(Subscriber.id))
        assert (jane.digest, joe.digest, new.digest) == (chosen, False, word == "yes")


def test_who_was_blocked_is_blocked_on_the_new_server_too(database: Database) -> None:
    bring_into(database, "email,status\nann@x.example,blocked\nbea@x.example,unsubscribed\ncat@x.example,active\n")
    out = io.StringIO(newline="")
    with database.reading() as session:
        export_csv(session, out, [SECRET])
    assert [line.split(",")[2] for line in out.getvalue().splitlines()[1:]] == ["blocked", "unsubscribed", "confirmed"]
    _clear(database)
    with database.transaction() as session:
        session.execute(Suppression.__table__.delete())  # type: ignore[arg-type]
    bring_into(database, out.getvalue().encode(), now=NOON)
    with database.reading() as session:
        kept_out = suppressed(session, [SECRET], [f"{name}@x.example" for name in ("ann", "bea", "cat")])
    assert kept_out == {"ann@x.example"}


@given(st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), max_size=12))
def test_the_guard_goes_on_and_comes_off(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@"))


@given(st.lists(NAMES.map(clean_tag).filter(bool), unique=True, max_size=4))
def test_tags_go_through_one_cell(tags: list[str]) -> None:
    assert [clean_tag(one) for one in split_tags(tag_cell(tags))] == (tags or [""])
