"""Who a campaign goes to."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from newsletter.db import Database
from newsletter.subscribers import Consent, Segment
from newsletter.wordings import wording_id
from tests.conftest import NOON


def _asked(session: Session, subscriber: int, guide: str, confirmed: bool = True) -> None:
    session.add(
        Consent(subscriber_id=subscriber, guide=guide, wording_id=wording_id(session, ""), given_at=NOON,
                confirmed_at=NOON if confirmed else None)
    )  # fmt: skip


def test_everybody_who_agreed_to_the_newsletter(database: Database, person: Callable[..., int]) -> None:
    person("alice@example.com")
    person("bob@example.com", newsletter=False)
    person("jane@example.com", confirmed=False)
    with database.reading() as session:
        assert Segment().size(session) == 1


def test_of_these_only_who_asked_for_a_guide_and_confirmed_it(database: Database, person: Callable[..., int]) -> None:
    alice, bob, jane = person("alice@example.com"), person("bob@example.com"), person("jane@example.com")
    with database.transaction() as session:
        _asked(session, alice, "exercise-at-50")
        _asked(session, alice, "exercise-at-50")
        _asked(session, bob, "exercise-at-50", confirmed=False)
        _asked(session, jane, "recover-from-pain")
        session.flush()
        assert Segment("exercise-at-50").size(session) == 1
        assert Segment("no-such-guide").size(session) == 0
