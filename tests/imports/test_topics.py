"""Topics in a file: which an imported person takes."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from newsletter.db import Database
from newsletter.imports import Report
from newsletter.imports.sentences import refusals
from newsletter.subscribers import EVERY_TOPIC, Consent, Subscriber, TopicChoice, consent_topics, topic_choice

Bring = Callable[..., Report]
HEAD = "email,first_name,status,newsletter,zone,created_at,confirmed_at,left_at,topics\n"


def _takes(database: Database) -> dict[str, TopicChoice]:
    with database.reading() as session:
        return {one.email: topic_choice(session, one) for one in session.scalars(select(Subscriber))}


def _row(cell: str, email: str = "jane@example.com") -> str:
    return f"{HEAD}{email},,confirmed,True,,,,,{cell}\n"


@pytest.mark.parametrize(
    ("cell", "takes"),
    [
        ("*", EVERY_TOPIC), ("", TopicChoice.of(())), ("Training", TopicChoice.of({2})),
        ('"Training, Rehabilitation"', TopicChoice.of({1, 2})), ("Training|Golf", TopicChoice.of({2})),
    ],
)  # fmt: skip
def test_a_cell_names_what_they_take(cell: str, takes: TopicChoice, bring: Bring, database: Database) -> None:
    bring(_row(cell))
    assert _takes(database) == {"jane@example.com": takes}
    with database.reading() as session:
        consents = session.scalars(select(Consent)).all()
        assert [consent_topics(session, [one]) for one in consents] == [takes]


def test_a_file_that_says_nothing_of_topics_takes_nothing_from_anybody(bring: Bring, database: Database) -> None:
    bring("email\njane@example.com\n")
    assert _takes(database) == {"jane@example.com": EVERY_TOPIC}


def test_a_topic_that_is_not_here_is_told(bring: Bring) -> None:
    told = refusals(bring(_row("Golf"), dry_run=True))
    assert told == ["Topics that are not here, left out (add them on the page Topics before the import): 1 (line 2)"]


def test_no_file_changes_what_a_reader_takes(bring: Bring, database: Database, person: Callable[..., int]) -> None:
    person("jane@example.com")
    bring(_row("Training"))
    assert _takes(database) == {"jane@example.com": EVERY_TOPIC}


def test_who_was_pending_gets_what_the_file_says(bring: Bring, database: Database, person: Callable[..., int]) -> None:
    person("jane@example.com", confirmed=False)
    bring(_row("Training"))
    assert _takes(database) == {"jane@example.com": TopicChoice.of({2})}
