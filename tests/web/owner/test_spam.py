"""Spam points on the pages of campaigns, articles and guides, and what Settings → Sending says of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.preflight import spam
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.web.owner import spam_words
from tests.spamd_server import SpamdServer, answered, spamd
from tests.web.owner.conftest import Desk, readable

HOSTILE = '<script>alert(1)</script>"&{{ 7*7 }}'


@pytest.fixture
def server(runtime: Runtime) -> Iterator[SpamdServer]:
    """SpamAssassin, which web and worker know of."""
    with spamd() as one:
        told = {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "SPAMD": one.place}
        runtime.settings = load({**told, "PUBLIC_URL": "http://localhost:8000"})
        yield one


@pytest.fixture
def draft(desk: Desk, article: int, person: Callable[..., int]) -> int:
    """A draft to Jane."""
    person("jane@example.com", "Jane")
    return int(desk.post("/owner/campaigns/new", article=article, audience="").request.path.rsplit("/", 1)[1])


def piece(desk: Desk, path: str) -> dict[str, Any]:
    answer = desk.client.get(path)
    assert answer.status_code == 200
    return dict(answer.json or {})


def scored(desk: Desk, runtime: Runtime, path: str) -> None:
    assert desk.post(path).status_code == 200
    assert spam.go_on(runtime) == 1


def test_without_spamassassin_nothing_is_said_but_how_to_turn_it_on(desk: Desk, draft: int, article: int) -> None:
    for path in (f"/owner/campaigns/{draft}", f"/owner/articles/{article}", "/owner/guides/1/set-up"):
        assert "Spam points" not in desk.read(path)
    assert "set SPAMD=127.0.0.1:783 and start again" in desk.read("/owner/sending")
    assert "SPAMD is not set" in desk.told(f"/owner/sending/spam/campaign/{draft}")
    assert piece(desk, f"/owner/sending/spam/campaign/{draft}") == {"state": "", "html": ""}


def test_a_page_asks_a_worker_scores_and_the_page_shows(
    desk: Desk, runtime: Runtime, draft: int, server: SpamdServer
) -> None:
    page, path = f"/owner/campaigns/{draft}", f"/owner/sending/spam/campaign/{draft}"
    assert "Nothing is known of the mail as it stands." in desk.read(page) and "data-unasked" in desk.get(page)
    assert server.asked == []
    assert desk.post(path, follow=False).headers["Location"].endswith(f"{page}#spam")
    assert "SpamAssassin is asked; that takes some seconds." in desk.read(page) and "data-unasked" not in desk.get(page)
    spam.go_on(runtime)
    words = desk.read(page)
    assert "SpamAssassin gives it 1.7 points; from 5.0 on it calls a mail spam." in words
    assert "2.7 BODY: Dear Friend? That's not very dear! DEAR_FRIEND What you can do: Greet readers by their" in words
    assert "-1.0 Multiple indicators imply a widely-seen list manager MAILING_LIST_MULTI 1 more rule hit" in words
    assert "Scored just now" in words and "Score it again" in words


def test_articles_and_guides_have_it_too(desk: Desk, runtime: Runtime, article: int, server: SpamdServer) -> None:
    for kind, id, page in (("article", article, f"/owner/articles/{article}"), ("guide", 1, "/owner/guides/1/set-up")):
        scored(desk, runtime, f"/owner/sending/spam/{kind}/{id}")
        assert "1.7 points From 5.0 on SpamAssassin calls a mail spam." in desk.read(page)
    assert f"SpamAssassin at {server.place} says how mails fare" in desk.read("/owner/sending")


def test_other_words_are_other_points(desk: Desk, runtime: Runtime, draft: int, server: SpamdServer) -> None:
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    with runtime.database.transaction() as session:
        article = session.get_one(Campaign, draft).article
        article.revise(runtime.clock.now(), subject="Walk now", preheader="", body="Walk.")
    assert "Nothing is known of the mail as it stands." in desk.read(f"/owner/campaigns/{draft}")


def test_many_points_want_a_tick_before_it_goes(desk: Desk, runtime: Runtime, draft: int, server: SpamdServer) -> None:
    server.answer = answered("6.1")
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    now = {"when": "at", "day": "2026-07-01", "clock": "09:00"}
    assert "6.1 points, and from 5.0 on it calls a mail spam" in desk.read(f"/owner/campaigns/{draft}")
    refused = desk.post(f"/owner/campaigns/{draft}/schedule", **now)
    assert refused.status_code == 422 and "Read the warnings, and tick this if it is meant so." in readable(
        refused.text
    )
    assert "It goes out" in desk.told(f"/owner/campaigns/{draft}/schedule", **now, accept="y")


def test_without_points_it_goes_as_ever(desk: Desk, runtime: Runtime, draft: int, server: SpamdServer) -> None:
    server.answer = b""
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    words = desk.read(f"/owner/campaigns/{draft}")
    assert "said nothing that SpamAssassin says" in words and "Nothing is held up by that." in words
    told = desk.told(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-07-01", clock="09:00")
    assert "It goes out" in told


def test_the_script_gets_the_piece_alone(desk: Desk, runtime: Runtime, draft: int, server: SpamdServer) -> None:
    path = f"/owner/sending/spam/campaign/{draft}"
    assert piece(desk, path)["state"] == "unasked"
    desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    json = {"Accept": "application/json"}
    asked = desk.client.post(path, data={"csrf_token": desk.token}, headers=json)
    assert asked.json is not None and asked.json["state"] == "waiting" and "<html" not in asked.json["html"]
    spam.go_on(runtime)
    seen = piece(desk, path)
    assert seen["state"] not in ("unasked", "waiting") and "1.7 points" in readable(seen["html"])


def test_a_second_press_shortly_after_asks_for_nothing_more(
    desk: Desk, runtime: Runtime, draft: int, server: SpamdServer, clock: FixedClock
) -> None:
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    desk.post(f"/owner/sending/spam/campaign/{draft}")
    assert spam.go_on(runtime) == 0
    clock.forward(timedelta(minutes=1))
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    assert len(server.asked) == 2


def test_what_it_says_is_text_and_nothing_else(desk: Desk, runtime: Runtime, draft: int, server: SpamdServer) -> None:
    server.answer = answered(rules=f" 1.0 ODD_RULE               {HOSTILE}")
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    page = desk.get(f"/owner/campaigns/{draft}")
    assert "alert(1)" in page and "<script>alert" not in page and HOSTILE in readable(page).replace("&amp;", "&")
    server.answer = f"SPAMD/1.0 70 {HOSTILE}\r\n".encode()
    runtime.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
    scored(desk, runtime, f"/owner/sending/spam/campaign/{draft}")
    page = desk.get(f"/owner/campaigns/{draft}")
    assert "alert(1)" in page and "<script>alert" not in page


def test_what_is_not_there_is_not_asked_about(desk: Desk, runtime: Runtime, server: SpamdServer) -> None:
    for path in (
        "/owner/sending/spam/campaign/4711",
        "/owner/sending/spam/article/4711",
        "/owner/sending/spam/guide/4711",
        "/owner/sending/spam/x/1",
    ):
        assert desk.post(path).status_code == 404 and desk.client.get(path).status_code == 404
    assert spam.go_on(runtime) == 0


@pytest.mark.parametrize(("rule", "mend"), [
    ("SUBJ_ALL_CAPS", "small letters"), ("DIET_1", "pills"), ("SUBJ_BUY", "another subject"),
    ("HTML_IMAGE_ONLY_28", "more words beside the pictures"), ("MPART_ALT_DIFF", "two parts"),
    ("URIBL_BLACK", "public list"), ("DKIM_INVALID", "see DKIM"), ("BAYES_99", "has learnt"),
    ("HTML_FONT_LOW_CONTRAST", "Settings → Theme"), ("MAILING_LIST_MULTI", ""), ("BAYES_00", ""), ("NO_RELAYS", ""),
])  # fmt: skip
def test_rules_that_an_owner_can_influence_say_how(rule: str, mend: str) -> None:
    told = str(spam_words.mend(rule))
    assert mend in told and bool(mend) == bool(told)


def test_every_trouble_has_its_words() -> None:
    for code in (*spam_words.Trouble, spam.UNSET, spam.GONE, spam.UNFIT):
        assert str(spam_words.trouble(code))
    assert spam_words.trouble("of another version") == ""
