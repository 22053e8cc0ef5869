"""Results of link checks: for a campaign's preflight, and as broken links that need the owner's attention."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, Part, ab_test_of
from newsletter.fetch import Trouble, in_words
from newsletter.languages import Number, counted, joined, said
from newsletter.link_checks.addresses import addresses_of
from newsletter.link_checks.record import UNJUDGED, CheckedLink, rows_of
from newsletter.link_checks.work import in_use
from newsletter.mail.contents import content, content_of
from newsletter.mail.render import Renderer
from newsletter.preflight import Check, Level, Mend

MOST = 5
"""Addresses named in one message."""


class Outcome(StrEnum):
    """What is known of an address."""

    UNASKED = "unasked"
    WAITS = "waits"
    THERE = "there"
    LOST = "lost"
    UNJUDGED = "unjudged"
    """Its site keeps programs out, or our rules forbid fetching it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An article's address and the result of its last check."""

    address: str
    outcome: Outcome
    trouble: Trouble | None = None
    status: int = 0
    at: datetime | None = None

    @property
    def told(self) -> str:
        """The error status in brackets, to follow the address; "" if there is none."""
        return f" ({self.status})" if self.status >= 400 else ""

    @property
    def advice(self) -> str:
        """What to do about it."""
        return in_words(self.trouble) if self.trouble else ""


@dataclass(frozen=True, slots=True)
class Lost:
    """A broken link in an article that readers will get."""

    article: Article
    seen: Seen


def found_of(session: Session, renderer: Renderer, brand: Brand, campaign: Campaign) -> list[Seen]:
    """A campaign's addresses, each with its result; for A of an A/B test, those of B as well."""
    every = addresses_of(renderer, brand, content_of(session, campaign.revision))
    if campaign.part is Part.A and (test := ab_test_of(session, campaign)):
        every += addresses_of(renderer, brand, content(session, *test.words_b))
    return _seen(rows_of(session, every), dict.fromkeys(every))


def _seen(rows: Mapping[str, CheckedLink], addresses: Mapping[str, None]) -> list[Seen]:
    found = []
    for address in addresses:
        row = rows.get(address)
        if row is None:
            found.append(Seen(address=address, outcome=Outcome.UNASKED))
            continue
        outcome = Outcome.WAITS if row.waits else Outcome.THERE
        if not row.waits and row.trouble is not None:
            outcome = Outcome.UNJUDGED if row.trouble in UNJUDGED else Outcome.LOST
        found.append(Seen(address=address, outcome=outcome, trouble=row.trouble, status=row.status, at=row.looked_at))
    return found


def link_check(found: Sequence[Seen]) -> Iterator[Check]:
    """One check for all addresses; none if there are no addresses, or if some are unchecked and none has failed."""
    by = {outcome: [one for one in found if one.outcome is outcome] for outcome in Outcome}
    lost, every = by[Outcome.LOST], Number(len(found))
    if not found:
        return
    name, level, at = said("Links fetched"), Level.GOOD, ""
    told = counted("%(num)s link of another site answers.", "%(num)s links of other sites answer.",
                   len(by[Outcome.THERE]), num=Number(len(by[Outcome.THERE])))  # fmt: skip
    if lost:
        named = joined([f"{one.address}{one.told}" for one in lost[:MOST]] + (["…"] if len(lost) > MOST else []), ", ")
        told = counted("%(num)s of %(every)s links does not answer: %(named)s.",
                       "%(num)s of %(every)s links do not answer: %(named)s.",
                       len(lost), num=Number(len(lost)), every=every, named=named)  # fmt: skip
        level, at = Level.WARNING, lost[0].address
    elif by[Outcome.UNASKED] or by[Outcome.WAITS]:
        return  # the page shows the progress instead
    elif by[Outcome.UNJUDGED]:
        told = said("%(told)s Of %(number)s more nobody can say: open them yourself.", told=told,
                    number=Number(len(by[Outcome.UNJUDGED])))  # fmt: skip
        level = Level.TOLD
    yield Check(name, level, told, mend=Mend.LINKS, at=at)


def lost_in_use(session: Session, renderer: Renderer, brand: Brand) -> list[Lost]:
    """Broken links in articles of scheduled campaigns and running series. A single temporary failure does not count."""
    lost = [row for row in session.scalars(select(CheckedLink).where(CheckedLink.failed > 0)) if row.is_lost]
    if not lost:
        return []
    rows = {row.address: row for row in lost}
    return [
        Lost(article, one) for article in in_use(session)
        for one in _seen(rows, dict.fromkeys(addresses_of(renderer, brand, content_of(session, article.current))))
        if one.trouble is not None
    ]  # fmt: skip
