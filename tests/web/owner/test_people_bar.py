"""The bar above the list of people: each choice narrows, and holds for all that is done there."""

import re
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import select

from newsletter import topics
from newsletter.bulk_actions import BulkAction
from newsletter.clock import FixedClock
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import (
    Estimate,
    FieldKind,
    Subscriber,
    TopicChoice,
    add_field,
    set_topics,
    set_values,
    tags_of,
)
from newsletter.subscribers.segments import Group, How, Rules
from newsletter.subscribers.segments import rules as r
from newsletter.web import state
from newsletter.web.owner import people, people_filter
from tests.bulk_actions.conftest import ASKED, OTHERS, Crowd, crowd
from tests.conftest import NOON
from tests.web.owner.conftest import PASSWORD, Desk, readable
from tests.web.owner.test_bulk_actions import _turn
from tests.web.owner.test_segments import _press, _rules, saved

__all__ = ["crowd"]
EVERYBODY = {*ASKED, *OTHERS, "lou@example.com", "pip@example.com"}


def _shown(desk: Desk, **bar: object) -> set[str]:
    answer = desk.client.get("/owner/subscribers?" + urlencode(bar))
    assert answer.status_code == 200
    return {one for one in EVERYBODY if one in answer.text}


@pytest.fixture
def guide(crowd: Crowd) -> str:
    """The slug of the guide that three of them have, and one who left."""
    with crowd.runtime.database.reading() as session:
        return session.get_one(Guide, crowd.guide_id).slug


