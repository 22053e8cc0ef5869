"""Migration 0024: what people signed up by before has forms, and no consent is lost on the way there and back."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select, text

from newsletter import brand, forms, schema
from newsletter.db import Database
from newsletter.forms import Form
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent
from newsletter.wordings import wording_id
from tests.conftest import NOON
from tests.test_migrations import back_to


def _agreed(database: Database, person: int, form: Form) -> None:
    with database.transaction() as session:
        session.add(Consent(subscriber_id=person, guide=form.guide_slug, form=form.slug,
                            wording_id=wording_id(session, "As it was read."), form_id=form.id,
                            given_at=NOON))  # fmt: skip


def test_an_older_database_gets_the_forms_of_its_guides(runtime: Runtime, person: Callable[..., int]) -> None:
    database, jane = runtime.database, person("jane@example.com")
    with database.reading() as session:
        before = forms.every(session)
    _agreed(database, jane, before[0])
    back_to("0023", database)
    with database.engine.connect() as connection:
        kept = connection.execute(text("SELECT form, wording FROM consents")).all()
    assert kept == [("recover-from-pain", "As it was read.")]
    schema.upgrade(database)
    with database.transaction() as session:
        found = forms.every(session)
        assert [(one.slug, one.guide_slug) for one in found] == [(one.slug, one.guide_slug) for one in before]
        assert brand.current(session).sites == ""
        for one in found:
            one.colours.check()
            assert one.tags == [] and one.is_open
        consent = session.scalars(select(Consent)).one()
        assert (consent.form_id, consent.form) == (None, "recover-from-pain")
        made = forms.copy_of(session, found[0], NOON)
        session.flush()
        assert made.id > found[-1].id


def test_an_empty_database_gets_none_from_the_migration(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.sqlite3")
    schema.upgrade(database)
    with database.reading() as session:
        assert session.scalar(select(func.count(Form.id))) == 0
    database.dispose()


def test_deleting_a_form_lets_go_of_its_consents(runtime: Runtime, person: Callable[..., int]) -> None:
    database, jane = runtime.database, person("jane@example.com")
    with database.reading() as session:
        form = forms.every(session)[0]
    _agreed(database, jane, form)
    with database.transaction() as session:
        session.delete(session.get_one(Form, form.id))
    with database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        told = (consent.form_id, consent.form, consent.wording.words)
    assert told == (None, "recover-from-pain", "As it was read.")
