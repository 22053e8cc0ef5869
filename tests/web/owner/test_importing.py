"""The import page: check first, then import; and what is kept of the file meanwhile."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter.accounts import AuditEntry
from newsletter.clock import FixedClock
from newsletter.imports.uploads import forget_old
from newsletter.jobs import remind_and_forget
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber
from newsletter.web.bodies import LARGEST
from tests.web.owner.conftest import Desk, readable

PAGE = "/owner/subscribers/import"
LIST = (
    "email,first_name,status,shoe_size,tags\njane@example.com,Jane,active,40,golf\n"
    "bo@example.com,Bo,bounced,41,\nnobody,N,active,1,\n"
)


def _send(desk: Desk, content: str = LIST, basis: str = "At the desk", name: str = "list.csv") -> tuple[str, str]:
    """The page that follows, as words, and the path on which it stands."""
    answer = desk.post(PAGE, file=(io.BytesIO(content.encode()), name), basis=basis)
    return readable(answer.text), answer.request.path


def _people(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {one.email: str(one.status) for one in session.scalars(select(Subscriber))}


def test_the_check_tells_it_all_and_writes_nothing(desk: Desk, runtime: Runtime) -> None:
    words, path = _send(desk)
    assert "What this file would do" in words and "list.csv , 3 rows" in words
    assert "1 added confirmed" in words and "1 bounced recorded" in words
    assert "line 4: this does not look like an e-mail address" in words
    assert "Not used: shoe_size." in words and "Read as UTF-8, separated by commas" in words
    assert _people(runtime) == {}
    assert "What this file would do" in desk.read(path)
    rows = desk.client.get(f"{path}/errors.csv").text.splitlines()
    assert rows[0] == "line,reason,row" and rows[1].startswith("4,") and rows[1].endswith('"nobody,N,active,1,"')


def test_then_it_is_imported_with_its_basis_and_the_file_is_gone(desk: Desk, runtime: Runtime) -> None:
    _, path = _send(desk)
    told = desk.told(path, verb="import")
    assert "Imported" in told and "1 added" in told
    assert _people(runtime) == {"jane@example.com": "confirmed", "bo@example.com": "bounced"}
    assert [*runtime.uploads.iterdir()] == []
    with runtime.database.reading() as session:
        assert session.scalars(select(Consent.wording)).all() == ["At the desk"]
        note = session.scalars(select(AuditEntry).where(AuditEntry.action == "subscribers imported")).one()
        assert "list.csv: 1 added" in note.detail and "At the desk" in note.detail
        jane = session.scalars(select(Subscriber.id).where(Subscriber.email == "jane@example.com")).one()
    assert "Tags: golf" in desk.read(f"/owner/subscribers/{jane}")
    assert "not here any more" in desk.told(path, verb="import")


def test_a_file_can_be_discarded(desk: Desk, runtime: Runtime) -> None:
    _, path = _send(desk)
    assert "the file is deleted" in desk.told(path, verb="discard")
    assert _people(runtime) == {} and [*runtime.uploads.iterdir()] == []


def test_what_cannot_be_imported_is_told_and_the_basis_stays(desk: Desk, runtime: Runtime) -> None:
    words, _ = _send(desk, "email,status\njane@example.com,snoozed\n", basis="The sheet & the pen")
    assert "Line 2: “snoozed” in the column “status”" in words
    assert (
        'value="The sheet &amp; the pen"'
        in desk.client.post(PAGE, data={"csrf_token": desk.token, "basis": "The sheet & the pen"}).text
    )
    assert _people(runtime) == {} and [*runtime.uploads.iterdir()] == []
    assert "Choose a file first" in desk.told(PAGE, basis="x")
    assert "Say how these people agreed" in _send(desk, basis=" ")[0]


def test_a_file_that_is_too_large_names_the_command(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LARGEST, "owner.subscriber_import_send", 10_000)  # type: ignore[arg-type]
    answer = desk.post(PAGE, file=(io.BytesIO(b"email\n" + b"x" * 20_000), "big.csv"), basis="b")
    assert answer.status_code == 413
    assert "larger than 10 kB" in readable(answer.text)
    assert "newsletter subscribers import FILE" in readable(answer.text)
    assert not runtime.uploads.exists()


def test_a_stored_file_is_the_products_own_and_goes_after_an_hour(
    desk: Desk, runtime: Runtime, clock: FixedClock
) -> None:
    _send(desk)
    assert {f"{path.stat().st_mode & 0o777:o}" for path in runtime.uploads.iterdir()} == {"600"}
    assert forget_old(runtime.uploads, clock.now() + timedelta(minutes=59)) == 0
    clock.forward(timedelta(minutes=61))
    remind_and_forget(runtime, lambda: False)
    assert [*runtime.uploads.iterdir()] == []


def test_only_tokens_open_files_and_only_for_the_owner(desk: Desk, client: FlaskClient) -> None:
    _, path = _send(desk)
    for odd in ("..%2f..%2fsecret_key", "a" * 32, "x"):
        answer = desk.client.get(f"{PAGE}/{odd}")
        assert answer.status_code in (303, 404)
    stranger = client.get(path)
    assert stranger.status_code == 302 and "/owner/login" in stranger.headers["Location"]


def test_the_list_of_subscribers_leads_there(desk: Desk, person: Callable[..., int]) -> None:
    person("jane@example.com")
    assert re.search(rf'href="{PAGE}"', desk.get("/owner/subscribers"))
    assert "Check the file" in desk.read(PAGE)
