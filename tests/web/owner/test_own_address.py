"""Paula's own sign-in address: asked for under Settings, and the pages behind both links."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter import accounts, login_address
from newsletter.accounts import AuditEntry, LoginChange, Owner, OwnerSession
from newsletter.clock import FixedClock
from newsletter.links import Purpose
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from tests.conftest import NOON
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in
from tests.web.owner.test_second_factor import Phone, phone

__all__ = ["phone"]
NEW = "paula@new.example.org"
ASK = "/owner/settings/address"


def _ask(desk: Desk, to: str = NEW, old: str = PASSWORD, **more: Any) -> str:
    return desk.told(ASK, email=to, old=old, **more)


def _links(runtime: Runtime) -> tuple[str, str]:
    """The paths of both: to press, and to call off."""
    with runtime.database.reading() as session:
        look = select(Message.context).where(Message.stream == Stream.LOGIN).order_by(Message.id.desc())
        numbers = (session.scalars(look).first() or {})["login"]
    press, not_me = (runtime.signer.token(one, *numbers) for one in (Purpose.LOGIN, Purpose.NOT_ME))
    return f"/owner/address/{press}", f"/owner/address/not-me/{not_me}"


def _press(client: FlaskClient, link: str) -> tuple[int, str]:
    """Press the page's button."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link).text)
    answer = client.post(link, data={"csrf_token": found[1] if found else ""}, follow_redirects=True)
    return answer.status_code, readable(answer.text)


