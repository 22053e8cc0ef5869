"""Where a row's person stands: the statuses of the usual programs, and what other columns say about it.

Of several signs the worst counts: who is "active" and has an UNSUB_TIME has left. A word that is not listed is never
taken for a yes; it stops the import (`UnknownStatus`).
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache

from newsletter.imports.columns import Columns, Program, Role


class Standing(IntEnum):
    """From the best to the worst, so that `max` is the one that counts."""

    READER = 0
    PENDING = 1
    NEVER_AGREED = 2
    LEFT = 3
    BLOCKED = 4
    BOUNCED = 5
    COMPLAINED = 6


_WORDS = {
    # "cold" (Kit) and "soft bounced" are still written to; free, paid, comped: Ghost and Substack, all of them readers.
    Standing.READER: "subscribed, active, enabled, confirmed, opted in, opt in, cold, soft bounced, free, paid, comped",
    Standing.PENDING: "pending, unconfirmed, not confirmed, awaiting confirmation, waiting, validating, "
    "needs attention, needs approval",
    # Mailchimp's API calls the non-subscribed "transactional".
    Standing.NEVER_AGREED: "non subscribed, nonsubscribed, not subscribed, never subscribed, transactional, archived",
    # "inactive" (beehiiv) has opted out; of Kit alone it is known to mean "has not confirmed" (`read_status`).
    Standing.LEFT: "unsubscribed, unsubscribe, cancelled, canceled, left, opted out, opt out, disabled, inactive, "
    "deleted, removed, email disabled",
    Standing.BLOCKED: "blocklisted, blacklisted, blocked, suppressed, banned, excluded",
    Standing.BOUNCED: "bounced, bounce, hard bounced, hard bounce, cleaned, undeliverable, unreachable, invalid",
    Standing.COMPLAINED: "complained, complaint, spam, marked as spam, spam complaint, reported spam, abuse, junk",
}
STATUSES = {word.strip(): standing for standing, words in _WORDS.items() for word in words.split(",")}
_FLAGS = (
    # role, what "yes" means, what "no" means; a date means yes
    (Role.SUBSCRIBED, Standing.READER, Standing.LEFT),
    (Role.CONFIRMED, Standing.READER, Standing.PENDING),
    (Role.NEWSLETTER, Standing.READER, Standing.READER),  # who takes none is no reader of it, but has not left
    (Role.UNSUBSCRIBED, Standing.LEFT, Standing.READER),
    (Role.BOUNCED, Standing.BOUNCED, Standing.READER),
    (Role.COMPLAINED, Standing.COMPLAINED, Standing.READER),
)
_FOUR_DIGITS = re.compile(r"(?:\d\D*){4}")
# Spreadsheets write them in the language of their program.
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
"""Words that are said of nobody who wants mail, whatever the column is called."""


class UnknownStatus(ValueError):
    """A status that is not listed, or none where there should be one."""

    def __init__(self, column: str, value: str) -> None:
        super().__init__(column, value)
        self.column, self.value = column, value


def plain(word: str) -> str:
    """A status as it is compared: without case, and with single spaces."""
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())


@lru_cache(4096)
def read_status(word: str, program: Program | None) -> Standing | None:
    """What a status means; None when it is not listed."""
    status = plain(word)
    if status == "inactive" and program is Program.KIT:
        return Standing.PENDING
    return STATUSES.get(status)


def says_gone(cell: str) -> bool:
    """Whether this is a word for somebody who wants no mail, and nothing else."""
    return len(cell) < 20 and plain(cell) in _GONE


@lru_cache(4096)
def read_flag(word: str) -> bool | None:
    """True, false, or None for what is neither."""
    bare = word.strip().casefold()
    return True if bare in _YES else False if bare in _NO else None


def is_date_like(value: str) -> bool:
    """Whether a cell under a heading that may be a date or a yes holds a date, readable or not."""
    return _FOUR_DIGITS.search(value) is not None


def says_yes(value: str) -> bool:
    """Whether a cell is a clear yes: true, a date, or the word for a reader. An empty one is none."""
    return read_flag(value) is True or is_date_like(value) or read_status(value, None) is Standing.READER


Told = Callable[[UnknownStatus], Standing]


def refused(error: UnknownStatus) -> Standing:
    """What is done about a status that nobody knows: nothing goes on."""
    raise error


class StandingJudge:
    """Says where the people of a file stand: the worst that any of its columns tells.

    `asked`: columns that say yes or no of somebody in this file, so that an empty cell in them is no yes. `answers`:
    what the owner has said about words that are not listed, by their plain form; it changes none that is. `unknown` is
    told of each other one, and says what to take it for.
    """

    def __init__(self, columns: Columns, asked: Collection[int] = (), answers: Mapping[str, Standing] = {},
                 unknown: Told = refused) -> None:  # fmt: skip
        self._columns, self._answers, self._unknown = columns, answers, unknown
        self._asked = () if columns.needed else tuple(asked)
        self._lists = columns.at(Role.LISTS)
        self._flags = tuple((place, yes, no) for role, yes, no in _FLAGS for place in columns.at(role))
        self._opted = columns.opting
        self.places = tuple(sorted({*columns.needed, *self._lists, *(p for p, _, _ in self._flags), *self._opted}))
        """The columns that it looks at."""

    def __call__(self, cells: Sequence[str]) -> Standing:
        """`cells`: one for each column, bare. Raises UnknownStatus."""
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
        """What the owner has said of a word that is not listed."""
        if (said := self._answers.get(plain(value))) is not None:
            return said
        return self._unknown(UnknownStatus(self._columns.headings[place], value))

    def _in_lists(self, place: int, value: str) -> Standing:
        """listmonk: a status in each list. A reader of one is a reader; who left them all has left.

        In a list with single opt-in everybody is "unconfirmed", and is written to all the same.
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
