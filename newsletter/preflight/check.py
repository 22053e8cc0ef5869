"""One check of a mail before it goes, and all of them together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from newsletter.campaigns import Campaign
from newsletter.languages import joined, said


class Level(StrEnum):
    """How much a check matters."""

    GOOD = "good"
    TOLD = "told"
    """Worth knowing; stops nothing."""
    WARNING = "warning"
    """Stops it until a person says that it is meant so."""
    BLOCK = "block"
    """Stops it."""


class Mend(StrEnum):
    """Where it is mended; a page turns it into a link (`web/owner/mending.py`)."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    TEXT = "text"
    TOPIC = "topic"
    AUDIENCE = "audience"
    FIELD = "field"
    """An own field, which can be given a fall-back."""
    ADDRESS = "address"
    """The postal address, in the settings."""
    SENDER = "sender"
    """The sender's domain, in the settings."""
    AB_TEST = "ab-test"
    OTHER_ARTICLE = "other-article"
    """The article of B."""
    OTHER_CAMPAIGN = "other-campaign"
    SPAM = "spam"
    """What hit, and what to do about it, further down the same page."""
    TRIAL = "trial"
    """The button for a test, on the same page."""
    LINKS = "links"
    """What is wrong with which link, further down the same page."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `found` says what was seen, in words for the owner."""

    name: str
    level: Level
    found: str
    other: Campaign | None = None
    """The campaign that it is about, where that is another one: there it may be changed."""
    mend: Mend = field(kw_only=True)
    at: str = field(default="", kw_only=True)
    """What to look for there: a piece of the text, or the number of a field."""


class NotFit(ValueError):
    """It cannot go like this; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a preflight saw."""

    checks: tuple[Check, ...]

    def of(self, level: Level) -> list[Check]:
        """The checks of one level."""
        return [one for one in self.checks if one.level == level]

    @property
    def fit(self) -> bool:
        """Whether nothing stops it for good."""
        return not self.of(Level.BLOCK)

    def and_also(self, checks: Iterable[Check]) -> "Report":
        """With these behind its own."""
        return Report((*self.checks, *checks))

    def insist(self, accepted: bool) -> None:
        """Raise NotFit unless it may go. `accepted`: a person has read the warnings and means it so."""
        if blocks := self.of(Level.BLOCK):
            raise NotFit(said("Not scheduled. %(blocks)s", blocks=told(blocks)))
        if not accepted and (warnings := self.of(Level.WARNING)):
            raise NotFit(
                said("Not scheduled yet, because of what may not be meant so. %(warnings)s", warnings=told(warnings))
            )


def told(checks: Iterable[Check]) -> str:
    """Checks in one line."""
    return joined(joined((one.name, one.found), ": ") for one in checks)