def _asked(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return len(session.scalars(select(LoginChange)).all())


def test_an_address_is_asked_for_pressed_and_signs_in(desk: Desk, runtime: Runtime) -> None:
    assert f"If nobody of the team has {NEW}, a mail" in _ask(desk)
    assert f"Asked for: {NEW}" in desk.read("/owner/settings")
    elsewhere, link = desk.client.application.test_client(), _links(runtime)[0]
    sign_in(elsewhere)
    page = desk.read(link)
    assert NEW in page and f"in place of {EMAIL}" in page, "opening it uses nothing up"
    code, told = _press(desk.client, link)
    assert code == 200 and f"You sign in with {NEW} from now on." in told, "this browser stays signed in"
    assert elsewhere.get("/owner/settings").status_code == 302
    assert sign_in(elsewhere).status_code == 422 and sign_in(elsewhere, email=NEW).status_code == 303
    assert _press(elsewhere, link)[0] == 200, "a second press finds it done"


def test_the_press_in_another_browser_leads_to_the_sign_in_page(desk: Desk, runtime: Runtime) -> None:
    _ask(desk)
    stranger = desk.client.application.test_client()
    assert f"Your sign-in address is {NEW} now" in _press(stranger, _links(runtime)[0])[1]
    assert desk.client.get("/owner/settings").status_code == 302


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"to": EMAIL.upper()}, "That is your address already"), ({"to": ""}, "Please type an e-mail address"),
        ({"to": "nobody"}, "@"), ({"to": "<script>@example.org"}, ""), ({"old": "wrong"}, "not your present password"),
        ({"old": ""}, "type your present password"), ({"to": "a@example.org\r\nBcc: b@example.org"}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_beside_the_field(form: dict[str, str], told: str, desk: Desk, runtime: Runtime) -> None:
    sent = {"email": NEW, "old": PASSWORD} | {"email" if name == "to" else name: value for name, value in form.items()}
    answer = desk.post(ASK, **sent)
    assert answer.status_code == 422 and told in readable(answer.text) and "<script>@" not in answer.text
    assert _asked(runtime) == 0 and PASSWORD not in answer.text


def test_a_taken_address_gets_the_same_answer(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        accounts.create(session, "ed@example.org", PASSWORD, NOON)
    free, taken = _ask(desk), _ask(desk, "ed@example.org")
    assert free.replace(NEW, "ed@example.org") == taken
    with runtime.database.reading() as session:
        to = [(one or {})["to"] for one in session.scalars(select(Message.context).order_by(Message.id))]
    assert to == [NEW, EMAIL, EMAIL]


def test_wrong_passwords_make_the_next_one_wait(desk: Desk, runtime: Runtime) -> None:
    for _ in range(6):
        _ask(desk, old="wrong")
    answer = desk.post(ASK, email=NEW, old=PASSWORD)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0 and _asked(runtime) == 0


def test_with_a_second_factor_a_code_is_asked_for(
    desk: Desk, runtime: Runtime, phone: Phone, clock: FixedClock
) -> None:
    assert "Of your app, or one of your recovery codes" in desk.read("/owner/settings")
    assert "That code is not right" in _ask(desk) and "That code is not right" in _ask(desk, code="123456")
    assert _asked(runtime) == 0
    code = phone.code
    assert "must not be" not in _ask(desk, EMAIL, code=code), "an address that is refused spends no code"
    assert "a mail with a link" in _ask(desk, code=code)
    assert "That code is not right" in _ask(desk, code=code), "a code is good once"
    assert "a mail with a link" in _ask(desk, code=phone.recovery[0])  # type: ignore[attr-defined]
    with runtime.database.reading() as session:
        refused = select(AuditEntry).where(AuditEntry.action == "code refused")
        assert len(session.scalars(refused).all()) == 3
    for _ in range(6):
        _ask(desk, code="000000")
        clock.forward(timedelta(seconds=1))
    assert desk.post(ASK, email=NEW, old=PASSWORD, code=phone.code).status_code == 429


def test_it_was_not_me_stops_it_and_says_what_to_do(desk: Desk, runtime: Runtime) -> None:
    _ask(desk)
    press, not_me = _links(runtime)
    stranger = desk.client.application.test_client()
    assert "It has not happened yet" in readable(stranger.get(not_me).text)
    code, told = _press(stranger, not_me)
    assert code == 200 and "Called off" in told and "choose a new one now" in told
    assert stranger.get(press).status_code == 410 and stranger.get(not_me).status_code == 410
    assert desk.client.get("/owner/settings").status_code == 302


def test_it_was_not_me_takes_it_back(desk: Desk, runtime: Runtime) -> None:
    _ask(desk)
    press, not_me = _links(runtime)
    _press(desk.client, press)
    stranger = desk.client.application.test_client()
    assert "That has happened" in readable(stranger.get(not_me).text)
    assert "Taken back" in _press(stranger, not_me)[1]
    with runtime.database.reading() as session:
        assert [one.email for one in session.scalars(select(Owner))] == [EMAIL]
    assert sign_in(stranger).status_code == 422


def test_a_link_that_is_another_one_opens_nothing(desk: Desk, runtime: Runtime, clock: FixedClock) -> None:
    _ask(desk)
    press, not_me = _links(runtime)
    stranger = desk.client.application.test_client()
    first, second = (one.rsplit("/", 1)[1] for one in (press, not_me))
    for path in (f"/owner/address/{second}", f"/owner/address/not-me/{first}", "/owner/address/x", f"{press}x"):
        answer = stranger.get(path)
        assert answer.status_code == 410 and "This link is over" in answer.text
    assert stranger.get(press).headers["Cache-Control"] == "private, no-store"
    clock.forward(timedelta(hours=24, seconds=1))
    assert stranger.get(press).status_code == 410 and stranger.get(not_me).status_code == 410


@pytest.mark.both_databases
def test_a_sign_in_with_the_earlier_address_does_not_outlive_the_press(desk: Desk, runtime: Runtime) -> None:
    """The press comes while the password is being compared."""
    _ask(desk)
    numbers = runtime.signer.numbers(Purpose.LOGIN, _links(runtime)[0].rsplit("/", 1)[1])
    stranger, together = desk.client.application.test_client(), Barrier(2)

    def signs_in() -> None:
        together.wait()
        sign_in(stranger)

    def presses() -> None:
        together.wait()
        with runtime.database.transaction() as session:
            login_address.press(session, numbers, NOON)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(signs_in), pool.submit(presses)]:
            done.result()
    with runtime.database.reading() as session:
        assert session.scalars(select(OwnerSession)).all() == []


def test_everybody_of_the_team_may_and_tests_go_to_the_new_address(desk: Desk, runtime: Runtime, article: int) -> None:
    _ask(desk)
    _press(desk.client, _links(runtime)[0])
    assert NEW in desk.told(f"/owner/articles/{article}/test", to="")
    with runtime.database.transaction() as session:
        session.scalars(select(Owner)).one().role = accounts.Role.VIEWER
    assert f"You sign in with {NEW}" in desk.read("/owner/settings")
    assert "a mail with a link" in _ask(desk, "paula@third.example.org")
