"""Rules as SQL: for random rules and random people they say what plain Python says, on both databases."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, select, text
from sqlalchemy.orm import Session

from newsletter import schema
from newsletter.campaigns import Campaign
from newsletter.db import Base, Database
from newsletter.mail.ledger import Lane, Reason
from newsletter.mail.ledger.contents import TRIED
from newsletter.sequences import EnrollmentStatus, Sequence, Step
from newsletter.sequences.enrollment import LIVE
from newsletter.subscribers import Segment, Status, Subscriber, Tag
from newsletter.subscribers.segments import Group, How, Rules, above, condition, look_up, sentence
from newsletter.subscribers.segments import rules as r
from tests.conftest import NOON
from tests.subscribers.segments.crowd import Crowd, holds, leaves, make, trees


def _found(session: Session, rules: Rules) -> set[int]:
    return set(session.scalars(select(Subscriber.id).where(condition(rules.on(NOON)))))


def _leaves(crowd: Crowd) -> st.SearchStrategy[r.Rule]:
    return leaves(crowd.guides, crowd.forms, crowd.campaigns, crowd.topics, crowd.series, crowd.steps)


@pytest.fixture(params=[1, 2, 3])
def crowd(request: pytest.FixtureRequest, database: Database) -> Crowd:
    with database.transaction() as session:
        return make(session, request.param)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_sql_says_what_python_says(data: st.DataObject, crowd: Crowd, database: Database) -> None:
    rules = data.draw(trees(_leaves(crowd)))
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
    r.InSeries(999, r.Stage.NEVER), r.AtStep(999), r.AtStep(2**63 - 1),
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
    assert set(above.LIVE) == set(LIVE)
    assert {*above.LIVE, above.FINISHED, above.STOPPED} == set(EnrollmentStatus)


@pytest.mark.parametrize("how", How)
def test_a_step_that_is_taken_out_makes_it_nobody_and_says_so(how: How, database: Database) -> None:
    with database.transaction() as session:
        crowd = make(session, 1)
        step = session.get_one(Step, crowd.steps[0])
        rules = Rules(Group(How.ANY, (r.TakesNewsletter(True), Group(how, (r.AtStep(step.id),)))))
        assert _found(session, rules)
        assert look_up(session, rules).missing(rules) == []
        step.remove(NOON)
        session.flush()
        assert _found(session, rules) == set()
        told = f"“{step.article.title}” is not a step of the series “strong” any more. Choose another step."
        assert look_up(session, rules).missing(rules) == [told]


def test_a_step_is_told_by_its_number_now(database: Database) -> None:
    with database.transaction() as session:
        crowd = make(session, 1)
        calm = session.get_one(Sequence, crowd.series[1])
        third = calm.current_steps[2]
        rules = Rules(r.AtStep(third.id))
        told = f"gets step %s (“{third.article.title}”) of the series “calm” next"
        assert sentence(rules, look_up(session, rules)) == told % 3
        assert calm.move(third, up=True)
        session.flush()
        assert sentence(rules, look_up(session, rules)) == told % 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite tells its plans in other words
def test_who_stands_in_a_series_is_found_by_index_and_in_no_mail(database: Database) -> None:
    with database.transaction() as session:
        crowd = make(session, 1, people=5)
        session.execute(text("SET LOCAL enable_seqscan = off"))
        stages = [r.InSeries(crowd.series[0], stage) for stage in r.Stage]
        for rule in (*stages, r.AtStep(crowd.steps[0])):
            look = select(Subscriber.id).where(condition(Rules(rule).on(NOON)), Subscriber.id == min(crowd.people))
            made = look.compile(session.connection(), compile_kwargs={"literal_binds": True})
            plan = "\n".join(session.scalars(text(f"EXPLAIN {made}")))
            assert "Seq Scan" not in plan and "messages" not in plan, plan
            assert re.search("Index (Only )?Scan using .*subscriber|Bitmap Index Scan on .*subscriber|uq_enroll", plan)
