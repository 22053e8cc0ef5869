"""The page of the send lock: it says what would go, asks for each, and unlocks."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, installation
from newsletter.accounts import AuditEntry
from newsletter.brand import current as brand_of
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.installation import LockReason
from newsletter.runtime import Runtime
from tests.web.owner.conftest import PASSWORD, Desk


@pytest.fixture
def campaign(runtime: Runtime) -> int:
    """One that was due since the backup, in an installation that is locked."""
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        words = articles.write(session, now, title="On golf", subject="Golf", body="x")
        made = Campaign(article=words, created_at=now)
        session.add(made)
        made.schedule(now, brand_of(session))
        installation.current(session).lock(LockReason.RESTORED, 0, now, now)
        session.flush()
        return made.id


def _state(runtime: Runtime) -> tuple[bool, CampaignState]:
    with runtime.database.reading() as session:
        state = session.scalars(select(Campaign.stored_state).order_by(Campaign.id.desc())).first()
        assert state is not None
        return installation.current(session).is_locked, state


def test_without_a_lock_nothing_is_said(desk: Desk) -> None:
    assert "Sending is locked" not in desk.read("/owner/")
    assert "Sending is not locked" in desk.read("/owner/held")


def test_every_page_says_that_sending_is_locked_and_the_page_what_would_go(campaign: int, desk: Desk) -> None:
    assert "Sending is locked. This installation was restored or copied." in desk.read("/owner/subscribers")
    words = desk.read("/owner/held")
    assert "A backup was put back. It stands as it was on Mon 1 Jun 2026, 12:00 BST" in words
    assert "On golf Campaign: 0 people would get it." in words
    assert "Let it be: it becomes a draft again" in words


def test_undecided_it_stays_locked(campaign: int, desk: Desk, runtime: Runtime) -> None:
    answer = desk.post("/owner/held", follow=False)
    assert answer.status_code == 422 and "Please decide about each of these: On golf." in answer.text
    assert _state(runtime) == (True, CampaignState.SCHEDULED)


@pytest.mark.parametrize(("said", "becomes"), [("send", CampaignState.SCHEDULED), ("let-be", CampaignState.DRAFT)])
def test_decided_it_is_unlocked_and_noted(
    said: str, becomes: CampaignState, campaign: int, desk: Desk, runtime: Runtime
) -> None:
    assert "Sending is unlocked." in desk.told("/owner/held", **{f"campaign-{campaign}": said})
    assert _state(runtime) == (False, becomes)
    with runtime.database.reading() as session:
        noted = session.scalars(select(AuditEntry.action)).all()
    assert "sending unlocked" in noted and any(action.startswith("held mail") for action in noted)


def test_the_password_is_asked_for_before_and_what_was_decided_is_kept(
    campaign: int, desk: Desk, runtime: Runtime, clock: FixedClock
) -> None:
    desk.get("/owner/held")
    clock.forward(timedelta(minutes=11))
    page = desk.post("/owner/held", **{f"campaign-{campaign}": "let-be"})
    assert page.status_code == 403 and "Your password, please" in page.text
    assert _state(runtime)[0], "it is still locked"
    assert f'name="campaign-{campaign}" value="let-be"' in page.text
    told = desk.told("/owner/held", **{f"campaign-{campaign}": "let-be", "password_again": PASSWORD})
    assert "Sending is unlocked." in told
    assert not _state(runtime)[0]


def test_a_stranger_unlocks_nothing(campaign: int, desk: Desk, runtime: Runtime) -> None:
    desk.client.get("/owner/held")
    assert desk.client.post("/owner/held", data={f"campaign-{campaign}": "send"}).status_code == 400, "no token"
    stranger = desk.client.application.test_client()
    assert stranger.get("/owner/held").status_code == 302
    assert _state(runtime)[0]
