"""An article for people who had it, or get it by another campaign: told, with where to mend it, and a yes is asked."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from newsletter import campaigns
from newsletter.campaigns import Campaign, CampaignState
from newsletter.runtime import Runtime
from tests.conftest import InlineTrigger
from tests.web.owner.conftest import Desk

AT = {"when": "at", "day": "2026-06-02", "clock": "09:00"}
YES = "Read the warnings, and tick this if it is meant so."


def _drafted(desk: Desk, runtime: Runtime, article: int) -> int:
    desk.post("/owner/campaigns/new", article=article, audience="")
    with runtime.database.reading() as session:
        return max(session.scalars(select(Campaign.id).where(Campaign.article_id == article)))


def _state(runtime: Runtime, id: int) -> CampaignState:
    with runtime.database.reading() as session:
        return session.get_one(Campaign, id).state


def test_a_second_campaign_of_one_article_waits_for_a_yes_and_leads_to_the_first(
    desk: Desk, runtime: Runtime, article: int, person: Callable[..., int]
) -> None:
    person("jane@example.com")
    first = _drafted(desk, runtime, article)
    desk.post(f"/owner/campaigns/{first}/schedule", accept="y", **AT)
    second = _drafted(desk, runtime, article)
    page = desk.get(f"/owner/campaigns/{second}")
    assert "1 person of this audience would get it twice." in page
    assert f'<a href="/owner/campaigns/{first}">The other campaign, Tue 2 Jun 2026, 09:00 BST<span' in page
    assert YES in desk.told(f"/owner/campaigns/{second}/schedule", **AT)
    assert _state(runtime, second) is CampaignState.DRAFT
    desk.post(f"/owner/campaigns/{second}/schedule", **AT, accept="y")
    assert _state(runtime, second) is CampaignState.SCHEDULED


def test_who_had_it_already_is_told_and_another_audience_is_offered(
    desk: Desk, runtime: Runtime, article: int, person: Callable[..., int], trigger: InlineTrigger
) -> None:
    person("jane@example.com")
    first = _drafted(desk, runtime, article)
    desk.post(f"/owner/campaigns/{first}/schedule", accept="y", when="now")
    for step in (campaigns.launch_due, campaigns.fill_next):
        with runtime.database.transaction() as session:
            step(session, runtime.clock.now() + timedelta(minutes=1))
    trigger.wake()
    second = _drafted(desk, runtime, article)
    page = desk.get(f"/owner/campaigns/{second}")
    assert "1 of 1 have had this article already, and would get it again." in page
    assert f'href="/owner/campaigns/new?article={article}">Choose another audience' in page
    assert YES in desk.told(f"/owner/campaigns/{second}/schedule", **AT)
    desk.post(f"/owner/campaigns/{second}/schedule", **AT, accept="y")
    assert _state(runtime, second) is CampaignState.SCHEDULED
