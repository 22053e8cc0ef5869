"""`make screenshots`: run the program in a temporary folder, use it a little, and photograph its main pages.

Writes docs/screenshots/*.png for the README (1280 px, light). With --all FOLDER: every page at 1280 and 375 px, in
light and dark, for review.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import chromium
from tests.real.conftest import Product, link_in, until

JANE = "jane@example.com"
PEOPLE = ("Alice", "Bob", "Carol", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "James", "Kate", "Liam")

PAGES = {
    "home": "/",
    "guide": "/guides/exercise-at-50",
    "inbox": "/check-your-inbox?guide=recover-from-pain",
    "archive": "/archive",
    "article": "/archive/why-youre-waking-up-in-pain",
    "privacy": "/privacy",
    "error": "/nowhere",
    "login": "/owner/login",
    "dashboard": "/owner/",
    "write": "/owner/write",
    "article-edit": "/owner/articles/1/edit",
    "article-preview": "/owner/articles/1",
    "subscribers": "/owner/subscribers",
    "subscriber": "/owner/subscribers/1",
    "series": "/owner/series/1",
    "owner-guides": "/owner/guides",
    "messages": "/owner/messages",
    "settings": "/owner/settings",
    "mails": "/owner/mails",
}
"""Pages with the same path in every installation."""


def main(every: Path | None) -> None:
    """Start, use, photograph, stop."""
    path = chromium.fetch()
    if path is None:
        sys.exit("No Chromium is to be had: install one, or name it in CHROMIUM.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        product = Product(Path(folder) / "var")
        product.start()
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        try:
            pages = live(product)
            if every:
                _everything(product, browser, pages, every)
            else:
                _readme(product, browser, pages)
        finally:
            browser.close()
            product.stop()


def live(product: Product) -> dict[str, str]:
    """Sign up, get a guide, pass some days of the series, send a campaign; returns the resulting pages' URLs."""
    product.sign_up(JANE, first_name="Jane", newsletter="y")
    asked = link_in(product.mail(JANE, "confirm"), "/confirm/")
    product.sign_up("new@example.com")
    unconfirmed = link_in(product.mail("new@example.com", "confirm"), "/confirm/")
    product.confirm(JANE)
    guide_mail = product.mail(JANE, "principles")
    product.get(link_in(guide_mail, "/library/"))
    file = product.data / "people.csv"
    file.write_text("email,first_name\n" + "".join(f"{one.lower()}@example.com,{one}\n" for one in PEOPLE))
    product.command("subscribers", "import", str(file), "--consent-basis", "paper list at the practice")
    product.command("fast-forward", "3d")
    article = product.mail(JANE, "Start here")
    product.command("fast-forward", "1d")
    mailbox = f"http://127.0.0.1:{product.mailbox_port}/"
    return PAGES | {
        "confirm": unconfirmed, "confirmed": asked, "library": link_in(guide_mail, "/library/"),
        "mail": link_in(guide_mail, "/view/"), "article-mail": link_in(article, "/view/"),
        "preferences": link_in(article, "/preferences/"), "unsubscribe": link_in(article, "/unsubscribe/"),
        "campaign": f"/owner/campaigns/{_sent_campaign(product)}", "mailbox": mailbox,
        "mailbox-mail": f"{mailbox}messages/2",
    }  # fmt: skip


def _sent_campaign(product: Product) -> str:
    """The id of a campaign sent to everybody."""
    text = product.data / "news.md"
    text.write_text((ROOT / "content" / "welcome.md").read_text().split("---\n", 2)[2])
    said = product.command(
        "campaign", "send", "--subject", "Why resilience will improve your golf", "--body", str(text)
    )
    campaign = said.split()[-1]
    until(lambda: '"sent"' in product.command("campaign", "status", campaign, "--json"))
    return campaign


def sign_in(product: Product, page: Page) -> None:
    """Sign in to the owner's area."""
    page.goto(product.site + "/owner/login")
    page.get_by_label("mail").fill(product.env["OWNER_EMAIL"])
    page.get_by_label("Password").fill(product.env["OWNER_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()


def _readme(product: Product, browser: Browser, pages: dict[str, str]) -> None:
    folder = ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    sign_in(product, page)
    for name in ("home", "guide", "confirmed", "mail", "dashboard", "campaign", "subscriber"):
        _shoot(product, page, pages[name], folder / f"{name}.png", whole=False)


def _everything(product: Product, browser: Browser, pages: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        for width in (1280, 375):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            _shoot(product, page, pages.get("login", "/"), folder / f"login-{width}-{scheme}.png", whole=True)
            sign_in(product, page)
            for name, url in pages.items():
                _shoot(product, page, url, folder / f"{name}-{width}-{scheme}.png", whole=True)
            page.close()


def _shoot(product: Product, page: Page, url: str, target: Path, whole: bool) -> None:
    page.goto(url if url.startswith("http") else product.site + url)
    page.screenshot(path=target, full_page=whole)
    print(target.name, flush=True)


main(Path(sys.argv[2]) if sys.argv[1:2] == ["--all"] else None)
