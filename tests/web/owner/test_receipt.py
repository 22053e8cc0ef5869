"""The record of a consent: what was agreed to and taken back, in order, with the words that were read."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter import data_export, journey, schema
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.conftest import InlineTrigger
from tests.test_migrations_wordings import OLD, live, older, told
from tests.web.owner.conftest import Desk
from tests.web.owner.test_subscribers import signed_up


def test_it_tells_each_act_in_order_with_its_words(
    desk: Desk, runtime: Runtime, clock: FixedClock, trigger: InlineTrigger
) -> None:
    id = signed_up(runtime, "jane@example.com", trigger.wake)
    clock.forward(timedelta(minutes=5))
    with runtime.database.transaction() as session:
        press = Press(By.MAIL, "Unsubscribe me <b>now</b>", "/unsubscribe")
        journey.unsubscribe(session, session.get_one(Subscriber, id), clock.now(), goodbye=False, press=press)
    page = desk.read(f"/owner/subscribers/{id}/consent")
    told = [page.index(words) for words in ("Signed up for", "Confirmed", "Unsubscribe me <b>now</b>")]
    assert told == sorted(told)
    assert "Stands as unsubscribed" in page and "Newsletter no" in page
    held = json.loads(desk.get(f"/owner/subscribers/{id}/consent.json"))
    assert held["subscriber"]["email"] == "jane@example.com"
    assert held["consents"][0]["wording"] in page
    assert [one["words"] for one in held["events"]][-1] == "Unsubscribe me <b>now</b>"
    assert held.keys().isdisjoint({"messages", "clicks", "series"})


CONSENT = (
    "id", "subscriber_id", "guide", "newsletter", "every_topic", "wording", "version", "page", "form", "form_id", "ip",
    "first_name", "language", "given_at", "confirmed_at", "basis", "ended_at", "fields", "topics",
)  # fmt: skip
EVENT = (
    "id", "subscriber_id", "at", "kind", "by", "words", "page", "sequence_id", "topic_id", "before",
    "newsletter_before", "message_id", "why", "topic",
)  # fmt: skip
CHANGE = ("id", "subscriber_id", "asked_at", "words", "done_at", "ended_at", "earlier")
"""What was told of each before wordings had a table, in this order."""


@pytest.mark.both_databases
def test_not_a_letter_changes_where_older_rows_point_at_their_wordings(
    desk: Desk, runtime: Runtime, person: Callable[..., int]
) -> None:
    jane, _ = live(runtime, person)
    older(runtime.database)
    before = told(runtime.database)
    schema.upgrade(runtime.database)
    page = desk.read(f"/owner/subscribers/{jane}/consent")
    for words in ("“Yes.”", "“Two lines ”", "“Jane's husband said: “Yes.””", "“Move me.”", f"wording {OLD}"):
        assert words in page
    with runtime.database.reading() as session:
        held = data_export.of(session, session.get_one(Subscriber, jane))
    assert {tuple(one) for one in held["consents"]} == {CONSENT} and {tuple(one) for one in held["events"]} == {EVENT}
    assert [tuple(one) for one in held["address changes"]] == [CHANGE]
    assert [(one["id"], jane, one["wording"], one["version"]) for one in held["consents"]] == [
        row[:4] for row in before["consents"] if row[1] == jane
    ]
    for name, rows in (("events", before["events"]), ("address changes", before["changes"])):
        assert [(one["id"], one["words"]) for one in held[name]] == [(r[0], r[-1]) for r in rows if r[1] == jane]
    as_file = json.loads(desk.get(f"/owner/subscribers/{jane}/consent.json"))
    assert {name: as_file[name] for name in ("consents", "events", "address changes")} == {
        name: held[name] for name in ("consents", "events", "address changes")
    }


def test_of_nobody_there_is_none(desk: Desk) -> None:
    assert desk.client.get("/owner/subscribers/999/consent").status_code == 404
    assert desk.client.get("/owner/subscribers/999/consent.json").status_code == 404
