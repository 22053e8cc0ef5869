"""Links on the page of a campaign: fetched where I ask, told, and on Home while readers will get them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from newsletter import articles, link_checks
from newsletter.clock import FixedClock
from newsletter.fetch import Trouble
from newsletter.runtime import Runtime
from tests.link_checks.test_work import Sites, run, sites
from tests.web.owner.conftest import Desk, readable

__all__ = ["sites"]
GONE = "https://two.example/b"


@pytest.fixture
def draft(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> str:
    """The page of a draft with three links."""
    person("jane@example.com", "Jane")
    body = f"[a](https://one.example/a) [b]({GONE}) [c](https://three.example/c)"
    with runtime.database.transaction() as session:
        id = articles.write(session, runtime.clock.now(), title="On links", subject="Links", body=body).id
    return str(desk.post("/owner/campaigns/new", article=id, audience="").request.path)


def piece(desk: Desk, path: str) -> dict[str, Any]:
    answer = desk.client.get(path)
    assert answer.status_code == 200
    return dict(answer.json or {})


def test_a_page_asks_a_worker_fetches_and_the_page_tells(
    desk: Desk, runtime: Runtime, draft: str, sites: Sites
) -> None:
    sites.answers = {GONE: 404, "https://three.example/c": Trouble.REFUSED}
    assert "3 addresses of other sites: whether something is there has not been looked at." in desk.read(draft)
    assert sites.asked == []
    assert desk.post(f"{draft}/links", follow=False).headers["Location"].endswith(f"{draft}#links")
    assert "Being fetched: 0 of 3 so far." in desk.read(draft)
    assert run(runtime) == 3
    page, words = desk.get(draft), desk.read(draft)
    assert f"1 of 3 links does not answer: {GONE} (404)." in words
    assert f"{GONE} (404) Nothing stands at this address (any more). Check it in your browser." in words
    assert "show=https://two.example/b#body" in page and "Of 1 nobody can say from here" in words
    assert "The site does not let us see this page." in words and "Fetched just now" in words


def test_a_link_that_leads_nowhere_wants_a_tick(desk: Desk, runtime: Runtime, draft: str, sites: Sites) -> None:
    sites.answers = {GONE: 404}
    desk.post(f"{draft}/try", number="1")
    desk.post(f"{draft}/links")
    run(runtime)
    when = {"when": "at", "day": "2026-07-01", "clock": "09:00"}
    assert "Read the warnings, and tick this if it is meant so." in desk.told(f"{draft}/schedule", **when)
    assert "links that readers" not in desk.read("/owner/")
    assert "It goes out" in desk.told(f"{draft}/schedule", **when, accept="y")
    home = desk.get("/owner/")
    assert "1 link that readers will get leads nowhere:" in readable(home) and f"{GONE} (404): On links" in readable(
        home
    )
    assert "show=https://two.example/b#body" in home


def test_where_all_answer_nothing_is_wanted(desk: Desk, runtime: Runtime, draft: str, sites: Sites) -> None:
    desk.post(f"{draft}/links")
    run(runtime)
    assert "3 links of other sites answer." in desk.read(draft) and "3 addresses of other sites were" in desk.read(
        draft
    )


def test_i_have_them_fetched_again(desk: Desk, runtime: Runtime, draft: str, sites: Sites, clock: FixedClock) -> None:
    desk.post(f"{draft}/links")
    run(runtime)
    desk.post(f"{draft}/links", anew="yes")
    assert link_checks.go_on(runtime) == 0, "a moment ago"
    clock.forward(timedelta(minutes=1))
    desk.post(f"{draft}/links")
    assert link_checks.go_on(runtime) == 0, "the script of a page that was opened"
    desk.post(f"{draft}/links", anew="yes")
    assert run(runtime) == 3


def test_the_script_gets_the_piece_alone(desk: Desk, runtime: Runtime, draft: str, sites: Sites) -> None:
    assert piece(desk, f"{draft}/links")["state"] == "unasked"
    desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    asked = desk.client.post(f"{draft}/links", data={"csrf_token": desk.token}, headers={"Accept": "application/json"})
    assert asked.json is not None and asked.json["state"].startswith("waiting 3") and "<html" not in asked.json["html"]
    run(runtime)
    assert piece(desk, f"{draft}/links")["state"].startswith("done")
    assert desk.client.get("/owner/campaigns/4711/links").status_code == 404


def test_an_address_is_text_and_nothing_else(desk: Desk, runtime: Runtime, sites: Sites) -> None:
    odd = 'https://x.example/?"><script>alert(1)</script>'
    with runtime.database.transaction() as session:
        id = articles.write(session, runtime.clock.now(), title="Odd", subject="Odd", body=f"[a](<{odd}>)").id
    path = str(desk.post("/owner/campaigns/new", article=id, audience="").request.path)
    desk.post(f"{path}/links")
    sites.answers = dict.fromkeys(sites.asked, 404)
    run(runtime)
    assert "<script>alert" not in desk.get(path)
