"""Preflight: what a person looks at before a mail goes to many people, worked out instead of remembered."""

from dataclasses import dataclass

from newsletter.articles import Revision
from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Reader, Renderer, Words
from newsletter.subscribers import Stream

HEAVIEST = 100_000
"""Bytes of HTML: Gmail clips a mail at 102 kB, and the unsubscribe link is at its end."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right; `found` says what was seen, in words for the owner."""

    name: str
    good: bool
    found: str


def check(renderer: Renderer, brand: Brand, revision: Revision, people: int) -> list[Check]:
    """Look at an article as a campaign to `people` would carry it. All `good`: it may go."""
    address = Check(
        "Postal address", bool(brand.address_lines),
        ", ".join(brand.address_lines) or "Bulk mail must carry one. Add it under Settings.",
    )  # fmt: skip
    subject = revision.subject.strip()
    return [
        Check("People", people > 0, f"{people:,} will get it." if people else "Nobody is in this audience yet."),
        Check("Subject", bool(subject), subject or "The article has none. Write one."),
        *_rendered(renderer, brand, revision),
        address,
    ]


def _rendered(renderer: Renderer, brand: Brand, revision: Revision) -> list[Check]:
    words = Words(revision.subject, revision.preheader, revision.body)
    try:
        seen = renderer.rendered(Stream.CAMPAIGN, brand, Reader(0, "Alex"), words, {})
    except BadArticle as error:
        return [Check("Text", False, str(error))]
    size = len(seen.html.encode())
    return [
        Check("Text", bool(revision.body.strip()), _length(revision.body)),
        Check(
            "Size", size <= HEAVIEST, f"{size / 1000:.0f} kB of {HEAVIEST // 1000} kB; Gmail cuts off what is larger."
        ),
    ]


def _length(body: str) -> str:
    words = len(body.split())
    return f"{words:,} words, and every variable can be filled in." if words else "The article is empty."
