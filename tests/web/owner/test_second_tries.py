"""The owner sends a whole campaign's uncertain or failed mails again, and is told before what that means."""

from collections.abc import Callable

import pytest

from newsletter import articles, brand, campaigns
from newsletter.campaigns import Campaign
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.smtp import SentList, Stage
from tests.web.owner.conftest import Desk, answering

PEOPLE = 3


@pytest.fixture
def golf(runtime: Runtime, person: Callable[..., int], sent: SentList) -> int:
    """A campaign to three people that went over a connection which broke behind each."""
    for number in range(PEOPLE):
        person(f"p{number}@example.com")
    answering(sent, Stage.LOST_AFTER, 0, "", "The connection was lost")
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        campaign = Campaign(article=articles.write(session, now, title="Golf", subject="G", body="T"), created_at=now)
        session.add(campaign)
        campaign.schedule(now, brand.current(session))
        session.flush()
        id = campaign.id
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, now)
        campaigns.fill_next(session, now)
    while runtime.delivery.run(Lane.BULK):
        pass
    return id


def test_it_is_told_what_it_means_and_then_all_go_again(
    desk: Desk, golf: int, runtime: Runtime, sent: SentList
) -> None:
    page = f"/owner/campaigns/{golf}"
    assert f"{page}/again/uncertain" in desk.client.get(page).text
    words = desk.read(f"{page}/again/uncertain")
    assert "again to 3 people?" in words
    assert "Whoever has it gets it twice" in words
    answering(sent, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 Ok")
    assert "once more to 3 people" in desk.told(f"{page}/again/uncertain")
    while runtime.delivery.run(Lane.BULK):
        pass
    assert len(sent.envelopes) == 2 * PEOPLE
    ids = [one.data.split(b"Message-ID: ")[1].split(b"\r\n")[0] for one in sent.envelopes]
    assert len(set(ids)) == PEOPLE
    assert "Nothing of it is uncertain any more" in desk.told(f"{page}/again/uncertain")
    assert len(sent.envelopes) == 2 * PEOPLE


def test_there_is_no_page_for_what_nothing_is_or_was_never_sent(desk: Desk, golf: int, article: int) -> None:
    assert desk.client.get(f"/owner/campaigns/{golf}/again/failed").status_code == 303
    assert desk.client.get(f"/owner/campaigns/{golf}/again/sent").status_code == 404
    assert desk.client.get("/owner/campaigns/999/again/failed").status_code == 404
