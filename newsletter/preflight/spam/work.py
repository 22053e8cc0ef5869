"""A worker's part: it alone is told the keys that sign. Nothing is open in the database while SpamAssassin thinks."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from newsletter import asked, brand
from newsletter.clock import Clock
from newsletter.db import Database
from newsletter.guides import Files
from newsletter.mail.render import Renderer
from newsletter.preflight.spam.mails import fingerprint_of, mails_of
from newsletter.preflight.spam.record import Scores, SpamScore
from newsletter.settings import Settings
from newsletter.spamd import PATIENCE, NoPoints, Scored, Trouble, read_place, score

SLICE = 5.0
"""Seconds after which no further score is begun; the next tick goes on."""
UNSET, GONE, UNFIT = "unset", "gone", "unfit"
"""Why there are no points, besides what `spamd.Trouble` names: this worker knows no SPAMD, there is no such mail any
more, or it cannot be put together."""


class Place(Protocol):
    """What the work needs to know of the installation; Runtime is one."""

    @property
    def database(self) -> Database:
        """Where it is written down."""

    @property
    def clock(self) -> Clock:
        """By which it is time."""

    @property
    def settings(self) -> Settings:
        """Where SpamAssassin is."""

    @property
    def renderer(self) -> Renderer:
        """Who puts mails together, and signs."""

    @property
    def guides(self) -> Files:
        """Where PDFs lie."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """The octets that would go, by their parts; or why there are none."""

    fingerprint: str
    mails: tuple[tuple[str, bytes], ...] = ()
    trouble: str = ""


def go_on(rt: Place) -> int:
    """Score what was asked for, one after the other; how much that was."""
    done, until = 0, time.monotonic() + SLICE
    while time.monotonic() < until:
        with rt.database.transaction() as session:
            row = asked.take(session, SpamScore, rt.clock.now())
            if row is None:
                break
            id, kind, about = row.id, row.kind, row.about
        ready = _ready(rt, kind, about)
        found = _found(rt, ready)
        with rt.database.transaction() as session:
            session.get_one(SpamScore, id, with_for_update=True).keep_of(ready.fingerprint, found, rt.clock.now())
        done += 1
    return done


def _ready(rt: Place, kind: Scores, about: int) -> _Ready:
    with rt.database.reading() as session:
        house = brand.current(session)
        mails = mails_of(session, rt.renderer, rt.guides, kind, about)
        fingerprint, now = fingerprint_of(rt.renderer, house, mails), rt.clock.now()
        if not fingerprint:
            return _Ready("", trouble=UNFIT if mails else GONE)
        return _Ready(fingerprint, tuple((one.part, one.octets(rt.renderer, house, now)) for one in mails))


def _found(rt: Place, ready: _Ready) -> dict[str, Any]:
    trouble = ready.trouble or ("" if rt.settings.spamd else UNSET)
    if trouble:
        return {"trouble": trouble, "said": "", "mails": []}
    return scored(rt.settings.spamd, ready.mails)


def scored(spamd: str, ready: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """Codes, and what was said of each mail (its part, its octets); of two both have to answer within the time for
    one."""
    until = time.monotonic() + PATIENCE
    mails = []
    for part, data in ready:
        try:
            left = until - time.monotonic()
            if left <= 0:
                raise NoPoints(Trouble.SILENT)
            mails.append(_kept(part, score(read_place(spamd), data, left)))
        except NoPoints as error:
            return {"trouble": error.trouble.value, "said": error.said, "mails": []}
    return {"trouble": "", "said": "", "mails": mails}


def _kept(part: str, scored: Scored) -> dict[str, Any]:
    return {
        "part": part, "points": scored.points, "threshold": scored.threshold,
        "hits": [[one.points, one.name, one.means] for one in scored.hits],
    }  # fmt: skip
