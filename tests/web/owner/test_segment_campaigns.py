"""Campaigns to a saved segment, on their pages."""

from datetime import timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from newsletter import campaigns
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind, Subscriber, Tag, add_field, segments
from newsletter.subscribers.segments import Group, How, Rules
from newsletter.subscribers.segments import rules as r
from newsletter.web.owner import to_whom as pages
from tests.conftest import NOON
from tests.web.owner.conftest import Desk
from tests.web.owner.test_segments import saved


def test_a_campaign_goes_to_those_in_it_who_take_the_newsletter(
    desk: Desk, runners: tuple[int, ...], runtime: Runtime, article: int
) -> None:
    id = saved(runtime)
    assert "1 person: in the segment “Runners”" in desk.read("/owner/campaigns/new")
    told = desk.told("/owner/campaigns/new", article=str(article), audience=f"segment:{id}")
    assert "are in the segment “Runners”: 1 now." in told
    assert "In this segment is everybody who has the tag “runners”." in told
    assert "Send to 1 person" in told
    desk.told("/owner/campaigns/new", article=str(article), audience=f"segment:{id}")
    with runtime.database.reading() as session:
        (made,) = session.scalars(select(Campaign).where(Campaign.article_id == article))
        campaign = made.id
    assert "It cannot be deleted yet" in desk.read(f"/owner/segments/{id}/delete")
    assert "A campaign is still to go" in desk.told(f"/owner/segments/{id}/delete")
    desk.post(f"/owner/campaigns/{campaign}/schedule", accept="y", when="now")
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, runtime.clock.now() + timedelta(minutes=1))
    with runtime.database.transaction() as session:  # other rules come too late for it
        segments.save(session, "Runners", Rules(r.TakesNewsletter(True)), NOON, segments.named(session, "Runners"))
    with runtime.database.transaction() as session:
        assert campaigns.fill_next(session, runtime.clock.now())
        sent_to = session.scalars(select(Message.subscriber_id).where(Message.dispatch_id.is_not(None)))
        assert sent_to.all() == [runners[0]]
    assert "is deleted" in desk.told(f"/owner/segments/{id}/delete")
    assert "fit rules of its own" in desk.read(f"/owner/campaigns/{campaign}")
    assert "In this segment is everybody who has the tag “runners”." in desk.read(f"/owner/campaigns/{campaign}")


def test_the_list_of_segments_leads_to_a_campaign_to_one(
    desk: Desk, runners: tuple[int, ...], runtime: Runtime, article: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = saved(runtime)
    path = f"/owner/campaigns/new?audience=segment:{id}"
    assert f'href="{path}"' in unescape(unquote(desk.get("/owner/segments")))
    assert f'<option selected value="segment:{id}">' in desk.get(path)
    monkeypatch.setattr(pages, "MOST", 0)
    assert "segment:" not in desk.get("/owner/campaigns/new")
    assert f'<option selected value="segment:{id}">' in desk.get(path), "one that is not among the first"
    assert "are in the segment “Runners”: 1 now." in desk.told(path, article=str(article), audience=f"segment:{id}")
    assert "segment:99" not in desk.get("/owner/campaigns/new?audience=segment:99"), "there is none"


def test_what_names_something_deleted_stops_a_campaign(
    desk: Desk, runners: tuple[int, ...], runtime: Runtime, article: int
) -> None:
    id = saved(runtime, Rules(Group(How.NONE, (r.HasTag("runners"),))))
    desk.post("/owner/campaigns/new", article=str(article), audience=f"segment:{id}")
    with runtime.database.transaction() as session:
        session.delete(session.scalars(select(Tag).where(Tag.name == "runners")).one())
        campaign = session.scalars(select(Campaign).where(Campaign.segment_id == id)).one().id
    told = desk.read(f"/owner/campaigns/{campaign}")
    assert "There is no tag “runners” any more. So nobody is in this segment: change its rules." in told
    assert "It can be scheduled when everything on the list is in order." in told
    desk.post(f"/owner/campaigns/{campaign}/schedule", accept="y", when="now")
    with runtime.database.reading() as session:
        assert session.get_one(Campaign, campaign).stored_state is CampaignState.DRAFT
    assert "broken There is no tag “runners” any more." in desk.read("/owner/segments")
    assert "So nobody is in this segment" in desk.read(f"/owner/segments/{id}")


def test_nobody_is_everybody_by_a_slip(runtime: Runtime, runners: tuple[int, ...]) -> None:
    with runtime.database.transaction() as session:
        made = Campaign(created_at=NOON, segment_rules={"version": 9})
        audience = made.audience(NOON).condition()
        assert session.scalars(select(Subscriber.id).where(audience)).all() == []


def test_a_field_that_a_segment_asks_for_is_not_deleted(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for key in ("town", "age"):
            add_field(session, key=key, label=key.title(), kind=FieldKind.TEXT, choices=[], fallback="", now=NOON)
        session.flush()
        ids = {one.key: one.id for one in session.scalars(select(Field))}
    town = saved(runtime, Rules(r.HasField("town", FieldKind.TEXT, r.Compare.FILLED, "")))
    told = desk.told(f"/owner/fields/{ids['town']}/delete")
    assert "Nothing was deleted." in told
    assert "A segment that asks for it would be nobody." in told
    assert f"/owner/segments/{town}" in desk.get(f"/owner/fields/{ids['town']}/delete")
    desk.post(f"/owner/fields/{ids['age']}/delete")
    with runtime.database.reading() as session:
        assert session.scalars(select(Field.key)).all() == ["town"]


def test_deleting_a_form_tells_of_the_segments_that_ask_for_it(desk: Desk, runtime: Runtime) -> None:
    id = saved(runtime, Rules(r.SignedUpBy(1)))
    assert "A segment asks for who signed up by it and will be nobody: Runners" in desk.read("/owner/forms/1/delete")
    assert "will be nobody" not in desk.read("/owner/forms/2/delete")
    desk.post("/owner/forms/1/delete")
    assert "There is no form “1” any more. So nobody is in this segment." in desk.read(f"/owner/segments/{id}")
