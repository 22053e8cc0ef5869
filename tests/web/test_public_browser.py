"""Every page for visitors and readers in a real browser: nothing for axe to find, nothing too wide, at 200 % too."""

from collections.abc import Callable, Iterator
from itertools import chain

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from newsletter.articles import Article
from newsletter.links import Purpose
from newsletter.runtime import Runtime
from tests import chromium
from tests.web.conftest import PAIN, Visitor
from tests.web.owner.conftest import owner
from tests.web.owner.test_browser import found_by_axe, site

__all__ = ["owner", "site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
FOR_VISITORS = (
    "/", "/guides", f"/guides/{PAIN}", "/archive", "/topics/training", "/privacy", "/cookies", "/terms",
    f"/f/{PAIN}", "/f/footer", f"/check-your-inbox?guide={PAIN}", f"/embed/{PAIN}", "/nothing", "/owner/login",
    "/preferences/x",
)  # fmt: skip


def pages_of_jane(visitor: Visitor, runtime: Runtime, link: Callable[..., str]) -> Iterator[str]:
    """The pages that only who signs up comes to, each at the moment when she does."""
    visitor.subscribe(guide=PAIN)
    confirm = link("confirm")
    with runtime.database.reading() as session:
        article = session.scalars(select(Article).where(Article.published_at.is_not(None))).first()
        assert article is not None
        slug = article.slug
    yield from (f"/archive/{slug}", confirm)
    visitor.press(confirm)
    signer = runtime.signer
    own = {kind: signer.token(kind, 1) for kind in (Purpose.PREFERENCES, Purpose.LIBRARY)}
    yield from (
        confirm, *(f"/{kind}/{token}" for kind, token in own.items()),
        f"/library/{own[Purpose.LIBRARY]}/{PAIN}/", f"/unsubscribe/{signer.token(Purpose.UNSUBSCRIBE, 1, 1)}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("width", "scale", "scheme"),
    [(1280, 1, "dark"), (320, 1, "light"), (640, 2, "dark")],
    ids=["wide", "phone", "200%"],
)
def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: Browser, site: str, visitor: Visitor, runtime: Runtime, link: Callable[..., str], width: int, scale: int,
    scheme: str,
) -> None:  # fmt: skip
    context = browser.new_context(
        viewport={"width": width, "height": 800}, device_scale_factor=scale, color_scheme=scheme
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path in chain(FOR_VISITORS, pages_of_jane(visitor, runtime, link)):
        page.goto(f"{site}{path}")
        assert found_by_axe(page) == "[]", path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
    assert not errors
