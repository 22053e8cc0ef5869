"""Installation: detects that a database was copied or restored, and locks sending then."""

from newsletter.installation.home import Home, home_of, keep_witness, kept_witnesses, restore_plan
from newsletter.installation.record import Installation, LockReason, current, sends_above

__all__ = [
    "Home",
    "Installation",
    "LockReason",
    "current",
    "home_of",
    "keep_witness",
    "kept_witnesses",
    "restore_plan",
    "sends_above",
]
