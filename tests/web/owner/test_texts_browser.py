"""The page of a mail's words in a browser: the mail follows what is typed; without a script a button shows it."""

from playwright.sync_api import Browser, expect

from tests.web.owner.test_browser import pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]


def test_the_mail_follows_what_is_typed(browser: Browser, site: str) -> None:
    page = signed_in(browser, site)
    page.goto(f"{site}/owner/texts/guide")
    mail, text = (page.frame_locator(f"iframe[name='{name}']") for name in ("typed", "typed-text"))
    expect(mail.get_by_text("Hello Jane,")).to_be_visible()
    page.get_by_label("Opening", exact=True).fill("Good to see you, {{ first_name }}.")
    expect(mail.get_by_text("Good to see you, Jane.")).to_be_visible()
    expect(text.get_by_text("Good to see you, Jane.")).to_be_visible()
    page.get_by_label("Opening", exact=True).fill("{{ nobody }}")
    expect(mail.get_by_text("there is no variable")).to_be_visible()


def test_without_a_script_a_button_shows_it_and_reset_takes_it_back(browser: Browser, site: str) -> None:
    page = signed_in(browser, site, java_script_enabled=False)
    page.goto(f"{site}/owner/texts/confirm")
    mail = page.frame_locator("iframe[name='typed']")
    expect(mail.get_by_text("Hello,")).to_be_visible()
    page.get_by_label("Closing", exact=True).fill("Warmly, Paul")
    page.get_by_role("button", name="Show what is typed").click()
    expect(mail.get_by_text("Warmly, Paul")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The next mail says it.")).to_be_visible()
    page.get_by_text("Reset to our words…").click()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Reset to our words").click()
    expect(page.get_by_text("It says our words again.")).to_be_visible()
