"""Migration 0300: nobody has a theme at first, pictures stay, and both go down and up again."""

from sqlalchemy import inspect, select

from newsletter import brand, schema
from newsletter.media import Picture
from newsletter.runtime import Runtime
from newsletter.theme import FIRST, Look
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0295"


def test_a_theme_goes_down_and_pictures_stay(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        brand.current(session).wear(Look(accent="#aa1122", footer="More"), "a frame", "a key")
        session.add(
            Picture(name="a-1x1.png", words="A", width=1, height=1, octets=1, created_at=NOON, was_in_mails=True)
        )
    back_to(BEFORE, database)
    assert "themes" not in inspect(database.engine).get_table_names()
    assert not {"was_logo", "was_in_mails"} & {one["name"] for one in inspect(database.engine).get_columns("pictures")}
    schema.upgrade(database)
    with database.reading() as session:
        house = brand.current(session)
        assert (house.look, house.theme, house.name) == (FIRST, None, "Human Movement")
        picture = session.scalars(select(Picture)).one()
        assert (picture.words, picture.was_in_mails) == ("A", False)


def test_a_theme_comes_back_as_it_was_saved(runtime: Runtime) -> None:
    look = Look(accent="#aa1122", ground="#203040", footer="One\ntwo", guide_colours=False)
    with runtime.database.transaction() as session:
        brand.current(session).wear(look, "a frame", "a key")
    with runtime.database.reading() as session:
        house = brand.current(session)
    assert (house.look, house.frame) == (look, "a frame"), "and is read together with the brand"
