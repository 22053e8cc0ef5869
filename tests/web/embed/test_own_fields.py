"""The owner's fields in the script's form, in a real browser on somebody else's page."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from newsletter import forms
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind, TypedValue
from tests import chromium
from tests.conftest import NOON
from tests.web.conftest import PAIN
from tests.web.embed.conftest import Blog, opened, script

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]


def test_the_script_asks_for_them_and_says_beside_which_one_is_wrong(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        for key, kind, choices in (
            ("city", FieldKind.TEXT, []), ("size", FieldKind.NUMBER, []), ("plan", FieldKind.CHOICE, ["Gold", "<b>"])
        ):  # fmt: skip
            session.add(Field(key=key, label=key.title(), kind=kind, choices=choices, created_at=NOON))
        form = forms.named(session, PAIN)
        assert form is not None
        form.asks_fields = ["city", "size", "plan"]
    blog.widget = script(site)
    page, wrong = opened(browser, blog)
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    page.get_by_label("City (optional)").fill("Leeds")
    page.get_by_label("Plan (optional)").select_option("<b>")
    size = page.get_by_label("Size (optional)")
    size.fill("large")
    page.keyboard.press("Enter")
    expect(page.get_by_text("please type a number")).to_be_visible()
    expect(size).to_be_focused()
    assert size.get_attribute("aria-invalid") == "true"
    assert size.get_attribute("aria-describedby") == "field_size-error"
    expect(page.get_by_label("City (optional)")).to_have_value("Leeds")
    size.fill("42,5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    with runtime.database.reading() as session:
        values = session.scalars(select(TypedValue.value).order_by(TypedValue.field_id)).all()
    assert values == ["Leeds", "42.5", "<b>"]
    page.context.close()
    assert wrong == []
