"""Dates of many programs."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.db import Database
from newsletter.imports import Report
from newsletter.imports.dates import read_date, says_order
from newsletter.subscribers import Subscriber
from tests.conftest import NOON

DAY = datetime(2024, 3, 5, tzinfo=UTC)
TIME = datetime(2024, 3, 5, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-03-05", DAY), ("2024-03-05T14:07:00.000Z", TIME), ("2024-03-05 14:07:00", TIME),
        ("2024-03-05 14:07:00 UTC", TIME), ("2024-03-05 15:07:00 +0100", TIME), ("2024-03-05T09:07:00-05:00", TIME),
        ("05.03.2024", DAY), ("5.3.2024 14:07", TIME), ("Mar 5, 2024", DAY), ("March 5, 2024 02:07 PM", TIME),
        ("5 Mar 2024", DAY), ("1709647620", TIME), ("1709647620000", TIME),
    ],
)  # fmt: skip
def test_dates_are_read(text: str, at: datetime) -> None:
    assert read_date(text, None, NOON) == at


def test_which_number_is_the_day_must_be_known() -> None:
    assert read_date("05/03/2024 2:07 pm", True, NOON) == TIME
    assert read_date("03/05/2024 14:07", False, NOON) == TIME
    assert read_date("05-03-2024 14:07:00", True, NOON) == TIME
    assert read_date("05/03/2024", None, NOON) is None
    assert read_date("05-03-2024", None, NOON) is None
    assert (says_order("13/03/2024"), says_order("03/13/2024"), says_order("03/04/2024")) == (True, False, None)
    assert (says_order("13-03-2024"), says_order("03-13-2024"), says_order("2024-03-13")) == (True, False, None)


@pytest.mark.parametrize("text", ["", "soon", "2027-01-01", "1969-01-01", "31/31/2024", "9999-12-31", "0000-00-00"])
def test_what_cannot_be_is_left_out(text: str) -> None:
    assert read_date(text, True, NOON) is None


@given(st.text(max_size=30) | st.from_regex(r"[0-9/.: TZ+-]{1,30}", fullmatch=True))
def test_nothing_raises(text: str) -> None:
    at = read_date(text, None, NOON)
    assert at is None or at <= NOON


@pytest.mark.parametrize("between", ["/", "-"])
def test_the_order_is_taken_from_the_file(between: str, bring: Callable[..., Report], database: Database) -> None:
    bring("email,created_at\na@x.example,05/03/2024\nb@x.example,25/03/2024\n".replace("/", between))
    with database.reading() as session:
        assert session.scalars(select(Subscriber.created_at).order_by(Subscriber.id)).first() == DAY
