"""What came with the product, and why one of it may stay. All that is here is known by slugs and names alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ARTICLES = frozenset({
    "balance-is-a-skill", "bones-answer-to-load", "eight-weeks-in-test-again", "exercise-at-50-start-here",
    "find-the-weak-link", "five-weeks-on-what-changed", "food-and-sleep-for-muscle", "how-heavy-is-heavy-enough",
    "how-to-handle-a-flare-up", "in-pain-start-here", "over-40-and-in-pain-start-here",
    "power-the-quality-we-lose-first", "resilience-is-trained", "seven-weeks-in-test-again",
    "six-weeks-on-what-changed", "sore-joint-adapt-dont-stop", "what-really-works-for-lower-back-pain",
    "why-building-resilience-with-resistance-training-will-improve-your-golf",
    "why-context-matters-in-rehab-and-training", "why-your-rehab-stopped-working", "why-youre-not-getting-stronger",
    "why-youre-waking-up-in-pain",
})  # fmt: skip
"""The slugs of all articles that any version has planted."""
GUIDES = ("recover-from-pain", "exercise-at-50")
"""Of the guides, their series and their forms."""
TOPICS = ("Rehabilitation", "Training")


class Kind(StrEnum):
    """What an example is."""

    ARTICLE = "article"
    CAMPAIGN = "campaign"
    SERIES = "series"
    TOPIC = "topic"
    GUIDE = "guide"
    """With its form, which is of no use without it."""


class Stays(StrEnum):
    """Why one is not taken away."""

    CHANGED = "changed"
    UNSAVED = "unsaved"
    """Words wait in its editor."""
    IN_SERIES = "in a series"
    IN_CAMPAIGN = "in a campaign"
    USED = "used"
    """Of a topic: an article that stays, or a feed, is about it."""
    TRIED = "tried"
    """A test of it was sent, and the record of that mail shows its words."""
    PLANNED = "planned"
    STARTED = "started"
    """Somebody is, or was, in the series."""
    ASKED = "asked for"
    IN_FORM = "in a form"
    ON_SITE = "on a site"
    CHOSEN = "chosen"
    IN_SEGMENT = "in a segment"


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that came with the product. `stays`: why it is left; None: it can go."""

    kind: Kind
    id: int
    name: str
    stays: Stays | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.kind}:{self.id}"


def going(examples: Iterable[Example]) -> str:
    """Which of these can go, as a form field: what an owner has seen is what is taken away, and no more."""
    return " ".join(one.key for one in examples if one.stays is None)
