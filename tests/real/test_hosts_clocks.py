"""Hosts whose clocks differ by minutes, either way: ticks are taken, leases hold, everybody gets one."""

import time
from pathlib import Path

import pytest

from tests.networks import CENTRE
from tests.real.conftest import until
from tests.real.test_hosts import PEOPLE, Stage, _send, _state, stage

__all__ = ["stage"]
pytestmark = [pytest.mark.real, pytest.mark.timeout(600), pytest.mark.xdist_group("networks")]
LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


def _wrong_by(minutes: int) -> dict[str, str]:
    """The environment of a host whose clock is wrong; timeouts and sleeps pass as ever."""
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern.removeprefix("/"))]
    if not found:
        pytest.skip("clocks cannot be set wrong here: no libfaketime (Debian: apt install faketime)")
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": f"{minutes:+d}m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.parametrize("minutes", [7, -7])
def test_a_host_whose_clock_is_wrong_takes_ticks_and_keeps_its_leases(stage: Stage, minutes: int) -> None:
    beats, delivers = stage.host("one"), stage.host("two")
    beats.clock = _wrong_by(minutes)
    beats.run("beat", "transactional", "bulk")
    delivers.run("bulk", "transactional")
    until(lambda: beats.is_up and delivers.is_up, 60, "the workers do not start")
    campaign = _send(stage.host(CENTRE), stage.folder)
    until(lambda: beats.journals and delivers.journals, 60, "a host takes no part")

    def over() -> bool:
        time.sleep(3)
        return _state(stage.host(CENTRE), campaign) == "sent"

    until(over, 150, "it does not end")
    assert stage.counts() == {"sent": PEOPLE}
    assert len(stage.relay.received) == PEOPLE
    assert max(stage.relay.received.values()) == 1
