"""Earlier addresses go after their day, with every trace, whoever is killed in between."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.subscribers import AddressChange
from newsletter.wordings import wording_id


class Killed(BaseException):
    """What `kill -9` is to a program: nothing behind it runs."""


def test_a_sweep_that_is_killed_in_between_forgets_an_earlier_address_the_next_time(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = person("new@example.com")
    with runtime.database.transaction() as session:
        change = AddressChange(subscriber_id=new, asked_at=clock.now(), wording_id=wording_id(session, "Yes"))
        change.earlier, change.done_at = "old@example.com", clock.now()
        session.add(change)
    clock.forward(timedelta(days=2))
    forgotten: list[str] = []

    def killed(_: Runtime, *addresses: str) -> None:
        forgotten.extend(addresses)
        if addresses and len(forgotten) == 1:
            raise Killed

    monkeypatch.setattr(Runtime, "forget_traces", killed)
    with pytest.raises(Killed):
        runtime.forget_earlier_addresses(clock.now())
    for _ in range(2):
        runtime.forget_earlier_addresses(clock.now())
    assert forgotten == ["old@example.com"] * 2
