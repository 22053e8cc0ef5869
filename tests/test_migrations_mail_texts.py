"""Migrations 0350 and 0351: nobody has words of their own at first, and they go down and up again."""

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import brand, schema
from newsletter.mail_words import OURS, MailText, MailWords, OwnMail
from newsletter.runtime import Runtime
from newsletter.theme import Look
from tests.test_migrations import back_to

BEFORE = "0330"
WORDS = MailWords("Hi", "Dear reader,\n\nwelcome.", "Paul")


def test_words_go_down_and_the_brand_stays(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        brand.current(session).reword(OwnMail.CONFIRM, WORDS)
        brand.current(session).add_to_privacy("Hosted by Example Ltd.")
    back_to(BEFORE, database)
    assert not {"mail_texts", "privacy_texts"} & set(inspect(database.engine).get_table_names())
    schema.upgrade(database)
    with database.reading() as session:
        house = brand.current(session)
        assert (house.words_in(OwnMail.CONFIRM), house.mail_texts, house.name) == (OURS, {}, "Human Movement")
        assert house.privacy_text == ""


def test_words_come_back_as_they_were_saved(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        house = brand.current(session)
        house.wear(Look(accent="#aa1122"), "a frame", "a key")
        for mail in OwnMail:
            house.reword(mail, MailWords(opening=f"For {mail}"))
        house.reword(OwnMail.GUIDE, WORDS)
    with runtime.database.reading() as session:
        house = brand.current(session)
    assert house.words_in(OwnMail.GUIDE) == WORDS, "and are read together with the brand"
    assert house.words_in(OwnMail.PROVE).opening == "For prove" and house.frame == "a frame"
    with runtime.database.reading() as session:
        saves = {one.mail: one.saves for one in session.scalars(select(MailText))}
    assert saves == dict.fromkeys(OwnMail, 1) | {OwnMail.GUIDE: 2}


def test_no_other_mail_has_words(runtime: Runtime) -> None:
    with pytest.raises(IntegrityError), runtime.database.transaction() as session:
        session.execute(text("INSERT INTO mail_texts VALUES (1, 'reset', '', '', '', 1)"))
