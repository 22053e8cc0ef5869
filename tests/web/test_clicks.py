"""A click: it leads on whatever happens, and is written down once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from newsletter import clicks, journey
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.links import Purpose, Signer
from newsletter.mail.render.counted import Destination
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber
from tests.clicking import LATER, ONE, THREE, TWO, Mailed, count_clicks, held, mailed, send_campaign, send_step


@pytest.fixture
def jane(runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock) -> Mailed:
    """What Jane got, an hour ago."""
    person("jane@example.com", "Jane")
    person("joe@example.com")
    count_clicks(runtime)
    send_campaign(runtime)
    clock.forward(LATER)
    return mailed(runtime, sent)["jane@example.com"]


def test_a_click_leads_on_and_is_written_down(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    answer = client.get(jane.links[0])
    assert (answer.status_code, answer.headers["Location"], answer.data) == (302, ONE, b"")
    assert held(runtime) == set()
    assert runtime.write_clicks() == 0
    assert held(runtime) == {(jane.message, ONE, True, False)}


def test_a_click_sets_no_cookie_and_names_no_client(
    jane: Mailed, client: FlaskClient, runtime: Runtime, tmp_path: Path
) -> None:
    answer = client.get(jane.links[0], environ_overrides={"REMOTE_ADDR": "192.0.2.77"})
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"] and "no-store" in answer.headers["Cache-Control"]
    runtime.write_clicks()
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and b"192.0.2.77" in one.read_bytes()]


def test_the_same_click_again_and_again_is_one(
    jane: Mailed, client: FlaskClient, runtime: Runtime, clock: FixedClock
) -> None:
    for _ in range(3):
        for link in (*jane.links[:2], *jane.links[:2]):
            assert client.get(link).status_code == 302
        runtime.write_clicks()
        clock.forward(LATER)
    assert held(runtime) == {(jane.message, ONE, True, False), (jane.message, TWO, True, False)}


def test_a_series_mail_is_counted_too(
    runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock, client: FlaskClient
) -> None:
    count_clicks(runtime)
    send_step(runtime, clock, person("jane@example.com", "Jane"))
    clock.forward(LATER)
    step = mailed(runtime, sent, Stream.STEP)["jane@example.com"]
    assert client.get(step.links[1]).headers["Location"] == TWO
    runtime.write_clicks()
    assert held(runtime) == {(step.message, TWO, True, False)}


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
def test_what_nobody_wanted_to_see_is_a_machines(
    jane: Mailed, client: FlaskClient, runtime: Runtime, headers: dict[str, str]
) -> None:
    assert client.get(jane.links[0], headers=headers).headers["Location"] == ONE
    assert client.head(jane.links[1]).headers["Location"] == TWO
    runtime.write_clicks()
    assert held(runtime) == {(jane.message, ONE, False, True), (jane.message, TWO, False, True)}


def _broken(path: str) -> list[str]:
    token = path.removeprefix("/c/")
    link, tag = token.split(".")
    return [
        link, tag, f"{tag}.{link}", f"{link}.", f".{tag}", token[:-1], token[1:], f"{link}.{tag}.{tag}",
        f"{link}{link}.{tag}", f"{link}.{tag}{tag}", token.swapcase(), "x" * 10_000, f"{link}.{'A' * 36}",
        "https:%2F%2Fevil.example", "..%2f..", "%0d%0aLocation:x",
    ]  # fmt: skip


def test_what_is_not_ours_leads_nowhere(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    for token in _broken(jane.links[0]):
        for method in ("GET", "HEAD"):
            answer = client.open(f"/c/{token}", method=method)
            assert (answer.status_code, answer.headers.get("Location")) == (404, None), token[:80]
        assert "Traceback" not in answer.text
    assert "This link is not complete" in client.get("/c/abc.def").text
    assert client.post(jane.links[0]).status_code == 405
    runtime.write_clicks()
    assert held(runtime) == set()


def test_a_token_for_something_else_is_no_click(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    link, _ = jane.links[0].removeprefix("/c/").split(".")
    for purpose in set(Purpose) - {Purpose.CLICK}:
        assert client.get(f"/c/{link}.{runtime.signer.token(purpose, jane.message)}").status_code == 404
    tag = runtime.signer.token(Purpose.CLICK, jane.message)
    for path in ("view", "unsubscribe", "preferences", "library", "confirm", "not-me"):
        assert client.get(f"/{path}/{tag}").status_code == 404


def test_an_old_key_stays_good(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    runtime.signer = Signer(b"n" * 40, [b"k" * 40])
    assert client.get(jane.links[2]).headers["Location"] == THREE
    runtime.write_clicks()
    assert held(runtime) == {(jane.message, THREE, True, False)}
    runtime.signer = Signer(b"n" * 40)
    assert client.get(jane.links[2]).status_code == 404


def test_what_is_switched_off_records_nothing_and_leads_on(
    jane: Mailed, client: FlaskClient, runtime: Runtime, sent: SentList, clock: FixedClock
) -> None:
    count_clicks(runtime, on=False)
    assert client.get(jane.links[0]).headers["Location"] == ONE
    runtime.write_clicks()
    assert held(runtime) == set()
    assert not [one for one in runtime.settings.data_dir.joinpath("clicks").iterdir() if one.stat().st_size]
    send_campaign(runtime)
    assert mailed(runtime, sent)["jane@example.com"].links == ()


def test_a_link_leads_on_when_its_reader_is_gone(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.delete(session.get_one(Subscriber, jane.subscriber))
    assert client.get(jane.links[0]).headers["Location"] == ONE
    assert runtime.write_clicks() == 0
    assert held(runtime) == set()


def test_a_link_of_another_mail_is_nobodys_click(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    other = Destination(TWO, 3, 999_999).sealed(runtime.signer)
    tag = runtime.signer.token(Purpose.CLICK, jane.message)
    assert client.get(f"/c/{other}.{tag}").headers["Location"] == TWO
    runtime.write_clicks()
    assert held(runtime) == set()


def test_while_the_database_is_away_links_lead_on_and_clicks_are_kept(
    jane: Mailed, client: FlaskClient, runtime: Runtime
) -> None:
    there = runtime.database
    runtime.database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    for link in jane.links[:2]:
        assert client.get(link).status_code == 302
    with pytest.raises(OperationalError):
        runtime.write_clicks()
    assert client.get("/c/x.y").status_code == 404
    runtime.database = there
    assert runtime.write_clicks() == 0
    assert held(runtime) == {(jane.message, ONE, True, False), (jane.message, TWO, True, False)}


def test_a_full_disk_keeps_nobody_from_where_they_go(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    folder = runtime.settings.data_dir / "clicks"
    folder.write_text("no folder")
    assert client.get(jane.links[0]).headers["Location"] == ONE
    folder.unlink()


def test_a_storm_is_written_once_a_minute(
    jane: Mailed, client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = client.application.extensions["newsletter"].clicks
    monkeypatch.setattr(writer, "wake", lambda: None)  # on a slow machine it would take the journal before the end
    for _ in range(200):
        client.head(jane.links[0])
    (journal,) = (runtime.settings.data_dir / "clicks").iterdir()
    assert len(journal.read_text().splitlines()) == 1


def test_the_web_writes_clicks_down_by_itself(jane: Mailed, client: FlaskClient, runtime: Runtime) -> None:
    client.get(jane.links[0])
    client.application.extensions["newsletter"].clicks.close()
    assert held(runtime) == {(jane.message, ONE, True, False)}


def test_after_an_erasure_nothing_is_left_of_clicks(
    jane: Mailed, client: FlaskClient, runtime: Runtime, clock: FixedClock
) -> None:
    client.get(jane.links[0])
    runtime.write_clicks()
    client.get(jane.links[1])  # waits in the journal
    with runtime.database.transaction() as session:
        clicks.object_to(session, jane.subscriber, clock.now())
        clicks.withdraw_objection(session, jane.subscriber)
    client.get(jane.links[2])
    runtime.write_clicks()
    assert len(held(runtime)) == 2
    client.get(jane.links[0], headers={"Purpose": "prefetch"})
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, jane.subscriber), clock.now())
    runtime.write_clicks()
    assert held(runtime) == set()
    assert not list((runtime.settings.data_dir / "clicks").iterdir())
