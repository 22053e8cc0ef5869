"""Check: one result of a preflight. Report: all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from newsletter.campaigns import Campaign
from newsletter.languages import joined, said


class Level(StrEnum):
    """Severity of a check."""

    GOOD = "good"
    TOLD = "told"
    """Information only."""
    WARNING = "warning"
    """Stops the mail until a person confirms."""
    BLOCK = "block"
    """Stops the mail."""


class Mend(StrEnum):
    """Where to fix a fault; pages turn it into a link (`web/owner/mending.py`)."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    TEXT = "text"
    TOPIC = "topic"
    AUDIENCE = "audience"
    FIELD = "field"
    """One of the owner's own fields, which can be given a fall-back."""
    ADDRESS = "address"
    """The postal address, in the settings."""
    SENDER = "sender"
    """The sender's domain, in the settings."""
    AB_TEST = "ab-test"
    OTHER_ARTICLE = "other-article"
    """The article of B."""
    OTHER_CAMPAIGN = "other-campaign"
    SPAM = "spam"
    """The spam rules that matched, with advice, further down the same page."""
    TRIAL = "trial"
    """The button that sends a test, on the same page."""
    LINKS = "links"
    """The list of links with their faults, further down the same page."""


@dataclass(frozen=True, slots=True)
class Check:
    """One result of a preflight; `found` describes it for the owner."""

    name: str
    level: Level
    found: str
    other: Campaign | None = None
    """The other campaign that it is about, if any, where the fault may be fixed."""
    mend: Mend = field(kw_only=True)
    at: str = field(default="", kw_only=True)
    """What to look for there: a piece of the text, a field of the editor, or the id of an own field."""


class NotFit(ValueError):
    """The mail cannot be sent like this; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a preflight."""

    checks: tuple[Check, ...]

    def of(self, level: Level) -> list[Check]:
        """The checks of one level."""
        return [one for one in self.checks if one.level == level]

    @property
    def fit(self) -> bool:
        """Whether no check blocks it."""
        return not self.of(Level.BLOCK)

    def and_also(self, checks: Iterable[Check]) -> "Report":
        """This report with more checks at its end."""
        return Report((*self.checks, *checks))

    def insist(self, accepted: bool) -> None:
        """Raise NotFit unless the mail may be sent. `accepted`: a person has confirmed the warnings."""
        if blocks := self.of(Level.BLOCK):
            raise NotFit(said("Not scheduled. %(blocks)s", blocks=told(blocks)))
        if not accepted and (warnings := self.of(Level.WARNING)):
            raise NotFit(
                said("Not scheduled yet, because of what may not be meant so. %(warnings)s", warnings=told(warnings))
            )


def told(checks: Iterable[Check]) -> str:
    """These checks as one line of text."""
    return joined(joined((one.name, one.found), ": ") for one in checks)
