"""The menu: every page of the owner's area is behind one of eight doors, and the page that is open is marked."""

import re

import pytest

from newsletter.web.owner.menu import DOORS
from tests.web.owner.conftest import Desk

OUTSIDE = {"login", "logout", "forgot", "reset", "invitation", "address", "proof"}
"""Before somebody is signed in, or between two pages."""
OPEN = [
    ("/owner/", None, "Home"), ("/owner/write", "Write", "Articles and campaigns"),
    ("/owner/campaigns/new", "Write", "Articles and campaigns"),
    ("/owner/topics", "Write", "Topics"), ("/owner/segments/new", "People", "Segments"),
    ("/owner/messages", "Results", "Messages"), ("/owner/second-factor", "Settings", "Settings"),
    ("/owner/series", None, "Series"), ("/owner/forms/1", None, "Forms"),
]  # fmt: skip


def test_there_are_eight_doors() -> None:
    names = ["Home", "Write", "Guides", "Series", "People", "Forms", "Results", "Settings"]
    assert [door.label for door in DOORS] == names


def test_a_phone_has_home_write_and_people_beside_the_button_of_the_menu(desk: Desk) -> None:
    bar = desk.get("/owner/write").split('aria-label="Most used"')[1].split("</nav>")[0]
    links = re.findall(r'<a href="([^"]+)"( class="open")?>([^<]+)</a>', bar)
    assert links == [("/owner/", "", "Home"), ("/owner/write", ' class="open"', "Write"),
                     ("/owner/subscribers", "", "People")]  # fmt: skip


def test_every_page_is_behind_exactly_one_door(desk: Desk) -> None:
    rules = [rule.rule for rule in desk.client.application.url_map.iter_rules() if rule.endpoint.startswith("owner.")]
    folders = {rule.partition("/owner/")[2].partition("/")[0] for rule in rules} - OUTSIDE
    assert {folder: sum(door.is_open(folder) for door in DOORS) for folder in folders} == dict.fromkeys(folders, 1)


@pytest.mark.parametrize(("path", "door", "page"), OPEN)
def test_the_page_that_is_open_is_marked_and_its_door(path: str, door: str | None, page: str, desk: Desk) -> None:
    shown = desk.get(path)
    menu = shown[shown.index('aria-label="Owner\'s area"') : shown.index('<main id="main"')]
    assert f' aria-current="page">{page}</a>' in menu and menu.count("aria-current") == 1
    assert door is None or f'class="open">{door}</a>' in menu


def test_a_page_weighs_little_on_its_way(desk: Desk) -> None:
    page = desk.get("/owner/")
    linked = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert any(one.endswith("/packages/bootstrap.min.css") for one in linked) and "/static/" not in page
    packed = [desk.client.get(one, headers={"Accept-Encoding": "gzip"}) for one in linked]
    assert {one.status_code for one in packed} == {200}
    assert len(page.encode()) + sum(len(one.data) for one in packed) < 150_000
