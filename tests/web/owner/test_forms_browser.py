"""Paula at her forms and her people in a real browser, and a visitor who meets what she has set."""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from newsletter import media, topics
from newsletter.articles import Article, Revision
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber, consent_topics, topic_choice
from tests import chromium
from tests.conftest import NOON
from tests.web.owner.test_browser import LOOKS, found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]


def _sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


@pytest.fixture
def hill(runtime: Runtime) -> str:
    """A picture of the library; its name."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((600, 400)).convert("RGB").save(out, "JPEG")
    with runtime.database.transaction() as session:
        return media.add(session, runtime.media, media.prepare(io.BytesIO(out.getvalue())), "A hill", NOON).name


@pytest.fixture
def article(runtime: Runtime, hill: str) -> str:
    """A public article with a picture; its path."""
    with runtime.database.transaction() as session:
        found = session.scalars(select(Article).where(Article.published_at <= NOON).order_by(Article.id)).first()
        assert found is not None
        words = f"{found.current.body}\n\n![A hill](/media/{hill})\n"
        session.execute(update(Revision).where(Revision.id == found.current.id).values(body=words))
        return f"/archive/{found.slug}"


@LOOKS
def test_paula_gives_a_form_its_topics_and_a_picture_and_sets_it_below_articles(
    browser: Browser, site: str, runtime: Runtime, article: str, hill: str, width: int, scheme: str
) -> None:
    looks = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = signed_in(browser, site, **looks)
    with runtime.database.reading() as session:
        footer = session.scalars(select(Form).where(Form.slug == "footer")).one()
    page.goto(f"{site}/owner/forms/{footer.id}")
    page.get_by_label("Let people choose among the topics").uncheck()
    settled = page.get_by_role("group", name="Or settle the topics yourself")
    settled.get_by_label("Rehabilitation").check()
    page.get_by_label("A picture of its own").select_option(hill)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Say in a few words what the picture shows")).to_be_visible()
    expect(settled.get_by_label("Rehabilitation")).to_be_checked()
    page.get_by_label("What the picture shows").fill("A hill in the evening")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It holds wherever the form stands")).to_be_visible()
    _sound(page)
    page.goto(f"{site}/owner/forms")
    page.get_by_label("Below each article").select_option(label=footer.name)
    page.get_by_role("button", name="Set it below articles").click()
    expect(page.get_by_text("It stands there from now on")).to_be_visible()
    visitor = browser.new_context(**looks).new_page()
    visitor.goto(f"{site}/archive")
    expect(visitor.get_by_role("img", name="A hill").first).to_be_visible()
    _sound(visitor)
    visitor.goto(site + article)
    _sound(visitor)
    expect(visitor.get_by_role("img", name="A hill in the evening")).to_be_visible()
    expect(visitor.get_by_text("newsletter about Rehabilitation to this address")).to_be_visible()
    form = visitor.get_by_role("form", name="Subscribe to the newsletter")
    form.get_by_label("Your e-mail address").fill("jane@example.com")
    form.get_by_role("button").last.click()
    expect(visitor.get_by_role("heading", name="Check your inbox")).to_be_visible()
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.form, consent.page) == ("footer", article)
        asked = consent_topics(session, [consent])
        assert asked is not None
        assert topics.names_of(session, asked.ids) == ["Rehabilitation"]
    for one in (visitor, page):
        one.context.close()


def test_jane_rings_up_and_paula_pauses_her_takes_a_topic_off_and_asks_at_her_new_address(
    browser: Browser, site: str, runtime: Runtime, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com", "Jane")
    page = signed_in(browser, site, viewport={"width": 375, "height": 900})
    page.goto(f"{site}/owner/subscribers/{jane}")
    page.get_by_role("button", name="Pause everything for 30 days").click()
    expect(page.get_by_text("for 30 days nothing comes to them by itself")).to_be_visible()
    page.get_by_role("button", name="Take the pause back").click()
    expect(page.get_by_text("What they had goes on")).to_be_visible()
    taken = page.get_by_role("group", name="Topics of the newsletter that they take")
    taken.get_by_label("Training").uncheck()
    page.get_by_role("button", name="Take away what is unticked").click()
    expect(page.get_by_text("Not taken: Training. A topic is added by the reader’s own press alone")).to_be_visible()
    _sound(page)
    page.get_by_role("link", name="Another address…").click()
    page.get_by_label("Their new address").fill("jane@")
    page.get_by_role("button", name="Ask at this address").click()
    expect(page.get_by_label("Their new address")).to_have_value("jane@")
    page.get_by_label("Their new address").fill("jane@new.example.com")
    _sound(page)
    page.get_by_role("button", name="Ask at this address").click()
    expect(page.get_by_text("A mail to jane@new.example.com asks whether to write there")).to_be_visible()
    with runtime.database.reading() as session:
        kept = session.get_one(Subscriber, jane)
        assert kept.email == "jane@example.com"
        assert topics.names_of(session, topic_choice(session, kept).ids) == ["Rehabilitation"]
    page.context.close()


def test_paula_sees_whom_a_tag_and_a_new_edition_would_reach_before_she_presses(
    browser: Browser, site: str, runtime: Runtime, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com")
    person("joe@example.com")
    page = signed_in(browser, site, viewport={"width": 1280, "height": 900})
    page.goto(f"{site}/owner/subscribers")
    page.get_by_text("Tag all of 2 people shown…").click()
    page.get_by_label("Tag", exact=True).fill("spring")
    page.get_by_role("button", name="Give it…").click()
    expect(page.get_by_text("2 people get the tag.")).to_be_visible()
    page.get_by_role("button", name="Give it to 2 people").click()
    expect(page.get_by_text("2 more people have the tag “spring” now.")).to_be_visible()
    page.goto(f"{site}/owner/subscribers/{jane}")
    page.get_by_role("button", name="Send it").first.click()
    with runtime.database.transaction() as session:
        guide = session.scalars(select(Guide).order_by(Guide.position)).first()
        assert guide is not None
        guide.edition += 1
        title, id = guide.title, guide.id
    page.goto(f"{site}/owner/guides/{id}/set-up")
    expect(page.get_by_text("1 person has an earlier edition.")).to_be_visible()
    page.get_by_role("link", name=f"Offer the new one to them… {title}").click()
    expect(page.get_by_text("and gets a mail with a link to edition 2")).to_be_visible()
    _sound(page)
    page.get_by_role("button", name="Offer it to 1 person").click()
    expect(page.get_by_text("It begins in 10 seconds")).to_be_visible()
    page.context.close()
