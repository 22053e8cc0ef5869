"""The proof of what a person agreed to."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter.db import Database
from newsletter.events import By, EventKind, Press, note
from newsletter.subscribers import Basis, Consent
from newsletter.subscribers.consent import forget_mentions
from newsletter.wordings import Wording, wording_id
from tests.conftest import NOON


def test_a_consent_is_proven_once() -> None:
    consent = Consent(subscriber_id=1, wording_id=1, given_at=NOON)
    assert consent.confirm(NOON)
    assert not consent.confirm(NOON + timedelta(days=1))
    assert consent.confirmed_at == NOON


ASKED = "As JANE@example.com and jane@example.com asked."


def _wording(database: Database, id: int) -> tuple[str, str | None, str]:
    with database.reading() as session:
        found = session.get_one(Wording, id)
        return found.words, found.digest, found.version


@pytest.mark.parametrize("imported", [True, False])
def test_an_erased_address_goes_out_of_the_basis_of_an_import(
    imported: bool, database: Database, person: Callable[..., int]
) -> None:
    joe, others = person("joe@example.com"), ("As Jane asked.", "jane_example.com", "%")
    with database.transaction() as session:
        id, *same = [wording_id(session, words) for words in (ASKED, *others)]
        if imported:
            session.add(Consent(subscriber_id=joe, wording_id=id, given_at=NOON, form="import", basis=Basis.IMPORT))
    before = _wording(database, id)
    for _ in range(2):
        with database.transaction() as session:
            forget_mentions(session, "jane@example.com")
    words, digest, version = _wording(database, id)
    assert (words, digest) == ("As [erased] and [erased] asked.", None), "nor its print"
    assert version not in before
    assert [_wording(database, one)[0] for one in same] == [*others]
    with database.transaction() as session:
        assert wording_id(session, words) not in (id, *same), "nobody reads these words any more"


@pytest.mark.parametrize("by", ["form", "open form", "page", "event", "form and import"])
def test_words_that_somebody_has_read_stay_whoever_is_erased(
    by: str, database: Database, person: Callable[..., int]
) -> None:
    joe = person("joe@example.com")
    with database.transaction() as session:
        id = wording_id(session, "Yes. Questions? paul@human-movement.com")
        if by == "event":
            note(session, joe, EventKind.NEWSLETTER_ON, Press(By.PAGE, "Yes. Questions? paul@human-movement.com"), NOON)
        else:
            basis = {"page": Basis.PAGE, "open form": None}.get(by, Basis.MAIL)
            session.add(Consent(subscriber_id=joe, wording_id=id, given_at=NOON, basis=basis))
        if by == "form and import":
            session.add(Consent(subscriber_id=joe, wording_id=id, given_at=NOON, basis=Basis.IMPORT))
    before = _wording(database, id)
    with database.transaction() as session:
        forget_mentions(session, "paul@human-movement.com")
    assert _wording(database, id) == before