def test_each_choice_narrows(desk: Desk, crowd: Crowd, guide: str, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        topic = topics.every(session)[0].id
        dan = session.scalars(select(Subscriber).where(Subscriber.email == "dan@example.com")).one()
        set_topics(session, dan, TopicChoice.of([]))
        dan.zone, dan.created_at = "Asia/Kolkata", NOON.replace(year=2020)
        age = add_field(session, key="age", label="Age", kind=FieldKind.NUMBER, choices=[], fallback="", now=NOON)
        set_values(session, dan.id, {age: "49"})
        step = session.get_one(Sequence, crowd.series_id).current_steps[0].id
    had = {*ASKED, "lou@example.com"}
    assert _shown(desk, asked=guide) == had
    assert _shown(desk, fetched=guide) == set()
    assert _shown(desk, zone="Asia/Kolkata") == {"dan@example.com"} == _shown(desk, joined_before="2021-01-01")
    assert _shown(desk, joined_after="2021-01-01") == EVERYBODY - {"dan@example.com"}
    assert "dan@example.com" not in _shown(desk, topic=topic)
    assert _shown(desk, in_series=crowd.series_id) == set(ASKED) == _shown(desk, step=step)
    assert _shown(desk, in_series=crowd.series_id, stage="stopped") == {"lou@example.com"}
    assert _shown(desk, in_series=crowd.series_id, stage="never", status="confirmed") == set(OTHERS)
    assert _shown(desk, field="age", how="more", value="48") == {"dan@example.com"}
    assert _shown(desk, field="age", how="more", value="49") == set()
    assert _shown(desk, in_series=crowd.series_id, stage="never", q="eve") == {"eve@example.com"}


@pytest.mark.parametrize(
    ("bar", "told"),
    [({"zone": "Mars/Olympus"}, "This is no time zone we know."), ({"joined_after": "soon"}, "Choose a day"),
     ({"topic": "x"}, "Choose a topic."), ({"form": "999"}, "There is no form “999” any more."),
     ({"sent": "999"}, "There is no campaign “999” any more."), ({"step": "9" * 30}, "Choose a step of a series."),
     ({"clicked": "-1"}, "Choose a campaign."), ({"in_series": "1", "stage": "x"}, "Choose where they stand"),
     ({"field": "gone", "value": "x"}, "Choose a field."), ({"asked": "{{7*7}}"}, "There is no guide “{{7*7}}” any")],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_and_nobody(desk: Desk, crowd: Crowd, bar: dict[str, str], told: str) -> None:
    assert told in desk.read("/owner/subscribers?" + urlencode(bar))
    assert _shown(desk, **bar) == set()
    assert "0 more people" in desk.told("/owner/subscribers/tag", name="x", verb="tag", **bar)
    assert desk.client.get("/owner/segments/new?" + urlencode(bar)).status_code == 200


def test_what_is_empty_does_not_stay_in_the_address(desk: Desk, crowd: Crowd, guide: str) -> None:
    answer = desk.client.get(
        f"/owner/subscribers?asked={guide}&zone=&joined_after=&form=&status=confirmed&stage=in&how=is"
    )
    assert (answer.status_code, answer.location) == (303, f"/owner/subscribers?status=confirmed&asked={guide}")


def test_it_is_told_as_a_sentence_and_saved_as_a_segment(
    desk: Desk, crowd: Crowd, guide: str, runtime: Runtime
) -> None:
    query = f"status=confirmed&asked={guide}&in_series={crowd.series_id}&stage=in"
    shown = desk.get(f"/owner/subscribers?{query}")
    assert "Everybody who is confirmed and asked for the guide “" in readable(shown)
    assert "and is in the series “" in readable(shown)
    assert f'href="/owner/segments/new?{query}"'.replace("&", "&amp;") in shown
    _press(desk, "/owner/segments/new", desk.get(f"/owner/segments/new?{query}"), "save", name="Few")
    rules = (r.HasStatus(r.Status.CONFIRMED), r.AskedFor(guide), r.InSeries(crowd.series_id, r.Stage.IN))
    assert _rules(runtime, "Few") == Rules(Group(How.ALL, rules), "Europe/London")


def test_tags_and_the_file_hold_for_those_shown(desk: Desk, crowd: Crowd, guide: str, runtime: Runtime) -> None:
    desk.post("/owner/proof", password_again=PASSWORD)
    exported = desk.client.get(f"/owner/subscribers/export.csv?asked={guide}&status=confirmed").text
    assert {line.split(",")[0] for line in exported.splitlines()[1:]} == set(ASKED)
    assert "4 more people" in desk.told("/owner/subscribers/tag", asked=guide, name="had it", verb="tag")
    with runtime.database.reading() as session:
        people = session.scalars(select(Subscriber)).all()
        assert {one.email for one in people if tags_of(session, one.id)} == {*ASKED, "lou@example.com"}


def test_a_bulk_action_is_for_those_shown_and_keeps_their_filter(
    desk: Desk, crowd: Crowd, guide: str, runtime: Runtime, clock: FixedClock
) -> None:
    """Behind a segment too, and whatever becomes of that."""
    segment = saved(runtime, Rules(r.HasStatus(r.Status.CONFIRMED)), "Here")
    asked = {"asked": guide, "segment": segment}
    assert "all of 3 people shown" in desk.read("/owner/subscribers/actions/new?" + urlencode(asked))
    desk.post("/owner/subscribers/actions/erase", do="erase", sure="3", password_again=PASSWORD, **asked)
    with runtime.database.reading() as session:
        assert len(session.scalars(select(BulkAction)).one().people.rules) == 2
    _turn(runtime, clock)
    assert crowd.addresses() == EVERYBODY - set(ASKED)
    with runtime.database.reading() as session:  # it need not know any more whom it was for
        assert session.scalars(select(BulkAction)).one().rules is None


def test_an_erased_address_is_taken_out_of_rules_that_wait(desk: Desk, crowd: Crowd, runtime: Runtime) -> None:
    segment = saved(runtime, Rules(r.Called("ann@example.com")), "Ann")
    chosen = {"do": "stop-series", "series": crowd.series_id, "segment": segment, "in_series": crowd.series_id}
    desk.post("/owner/subscribers/actions/new", **chosen)
    runtime.forget_traces("ann@example.com")
    with runtime.database.reading() as session:
        assert "ann@example.com" not in str(session.scalars(select(BulkAction)).one().rules)


def test_pages_of_a_filter_keep_it(desk: Desk, crowd: Crowd, guide: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PAGE", 1)
    html = desk.get(f"/owner/subscribers?asked={guide}&joined_after=2020-01-01")
    (older,) = re.findall(r'href="([^"]*before=[0-9]+[^"]*)"', html)
    assert f"asked={guide}" in older and "joined_after=2020-01-01" in older
    assert "cid@example.com" in desk.get(older.replace("&amp;", "&"))


def test_the_count_is_told_while_it_is_chosen(desk: Desk, crowd: Crowd, guide: str) -> None:
    count = "/owner/subscribers/count.json?"
    assert desk.client.get(f"{count}asked={guide}&zone=").json == {"told": "4 people", "again": False}
    assert desk.client.get(f"{count}q=ann").json == {"told": "1 person", "again": False}
    assert "no time zone" in desk.client.get(f"{count}zone=x").json["told"]
    assert desk.client.get(count).headers["Cache-Control"] == "no-store"


def test_the_count_of_a_large_list_is_about_right_until_it_is_counted(
    desk: Desk, crowd: Crowd, guide: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "LARGE", 0)
    monkeypatch.setattr(people_filter, "estimate", lambda session, *conditions: Estimate(12_000))
    count = f"/owner/subscribers/count.json?asked={guide}"
    assert desk.client.get(count).json == {"told": "about 12,000 people; they are being counted", "again": True}
    app.extensions["newsletter"].figures.wait()
    assert desk.client.get(count).json == {"told": "4 people", "again": False}
    monkeypatch.setattr(people_filter, "estimate", lambda session, *conditions: Estimate(900, is_bound=True))
    assert "fewer than 900" in desk.client.get(f"{count}&q=ann").json["told"]
    app.extensions["newsletter"].figures.wait()  # or its connection would outlive the database
