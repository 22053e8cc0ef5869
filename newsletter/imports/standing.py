"""Standing: whether a row's person wants mail, from the statuses of common programs and from other columns.

The worst of several signs counts: somebody "active" with an UNSUB_TIME has left. An unlisted word never counts as a
yes; it stops the import (`UnknownStatus`).
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache

from newsletter.imports.columns import Columns, Program, Role


class Standing(IntEnum):
    """From best to worst, so that `max` picks the one that counts."""

    READER = 0
    PENDING = 1
    NEVER_AGREED = 2
    LEFT = 3
    BLOCKED = 4
    BOUNCED = 5
    COMPLAINED = 6


_WORDS = {
    # "cold" (Kit) and "soft bounced" still receive mail; free, paid, comped (Ghost, Substack) are all readers.
    Standing.READER: "subscribed, active, enabled, confirmed, opted in, opt in, cold, soft bounced, free, paid, comped",
    Standing.PENDING: "pending, unconfirmed, not confirmed, awaiting confirmation, waiting, validating, "
    "needs attention, needs approval",
    # Mailchimp's API says "transactional" for non-subscribed.
    Standing.NEVER_AGREED: "non subscribed, nonsubscribed, not subscribed, never subscribed, transactional, archived",
    # "inactive" means opted out (beehiiv), except in Kit, where it means unconfirmed (`read_status`).
    Standing.LEFT: "unsubscribed, unsubscribe, cancelled, canceled, left, opted out, opt out, disabled, inactive, "
    "deleted, removed, email disabled",
    Standing.BLOCKED: "blocklisted, blacklisted, blocked, suppressed, banned, excluded",
    Standing.BOUNCED: "bounced, bounce, hard bounced, hard bounce, cleaned, undeliverable, unreachable, invalid",
    Standing.COMPLAINED: "complained, complaint, spam, marked as spam, spam complaint, reported spam, abuse, junk",
}
STATUSES = {word.strip(): standing for standing, words in _WORDS.items() for word in words.split(",")}
_FLAGS = (
    # role, standing for yes, standing for no; a date counts as yes
    (Role.SUBSCRIBED, Standing.READER, Standing.LEFT),
    (Role.CONFIRMED, Standing.READER, Standing.PENDING),
    (Role.NEWSLETTER, Standing.READER, Standing.READER),  # somebody without the newsletter has not left
    (Role.UNSUBSCRIBED, Standing.LEFT, Standing.READER),
    (Role.BOUNCED, Standing.BOUNCED, Standing.READER),
    (Role.COMPLAINED, Standing.COMPLAINED, Standing.READER),
)
_FOUR_DIGITS = re.compile(r"(?:\d\D*){4}")
# Spreadsheets write booleans in the language of their user interface.
_YES = frozenset(
    ["true", "t", "yes", "y", "1", "on", "x", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "vero", "sì", "waar"]
)
_NO = frozenset(
    ["false", "f", "no", "n", "0", "off", "never", "falsch", "nein", "faux", "non", "falso", "onwaar", "nee"]
)
_GONE = frozenset(
    ("unsubscribed", "opted out", "hard bounced", "bounced", "cleaned", "complained", "spam complaint",
     "marked as spam", "blocklisted", "blacklisted", "suppressed", "email disabled", "not subscribed", "non subscribed")
)  # fmt: skip
"""Words that rule out that somebody wants mail, whatever the column is called."""


class UnknownStatus(ValueError):
    """An unlisted status."""

    def __init__(self, column: str, value: str) -> None:
        super().__init__(column, value)
        self.column, self.value = column, value


def plain(word: str) -> str:
    """A status normalised for comparison: case-folded, with single spaces for hyphens and underscores."""
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())


@lru_cache(4096)
def read_status(word: str, program: Program | None) -> Standing | None:
    """The standing of a status, or None if it is not listed."""
    status = plain(word)
    if status == "inactive" and program is Program.KIT:
        return Standing.PENDING
    return STATUSES.get(status)


def says_gone(cell: str) -> bool:
    """Whether the whole cell is a word for somebody who does not want mail."""
    return len(cell) < 20 and plain(cell) in _GONE


@lru_cache(4096)
def read_flag(word: str) -> bool | None:
    """A yes or no in several languages; None for anything else."""
    bare = word.strip().casefold()
    return True if bare in _YES else False if bare in _NO else None


def is_date_like(value: str) -> bool:
    """Whether a cell that may be a date or a flag holds a date, parseable or not."""
    return _FOUR_DIGITS.search(value) is not None


def says_yes(value: str) -> bool:
    """Whether a cell is a clear yes: true, a date, or a reader's status. Empty means no."""
    return read_flag(value) is True or is_date_like(value) or read_status(value, None) is Standing.READER


