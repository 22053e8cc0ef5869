"""How often forms were seen: numbers that add up, whoever counts at the same time."""

import threading
from datetime import date

import pytest
from sqlalchemy import select

from newsletter import forms
from newsletter.db import Database
from newsletter.forms import Form, View, count_views
from newsletter.forms.view import LONGEST_PAGE, MOST_PAGES
from tests.conftest import NOON

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)


def _form(database: Database) -> int:
    with database.transaction() as session:
        form = forms.standard("recover-from-pain", "Recover", NOON)
        form.slug, form.name = "sidebar", "Sidebar"
        session.add(form)
        session.flush()
        return form.id


def _seen(database: Database) -> dict[tuple[str, date], int]:
    with database.reading() as session:
        return {(one.page, one.day): one.times for one in session.scalars(select(View))}


def test_views_add_up_by_page_and_day(database: Database) -> None:
    form = _form(database)
    for day, seen in (
        (MONDAY, {(form, "/a"): 2, (form, "/b"): 1}),
        (MONDAY, {(form, "/a"): 3}),
        (TUESDAY, {(form, "/a"): 1}),
    ):
        with database.transaction() as session:
            count_views(session, seen, day)
    assert _seen(database) == {("/a", MONDAY): 5, ("/b", MONDAY): 1, ("/a", TUESDAY): 1}


def test_a_form_that_is_gone_takes_no_other_with_it(database: Database) -> None:
    form = _form(database)
    with database.transaction() as session:
        count_views(session, {(form, "/"): 1, (form + 999, "/"): 1}, MONDAY)
    assert _seen(database) == {("/", MONDAY): 1}
    with database.transaction() as session:
        session.delete(session.get_one(Form, form))
    assert _seen(database) == {}


def test_addresses_without_end_make_no_rows_without_end(database: Database) -> None:
    form = _form(database)
    for part in range(3):
        with database.transaction() as session:
            count_views(session, {(form, f"https://x.example/{part}/{n}"): 1 for n in range(MOST_PAGES)}, MONDAY)
    seen = _seen(database)
    assert len(seen) == MOST_PAGES + 1
    assert seen[("", MONDAY)] == 2 * MOST_PAGES
    with database.transaction() as session:
        count_views(session, {(form, "https://x.example/" + "a" * 500): 1}, TUESDAY)
    assert max(len(page) for page, _ in _seen(database)) == LONGEST_PAGE


@pytest.mark.parametrize("_", range(5))
def test_who_counts_at_the_same_time_loses_nothing(database: Database, _: int) -> None:
    form = _form(database)
    ready = threading.Barrier(2)

    def count(pages: list[str]) -> None:
        ready.wait()
        for _ in range(10):
            with database.transaction() as session:
                count_views(session, {(form, page): 1 for page in pages}, MONDAY)

    both = [threading.Thread(target=count, args=[pages]) for pages in (["/a", "/b"], ["/b", "/a"])]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert _seen(database) == {("/a", MONDAY): 20, ("/b", MONDAY): 20}
