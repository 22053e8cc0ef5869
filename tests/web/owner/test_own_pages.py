"""What the owner sees of a reader's own presses: a pause, and why people left."""

from collections.abc import Callable

from newsletter import journey
from newsletter.events import By, Press, WhyLeft
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.web.owner.conftest import Desk

PRESS = Press(By.PAGE, "Pause everything.", "/preferences")


def test_a_pause_is_told_beside_series_and_campaigns(
    desk: Desk, runtime: Runtime, enrolled: Callable[..., int], person: Callable[..., int]
) -> None:
    enrolled("jane@example.com")
    id = person("jane@example.com")
    with runtime.database.transaction() as session:
        assert journey.pause(session, session.get_one(Subscriber, id), PRESS, runtime.clock.now())
    words = desk.read(f"/owner/subscribers/{id}")
    assert "has paused everything until" in words
    assert "The reader has paused everything until" in words and "no time passes. Then" in words
    assert "1 of this audience have paused everything" in desk.read("/owner/campaigns/1")


def test_why_people_left_is_shown_as_counts(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    assert "Why people left" not in desk.read("/owner/subscribers")
    now = runtime.clock.now()
    for name, why in (("jane", WhyLeft.TOO_MANY), ("joe", WhyLeft.TOO_MANY), ("ann", WhyLeft.OTHER)):
        id = person(f"{name}@example.com")
        with runtime.database.transaction() as session:
            one = session.get_one(Subscriber, id)
            journey.unsubscribe(session, one, now, goodbye=False)
            assert journey.say_why(session, one, why, Press(By.MAIL, "Pressed."), now)
    words = desk.read("/owner/subscribers")
    assert "of those who chose to say. Too many e-mails 2 Something else 1" in words
    assert "Said why they left" in desk.read(f"/owner/subscribers/{id}")
