"""Our forms in a real WordPress, put there as an owner does: what the page “Put it on a site” says, in widgets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.debian import NotToBeHad
from tests.real.conftest import Product, until
from tests.real.wordpress import WordPress, wordpress

pytestmark = pytest.mark.real
GUIDE = "recover-from-pain"


@pytest.fixture
def pieces(product: Product, browser: Browser) -> dict[str, str]:
    """What the owner copies."""
    page = browser.new_page()
    page.goto(f"{product.site}/owner/login")
    page.get_by_label("E-mail").fill(product.env["OWNER_EMAIL"])
    page.get_by_label("Password", exact=True).fill(product.env["OWNER_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{product.site}/owner/forms")
    page.goto(f"{product.site}/owner/forms/1/code")
    kinds = ("script", "frame", "plain", "php")
    copied = {kind: page.locator(f"#code-{kind}").input_value() for kind in kinds}
    page.close()
    return copied


@pytest.fixture
def blog(pieces: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    """A blog whose widgets are the script, the iframe and plain HTML, with a post that has the shortcode."""
    folder: Path = tmp_path_factory.mktemp("wp")
    widgets = {kind: pieces[kind] for kind in ("script", "frame", "plain")}
    try:
        with wordpress(folder, widgets, pieces["php"], f'[newsletter_form form="{GUIDE}"]') as running:
            print(running.version)
            yield running
    except NotToBeHad as error:
        pytest.skip(f"no WordPress can be had here: {error}")


def test_forms_in_a_wordpress_sign_up_in_each_way_that_we_say(
    product: Product, blog: WordPress, browser: Browser
) -> None:
    page = browser.new_context().new_page()
    page.goto(blog.url)
    assert page.locator("meta[name=generator]").get_attribute("content") == blog.version.partition(",")[0]
    _by_script(page, "script@example.com")
    _by_frame(page, "frame@example.com")
    _by_plain_html(page, "plain@example.com")
    page.goto(f"{blog.url}/?p={blog.post}")
    _by_script(page.locator("article"), "shortcode@example.com")
    for way in ("script", "frame", "plain", "shortcode"):
        assert product.mail(f"{way}@example.com", "confirm")
    assert product.query("SELECT DISTINCT origin FROM form_sightings") == [(blog.url,)]
    pages = dict(product.query("SELECT s.email, c.page FROM consents c JOIN subscribers s ON s.id = c.subscriber_id"))
    assert {pages[f"{way}@example.com"] for way in ("script", "frame", "plain")} == {f"{blog.url}/"}
    page.context.close()


def _by_script(page: Page, email: str) -> None:
    box = page.locator("newsletter-form")
    box.get_by_label("Your e-mail address").fill(email)
    box.get_by_role("button").click()
    expect(box.get_by_role("heading", name="Check your inbox")).to_be_visible()


def _by_frame(page: Page, email: str) -> None:
    page.locator("iframe").scroll_into_view_if_needed()
    inside = page.frame_locator("iframe")
    inside.get_by_label("Your e-mail address").fill(email)
    inside.get_by_role("button").click()
    expect(inside.get_by_role("heading", name="Check your inbox")).to_be_visible()


def _by_plain_html(page: Page, email: str) -> None:
    form = page.locator(f"form[action$='/f/{GUIDE}']").last
    form.get_by_label("Your e-mail address").fill(email)
    form.get_by_role("button").click()
    expect(page.get_by_role("heading", name="One more press")).to_be_visible()

    def pressed() -> bool:
        page.locator("form").first.get_by_role("button").click()
        return "inbox" in page.inner_text("h1").lower()

    until(pressed)
