"""What an import found and did: codes and numbers only; `sentences` puts them into words."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

TOLD = 20
"""Refused rows that are told one by one; the errors file holds them all."""


class BadFile(ValueError):
    """The file cannot be imported as it is; the message says what is wrong and what to do. Nothing was written."""


class Flaw(StrEnum):
    """Why a row is refused."""

    NO_ADDRESS = "no address"
    BAD_ADDRESS = "bad address"
    SEVERAL_ADDRESSES = "several addresses"
    OPEN_QUOTE = "open quote"
    STRAY_QUOTE = "stray quote"
    TOO_MANY_CELLS = "too many cells"
    NO_STATUS = "no status"
    BAD_BYTES = "bad bytes"


class Remark(StrEnum):
    """What of a row was not kept, although the person was."""

    DATE = "date"
    ZONE = "zone"
    NAME = "name"
    SECOND_ADDRESS = "second address"
    TOPIC = "topic"
    FIELD = "field"
    """A value that its field of the owner's cannot hold."""


class Fate(StrEnum):
    """What became of a row."""

    ADDED = "added"
    """A new confirmed subscriber."""
    CONFIRMED = "confirmed"
    """Had signed up here and was pending: the basis that the owner names confirms them."""
    PENDING = "pending"
    """Added as pending: nothing is mailed to them."""
    LEFT = "left"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    KNOWN = "known"
    """On record already, or a second row about the same person: nothing changes."""
    SUPPRESSED = "suppressed"
    """Left, bounced, complained, was blocked or erased here: not brought back."""
    STAYED = "stayed"
    """The file says that they left; they have confirmed here by their own press since."""
    NEVER_AGREED = "never agreed"
    """The file says that they never subscribed: left out."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be used."""

    line: int
    flaw: Flaw


@dataclass(frozen=True, slots=True)
class Reading:
    """How the file was understood. `odd_lines`: lines in Windows-1252 in a file that is otherwise UTF-8."""

    encoding: str
    separator: str
    program: str | None
    used: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    odd_lines: int = 0


@dataclass
class Report:
    """The tally of one run. `tags`: how often a tag was given to somebody."""

    reading: Reading
    dry_run: bool = False
    read: int = 0
    last_line: int = 0
    tags: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    bad: list[Refusal] = field(default_factory=list)
    remarks: Counter[Remark] = field(default_factory=Counter)
    first_remarks: dict[Remark, int] = field(default_factory=dict)

    def refuse(self, line: int, flaw: Flaw) -> None:
        """Count a row that could not be used; the first twenty are kept with their line."""
        self.fates[Fate.REFUSED] += 1
        if len(self.bad) < TOLD:
            self.bad.append(Refusal(line, flaw))

    def remark(self, line: int, remark: Remark) -> None:
        """Count what was not kept of a row."""
        self.remarks[remark] += 1
        self.first_remarks.setdefault(remark, line)
