"""To whom a campaign goes, on its pages: who is left out, how many it is and who they are, and the rest of one."""

from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import select

from newsletter import approval, articles, brand, campaigns
from newsletter.accounts import Owner
from newsletter.campaigns import Campaign, CampaignState, together
from newsletter.figures import Figures
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.subscribers import retag, segments
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments.rules import HasTag
from newsletter.web.owner import same_day
from tests.conftest import NOON
from tests.test_continuation import cancel
from tests.web.owner.conftest import Desk, readable

NEW = "/owner/campaigns/new"


@pytest.fixture
def six(runtime: Runtime, person: Callable[..., int]) -> int:
    """Six readers, of whom Ann and Ben are in the segment “Asked”; its number."""
    ids = [person(f"{name.lower()}@example.com", name) for name in ("Ann", "Ben", "Cy", "Dora", "Eve", "Flo")]
    with runtime.database.transaction() as session:
        for id in ids[:2]:
            retag(session, id, ["asked"])
        return segments.save(session, "Asked", Rules(HasTag("asked")), NOON).id


def drafted(runtime: Runtime) -> Campaign:
    """The newest campaign."""
    with runtime.database.reading() as session:
        found = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()
        _ = found.left_out
        return found


def test_who_is_in_a_segment_is_left_out_and_said_so(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    told = desk.told(NEW, article=str(article), audience="", without=str(six), had="y")
    assert "everybody who takes the newsletter, but not those in “Asked” or those who have had it: 4 now." in told
    assert "Send to 4 people" in told
    made = drafted(runtime)
    assert [one.id for one in made.left_out] == [six] and made.leaves_out_had
    desk.post(NEW, article=str(article), audience="", without=str(six), had="y")
    assert drafted(runtime).id == made.id, "the same choice finds the draft"
    desk.post(NEW, article=str(article), audience="")
    assert drafted(runtime).id != made.id, "another does not"
    assert "It cannot be deleted yet" in desk.read(f"/owner/segments/{six}/delete")


def test_others_are_left_out_of_a_draft(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    desk.post(NEW, article=str(article), audience="")
    path = f"/owner/campaigns/{drafted(runtime).id}"
    told = desk.told(f"{path}/left-out", left_out="yes", without=str(six))
    assert "Saved. This is who gets it now." in told and "4 people : Flo (flo@example.com)" in told
    assert "6 people , among them those who signed up last:" in desk.told(f"{path}/left-out", left_out="yes")
    assert "is not there any more" in desk.told(f"{path}/left-out", left_out="yes", without="999")
    desk.post(f"{path}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    assert "Who gets it is changed in a draft; this one is scheduled." in desk.told(
        f"{path}/left-out", without=str(six)
    )
    assert not drafted(runtime).left_out


def test_both_halves_of_a_test_leave_them_out(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    desk.post(NEW, article=str(article), audience="", compares="subject", ab_subject="B", share="80", judge="hand")
    with runtime.database.reading() as session:
        a = session.scalars(select(Campaign).where(Campaign.part == campaigns.Part.A)).one().id
    desk.post(f"/owner/campaigns/{a}/left-out", left_out="yes", without=str(six), had="y")
    with runtime.database.reading() as session:
        both = session.scalars(select(Campaign).where(Campaign.part.is_not(None))).all()
        assert [([it.id for it in one.left_out], one.leaves_out_had) for one in both] == [([six], True)] * 2


def test_who_is_ticked_is_left_out_whichever_button_is_pressed(
    desk: Desk, six: int, article: int, runtime: Runtime
) -> None:
    desk.post(NEW, article=str(article), audience="")
    path = f"/owner/campaigns/{drafted(runtime).id}"
    later = {"when": "at", "day": "2026-06-02", "clock": "09:00", "left_out": "yes"}
    answer = desk.client.get(f"{path}/leavings", query_string=later | {"without": six}).json
    assert answer is not None and answer["says"]["later"] == "Schedule for 4 people" and not drafted(runtime).left_out
    assert "is not there any more" in desk.told(f"{path}/schedule", **later, without="999")
    assert drafted(runtime).stored_state is CampaignState.DRAFT
    assert "but not those in “Asked”: 4 now." in desk.told(f"{path}/schedule", **later, accept="y", without=str(six))
    assert drafted(runtime).stored_state is CampaignState.SCHEDULED
    desk.post(f"{path}/schedule", **later)
    assert drafted(runtime).left_out, "a page of before cannot take it back"


def test_the_button_for_whoever_has_no_script_only_looks(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        before = len(session.scalars(select(Campaign.id)).all())
    told = desk.post(NEW, article=str(article), audience="", without=str(six), look="yes")
    assert told.status_code == 200
    assert "4 people : Flo (flo@example.com) , Eve (eve@example.com)" in readable(told.text)
    with runtime.database.reading() as session:
        assert len(session.scalars(select(Campaign.id)).all()) == before


def test_the_piece_for_the_script(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    def piece(**asked: object) -> str:
        answer = desk.client.get("/owner/campaigns/whom.json", query_string=asked)
        assert answer.headers["Cache-Control"] == "no-store" and answer.json is not None
        assert not answer.json["again"]
        return readable(answer.json["html"])

    assert "6 people , among them those who signed up last: Flo" in piece(article=article, audience="")
    assert "ann@" not in piece(article=article, audience="") and "ben@" in piece(article=article, audience="")
    assert "4 people : Flo" in piece(article=article, audience="", without=six)
    assert "2 people : Ben" in piece(article=article, audience=f"segment:{six}")
    assert "Nobody is in this audience now." in piece(article=article, audience=f"segment:{six}", without=six)
    assert piece(article=article, audience="segment:999") == "" != piece()
    desk.post(NEW, article=str(article), audience="")
    assert "4 people" in piece(campaign=drafted(runtime).id, without=six)
    href = 'href="/owner/subscribers/'
    assert href in desk.client.get("/owner/campaigns/whom.json", query_string={"article": article}).json["html"]


def test_what_takes_long_to_count_is_told_later(
    desk: Desk, six: int, article: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Figures, "if_kept", lambda *_: None)
    answer = desk.client.get("/owner/campaigns/whom.json", query_string={"article": article}).json
    assert answer is not None and answer["again"] and "They are being counted." in answer["html"]


def test_an_approval_says_that_others_are_left_out_now(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    desk.post(NEW, article=str(article), audience="")
    with runtime.database.transaction() as session:
        one, me = session.get_one(Campaign, drafted(runtime).id), session.scalars(select(Owner)).one()
        asked = approval.ask(session, one, me, "", NOON)
        assert asked.fingerprint == approval.fingerprint(session, one)
        one.leaves_out_had = True
        assert asked.fingerprint != approval.fingerprint(session, one)


@pytest.fixture
def other(runtime: Runtime, six: int) -> int:
    """Another campaign, tomorrow at five, to Ann and Ben."""
    with runtime.database.transaction() as session:
        article = articles.write(session, NOON, title="Evening news", subject="s", body="b")
        made = Campaign(article=article, created_at=NOON, segment_tag="asked")
        session.add(made)
        at = NOON.replace(day=NOON.day + 1, hour=17)
        together.schedule(session, made, at, brand.current(session))
        return made.id


def test_who_gets_two_mails_that_day_is_told_and_listed(
    desk: Desk, six: int, article: int, other: int, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = desk.told(NEW, article=str(article), audience="")
    assert "2 of them get another mail from you that day." in told and "Evening news" in told
    assert "Send to 6 people Schedule for 6 people Send to 4 people Schedule for 4 people" in told
    path = f"/owner/campaigns/{drafted(runtime).id}"
    assert f'{path}/two-mails?when=at&day=2026-06-02&clock=09:00"' in unescape(desk.get(path)).replace("%3A", ":")
    listed = desk.read(f"{path}/two-mails?when=at&day=2026-06-02&clock=09:00")
    assert "Ann (ann@example.com)" in listed and "Ben (ben@example.com)" in listed and "Cy" not in listed
    assert "Nobody does" in desk.read(f"{path}/two-mails?when=at&day=2026-06-03&clock=09:00")
    assert "Nobody does" in desk.read(f"{path}/two-mails?when=at&day=9999-12-31&clock=09:00")
    answer = desk.client.get(f"{path}/leavings", query_string={"when": "now", "day": "", "clock": ""}).json
    assert answer is not None and "None of them gets another mail" in answer["html"]
    assert answer["says"]["now-single"] == "Send to 6 people"
    monkeypatch.setattr(same_day, "MOST_COUNTED", 2)
    told = desk.read(path)
    assert "At least 2 of them get another mail" in told
    assert "Schedule for 6 people, but not who gets two" in told


def test_one_tick_leaves_them_out(desk: Desk, six: int, article: int, other: int, runtime: Runtime) -> None:
    desk.post(NEW, article=str(article), audience="")
    path = f"/owner/campaigns/{drafted(runtime).id}"
    told = desk.told(f"{path}/schedule", when="at", day="2026-06-02", clock="09:00", one_a_day="y", accept="y")
    assert "but not those who get another mail that day: 4 now." in told
    told = desk.told(f"{path}/schedule", when="own", day="2026-06-02", clock="09:00", one_a_day="y", accept="y")
    assert "but not those who get another mail that day: 4 now." in told
    assert "4 people" in desk.read(path) and drafted(runtime).one_a_day
    told = desk.told(f"{path}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    assert "everybody who takes the newsletter: 6 now." in told


def test_what_was_called_off_goes_to_the_rest(desk: Desk, six: int, article: int, runtime: Runtime) -> None:
    desk.post(NEW, article=str(article), audience="", without=str(six))
    id = drafted(runtime).id
    path = f"/owner/campaigns/{id}"
    assert "Only a campaign that was cancelled while it went out" in desk.told(f"{path}/others")
    with runtime.database.transaction() as session:
        together.schedule(session, session.get_one(Campaign, id), NOON, brand.current(session))
        campaigns.launch_due(session, NOON)
        campaigns.fill_next(session, NOON, 1)
    runtime.delivery.run(Lane.BULK)
    cancel(runtime, id)
    told = desk.read(path)
    assert "3 people of its audience were not sent it." in told and "Send to the rest…" in told
    told = desk.told(f"{path}/others")
    assert "This is the draft." in told and "3 people :" in told
    assert "but not those in “Asked” or those who were sent it before, or may have been: 3 now." in told
    assert "It goes to the rest of “On walking” , which was cancelled while it went out." in told
    rest = drafted(runtime)
    assert rest.id != id and rest.stored_state is CampaignState.DRAFT and rest.drafted_by_id is not None
    assert "Here it is already." in desk.told(f"{path}/others") and drafted(runtime).id == rest.id
    assert "goes another campaign" in desk.read(path)
    assert "so who gets it is settled" in desk.told(f"/owner/campaigns/{rest.id}/left-out", had="y")
