"""Topics in the script's form, in a real browser on somebody else's page."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from newsletter import topics
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, TopicChoice, consent_topics
from tests import chromium
from tests.conftest import NOON
from tests.web.embed.conftest import Blog, opened, script

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]


def test_the_script_offers_them_and_shows_those_of_today(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, runtime: Runtime
) -> None:
    blog.widget = script(site, "footer")
    page, wrong = opened(browser, blog)
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    expect(page.get_by_role("group", name="Only some topics?")).to_be_visible()
    page.get_by_label("Rehabilitation").check()
    with runtime.database.transaction() as session:
        topics.add(session, "Food", NOON)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text("has changed since you opened the page")).to_be_visible()
    expect(page.get_by_label("Rehabilitation")).not_to_be_checked()
    page.get_by_label("Food").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent).options(joinedload(Consent.wording))).one()
        assert consent_topics(session, [consent]) == TopicChoice.of({3})
        assert consent.wording.words.endswith("Ticked: Food.")
    page.context.close()
    assert wrong == []
