"""Migration 0012: nobody is merged or lost, and what proved a consent is told from what an older database knows."""

from datetime import timedelta

from alembic import command
from alembic.config import Config
from sqlalchemy import select, text

from newsletter import schema
from newsletter.db import Database
from newsletter.settings import ROOT
from newsletter.subscribers import Basis, Consent, Subscriber, Suppression, address_hash, read_address, register
from newsletter.wordings import wording_id
from tests.conftest import NOON

SECRET = b"k" * 40
PEOPLE = {
    "weiß@es.example": "weiss@es.example",
    "Ünal@es.example": "ünal@es.example",
    "ann@es.example": "ann@es.example",
}


def _to(revision: str, database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _keys(database: Database) -> dict[str, str]:
    with database.reading() as session:
        return {row[0]: row[1] for row in session.execute(text("SELECT email, email_key FROM subscribers"))}


def test_keys_are_unfolded_and_folded_again_and_nobody_is_lost(database: Database) -> None:
    with database.transaction() as session:
        for email in PEOPLE:
            register(session, read_address(email), NOON)
    _to("0011", database)
    assert _keys(database) == PEOPLE
    schema.upgrade(database)
    assert _keys(database) == {email: email.lower() for email in PEOPLE}
    with database.transaction() as session:
        assert register(session, read_address("weiss@es.example"), NOON).email == "weiss@es.example"
    _to("0011", database)
    assert len(_keys(database)) == 4, "who cannot have the folded key keeps the other"
    schema.upgrade(database)
    assert _keys(database)["weiß@es.example"] == "weiß@es.example"


def test_a_suppression_made_of_a_folded_address_still_holds(database: Database) -> None:
    _to("0011", database)
    with database.transaction() as session:
        folded = {"hash": address_hash(SECRET, "weiss@es.example"), "at": NOON}
        session.execute(
            text(
                "INSERT INTO suppressions (address_hash, reason, detail, created_at) VALUES (:hash, 'owner', '', :at)"
            ),
            folded,
        )
    schema.upgrade(database)
    with database.reading() as session:
        for email, found in (("weiß@es.example", 1), ("weiss@es.example", 1), ("ann@es.example", 0)):
            assert len(Suppression.of_address(session, (SECRET,), read_address(email))) == found


def test_what_proved_a_consent_is_told(database: Database) -> None:
    later = NOON + timedelta(minutes=5)
    rows = [("box", later), ("box", NOON), ("import", NOON), ("preferences", NOON), ("box", None)]
    with database.transaction() as session:
        jane = register(session, read_address("jane@example.com"), NOON)
        jane.left_at = later
        for form, confirmed in rows:
            session.add(
                Consent(
                    subscriber_id=jane.id,
                    wording_id=wording_id(session, "Yes"),
                    form=form,
                    given_at=NOON,
                    confirmed_at=confirmed,
                )
            )
    _to("0011", database)
    schema.upgrade(database)
    with database.reading() as session:
        kept = session.scalars(select(Consent).order_by(Consent.id)).all()
        assert session.scalars(select(Subscriber.left_at)).one() == later
    assert [one.basis for one in kept] == [Basis.MAIL, Basis.FORM, Basis.IMPORT, Basis.PAGE, None]
    assert [one.ended_at for one in kept] == [None, None, None, None, later]
