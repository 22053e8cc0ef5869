"""Forms as records."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter import forms
from newsletter.db import Database
from newsletter.forms import Form, Gives
from tests.conftest import NOON


def test_a_new_install_has_the_two_boxes_and_the_footer(database: Database) -> None:
    with database.reading() as session:
        found = {one.slug: one for one in forms.every(session)}
        assert list(found) == ["recover-from-pain", "exercise-at-50", "footer"]
        assert [one.guide_slug for one in found.values()] == ["recover-from-pain", "exercise-at-50", None]
        assert found["footer"].gives_newsletter
        for one in found.values():
            one.colours.check()


def test_the_database_keeps_a_form_that_gives_what_it_says(database: Database) -> None:
    for gives, guide in ((Gives.GUIDE, None), (Gives.NEWSLETTER, "exercise-at-50")):
        with pytest.raises(IntegrityError), database.transaction() as session:
            session.add(Form(slug="odd", name="Odd", gives=gives, guide_slug=guide, button="Go", created_at=NOON))


@pytest.mark.parametrize("slug", ["", "a b", "A", "ä", "-a", "a--b", "a/b", "a.js", "x" * 65, "frame", "a\n"])
def test_what_is_no_name_in_an_address_names_no_form(slug: str, database: Database) -> None:
    with database.reading() as session:
        assert not forms.is_slug(slug) and forms.named(session, slug) is None


def test_a_copy_has_everything_but_the_name_and_the_past(database: Database) -> None:
    with database.transaction() as session:
        form = forms.named(session, "recover-from-pain")
        assert form is not None
        form.tags, form.accent = ["knee", "blog"], "#8A3B12"
        form.archive(NOON)
        made = [forms.copy_of(session, form, NOON + timedelta(days=1)) for _ in range(2)]
        session.flush()
        assert [one.slug for one in made] == ["recover-from-pain-2", "recover-from-pain-3"]
        assert made[0].is_open and made[0].tags == ["knee", "blog"] and made[0].accent == "#8a3b12"
        assert made[0].headline == form.headline and made[0].name == "Sidebar: recover from pain (copy)"


def test_a_free_name_is_found_for_whatever_is_wanted(database: Database) -> None:
    with database.reading() as session:
        for wanted, slug in (("Sidebar of the Blog!", "sidebar-of-the-blog"), ("footer", "footer-2"), ("帳", "form"),
                             ("Frame", "frame-2"), ("x" * 200, "x" * 58)):  # fmt: skip
            assert forms.free_slug(session, wanted) == slug
            assert forms.is_slug(slug)


def test_tags_are_clean_and_few(database: Database) -> None:
    with database.transaction() as session:
        form = session.scalars(select(Form)).first()
        assert form is not None
        form.tags = [" a ", "a", "", "b\x00c", *(f"t{number}" for number in range(10_000))]
        assert form.tags[:3] == ["a", "b c", "t0"] and len(form.tags) == 20


def standing(session: Session) -> Form:
    return forms.for_guides(session, {"exercise-at-50": "At 50"}, NOON)["exercise-at-50"]


def test_the_guides_page_takes_its_oldest_open_form_or_the_plain_one(database: Database) -> None:
    with database.transaction() as session:
        first = standing(session)
        second = forms.copy_of(session, first, NOON)
        session.flush()
        assert standing(session) is first
        first.archive(NOON)
        session.flush()
        assert standing(session) is second
        session.delete(second)
        session.flush()
        plain = standing(session)
        assert plain.id is None and plain.headline == "At 50" and plain not in session
        first.restore()
        session.flush()
        assert standing(session) is first


def test_a_sighting_is_one_row_for_each_site(database: Database) -> None:
    site = "https://blog.example.org"
    with database.transaction() as session:
        form = forms.named(session, "footer")
        assert form is not None and forms.is_due(session, form, site, NOON)
        forms.note_sighting(session, form.id, site, NOON)
        assert not forms.is_due(session, form, site, NOON + timedelta(seconds=59))
        later = NOON + timedelta(minutes=1)
        assert forms.is_due(session, form, site, later)
        forms.note_sighting(session, form.id, site, later)
        forms.note_sighting(session, form.id, "https://www.example.org", NOON)
        assert [(one.origin, one.seen_at) for one in forms.sightings(session)[form.id]] == [
            (site, later), ("https://www.example.org", NOON)]  # fmt: skip
    with database.transaction() as session:
        session.delete(session.get_one(Form, form.id))
        session.flush()
        assert forms.sightings(session) == {}
