"""A worker's own count: its limit while Redis does not answer, and its report to Redis afterwards."""

import math
from collections.abc import Callable, Iterable, Sequence

from newsletter.throttle.request import Reply, Request, Use
from newsletter.throttle.rules import Rate, Used

SLOTS = 60
RECOVERY = 120.0
SLOW_SPAN = 10
DEEPEST = 10
Key = tuple[str, str, int]


class Window:
    """Messages sent in the last `span` seconds, in 60 slots."""

    def __init__(self, span: int) -> None:
        self._span = span
        self.slots: dict[int, int] = {}

    def used(self, at: float) -> int:
        """How many count now."""
        oldest = self.slot(at) - SLOTS
        self.slots = {slot: count for slot, count in self.slots.items() if slot >= oldest and count}
        return sum(self.slots.values())

    def add(self, at: float, count: int) -> None:
        """Count messages; a negative count takes them back."""
        slot = self.slot(at)
        self.slots[slot] = max(0, self.slots.get(slot, 0) + count)

    def slot(self, at: float) -> int:
        """The slot of a moment."""
        return math.floor(at * SLOTS / self._span)

    def age(self, slot: int, at: float) -> float:
        """The least age of a slot's messages, in seconds."""
        return max(0.0, at - (slot + 1) * self._span / SLOTS)

    def wait(self, at: float, count: int, wanted: int) -> float:
        """Seconds until a tenth of the allowed `count` fits again, or `wanted` if that is less."""
        excess = self.used(at) + min(wanted, max(1, math.ceil(count / 10))) - count
        longest = 0.0
        for slot in sorted(self.slots):
            if excess <= 0:
                break
            excess -= self.slots[slot]
            longest = (slot + SLOTS + 1) * self._span / SLOTS - at
        return longest


class OwnCount:
    """Counts for this worker alone. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[Key, Window] = {}
        self._unreported: dict[Key, Window] = {}
        self._slow: dict[str, tuple[float, float, float]] = {}

    def note(self, uses: Iterable[Use], *, reported: bool) -> None:
        """Count messages; `reported`: Redis has counted them too."""
        at = self._clock()
        for kind, name, span, count in uses:
            key = (kind, name, span)
            self._windows.setdefault(key, Window(span)).add(at, count)
            if not reported:
                self._unreported.setdefault(key, Window(span)).add(at, count)

    def to_report(self, *, everything: bool) -> list[Used]:
        """What Redis has not counted, or with `everything` all: kind, name, span, age in seconds, messages."""
        at = self._clock()
        windows = self._windows if everything else self._unreported
        return [
            (*key, window.age(slot, at), count)
            for key, window in windows.items()
            if window.used(at)
            for slot, count in window.slots.items()
        ]

    def reported(self) -> None:
        """Note that Redis has counted everything."""
        self._unreported.clear()

    def slow_down(self, domain: str, base: float) -> None:
        """Halve a domain's rate, as the script `slow` does; each halving takes RECOVERY seconds to undo."""
        at, level = self._clock(), 0.0
        if domain in self._slow:
            level, since, before = self._slow[domain]
            level -= (at - since) / RECOVERY
            if level > 0:
                if at - since < SLOW_SPAN:
                    return
                base = before
        self._slow[domain] = (min(DEEPEST, max(0.0, level) + 1), at, base)

    def slow(self) -> dict[str, tuple[float, float]]:
        """The slowed domains: share of their rate, and messages in SLOW_SPAN seconds before the slow-down."""
        at = self._clock()
        self._slow = {name: one for name, one in self._slow.items() if one[0] > (at - one[1]) / RECOVERY}
        return {name: (2 ** -(lev - (at - since) / RECOVERY), base) for name, (lev, since, base) in self._slow.items()}

    def take(self, asked: Request, workers: int) -> Reply:
        """Grant what this worker's share of the rules allows: one part in `workers`."""
        slow, at = self.slow(), self._clock()
        everything = self._windows_of("all", "", asked.everything, 1 / workers)
        relays = {n: self._windows_of("relay", n, r, asked.share / workers) for n, r in asked.relays.items()}
        left = sum(self._room(windows) for windows in relays.values()) if asked.bounded else math.inf
        left = min(left, self._room(everything)) if asked.binding else left
        granted, waits = [], []
        for group in asked.groups:
            share, base = slow.get(group.name, (1.0, 0.0))
            own = self._windows_of("domain", group.name, group.rates, share / workers)
            own += self._windows_of("slow", group.name, [Rate(int(base), SLOW_SPAN)] if base else (), share / workers)
            may = min(group.wanted, self._room(own)) if asked.binding else group.wanted
            granted.append(int(min(may, left)))
            left -= granted[-1]
            self.note([("slow", group.name, SLOW_SPAN, granted[-1])] if base else (), reported=True)
            waits.append(max((w.wait(at, count, group.wanted) for w, count in own), default=0.0))
        sums = sum(granted)
        reserved = {name: int(min(sums, self._room(windows))) for name, windows in relays.items()}
        self.note(asked.uses({g.name: n for g, n in zip(asked.groups, granted, strict=True)}, reserved), reported=False)
        common = self._common([*everything, *(w for ws in relays.values() for w in ws)], at) if left <= 0 else 0.0
        return Reply(
            granted=granted,
            waits=[max(wait, common) for wait in waits],
            reserved=list(reserved.values()),
            common=common,
            at=at,
        )

    def _windows_of(self, kind: str, name: str, rates: Sequence[Rate], share: float) -> list[tuple[Window, int]]:
        return [
            (self._windows.setdefault((kind, name, r.seconds), Window(r.seconds)), max(1, int(r.count * share)))
            for r in rates
        ]

    def _room(self, windows: Sequence[tuple[Window, int]]) -> float:
        at = self._clock()
        return min((max(0, count - window.used(at)) for window, count in windows), default=math.inf)

    def _common(self, windows: Sequence[tuple[Window, int]], at: float) -> float:
        return max((window.wait(at, count, count) for window, count in windows), default=1.0)
