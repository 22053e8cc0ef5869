"""The owner's page of throw-away domains."""

import pytest
from sqlalchemy import select

from newsletter import brand, throwaway
from newsletter.accounts import AuditEntry
from newsletter.runtime import Runtime
from tests.web.owner.conftest import Desk, readable

PATH = "/owner/throw-away"


def _log(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.reading() as session:
        rows = session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(action, detail) for action, detail in rows if "throw-away" in action]


def _refuses(runtime: Runtime, domain: str) -> bool:
    with runtime.database.reading() as session:
        return brand.current(session).refuses(domain)


def test_a_list_is_edited_and_goes_back_to_ours(desk: Desk, runtime: Runtime) -> None:
    ours = throwaway.our_text()
    assert f"This is our list of {len(throwaway.ours())} domains" in desk.read(PATH)
    assert "mailinator.com\n" in desk.get(PATH) and "Go back to our list" not in desk.read(PATH)
    more = ours.replace("yopmail.com\n", "") + "\n# Mine\nMüll.example  # seen in May\n"
    assert "Saved. It holds for the next sign-up" in desk.told(PATH, body=more.replace("\n", "\r\n"))
    assert _refuses(runtime, "xn--mll-hoa.example") and not _refuses(runtime, "yopmail.com")
    assert "This is your own list" in desk.read(PATH) and "Müll.example  # seen in May" in desk.get(PATH)
    assert "Nothing was different." in desk.told(PATH, body=more)
    assert "tick the box" in desk.told(f"{PATH}/ours") and not _refuses(runtime, "yopmail.com")
    assert "Saved." in desk.told(f"{PATH}/ours", sure="yes")
    assert _refuses(runtime, "yopmail.com") and not _refuses(runtime, "xn--mll-hoa.example")
    assert _log(runtime) == [
        ("throw-away domains saved", "+xn--mll-hoa.example −yopmail.com"),
        ("throw-away domains saved", "+yopmail.com −xn--mll-hoa.example"),
    ]
    assert "throw-away domains saved" in desk.read("/owner/audit")


def test_it_is_switched_off_and_on(desk: Desk, runtime: Runtime) -> None:
    assert "Every domain is taken from now on." in desk.told(f"{PATH}/switch", verb="off")
    assert not _refuses(runtime, "yopmail.com") and "Taken." in desk.read(PATH)
    desk.told(f"{PATH}/switch", verb="off")
    assert "Sign-ups with these domains are refused" in desk.told(f"{PATH}/switch", verb="on")
    assert _refuses(runtime, "yopmail.com")
    assert [action for action, _ in _log(runtime)] == ["throw-away domains taken", "throw-away domains refused"]


@pytest.mark.parametrize("line", ["*", "*.yopmail.com", "com", "co.uk", "human-movement.com", "<b>x</b>", "a" * 20_000])
def test_what_cannot_stand_there_is_told_beside_what_was_typed(line: str, desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, body=f"kept.example\n{line}")
    assert answer.status_code == 422 and "Line 2" in readable(answer.text) and "kept.example" in answer.text
    assert "<b>x</b>" not in answer.text
    assert not _refuses(runtime, "kept.example") and _refuses(runtime, "yopmail.com") and _log(runtime) == []


def test_ten_thousand_lines_are_taken_and_shown(desk: Desk, runtime: Runtime) -> None:
    lines = [f"d{number}.thrown-away.example" for number in range(10_000)]
    assert "Saved." in desk.told(PATH, body="\r\n".join(lines))
    assert _refuses(runtime, "d9999.thrown-away.example") and "your own list of 10,000 domains" in desk.read(PATH)
    (entry,) = _log(runtime)
    assert "+9995 …" in entry[1] and len(entry[1]) <= 500


def test_the_list_is_found_by_search(desk: Desk) -> None:
    assert "Throw-away addresses" in desk.read("/owner/search?q=disposable")
    assert "Refused at sign-up" in desk.read("/owner/settings")


def test_a_list_is_not_lost_when_the_session_has_ended(desk: Desk) -> None:
    desk.client.delete_cookie("session")
    answer = desk.client.post(PATH, data={"body": "kept.example"})
    assert answer.status_code in (400, 401) and "kept.example" in answer.text
