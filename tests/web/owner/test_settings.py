"""The brand, and the owner's own password and zone."""

import pytest
from flask import Flask

from newsletter import brand
from newsletter.mail.render import Content, Reader
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from tests.web.owner.conftest import PASSWORD, Desk, sign_in

BRAND = {
    "name": "Better Backs", "strapline": "", "author": "Paula", "email": "paula@example.org", "phone": "",
    "address": "1 High Street\r\nOxford", "website": "https://example.org", "booking": "", "follow_urls": "",
    "zone": "Europe/Paris", "language": "en-GB",
}  # fmt: skip
NEW = "a new long password"


def test_the_brand_is_saved_and_the_site_carries_it(desk: Desk, runtime: Runtime) -> None:
    assert "Saved." in desk.told("/owner/settings/brand", **BRAND)
    with runtime.database.reading() as session:
        house = brand.current(session)
        assert (house.name, house.address_lines, house.zone) == (
            "Better Backs",
            ["1 High Street", "Oxford"],
            "Europe/Paris",
        )
    assert "Better Backs" in desk.get("/")
    assert "name, strapline" in desk.read("/owner/audit")


@pytest.mark.parametrize(
    ("name", "typed", "word"),
    [
        ("email", "paula", "does not look like an e-mail address"),
        ("zone", "Mars/Olympus", "no time zone we know"),
        ("website", "javascript:alert(1)", "begins with https:// or http://"),
        ("booking", "javascript:alert(1)", "begins with https:// or http://"),
        ("follow_urls", "instagram.com/kate", "“instagram.com/kate” is no address of a page"),
        ("name", "", "need to know who writes"),
        ("name", "x" * 121, "longer than 120"),
        ("language", "de", "no catalogue for the language “de”. Choose one of these: en-GB, en."),
        ("language", "", "Choose one of these: en-GB, en."),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_saved(desk: Desk, name: str, typed: str, word: str) -> None:
    answer = desk.post("/owner/settings/brand", **{**BRAND, name: typed})
    assert answer.status_code == 422
    assert word in answer.text
    assert "Better Backs" not in desk.get("/")


def test_follow_links_stand_at_the_foot_of_the_site(desk: Desk) -> None:
    assert 'aria-label="Follow"' not in desk.get("/")
    typed = "https://www.instagram.com/kate?a=1&b=2\r\n https://kate.example/\r\n"
    assert "Saved." in desk.told("/owner/settings/brand", **{**BRAND, "follow_urls": typed})
    for path in ("/", "/archive", "/nothing-here"):
        page = desk.client.get(path).text
        assert '<a href="https://www.instagram.com/kate?a=1&amp;b=2" rel="me">Instagram</a>' in page
        assert '<a href="https://kate.example/" rel="me">kate.example</a>' in page
    assert "Saved." in desk.told("/owner/settings/brand", **BRAND)
    assert 'aria-label="Follow"' not in desk.get("/")


def test_the_booking_link_is_there_for_the_mails(desk: Desk, runtime: Runtime) -> None:
    desk.told("/owner/settings/brand", **{**BRAND, "booking": "https://book.example/a-talk"})
    with runtime.database.reading() as session:
        house = brand.current(session)
    words = Content("s", "p", "Come{% if brand.booking %}: [choose]({{ brand.booking }}){% endif %}.")
    seen = runtime.renderer.rendered(Stream.STEP, house, Reader(1), words, {})
    assert 'href="https://book.example/a-talk"' in seen.html


def test_a_language_that_is_not_there_is_told_and_ends_with_a_choice(desk: Desk, runtime: Runtime) -> None:
    assert "no catalogue" not in desk.get("/owner/") + desk.get("/owner/settings")
    with runtime.database.transaction() as session:
        brand.current(session).language = "de"
    told = "There is no catalogue for the language “de”. Until you choose another, pages and mails are in English"
    assert told in desk.read("/owner/") and told in desk.read("/owner/settings")
    assert "Saved." in desk.told("/owner/settings/brand", **{**BRAND, "language": "en"})
    assert "no catalogue" not in desk.get("/owner/") + desk.get("/owner/settings")
    with runtime.database.reading() as session:
        assert brand.current(session).language == "en"
    assert '<html lang="en" dir="ltr">' in desk.client.get("/").text


def test_times_are_shown_in_the_owners_zone(desk: Desk) -> None:
    assert "it is Mon 1 Jun 2026, 12:00 BST" in desk.read("/owner/")
    desk.post("/owner/settings/zone", zone="Asia/Tokyo")
    assert "Times are in Asia/Tokyo; it is Mon 1 Jun 2026, 20:00 JST" in desk.read("/owner/")
    assert desk.post("/owner/settings/zone", zone="nowhere").status_code == 422


def test_a_new_password_keeps_this_session_and_ends_the_others(desk: Desk, app: Flask) -> None:
    other = app.test_client()
    sign_in(other)
    assert "Your password is changed" in desk.told("/owner/settings/password", old=PASSWORD, new=NEW, new_again=NEW)
    assert desk.client.get("/owner/").status_code == 200
    assert other.get("/owner/").status_code == 302
    assert sign_in(app.test_client(), PASSWORD).status_code == 422
    assert sign_in(app.test_client(), NEW).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "word"),
    [
        ("wrong one here", NEW, NEW, "not your present password"),
        (PASSWORD, "short", "short", "at least 10 characters"),
        (PASSWORD, NEW, NEW + "x", "two new passwords differ"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    desk: Desk, app: Flask, old: str, new: str, again: str, word: str
) -> None:
    answer = desk.post("/owner/settings/password", old=old, new=new, new_again=again)
    assert answer.status_code == 422
    assert word in answer.text
    assert NEW not in answer.text
    assert sign_in(app.test_client(), PASSWORD).status_code == 303
