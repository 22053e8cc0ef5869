"""What the owner sees of clicks, and the switches."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from newsletter import brand, data_export
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.links import Purpose
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber
from tests.clicking import LATER, ONE, THREE, TWO, Mailed, count_clicks, held, mailed, send_campaign, send_step
from tests.conftest import InlineTrigger
from tests.web.owner.conftest import Desk, sign_in

PEOPLE = ("jane@example.com", "joe@example.com", "ann@example.com", "bob@example.com")


@pytest.fixture
def campaign(
    desk: Desk, runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock
) -> tuple[int, dict[str, Mailed]]:
    """A campaign to four: Jane and Joe have clicked, a machine did for Ann, and Bob left by its link."""
    for email in PEOPLE:
        person(email)
    count_clicks(runtime)
    id = send_campaign(runtime)
    clock.forward(LATER)
    got = mailed(runtime, sent)
    client = desk.client.application.test_client()
    for path in (got[PEOPLE[0]].links[0], got[PEOPLE[0]].links[1], got[PEOPLE[1]].links[0]):
        client.get(path)
    client.head(got[PEOPLE[2]].links[0])
    bob = got[PEOPLE[3]]
    leave = runtime.signer.token(Purpose.UNSUBSCRIBE, bob.subscriber, bob.message)
    client.post(f"/unsubscribe/{leave}", data={"List-Unsubscribe": "One-Click"})
    runtime.write_clicks()
    return id, got


def test_a_campaigns_page_says_who_clicked(campaign: tuple[int, dict[str, Mailed]], desk: Desk) -> None:
    words = desk.read(f"/owner/campaigns/{campaign[0]}")
    assert "2 people followed a link: 50% of the 4 it was sent to" in words
    assert "For 1 more only a machine did" in words
    assert f'href="/owner/subscribers?clicked={campaign[0]}">Who they are</a>' in desk.get(
        f"/owner/campaigns/{campaign[0]}"
    )
    assert "2 people" in desk.read(f"/owner/subscribers?clicked={campaign[0]}")
    assert f"{ONE} 2 50% 1 {TWO} 1 25% 0 {THREE} 0 0% 0" in words
    assert "1 person left by the link of this mail" in words


def test_the_results_and_the_file(
    campaign: tuple[int, dict[str, Mailed]], desk: Desk, runtime: Runtime, clock: FixedClock, sent: SentList
) -> None:
    send_step(runtime, clock, campaign[1][PEOPLE[0]].subscriber)
    clock.forward(LATER)
    desk.client.get(mailed(runtime, sent, Stream.STEP)[PEOPLE[0]].links[2])
    runtime.write_clicks()
    sign_in(desk.client)
    words = desk.read("/owner/results")
    assert "4 0 0 0 1 2 50%" in words and "1 0 0 0 0 1 100%" in words
    rows = list(csv.DictReader(io.StringIO(desk.get("/owner/results/export.csv"))))
    first, step = rows[0], next(row for row in rows if row["kind"] == "series mail")
    assert [first[name] for name in ("title", "sent", "left", "clicked", "clicked_share", "machines_only")] == [
        "Golf", "4", "1", "2", "0.5000", "1",
    ]  # fmt: skip
    assert (step["sent"], step["clicked"]) == ("1", "1")
    assert f"{THREE} 1 100% 0" in desk.read(f"/owner/results/articles/{step['number']}")


def test_a_page_of_results_counts_campaigns_at_once(
    campaign: tuple[int, dict[str, Mailed]], desk: Desk, runtime: Runtime
) -> None:
    send_campaign(runtime)
    assert desk.read("/owner/results").count("Golf") >= 2


def test_without_clicks_nothing_is_made_up(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    assert "No campaign has gone out yet" in desk.read("/owner/results")
    person("jane@example.com")
    id = send_campaign(runtime)
    assert "1 0 0 0 0 not counted –" in desk.read("/owner/results")
    assert "They were not counted in this campaign" in desk.read(f"/owner/campaigns/{id}")
    rows = list(csv.DictReader(io.StringIO(desk.get("/owner/results/export.csv"))))
    assert (rows[0]["clicked"], rows[0]["clicked_share"]) == ("", "")


def test_the_first_page_has_the_last_campaign(campaign: tuple[int, dict[str, Mailed]], desk: Desk) -> None:
    assert "4 sent · 2 clicked (50%) · 1 left" in desk.read("/owner/")


def _everything(runtime: Runtime, id: int) -> dict[str, Any]:
    with runtime.database.reading() as session:
        return data_export.of(session, session.get_one(Subscriber, id))


def test_a_persons_page_and_their_data_hold_their_clicks(
    campaign: tuple[int, dict[str, Mailed]], desk: Desk, runtime: Runtime
) -> None:
    jane, ann = campaign[1][PEOPLE[0]].subscriber, campaign[1][PEOPLE[2]].subscriber
    assert f"Followed a link: Golf {ONE}" in desk.read(f"/owner/subscribers/{jane}")
    assert f"A machine followed a link: Golf {ONE}" in desk.read(f"/owner/subscribers/{ann}")
    everything = _everything(runtime, jane)
    assert sorted(one["link"] for one in everything["clicks"]) == sorted([ONE, TWO])
    assert everything["objects_to_clicks"] is False


def test_the_switch_and_the_privacy_page_say_the_same(desk: Desk, runtime: Runtime) -> None:
    assert "We do not record it." in desk.read("/privacy")
    assert "Off. Links in your mails lead straight there" in desk.read("/owner/settings")
    assert "Clicks are counted in mails that go out from now on" in desk.told("/owner/settings/clicks", clicks="on")
    assert "It records which link of which mail was followed" in desk.read("/privacy")
    assert "no longer counted" in desk.told("/owner/settings/clicks", clicks="off")
    assert "For a time we recorded" in desk.read("/privacy")
    assert "Delete all that is recorded" in desk.read("/owner/settings")
    desk.post("/owner/settings/clicks/delete", sure="yes")
    assert "We do not record it." in desk.read("/privacy")


def test_all_clicks_are_deleted_only_when_the_owner_is_sure(
    campaign: tuple[int, dict[str, Mailed]], desk: Desk, runtime: Runtime
) -> None:
    assert "Nothing was deleted" in desk.told("/owner/settings/clicks/delete")
    assert len(held(runtime)) == 4
    assert "4 clicks are deleted" in desk.told("/owner/settings/clicks/delete", sure="yes")
    assert held(runtime) == set()
    assert "It records which link" in desk.read("/privacy")  # it is still on


def test_who_objects_is_recorded_no_more(
    campaign: tuple[int, dict[str, Mailed]], desk: Desk, runtime: Runtime, clock: FixedClock
) -> None:
    jane = campaign[1][PEOPLE[0]]
    path = f"/owner/subscribers/{jane.subscriber}"
    assert "no longer recorded" in desk.told(f"{path}/clicks", clicks="off")
    desk.post(f"{path}/clicks", clicks="off")
    desk.client.get(jane.links[2])
    runtime.write_clicks()
    assert not [one for one in held(runtime) if one[0] == jane.message]
    assert _everything(runtime, jane.subscriber)["objects_to_clicks"] is True
    desk.post(f"{path}/clicks", clicks="on")
    clock.forward(LATER)
    desk.client.get(jane.links[1])
    runtime.write_clicks()
    assert [one[1] for one in held(runtime) if one[0] == jane.message] == [TWO]


def test_one_mail_can_be_left_out(
    desk: Desk, runtime: Runtime, article: int, person: Callable[..., int], trigger: InlineTrigger
) -> None:
    person("jane@example.com")
    count_clicks(runtime)
    draft = desk.post("/owner/campaigns/new", article=article, audience="").request.path
    assert "Clicks are counted: who follows which link" in desk.read(draft)
    number = draft.rsplit("/", 1)[1]
    assert "Clicks are not counted in this mail" in desk.told(
        f"/owner/articles/{article}/clicks", clicks="off", campaign=number
    )
    with runtime.database.reading() as session:
        assert not session.get_one(Article, article).counts_clicks
    desk.post(f"/owner/articles/{article}/clicks", clicks="on")
    with runtime.database.reading() as session:
        assert session.get_one(Article, article).counts_clicks


def test_a_mail_that_is_left_out_has_plain_links(
    desk: Desk, runtime: Runtime, person: Callable[..., int], sent: SentList
) -> None:
    person("jane@example.com")
    count_clicks(runtime)
    id = send_campaign(runtime)
    with runtime.database.reading() as session:
        campaign = session.get_one(Campaign, id)
        assert campaign.counted_clicks and brand.current(session).counts_clicks
        article = campaign.article_id
    desk.post(f"/owner/articles/{article}/clicks", clicks="off")
    desk.post("/owner/campaigns/new", article=article, audience="")
    desk.post("/owner/campaigns/2/schedule", when="now", accept="y")
    assert len(mailed(runtime, sent)["jane@example.com"].links) == 3


def test_the_archive_and_the_feed_have_the_plain_links(desk: Desk, runtime: Runtime) -> None:
    count_clicks(runtime)
    id = send_campaign(runtime)
    with runtime.database.transaction() as session:
        article = session.get_one(Campaign, id).article
        article.publish(runtime.clock.now())
        slug = article.slug
    for path in (f"/archive/{slug}", "/feed.xml", f"/owner/articles/{article.id}/preview"):
        seen = desk.get(path)
        assert "/c/" not in seen
    assert "https://two.example/" in desk.get(f"/archive/{slug}")
