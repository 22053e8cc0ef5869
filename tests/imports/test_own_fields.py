"""The owner's fields in files: brought in by key or label, and out and in again as they were."""

import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.db import Database
from newsletter.imports import Fate, Report, export_csv
from newsletter.imports.sentences import how_read, refusals
from newsletter.subscribers import Field, FieldKind, FieldValue, Subscriber, hold
from newsletter.subscribers.field_value import stored
from tests.conftest import NOON
from tests.imports.conftest import SECRET, bring_into

Bring = Callable[..., Report]
KINDS = {"city": FieldKind.TEXT, "born": FieldKind.DATE, "size": FieldKind.NUMBER, "plan": FieldKind.CHOICE,
         "member": FieldKind.YES_NO, "state": FieldKind.TEXT}  # fmt: skip


@pytest.fixture(autouse=True)
def fields(database: Database) -> None:
    """One field of each kind, and one that is called as other programs call something else."""
    with database.transaction() as session:
        for key, kind in KINDS.items():
            choices = ["Gold", "Silver"] if kind is FieldKind.CHOICE else []
            label = "Home town" if key == "city" else key.title()
            session.add(Field(key=key, label=label, kind=kind, choices=choices, created_at=NOON))


def held(database: Database) -> dict[tuple[str, str], str]:
    """What is held, by address and key."""
    look = select(Subscriber.email, Field.key, FieldValue.value).join(FieldValue, FieldValue.field_id == Field.id)
    with database.reading() as session:
        rows = session.execute(look.join(Subscriber, Subscriber.id == FieldValue.subscriber_id))
        return {(email, key): value for email, key, value in rows}


@pytest.mark.parametrize("heading", ["city", "City", "Home town", "HOME_TOWN", "fields.city", "Fields.City"])
def test_a_column_named_like_a_field_is_that_field(bring: Bring, database: Database, heading: str) -> None:
    report = bring(f"email,{heading}\nann@example.com, =Leeds\nben@example.com,\n")
    assert held(database) == {("ann@example.com", "city"): "=Leeds"}
    assert any("your field “Home town”" in line for line in how_read(report.reading))


def test_each_kind_is_read_as_programs_write_it(bring: Bring, database: Database) -> None:
    bring(
        "email;born;size;plan;member\na@example.com;31/05/1960;42,5;GOLD;TRUE\nb@example.com;13 May 1961;7;silver;0\n"
    )
    found = held(database)
    assert [found["a@example.com", key] for key in ("born", "size", "plan", "member")] == [
        "1960-05-31", "42.5", "Gold", "yes"
    ]  # fmt: skip
    assert [found["b@example.com", key] for key in ("born", "size", "plan", "member")] == [
        "1961-05-13", "7", "Silver", "no"
    ]  # fmt: skip


def test_what_a_field_cannot_hold_is_left_out_and_told_and_the_person_comes(bring: Bring, database: Database) -> None:
    report = bring(f"email,born,size,city\na@example.com,soon,many,{'x' * 10_240}\nb@example.com,,,York\n")
    assert report.fates[Fate.ADDED] == 2 and held(database) == {("b@example.com", "city"): "York"}
    assert any("cannot hold" in line and "3" in line for line in refusals(report) + how_read(report.reading))


def test_a_field_s_words_are_no_status(bring: Bring, database: Database) -> None:
    """“unsubscribed” in a column that nobody knows stops an import; in a field of the owner's it is a word."""
    report = bring("email,city\na@example.com,unsubscribed\n")
    assert report.fates[Fate.ADDED] == 1 and held(database) == {("a@example.com", "city"): "unsubscribed"}


def test_a_heading_that_means_something_else_to_programs_is_a_field_only_where_it_says_so(
    bring: Bring, database: Database
) -> None:
    bring("email,state\na@example.com,active\nb@example.com,cancelled\n")
    assert held(database) == {}, "Kit's status"
    bring("email,status,state\nc@example.com,active,Ohio\n")
    bring("email,fields.state\nd@example.com,Utah\n")
    bring("email,state\ne@example.com,Texas\n")
    assert held(database) == {(f"{who}@example.com", "state"): name for who, name in
                              (("c", "Ohio"), ("d", "Utah"), ("e", "Texas"))}  # fmt: skip


def test_who_is_here_already_keeps_what_is_held(bring: Bring, database: Database) -> None:
    bring("email,city\na@example.com,York\n")
    bring("email,city\na@example.com,Leeds\na@example.com,Hull\n")
    assert held(database) == {("a@example.com", "city"): "York"}


def test_a_dry_run_writes_none(bring: Bring, database: Database) -> None:
    bring("email,city\na@example.com,York\n", dry_run=True)
    assert held(database) == {}


def test_a_field_deleted_while_a_file_comes_in_costs_nothing_else(bring: Bring, database: Database) -> None:
    def delete(report: Report, _octets: int) -> None:
        with database.transaction() as session:
            if report.read == 0:
                session.delete(session.scalars(select(Field).where(Field.key == "city")).one())

    report = bring("email,city,size\na@example.com,York,7\n", progress=delete)
    assert report.fates[Fate.ADDED] == 1 and held(database) == {("a@example.com", "size"): "7"}


VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["=1+1", "'=1", "-12", "@x", 'a "b"', "a,b;c|d", "x\ny", "unsubscribed", "NULL"]),
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(VALUES, min_size=1, max_size=4), size=st.decimals(-1000, 1000, places=3))
def test_what_goes_out_comes_back(texts: list[str], size: object, database: Database) -> None:
    with database.transaction() as session:
        session.execute(Subscriber.__table__.delete())
        own = {one.key: one for one in session.scalars(select(Field))}
        rows = []
        for number, text in enumerate(texts):
            email = f"p{number}@example.com"
            person = Subscriber(email=email, email_key=email, created_at=NOON, confirmed_at=NOON, status="confirmed")
            session.add(person)
            session.flush()
            for key, typed in (("city", text), ("size", f"{size:f}"), ("born", "1960-05-31"), ("member", "no")):
                if value := own[key].read(typed):
                    rows.append({"subscriber_id": person.id, "field_id": own[key].id, **stored(own[key], value)})
        hold(session, rows)
    before, out = held(database), io.StringIO(newline="")
    with database.transaction() as session:
        export_csv(session, out, [SECRET])
        session.execute(Subscriber.__table__.delete())
    assert held(database) == {}
    bring_into(database, out.getvalue())
    assert held(database) == before, out.getvalue()
