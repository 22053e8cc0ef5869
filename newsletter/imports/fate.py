"""Decides what happens to a person in a file, given what is known about their address. Pure rules, no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsletter.imports.person import Person
from newsletter.imports.report import Fate
from newsletter.imports.standing import Standing
from newsletter.subscribers import Status

ENDS = {
    Standing.LEFT: (Fate.LEFT, Status.UNSUBSCRIBED),
    Standing.BLOCKED: (Fate.BLOCKED, Status.UNSUBSCRIBED),
    Standing.BOUNCED: (Fate.BOUNCED, Status.BOUNCED),
    Standing.COMPLAINED: (Fate.COMPLAINED, Status.COMPLAINED),
}
"""Fate and recorded status for each standing that keeps somebody out."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is recorded about an address. `pressed`: when they last confirmed themselves. `left`: whether a bounced
    subscriber has also left, which must outlast the bounce."""

    id: int | None = None
    status: Status | None = None
    suppressed: bool = False
    pressed: datetime | None = None
    left: bool = False


NOBODY = Known()
"""An unknown address."""


def decide(person: Person, known: Known) -> Fate:
    """The fate of a person. Nobody who left, bounced, complained, was blocked or erased here is brought back."""
    if person.standing is Standing.NEVER_AGREED:
        return Fate.NEVER_AGREED
    if person.standing in ENDS:
        return _goes(person, known)
    if known.status is Status.CONFIRMED:
        return Fate.KNOWN
    if known.suppressed or known.status not in (None, Status.PENDING):
        return Fate.SUPPRESSED
    if person.standing is Standing.PENDING:
        return Fate.PENDING if known.status is None else Fate.KNOWN
    return Fate.ADDED if known.status is None else Fate.CONFIRMED


def _goes(person: Person, known: Known) -> Fate:
    end = ENDS[person.standing][0]
    if known.status is Status.CONFIRMED:
        # Their own later confirmation here outweighs another program's record, but never a complaint.
        since = known.pressed is not None and (person.left is None or known.pressed > person.left)
        return Fate.STAYED if since and end is not Fate.COMPLAINED else end
    if known.status is Status.UNSUBSCRIBED:
        worse = end is Fate.COMPLAINED or (end is Fate.BLOCKED and not known.suppressed)
        return end if worse else Fate.KNOWN
    if known.status is Status.BOUNCED:  # the owner may lift a bounce, but must not bring back who has left elsewhere
        worse = end is Fate.COMPLAINED or (end is Fate.BLOCKED and not known.suppressed)
        return end if worse or (end is Fate.LEFT and not known.left) else Fate.KNOWN
    if known.status is Status.COMPLAINED:
        return Fate.KNOWN
    if known.status is None and known.suppressed:
        return Fate.SUPPRESSED  # erased: the address must not be stored again in any form
    return end


def merged(batch: Iterable[Person]) -> dict[str, Person]:
    """One person per address key: of several rows the one with the worst standing, in any order."""
    people: dict[str, Person] = {}
    for person in batch:
        before = people.setdefault(person.address.key, person)
        if person.standing > before.standing:
            people[person.address.key] = person._replace(left=person.left or before.left)
    return people
