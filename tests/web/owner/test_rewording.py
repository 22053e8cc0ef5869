"""Other words for a campaign that is going out: held, written, asked about, set; nothing typed is lost."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from newsletter import campaigns
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.links import Purpose
from newsletter.mail.ledger import Lane, Message, State, claim
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.web.owner.ab_tests import UNDO
from tests.web.owner.conftest import Desk, readable

NEW = {"subject": "A better word", "preheader": "", "body": "{{ greeting }},\r\n\r\nwalk <b>less</b>."}


@dataclass
class Walk:
    """A campaign to Ann, Ben and Cat, each in a batch of their own; Ann has it."""

    id: int
    runtime: Runtime

    @property
    def path(self) -> str:
        return f"/owner/campaigns/{self.id}/words"

    @property
    def state(self) -> CampaignState:
        with self.runtime.database.reading() as session:
            return session.get_one(Campaign, self.id).state

    @property
    def bodies(self) -> list[str]:
        with self.runtime.database.reading() as session:
            return [one.body for one in session.get_one(Campaign, self.id).article.revisions]

    def deliver(self) -> None:
        while self.runtime.delivery.run(Lane.BULK):
            pass


@pytest.fixture
def walk(desk: Desk, runtime: Runtime, article: int, person: Callable[..., int], clock: FixedClock) -> Walk:
    for name in ("ann", "ben", "cat"):
        person(f"{name}@example.com", name.capitalize())
    id = int(desk.post("/owner/campaigns/new", article=article, audience="").request.path.rsplit("/", 1)[1])
    desk.post(f"/owner/campaigns/{id}/schedule", accept="y", when="now")
    clock.forward(UNDO)
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, clock.now())
    for _ in range(4):
        with runtime.database.transaction() as session:
            campaigns.fill_next(session, runtime.clock.now(), 1)
    assert runtime.delivery.run(Lane.BULK) == 1
    return Walk(id, runtime)


@pytest.fixture
def held(desk: Desk, walk: Walk) -> Walk:
    desk.post(walk.path, step="hold")
    return walk


def test_one_that_goes_out_has_to_be_held_first(desk: Desk, walk: Walk) -> None:
    assert "Change the words…" in desk.read(f"/owner/campaigns/{walk.id}")
    assert "it has to be paused first" in desk.read(walk.path)
    assert walk.state is CampaignState.SENDING
    words = desk.told(walk.path, step="hold")
    assert "Paused. What is on the wire this second still arrives." in words
    assert "1 person has it already in the old words." in words
    assert "The new ones go to 2 people, from No. 2 (ben@example.com) on." in words
    assert walk.state is CampaignState.PAUSED


def test_it_asks_and_then_sets_and_the_rest_get_the_new_words(desk: Desk, held: Walk, sent: SentList) -> None:
    assert "walk **more**" in desk.get(held.path)
    asked = desk.post(held.path, **NEW, base="1", step="look")
    assert asked.status_code == 200
    words = readable(asked.text)
    assert "Give these words to 2 people?" in words
    assert "from No. 2 (ben@example.com) on" in words
    assert "walk &lt;b&gt;less&lt;/b&gt;.</textarea>" in asked.text
    assert len(held.bodies) == 1, "nothing is saved before the last step"
    told = desk.told(held.path, **NEW, base="1", step="set")
    assert "The new words are set (revision 2)." in told
    assert "Nothing goes out before you resume it." in told
    assert "Resume" in told
    held.deliver()
    assert len(sent.envelopes) == 1
    desk.post(f"/owner/campaigns/{held.id}/resume")
    held.deliver()
    subjects = {one.recipient[:3]: b"Subject: A better word" in one.data for one in sent.envelopes}
    assert (len(sent.envelopes), subjects) == (3, {"ann": False, "ben": True, "cat": True})
    words = desk.read(f"/owner/campaigns/{held.id}")
    assert "revision 1: “A word on walking”, to 1 person" in words
    assert "revision 2: “A better word”, from then on (2 so far)" in words
    words = desk.read(f"/owner/campaigns/{held.id}/recipients")
    assert ("Ann sent revision 1" in words, "Ben sent revision 2" in words) == (True, True)
    assert f"campaign words changed {held.id} revision 2 to 2 people from No. 2 on" in desk.read("/owner/audit")


def test_a_second_click_sets_nothing_twice(desk: Desk, held: Walk) -> None:
    desk.post(held.path, **NEW, base="1", step="set")
    assert "It has these words" in desk.told(held.path, **NEW, base="1", step="set")
    assert len(held.bodies) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"body": "{{ frist_name }} typed"}, "Did you mean first_name?"),
        ({"body": "[typed]({{ guide_pdf }})"}, "only there in the series"),
        ({"subject": " ", "body": "typed"}, "Every mail needs a subject"),
        ({"base": "7", "body": "typed"}, "changed in another window"),
        ({"body": "typed " + "x" * 101_000}, "Gmail cuts off"),
    ],
)
@pytest.mark.parametrize("step", ["look", "set"])
def test_what_cannot_be_sent_is_told_beside_the_text_which_stays(
    desk: Desk, held: Walk, step: str, change: dict[str, str], told: str
) -> None:
    answer = desk.post(held.path, **{**NEW, "base": "1", **change}, step=step)
    assert answer.status_code == 422
    assert told in readable(answer.text)
    assert "typed" in answer.text.split("<textarea")[1]
    assert len(held.bodies) == 1


def test_words_that_it_has_already_are_told(desk: Desk, held: Walk) -> None:
    same = {"subject": "A word on walking", "preheader": "", "body": held.bodies[0], "base": "1"}
    assert "These are the words it has already." in desk.told(held.path, **same, step="look")


def test_saving_again_after_another_window_wins_on_purpose(desk: Desk, held: Walk) -> None:
    desk.post(held.path, **{**NEW, "body": "The other window."}, base="1", step="set")
    answer = desk.post(held.path, **NEW, base="1", step="set")
    assert 'name="base" type="hidden" value="2"' in answer.text
    assert "The new words are set (revision 3)" in desk.told(held.path, **NEW, base="2", step="set")


def test_resumed_in_another_window_it_can_be_held_with_the_text_in_hand(desk: Desk, held: Walk) -> None:
    desk.post(f"/owner/campaigns/{held.id}/resume")
    answer = desk.post(held.path, **NEW, base="1", step="set")
    assert answer.status_code == 422
    assert "Pause it first" in readable(answer.text)
    assert "Pause it and go on with this text" in answer.text
    again = desk.post(held.path, **NEW, base="1", step="hold")
    assert "walk &lt;b&gt;less&lt;/b&gt;" in again.text
    assert (held.state, len(held.bodies)) == (CampaignState.PAUSED, 1)


def test_with_some_on_the_wire_it_says_so_and_keeps_the_text(desk: Desk, walk: Walk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        assert claim(session, Lane.BULK, "a", runtime.clock.now(), 10) is not None
    assert "A few are still on the wire." in desk.told(walk.path, step="hold")
    answer = desk.post(walk.path, **NEW, base="1", step="set")
    assert answer.status_code == 422
    assert "try again in a few seconds" in readable(answer.text)
    assert "walk &lt;b&gt;less&lt;/b&gt;" in answer.text


def test_cancelled_meanwhile_the_text_is_still_shown(desk: Desk, held: Walk) -> None:
    desk.post(f"/owner/campaigns/{held.id}/cancel")
    answer = desk.post(held.path, **NEW, base="1", step="set")
    assert "this one is cancelled" in readable(answer.text)
    assert "walk &lt;b&gt;less&lt;/b&gt;" in answer.text
    page = desk.client.get(held.path, follow_redirects=True).text
    assert "Only a campaign that is going out" in readable(page)


def test_the_articles_newer_words_can_be_the_beginning(desk: Desk, held: Walk, article: int) -> None:
    desk.post(f"/owner/articles/{article}/edit", **NEW, title="On walking", base="1")
    assert "The article has newer words than this campaign (revision 2)" in desk.read(held.path)
    assert "A better word" in desk.get(f"{held.path}?from=article")
    assert "revision 2" in desk.told(held.path, **NEW, base="1", step="set")
    assert len(held.bodies) == 2


def test_the_preview_shows_what_is_typed_under_the_policy_of_mails(desk: Desk, held: Walk) -> None:
    answer = desk.post(f"{held.path}/preview", **NEW)
    assert "walk &lt;b&gt;less&lt;/b&gt;." in answer.text or "walk <b>less</b>" in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    bad = desk.post(f"{held.path}/preview", **{**NEW, "body": "{{ nickname }}"})
    assert (bad.status_code, bad.mimetype) == (422, "text/plain")
    assert len(held.bodies) == 1


def test_a_session_that_ended_loses_no_word(desk: Desk, held: Walk) -> None:
    answer = desk.client.post(held.path, data={**NEW, "step": "set"})
    assert answer.status_code == 400
    assert "walk &lt;b&gt;less&lt;/b&gt;" in answer.text


def test_a_draft_has_nothing_to_change_yet(desk: Desk, article: int) -> None:
    id = int(desk.post("/owner/campaigns/new", article=article, audience="").request.path.rsplit("/", 1)[1])
    for answer in (desk.client.get(f"/owner/campaigns/{id}/words"), desk.post(f"/owner/campaigns/{id}/words", False)):
        assert answer.headers["Location"] == f"/owner/campaigns/{id}"


def test_in_the_browser_each_sees_the_words_that_they_got_or_will_get(desk: Desk, held: Walk, runtime: Runtime) -> None:
    desk.post(held.path, **NEW, base="1", step="set")
    with runtime.database.reading() as session:
        rows = session.execute(select(Message.id, Message.state).order_by(Message.id)).all()
    seen = [desk.get(f"/view/{runtime.signer.token(Purpose.VIEW, id)}") for id, _ in rows]
    assert [state for _, state in rows] == [State.SENT, State.READY, State.READY]
    assert ["more" in page for page in seen] == [True, False, False]
    assert all("less" in page for page in seen[1:])
