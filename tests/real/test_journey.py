"""The journey in five steps, with everything real: web, workers, Redis, SMTP, and a browser without JavaScript."""

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.real.conftest import Product, link_in, text_of, until

pytestmark = pytest.mark.real
JANE = "jane@example.com"


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(java_script_enabled=False)


def test_sign_up_guide_series_campaign_leave(
    product: Product, page: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _sign_up(product, page)
    _confirm_and_fetch(product, page)
    _series(product)
    _campaign(product, page, tmp_path_factory)
    _leave(product, page)


def _sign_up(product: Product, page: Page) -> None:
    page.goto(product.site + "/")
    box = page.locator("#recover-from-pain")
    assert "21 page guide" in box.inner_text()
    assert "45 page guide" in page.locator("#exercise-at-50").inner_text()
    assert not box.get_by_role("checkbox").is_checked()
    box.get_by_label("Your e-mail address").fill(JANE)
    box.get_by_label("First name").fill("Jane")
    box.get_by_role("checkbox").check()
    box.get_by_role("button").click()
    assert "inbox" in page.inner_text("h1").lower()
    assert page.context.cookies() == []


def _confirm_and_fetch(product: Product, page: Page) -> None:
    link = link_in(product.mail(JANE, "confirm"), "/confirm/")
    page.goto(link)
    page.reload()  # opening it, however often, confirms nothing
    assert len(product.inbox(JANE)) == 1
    page.get_by_role("button").click()
    assert "Here is your guide" in page.inner_text("h1")
    pdf = page.request.get(
        product.site + str(page.get_by_role("link", name=re.compile("Open the guide")).get_attribute("href"))
    )
    assert pdf.body().startswith(b"%PDF-")
    page.get_by_role("button", name=re.compile("Send me both")).click()
    assert product.mail(JANE, "exercise at 50")
    library = link_in(product.mail(JANE, "principles"), "/library/")
    page.goto(library)
    assert page.get_by_role("link", name=re.compile("guide|PDF", re.IGNORECASE)).count() >= 2
    assert page.request.get(product.site + "/static/guides/recover-from-pain.pdf").status == 404


def _series(product: Product) -> None:
    product.command("fast-forward", "3d")
    first = product.mail(JANE, "Start here")
    assert text_of(first).startswith("Hello Jane,")
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    product.command("fast-forward", "5d")
    product.mail(JANE, "lower back pain")


def _campaign(product: Product, page: Page, folder: pytest.TempPathFactory) -> None:
    body = folder.mktemp("campaign") / "news.md"
    body.write_text("{{ greeting }},\n\nThis is the *news* of [the practice]({{ brand.website }}).\n")
    said = product.command("campaign", "send", "--subject", "News for {{ first_name }}", "--body", str(body))
    campaign = said.split()[-1]
    mail = product.mail(JANE, "News for Jane")
    assert "the practice" in text_of(mail)
    until(lambda: '"state": "sent"' in product.command("campaign", "status", campaign, "--json"))
    assert '"sent": 1' in product.command("campaign", "status", campaign, "--json")
    page.goto(link_in(mail, "/view/"))
    assert "Hello Jane" in page.inner_text("body")


def _leave(product: Product, page: Page) -> None:
    link = link_in(product.mail(JANE, "News for Jane"), "/unsubscribe/")
    page.goto(link)
    before = len(product.inbox(JANE))
    page.get_by_role("button").click()
    assert JANE in page.inner_text("main")
    product.command("fast-forward", "30d")
    goodbye = product.mail(JANE, "")
    assert "List-Unsubscribe" not in goodbye
    until(lambda: len(product.inbox(JANE)) == before + 1)
    assert "unsubscribed" in product.command("subscribers", "export")
