"""What became of a message, in words: of each code there is a sentence, and what is not known is not shown."""

import pytest

from newsletter.mail.ledger import Reason
from newsletter.mail.sentences import explained


@pytest.mark.parametrize("reason", Reason)
def test_of_each_reason_there_is_a_sentence(reason: Reason) -> None:
    assert " " in explained(reason)
    assert explained(reason) == explained(str(reason)), "as it stands in the database"


@pytest.mark.parametrize("reason", [None, "", *Reason, "of-tomorrow"])
@pytest.mark.parametrize("reply", [None, ""])
def test_where_no_server_said_anything_nothing_is_put_in_its_place(reason: str | None, reply: str | None) -> None:
    told = explained(reason, None, reply)
    assert "None" not in told and not told.rstrip().endswith(":")
    assert bool(told) is bool(reason)


def test_a_detail_stands_behind_the_reason_it_belongs_to() -> None:
    assert explained(Reason.UNFIT, None, "there is no x") == "Its text cannot be put together: there is no x"
    assert explained(Reason.LEFT, 550, "5.1.1 Nobody") == explained(Reason.LEFT)


@pytest.mark.parametrize(
    ("code", "reply", "told"),
    [(550, "5.1.1 Nobody", "550 5.1.1 Nobody"), (550, "550 Nobody", "550 Nobody"), (0, "cut off", "cut off"),
     (None, None, "")],
)  # fmt: skip
def test_without_a_reason_the_server_is_quoted(code: int | None, reply: str | None, told: str) -> None:
    assert explained(None, code, reply) == told


def test_a_reason_of_another_version_is_shown_as_it_is() -> None:
    assert explained("of-tomorrow") == "of-tomorrow"
