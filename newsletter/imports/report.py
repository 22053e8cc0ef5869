"""Report: what an import found and did, as codes and counts; `sentences` words them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

TOLD = 20
"""Refused rows listed individually; the errors file has all."""
FIRST = 5
"""Lines listed for each remark."""


class BadFile(ValueError):
    """The file cannot be imported as it is; the message says why and what to do. Nothing was written."""


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
    """What was dropped from a row whose person was imported, or what about it is worth a look."""

    DATE = "date"
    ZONE = "zone"
    LANGUAGE = "language"
    NAME = "name"
    SECOND_ADDRESS = "second address"
    TOPIC = "topic"
    FIELD = "field"
    """A value that does not fit its custom field."""
    SLIP = "slip"
    """A reader's address that looks misspelt (gmial.com); it is imported as it is."""
    DOUBLE = "double"
    """A person named in an earlier row."""


class Fate(StrEnum):
    """What happened to a row."""

    __hash__ = str.__hash__  # Enum.__hash__ is slow Python code, called several times per row

    ADDED = "added"
    """A new confirmed subscriber."""
    CONFIRMED = "confirmed"
    """Was pending here; the owner's basis confirms them."""
    PENDING = "pending"
    """Added as pending; nothing is mailed to them."""
    LEFT = "left"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    KNOWN = "known"
    """Already known, or a second row about the same person: nothing changes."""
    SUPPRESSED = "suppressed"
    """Left, bounced, complained, was blocked or erased here; not brought back."""
    STAYED = "stayed"
    """The file says they left, but they have confirmed here themselves since."""
    NEVER_AGREED = "never agreed"
    """The file says they never subscribed; left out."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An unusable row."""

    line: int
    flaw: Flaw


@dataclass(frozen=True, slots=True)
class Reading:
    """How the file was interpreted. `odd_lines`: lines in Windows-1252 in an otherwise UTF-8 file. `sheet`: of a
    workbook, whose line numbers are the sheet's rows; `hidden`: how many of them a filter hides."""

    encoding: str
    separator: str
    program: str | None
    used: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    odd_lines: int = 0
    sheet: str = ""
    hidden: int = 0
    headed: bool = True
    """Whether the first row is a header."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed for existing subscribers: people who got a tag, empty fields filled, and fields with a value
    replaced."""

    tagged: int = 0
    filled: int = 0
    replaced: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(self.tagged + other.tagged, self.filled + other.filled, self.replaced + other.replaced)

    def __bool__(self) -> bool:
        return self != Changed()


@dataclass
class Report:
    """The counts of one run. `tags`: how many tags were given in all."""

    reading: Reading
    dry_run: bool = False
    read: int = 0
    last_line: int = 0
    tags: int = 0
    changed: Changed = Changed()
    fates: Counter[Fate] = field(default_factory=Counter)
    bad: list[Refusal] = field(default_factory=list)
    remarks: Counter[Remark] = field(default_factory=Counter)
    first_remarks: dict[Remark, list[int]] = field(default_factory=dict)
    """The first lines of each."""

    def with_fates(self, fates: Iterable[Fate], rows: int, last_line: int, tags: int, changed: Changed) -> Self:
        """A copy that includes one more batch."""
        counted = Counter(self.fates)
        counted.update(fates)
        return replace(self, read=self.read + rows, last_line=last_line, tags=tags, fates=counted,
                       changed=self.changed + changed)  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """The JSON stored in `Import.report`."""
        return {
            "reading": asdict(self.reading), "dry_run": self.dry_run, "read": self.read, "last_line": self.last_line,
            "tags": self.tags, "changed": asdict(self.changed),
            "fates": {fate.value: many for fate, many in self.fates.items()},
            "bad": [[one.line, one.flaw.value] for one in self.bad],
            "remarks": {remark.value: many for remark, many in self.remarks.items()},
            "first_remarks": {remark.value: lines for remark, lines in self.first_remarks.items()},
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        reading = Reading(**{
            **kept["reading"], "used": tuple((heading, role) for heading, role in kept["reading"]["used"]),
            "unused": tuple(kept["reading"]["unused"]),
        })  # fmt: skip
        return cls(
            reading=reading, dry_run=kept["dry_run"], read=kept["read"], last_line=kept["last_line"], tags=kept["tags"],
            changed=Changed(**kept.get("changed", {})),
            fates=Counter({Fate(fate): many for fate, many in kept["fates"].items()}),
            bad=[Refusal(line, Flaw(flaw)) for line, flaw in kept["bad"]],
            remarks=Counter({Remark(one): many for one, many in kept["remarks"].items()}),
            first_remarks={Remark(one): lines if isinstance(lines, list) else [lines]  # one line in earlier reports
                           for one, lines in kept["first_remarks"].items()},
        )  # fmt: skip

    def refuse(self, line: int, flaw: Flaw) -> None:
        """Count an unusable row; the first `TOLD` are kept with their line."""
        self.fates[Fate.REFUSED] += 1
        if len(self.bad) < TOLD:
            self.bad.append(Refusal(line, flaw))

    def remark(self, line: int, remark: Remark) -> None:
        """Count a remark; the first lines of each kind are kept."""
        self.remarks[remark] += 1
        if len(first := self.first_remarks.setdefault(remark, [])) < FIRST:
            first.append(line)
