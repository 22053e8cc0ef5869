"""A writer finishes a campaign and asks; somebody who may send looks, and sends it or hands it back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from newsletter import accounts, approval, brand, campaigns
from newsletter.accounts import AuditEntry, Owner, Role
from newsletter.approval import Approval, ApprovalState
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState, NotNow
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from tests.conftest import NOON
from tests.web.conftest import _Forms
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in
from tests.web.owner.test_permissions import become

NOTE = "Please look at <script>alert(1)</script>\r\nBcc: a@example.org"


@pytest.fixture
def writer(desk: Desk, runtime: Runtime) -> Desk:
    """A browser in which a writer sits."""
    with runtime.database.transaction() as session:
        accounts.create(session, "wim@example.org", PASSWORD, NOON, role=Role.WRITER)
        accounts.create(session, "ed@example.org", PASSWORD, NOON, role=Role.EDITOR)
        accounts.create(session, "val@example.org", PASSWORD, NOON, role=Role.VIEWER)
    client = desk.client.application.test_client()
    assert sign_in(client, PASSWORD, "wim@example.org").status_code == 303
    return Desk(client)


@pytest.fixture
def draft(writer: Desk, article: int, person: Callable[..., int]) -> str:
    """The path of a campaign that the writer has drafted."""
    person("jane@example.com", "Jane")
    return str(writer.post("/owner/campaigns/new", article=article, audience="").request.path)


def _told(runtime: Runtime) -> list[tuple[str, str]]:
    """Who was told what, by mail."""
    look = select(Owner.email, Message.context).join(Owner, Owner.id == Message.owner_id)
    with runtime.database.reading() as session:
        rows = session.execute(look.where(Message.stream == Stream.NOTICE).order_by(Message.id)).all()
        return [(email, context["title"]) for email, context in rows]


def _send(desk: Desk, draft: str, page: str = "", **form: str) -> str:
    """Press the button of the page, as it was shown."""
    (panel,) = [one for one in _Forms(page or desk.get(draft)).found if one.action.endswith("/schedule")]
    answer = desk.client.post(f"{draft}/schedule", data={**panel.fields, "when": "now", "accept": "y", **form},
                              follow_redirects=True)  # fmt: skip
    return readable(answer.text)


def _state(runtime: Runtime, draft: str) -> CampaignState:
    with runtime.database.reading() as session:
        return session.get_one(Campaign, int(draft.rsplit("/", 1)[1])).stored_state


def test_who_may_send_is_asked_and_sends(desk: Desk, writer: Desk, draft: str, runtime: Runtime) -> None:
    assert "/schedule" not in writer.get(draft) and "Ask for approval" in writer.read(draft)
    assert "Needs you" not in desk.read("/owner/")
    assert "It waits for approval now" in writer.told(f"{draft}/approval/ask", note=NOTE)
    assert _told(runtime) == [(EMAIL, "“On walking” waits for approval"),
                              ("ed@example.org", "“On walking” waits for approval")]  # fmt: skip
    home, page = desk.read("/owner/"), desk.get(draft)
    assert "Needs you: wim@example.org asks you to look at On walking and send it" in home
    assert "Waits for approval: On walking" in writer.read("/owner/")
    assert "They say: Please look at <script>alert(1)</script> Bcc: a@example.org" in readable(page)
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert "It goes out in" in _send(desk, draft)
    assert _state(runtime, draft) is CampaignState.SCHEDULED
    assert _told(runtime)[2:] == [("wim@example.org", "“On walking” was approved")]
    assert "Needs you" not in desk.read("/owner/") and "Waits for approval" not in writer.read(draft)
    desk.post(f"{draft}/unschedule")
    assert "Needs you" not in desk.read("/owner/")


def test_a_writer_cannot_send_however_they_try(writer: Desk, draft: str, runtime: Runtime) -> None:
    writer.post("/owner/settings/zone")  # gets a token
    answer = writer.post(f"{draft}/schedule", when="now", accept="y")
    assert answer.status_code == 403 and "send campaigns" in readable(answer.text)
    assert writer.post(f"{draft}/hand-back", answer="Me").status_code == 403
    assert _state(runtime, draft) is CampaignState.DRAFT


def test_it_is_handed_back_with_a_word_and_asked_for_anew(
    desk: Desk, writer: Desk, draft: str, runtime: Runtime
) -> None:
    writer.post(f"{draft}/approval/ask")
    assert "say what is missing" in desk.told(f"{draft}/hand-back", answer=" \r\n ")
    assert "Handed back" in desk.told(f"{draft}/hand-back", answer="The end is <b>missing</b>.")
    assert _told(runtime)[-1] == ("wim@example.org", "“On walking” was handed back")
    assert "Handed back to you: On walking" in writer.read("/owner/")
    assert "They say: The end is <b>missing</b>." in writer.read(draft)
    assert "Needs you" not in desk.read("/owner/")
    assert "does not wait for approval any more" in desk.told(f"{draft}/hand-back", answer="Once more")
    writer.post(f"{draft}/approval/ask")
    assert "Needs you" in desk.read("/owner/") and "Handed back" not in writer.read("/owner/")
    with runtime.database.reading() as session:
        states = session.scalars(select(Approval.state).order_by(Approval.id)).all()
        assert states == [ApprovalState.HANDED_BACK, ApprovalState.WAITING]
        actions = session.scalars(select(AuditEntry.action)).all()
        assert {"approval asked for", "campaign handed back"} <= set(actions)


def test_a_second_press_asks_nobody_twice(writer: Desk, draft: str, runtime: Runtime) -> None:
    writer.post(f"{draft}/approval/ask")
    assert "It waits for approval already" in writer.told(f"{draft}/approval/ask")
    assert len(_told(runtime)) == 2


def test_who_asked_takes_it_back_and_nobody_else(desk: Desk, writer: Desk, draft: str) -> None:
    writer.post(f"{draft}/approval/ask")
    assert "Only wim@example.org, who asked" in desk.told(f"{draft}/approval/take-back")
    assert "it waits for nobody" in writer.told(f"{draft}/approval/take-back")
    assert "Needs you" not in desk.read("/owner/") and "Ask for approval" in writer.read(draft)
    assert "does not wait" in writer.told(f"{draft}/approval/take-back")


def test_words_that_change_after_asking_are_shown_and_not_sent_unseen(
    desk: Desk, writer: Desk, draft: str, article: int, runtime: Runtime
) -> None:
    before = desk.get(draft)
    writer.post(f"{draft}/approval/ask")
    assert "while you looked at it" in _send(desk, draft, before)
    asked = desk.get(draft)
    assert "It was changed since" not in asked
    form = {"title": "On walking", "subject": "Other words", "body": "Other words.", "base": "1"}
    assert writer.post(f"/owner/articles/{article}/edit", **form).status_code == 200
    assert "while you looked at it" in _send(desk, draft, asked)
    assert _state(runtime, draft) is CampaignState.DRAFT
    shown = desk.get(draft)
    assert "It was changed since" in shown and f"/owner/articles/{article}/versions/2?against=1" in shown
    assert "It goes out in" in _send(desk, draft, shown)


def test_a_test_that_changes_after_asking_is_a_change(desk: Desk, writer: Desk, draft: str, runtime: Runtime) -> None:
    writer.post(f"{draft}/approval/ask")
    fields = {"compares": "subject", "ab_subject": "The other", "share": "40", "length": "4", "unit": "hours"}
    assert "draft of the test" in writer.told(f"{draft}/test", **fields, judge="hand", if_close="wait")
    assert "It was changed since" in desk.read(draft)
    with runtime.database.transaction() as session:
        b = session.scalars(select(Campaign).where(Campaign.part == campaigns.Part.B)).one()
        with pytest.raises(NotNow, match="Only a draft"):
            approval.ask(session, b, session.get_one(Owner, 1), "", NOON)


def test_a_campaign_that_is_thrown_away_waits_no_more(desk: Desk, writer: Desk, draft: str) -> None:
    writer.post(f"{draft}/approval/ask")
    desk.post(f"{draft}/cancel")
    assert "Needs you" not in desk.read("/owner/")
    assert "Only a draft can wait" in writer.told(f"{draft}/approval/ask")


def test_whoever_was_removed_meanwhile_is_told_nothing(desk: Desk, writer: Desk, draft: str, runtime: Runtime) -> None:
    writer.post(f"{draft}/approval/ask")
    with runtime.database.transaction() as session:
        session.scalars(select(Owner).where(Owner.email == "wim@example.org")).one().removed_at = NOON
    desk.post(f"{draft}/hand-back", answer="The end is missing.")
    assert len(_told(runtime)) == 2


def test_an_editor_who_asked_as_a_writer_sends_it_and_is_not_mailed(writer: Desk, draft: str, runtime: Runtime) -> None:
    writer.post(f"{draft}/approval/ask")
    become(runtime.database, Role.EDITOR, "wim@example.org")
    assert "It goes out in" in _send(writer, draft) and len(_told(runtime)) == 2


@pytest.mark.both_databases
def test_of_two_who_ask_at_once_one_is_told_that_it_waits(draft: str, article: int, runtime: Runtime) -> None:
    id, together = int(draft.rsplit("/", 1)[1]), Barrier(2)

    def ask(_number: int) -> bool:
        together.wait()
        with runtime.database.transaction() as session:
            campaign = session.get_one(Campaign, id, with_for_update=True)
            try:
                return bool(approval.ask(session, campaign, session.get_one(Owner, 2), "", NOON))
            except NotNow:
                return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == [False, True]
    with runtime.database.transaction() as session:
        assert session.scalar(select(func.count(Approval.id))) == 1
        words = session.get_one(Article, article).current.id
    with pytest.raises(IntegrityError), runtime.database.transaction() as session:
        session.add(Approval(campaign_id=id, asked_by_id=1, asked_at=NOON, revision_id=words, fingerprint=""))


def test_what_cannot_go_is_not_asked_for_by_its_route_either(writer: Desk, draft: str, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).address = ""
    assert "Ask for approval" not in writer.read(draft)
    told = writer.told(f"{draft}/approval/ask")
    assert "Nobody was asked yet." in told and "must carry your postal address" in told
    assert _told(runtime) == [] and "It waits for somebody" not in told


def test_a_writer_throws_their_own_draft_away_and_no_other(
    desk: Desk, writer: Desk, draft: str, article: int, runtime: Runtime
) -> None:
    assert "tick the box" in writer.told(f"{draft}/throw-away") and _state(runtime, draft) is CampaignState.DRAFT
    assert "Throw this draft away" in writer.read(draft)
    assert "The draft is thrown away" in writer.told(f"{draft}/throw-away", sure="yes")
    assert _state(runtime, draft) is CampaignState.CANCELLED
    assert "cancelled already" in writer.told(f"{draft}/throw-away", sure="yes")
    paulas = desk.post("/owner/campaigns/new", article=article, audience="").request.path
    assert "Throw this draft away" not in writer.read(paulas)
    assert writer.post(f"{paulas}/throw-away", sure="yes").status_code == 403
    assert _state(runtime, paulas) is CampaignState.DRAFT
    with runtime.database.reading() as session:
        log = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "campaign draft thrown away")).all()
        assert len(log) == 1


def test_a_writer_throws_nothing_away_that_is_scheduled(desk: Desk, writer: Desk, draft: str, runtime: Runtime) -> None:
    _send(desk, draft)
    writer.post(f"{draft}/throw-away", sure="yes")
    assert _state(runtime, draft) is CampaignState.SCHEDULED