Told = Callable[[UnknownStatus], Standing]


def refused(error: UnknownStatus) -> Standing:
    """The default for unknown statuses: raise."""
    raise error


class StandingJudge:
    """Determines a person's standing: the worst that any column says.

    `asked`: columns that contain a yes or no somewhere in this file, so that an empty cell in them is not a yes.
    `answers`: the owner's explanations of unlisted words, by `plain` form; listed ones keep their meaning. `unknown` is
    called for every other word and returns its standing.
    """

    def __init__(self, columns: Columns, asked: Collection[int] = (), answers: Mapping[str, Standing] = {},
                 unknown: Told = refused) -> None:  # fmt: skip
        self._columns, self._answers, self._unknown = columns, answers, unknown
        self._asked = () if columns.needed else tuple(asked)
        self._lists = columns.at(Role.LISTS)
        self._flags = tuple((place, yes, no) for role, yes, no in _FLAGS for place in columns.at(role))
        self._opted = columns.opting
        self.places = tuple(sorted({*columns.needed, *self._lists, *(p for p, _, _ in self._flags), *self._opted}))
        """The indices of the columns it reads."""

    def __call__(self, cells: Sequence[str]) -> Standing:
        """The standing of a row. `cells`: as from `whole`. Raises UnknownStatus."""
        worst = Standing.READER
        for place in self._columns.needed:
            status = read_status(cells[place], self._columns.program)
            worst = max(worst, self._asked_about(place, cells[place]) if status is None else status)
        for place, yes, no in self._flags:
            if cells[place]:
                worst = max(worst, self._flag(place, cells[place], yes, no))
        for place in self._lists:
            worst = max(worst, self._in_lists(place, cells[place]))
        if any(not cells[place] for place in self._asked):
            worst = max(worst, Standing.NEVER_AGREED)
        if self._opted and not any(cells[place] for place in self._opted):
            worst = max(worst, Standing.NEVER_AGREED)
        return worst

    def _flag(self, place: int, value: str, yes: Standing, no: Standing) -> Standing:
        said = True if is_date_like(value) else read_flag(value)
        if said is not None:
            return yes if said else no
        if (status := read_status(value, None)) is not None:  # “subscribed: unsubscribed”
            return status
        return self._asked_about(place, value)

    def _asked_about(self, place: int, value: str) -> Standing:
        """The owner's answer about an unlisted word, else what `unknown` returns."""
        if (said := self._answers.get(plain(value))) is not None:
            return said
        return self._unknown(UnknownStatus(self._columns.headings[place], value))

    def _in_lists(self, place: int, value: str) -> Standing:
        """listmonk: a status per list. The best one counts: only somebody who left every list has left.

        In a single opt-in list everybody is "unconfirmed" and still receives mail.
        """
        try:
            lists = json.loads(value) if value.startswith("[") else []
        except ValueError:
            return Standing.READER
        found = []
        for one in lists if isinstance(lists, list) else []:
            if isinstance(one, dict) and (said := str(one.get("subscription_status") or "")):
                status = read_status(said, Program.LISTMONK)
                status = self._asked_about(place, said) if status is None else status
                found.append(Standing.READER if status is Standing.PENDING and one.get("optin") == "single" else status)
        return min(found, default=Standing.READER)
