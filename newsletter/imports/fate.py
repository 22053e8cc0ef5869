"""What becomes of a person in a file, given what is on record about their address: the whole rule, and nothing else."""

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
"""How each bad standing is told, and recorded."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record about an address. `pressed`: when they last confirmed by a press of their own. `left`: whether
    somebody who bounced has left since, which holds when the bounce is lifted."""

    id: int | None = None
    status: Status | None = None
    suppressed: bool = False
    pressed: datetime | None = None
    left: bool = False


NOBODY = Known()
"""Of an address that is not on record."""


def decide(person: Person, known: Known) -> Fate:
    """Nobody who left, bounced, complained, was blocked or erased here comes back, whatever the file says."""
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
        # Their own press here is newer than what another program has on record; a complaint is never overruled.
        since = known.pressed is not None and (person.left is None or known.pressed > person.left)
        return Fate.STAYED if since and end is not Fate.COMPLAINED else end
    if known.status is Status.UNSUBSCRIBED:
        worse = end is Fate.COMPLAINED or (end is Fate.BLOCKED and not known.suppressed)
        return end if worse else Fate.KNOWN
    if known.status is Status.BOUNCED:  # an owner may lift that, and must not bring back who has left elsewhere
        worse = end is Fate.COMPLAINED or (end is Fate.BLOCKED and not known.suppressed)
        return end if worse or (end is Fate.LEFT and not known.left) else Fate.KNOWN
    if known.status is Status.COMPLAINED:
        return Fate.KNOWN
    if known.status is None and known.suppressed:
        return Fate.SUPPRESSED  # erased: the address is not stored again, not even as gone
    return end


def merged(batch: Iterable[Person]) -> dict[str, Person]:
    """One person for each address: of several rows the worst standing counts, in whatever order they come."""
    people: dict[str, Person] = {}
    for person in batch:
        before = people.setdefault(person.address.key, person)
        if person.standing > before.standing:
            people[person.address.key] = person._replace(left=person.left or before.left)
    return people
