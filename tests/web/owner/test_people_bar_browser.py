"""The bar above the list of people, in a browser: open where there is room, folded on a phone, counting meanwhile."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.web.owner.test_browser import found_by_axe, pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")])
def test_it_is_folded_on_a_phone_and_counts_as_one_chooses(
    browser: Browser, site: str, person: Callable[..., int], width: int, scheme: str
) -> None:
    for name in ("jane", "joe", "ann"):
        person(f"{name}@example.com", confirmed=name != "ann")
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/subscribers?status=confirmed")
    series = page.get_by_label("Stands in the series")
    if width < 600:
        expect(series).to_be_hidden()
        page.get_by_text("More to filter by").click()
    expect(series).to_be_visible()
    series.select_option(index=1)
    page.get_by_label("Where in the series").select_option("never")
    expect(page.locator(".people-bar output")).to_have_text("2 people")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**/owner/subscribers?status=confirmed&in_series=*&stage=never")
    expect(page.get_by_text("Everybody who is confirmed and was never in the series")).to_be_visible()
    expect(page.get_by_label("Where in the series")).to_have_value("never")
    (expect(series).to_be_hidden if width < 600 else expect(series).to_be_visible)()
    page.get_by_text("Tag all of 2 people shown").click()
    page.get_by_label("Tag", exact=True).fill("spring")
    page.get_by_role("button", name="Give it").click()
    page.get_by_role("button", name="Give it to 2 people").click()
    expect(page.get_by_text("2 people were given the tag “spring”")).to_be_visible()
    assert found_by_axe(page) == "[]"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="Undo for the tag “spring”").click()
    expect(page.get_by_text("Undone: 2 people are as before.")).to_be_visible()
    page.wait_for_url("**/owner/subscribers?status=confirmed&in_series=*&stage=never")
    page.get_by_text("Save this filter as a segment").click()
    expect(page.get_by_label("Where they stand in the series")).to_have_value("never")
    assert found_by_axe(page) == "[]"
    page.context.close()


def test_it_works_without_a_script(browser: Browser, site: str, person: Callable[..., int]) -> None:
    person("jane@example.com")
    page = signed_in(browser, site, java_script_enabled=False, viewport={"width": 375, "height": 900})
    page.goto(f"{site}/owner/subscribers")
    page.get_by_text("More to filter by").click()
    page.get_by_label("Stands in the series").select_option(index=1)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("Everybody who is in the series")).to_be_visible()
    expect(page.get_by_text("Nobody found")).to_be_visible()
    page.context.close()
