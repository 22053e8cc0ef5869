"""Migration 0374: pictures that stand in an owner's words for mails are kept from then on, as logos are."""

from sqlalchemy import inspect, select

from newsletter import brand, schema
from newsletter.mail_words import MailWords, OwnMail
from newsletter.media import Picture
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to


def test_pictures_of_mails_go_down_and_come_up_kept(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        for name, kept in (("a-1x1.png", True), ("b-1x1.png", False), ("c-1x1.png", False)):
            picture = Picture(name=name, width=1, height=1, octets=1, created_at=NOON, was_in_mails=kept)
            session.add(picture)
        brand.current(session).reword(OwnMail.GUIDE, MailWords("", "Look: ![B](/media/b-1x1.png)", ""))
    back_to("0373", database)
    assert "was_logo" in {one["name"] for one in inspect(database.engine).get_columns("pictures")}
    schema.upgrade(database)
    with database.transaction() as session:
        look = select(Picture.name).where(Picture.was_in_mails).order_by(Picture.name)
        assert session.scalars(look).all() == ["a-1x1.png", "b-1x1.png"]
