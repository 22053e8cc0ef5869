"""Rules as SQL: for random rules and random people they say what plain Python says, on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, select
from sqlalchemy.orm import Session

from newsletter import schema
from newsletter.campaigns import Campaign
from newsletter.db import Base, Database
from newsletter.mail.ledger import Lane, Reason
from newsletter.mail.ledger.contents import TRIED
from newsletter.subscribers import Segment, Status, Subscriber, Tag
from newsletter.subscribers.segments import Group, How, Rules, above, condition, look_up
from newsletter.subscribers.segments import rules as r
from tests.conftest import NOON
from tests.subscribers.segments.crowd import Crowd, holds, leaves, make, trees


def _found(session: Session, rules: Rules) -> set[int]:
    return set(session.scalars(select(Subscriber.id).where(condition(rules.on(NOON)))))


@pytest.fixture(params=[1, 2, 3])
def crowd(request: pytest.FixtureRequest, database: Database) -> Crowd:
    with database.transaction() as session:
        return make(session, request.param)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_sql_says_what_python_says(data: st.DataObject, crowd: Crowd, database: Database) -> None:
    rules = data.draw(trees(leaves(crowd.guides, crowd.forms, crowd.campaigns, crowd.topics)))
    with database.reading() as session:
        found = _found(session, rules)
        sent_to = set(session.scalars(select(Subscriber.id).where(Segment(rules=rules.on(NOON)).condition())))
    expected = {id for id, one in crowd.people.items() if holds(rules.root, one, rules.zone, NOON)}
    assert found == expected
    readers = {id for id, one in crowd.people.items() if one.status is Status.CONFIRMED and one.newsletter}
    assert sent_to == expected & readers  # rules narrow, never widen


GONE = [
    r.HasTag("gone"), r.AskedFor("gone"), r.Fetched("gone"), r.SignedUpBy(999), r.WasSent(999), r.Clicked(999),
    r.ClickedNothing(999), r.TakesTopic(999),
    r.HasField("gone", r.FieldKind.TEXT, r.Compare.IS_NOT, "x"),
    r.HasField("height", r.FieldKind.TEXT, r.Compare.IS_NOT, "x"),  # made anew as a number
    r.Unreadable("from the future"),
]  # fmt: skip


@pytest.mark.parametrize("gone", GONE, ids=repr)
@pytest.mark.parametrize("how", How)
def test_what_is_gone_makes_it_nobody_whatever_stands_around_it(gone: r.Rule, how: How, database: Database) -> None:
    with database.transaction() as session:
        make(session, 1, people=5)
        rules = Rules(Group(How.ANY, (r.TakesNewsletter(True), r.TakesNewsletter(False), Group(how, (gone,)))))
        assert _found(session, rules) == set()
        assert len(look_up(session, rules).missing(rules)) == 1


@pytest.mark.parametrize("how", How)
def test_who_followed_nothing_is_nobody_where_clicks_were_not_counted(how: How, database: Database) -> None:
    with database.transaction() as session:
        crowd = make(session, 1)
        rules = Rules(Group(How.ANY, (r.TakesNewsletter(True), Group(how, (r.ClickedNothing(crowd.campaigns[0]),)))))
        assert _found(session, rules)
        session.get_one(Campaign, crowd.campaigns[0]).counted_clicks = False
        session.flush()
        assert _found(session, rules) == set()
        told = ["Clicks were not counted in “Golf 0”, so nobody knows who followed nothing."]
        assert look_up(session, rules).missing(rules) == told


def test_a_tag_that_is_deleted_later_makes_it_nobody(database: Database) -> None:
    with database.transaction() as session:
        make(session, 1)
        rules = Rules(Group(How.NONE, (r.HasTag("runners"),)))
        assert _found(session, rules)
        assert look_up(session, rules).missing(rules) == []
        session.delete(session.scalars(select(Tag).where(Tag.name == "runners")).one())
        session.flush()
        assert _found(session, rules) == set()
        assert look_up(session, rules).missing(rules) == ["There is no tag “runners” any more."]


@pytest.mark.parametrize("table", [one for one in vars(above).values() if hasattr(one, "columns")], ids=str)
def test_tables_above_are_called_so(table: MetaData) -> None:
    assert schema.metadata is Base.metadata
    real = Base.metadata.tables[str(table)]
    assert {one.name for one in table.columns} <= {one.name for one in real.columns}  # type: ignore[attr-defined]


def test_codes_of_rooms_above_are_the_same() -> None:
    assert above.BULK == Lane.BULK and above.DIGEST == Reason.DIGEST
    assert set(above.TRIED) == set(TRIED)
