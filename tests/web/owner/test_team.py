"""The page of the team, and the page of who is invited."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter import accounts, team
from newsletter.accounts import AuditEntry, Owner, Role
from newsletter.clock import FixedClock
from newsletter.links import Purpose
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from tests.conftest import NOON
from tests.web.conftest import _Forms
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in

NEW = "quite unlikely green teapots"


@pytest.fixture
def ed(runtime: Runtime) -> int:
    """Another owner."""
    with runtime.database.transaction() as session:
        return accounts.create(session, "ed@example.org", PASSWORD, NOON).id


def _invited(desk: Desk, runtime: Runtime, email: str = "wim@example.org", role: str = "writer") -> str:
    """The path of the link that goes to somebody whom the page invites."""
    assert f"on its way to {email}" in desk.told("/owner/team/invite", email=email, role=role)
    return _link(runtime)


def _link(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        look = select(Message.context).where(Message.stream == Stream.INVITATION).order_by(Message.id.desc())
        numbers = (session.scalars(look).first() or {})["invitation"]
    return f"/owner/invitation/{runtime.signer.token(Purpose.INVITATION, *numbers)}"


def _choose(client: FlaskClient, link: str, password: str = NEW) -> str:
    fields = _Forms(client.get(link).text).found[0].fields
    form = {**fields, "new": password, "new_again": password}
    return readable(client.post(link, data=form, follow_redirects=True).text)


def test_who_is_invited_comes_in_by_the_link_and_once(desk: Desk, runtime: Runtime) -> None:
    link = _invited(desk, runtime)
    assert "wim@example.org writer" in desk.read("/owner/team")
    stranger = desk.client.application.test_client()
    page = readable(stranger.get(link).text)
    assert "invited as writer: Writes articles" in page and "wim@example.org" in page
    assert "too easy to guess" in _choose(stranger, link, "password12345")
    assert "You are in the team" in _choose(stranger, link)
    over = stranger.get(link)
    assert over.status_code == 410 and "This invitation is over" in over.text
    assert sign_in(stranger, NEW, "wim@example.org").status_code == 303
    assert stranger.get("/owner/articles/new").status_code == 200
    assert stranger.get("/owner/team").status_code == 403
    assert "Invited" not in desk.read("/owner/team")


def test_a_link_that_is_no_invitation_opens_nothing(desk: Desk, runtime: Runtime, clock: FixedClock) -> None:
    link, stranger = _invited(desk, runtime), desk.client.application.test_client()
    numbers = runtime.signer.numbers(Purpose.INVITATION, link.rsplit("/", 1)[1])
    for token in (runtime.signer.token(Purpose.RESET, *numbers), runtime.signer.token(Purpose.INVITATION, 1), "x" * 40):
        assert stranger.get(f"/owner/invitation/{token}").status_code == 410
    clock.forward(timedelta(days=7, seconds=1))
    assert stranger.get(link).status_code == 410
    sign_in(desk.client)
    assert "ran out" in desk.read("/owner/team")


def test_an_invitation_is_sent_again_and_withdrawn(desk: Desk, runtime: Runtime, clock: FixedClock) -> None:
    first, stranger = _invited(desk, runtime), desk.client.application.test_client()
    clock.forward(timedelta(seconds=5))
    assert "A new link is on its way" in desk.told("/owner/team/invitations/1/again")
    second = _link(runtime)
    assert stranger.get(first).status_code == 410 and stranger.get(second).status_code == 200
    assert "opens nothing any more" in desk.told("/owner/team/invitations/1/withdraw")
    assert stranger.get(second).status_code == 410
    assert "not there any more" in desk.told("/owner/team/invitations/1/again")


@pytest.mark.parametrize(
    ("email", "told"),
    [
        (EMAIL, "is in the team already"), (f" {EMAIL.upper()} ", "is in the team already"), ("", "Please type"),
        ("nobody", "@"), ("a@example.org\r\nBcc: b@example.org", ""), ("<script>@example.org", ""),
    ],
)  # fmt: skip
def test_who_cannot_be_invited_is_not(email: str, told: str, desk: Desk, runtime: Runtime) -> None:
    answer = desk.post("/owner/team/invite", email=email, role="editor")
    assert answer.status_code == 422 and told in readable(answer.text) and "<script>@" not in answer.text
    assert desk.post("/owner/team/invite", email="wim@example.org", role="emperor").status_code == 422
    with runtime.database.reading() as session:
        assert team.invited(session) == []


def test_a_second_press_finds_the_invitation(desk: Desk, runtime: Runtime) -> None:
    _invited(desk, runtime)
    assert "is invited already" in desk.told("/owner/team/invite", email="wim@example.org", role="writer")


def test_a_role_changes_and_the_session_goes_on_with_it(desk: Desk, ed: int) -> None:
    theirs = desk.client.application.test_client()
    sign_in(theirs, PASSWORD, "ed@example.org")
    assert theirs.get("/owner/team").status_code == 200
    assert "ed@example.org is viewer now" in desk.told(f"/owner/team/{ed}/role", role="viewer")
    assert theirs.get("/owner/team").status_code == 403 and theirs.get("/owner/").status_code == 200
    assert desk.post(f"/owner/team/{ed}/role", role="emperor").status_code == 400
    assert "has that role already" in desk.told(f"/owner/team/{ed}/role", role="viewer")


def test_who_is_removed_is_signed_out_at_once(desk: Desk, ed: int, runtime: Runtime) -> None:
    theirs = desk.client.application.test_client()
    sign_in(theirs, PASSWORD, "ed@example.org")
    assert "tick the box" in desk.told(f"/owner/team/{ed}/remove")
    assert "is removed and signed out" in desk.told(f"/owner/team/{ed}/remove", sure="yes")
    assert "/owner/login" in theirs.get("/owner/").location
    assert sign_in(theirs, PASSWORD, "ed@example.org").status_code == 422
    assert "not in the team any more" in desk.told(f"/owner/team/{ed}/remove", sure="yes")
    assert "ed@example.org" not in readable(re.sub(r"(?s)^.*?<main", "<main", desk.get("/owner/team")))
    with runtime.database.reading() as session:
        assert "removed from the team" in session.scalars(select(AuditEntry.action)).all()


def test_one_owner_remains_and_may_go_when_there_is_another(desk: Desk, owner: int, runtime: Runtime) -> None:
    assert "One owner must remain" in desk.read("/owner/team")
    assert "One owner must remain" in desk.told(f"/owner/team/{owner}/role", role="editor")
    assert "One owner must remain" in desk.told(f"/owner/team/{owner}/remove", sure="yes")
    with runtime.database.transaction() as session:
        accounts.create(session, "ed@example.org", PASSWORD, NOON)
    assert "Sign in" in desk.told(f"/owner/team/{owner}/remove", sure="yes")
    assert "/owner/login" in desk.client.get("/owner/").location


def test_an_owner_who_steps_down_sees_the_first_page(desk: Desk, owner: int, ed: int) -> None:
    answer = desk.post(f"/owner/team/{owner}/role", role="editor")
    assert answer.request.path == "/owner/" and f"{EMAIL} is editor now" in readable(answer.text)


@pytest.mark.parametrize("path", ["invite", "invitations/1/again", "2/role", "2/remove"])
def test_the_password_is_asked_for_again(path: str, desk: Desk, ed: int, clock: FixedClock, runtime: Runtime) -> None:
    desk.post("/owner/settings/zone")  # gets a token
    clock.forward(timedelta(minutes=11))
    form = {"email": "wim@example.org", "role": "viewer", "sure": "yes"}
    answer = desk.post(f"/owner/team/{path}", **form)
    assert answer.status_code == 403 and "type your password once more" in readable(answer.text)
    with runtime.database.reading() as session:
        assert session.get_one(Owner, ed).role is Role.OWNER and team.invited(session) == []
