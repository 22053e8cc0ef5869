"""The record of a consent: what was agreed to and taken back, in order, with the words that were read."""

import json
from datetime import timedelta

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.conftest import InlineTrigger
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


def test_of_nobody_there_is_none(desk: Desk) -> None:
    assert desk.client.get("/owner/subscribers/999/consent").status_code == 404
    assert desk.client.get("/owner/subscribers/999/consent.json").status_code == 404
