"""Fetches links in a worker. No database transaction is open while a site answers.

Politeness: workers skip sites that another one is fetching from, fetch from each site once per tick, and read no body.
Mail has priority: nothing is fetched while bulk mail waits.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from newsletter import asked, brand
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import Clock
from newsletter.db import Database, holds
from newsletter.fetch import Fetcher, NotFetched, Trouble
from newsletter.link_checks.addresses import addresses_of
from newsletter.link_checks.record import CheckedLink, ask
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import Lane
from newsletter.mail.ledger.waiting import is_waiting as mail_is_waiting
from newsletter.mail.render import Renderer
from newsletter.sequences import Sequence, Step

SLICE = 5.0
"""Seconds after which no further fetch starts; the next tick continues."""
AT_ONCE = 4
"""Sites fetched from in parallel."""
SEEN = 200
"""Candidate rows from which the next addresses are chosen."""
_REFUSED = frozenset({401, 403, 405, 406, 407, 429, 451, 999})
"""Statuses with which sites turn unknown programs away; 999 is LinkedIn's own."""


class Place(Protocol):
    """The parts of Runtime that this work needs."""

    @property
    def database(self) -> Database:
        """The database that holds the addresses."""

    @property
    def clock(self) -> Clock:
        """The clock."""

    @property
    def fetcher(self) -> Fetcher:
        """The fetcher of other sites' pages."""

    @property
    def renderer(self) -> Renderer:
        """The renderer, which finds a text's links."""


def gather(rt: Place) -> int:
    """Request checks of the addresses in use that are due; return how many."""
    with rt.database.transaction() as session:
        house = brand.current(session)
        every = [
            address for article in in_use(session)
            for address in addresses_of(rt.renderer, house, content_of(session, article.current))
        ]  # fmt: skip
        return ask(session, list(dict.fromkeys(every)), rt.clock.now())


def in_use(session: Session) -> list[Article]:
    """The articles of scheduled campaigns and of running series."""
    scheduled = select(Campaign.article_id).where(Campaign.stored_state == CampaignState.SCHEDULED)
    steps = select(Step.article_id).join(Sequence).where(Step.deleted_at.is_(None), Sequence.live)
    look = select(Article).where(or_(Article.id.in_(scheduled), Article.id.in_(steps)))
    return list(session.scalars(look.order_by(Article.id).options(joinedload(Article.newest))))


def go_on(rt: Place, stopping: Callable[[], bool] = lambda: False) -> int:
    """Fetch the requested addresses, for at most `SLICE`; return how many."""
    done, hosts, until = 0, set[str](), time.monotonic() + SLICE
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while not stopping() and time.monotonic() < until:
            rows = _taken(rt, hosts)
            if not rows:
                break
            found = list(pool.map(lambda row: _found(rt.fetcher, row[1]), rows))
            with rt.database.transaction() as session:
                for (id, _), (trouble, status) in zip(rows, found, strict=True):
                    row = session.get(CheckedLink, id, with_for_update=True)
                    if row is not None:  # None if deleted in the meantime
                        row.note(trouble, status, rt.clock.now())
            done += len(rows)
    return done


def _taken(rt: Place, hosts: set[str]) -> list[tuple[int, str]]:
    """Lease the next addresses, one per site not in `hosts`, and add their sites to `hosts`."""
    now = rt.clock.now()
    with rt.database.transaction() as session:
        if holds(session, mail_is_waiting(Lane.BULK, now)):
            return []
        rows = list(_next(session, rt, hosts))
        for row in rows:
            row.leased_until = now + asked.LEASE
        return [(row.id, row.address) for row in rows]


def _next(session: Session, rt: Place, hosts: set[str]) -> Iterator[CheckedLink]:
    now = rt.clock.now()
    busy = select(CheckedLink.host).where(CheckedLink.leased_until > now)
    look = select(CheckedLink).where(asked.is_open(CheckedLink, now), CheckedLink.host.not_in(busy))
    if hosts:
        look = look.where(CheckedLink.host.not_in(hosts))
    look = look.order_by(CheckedLink.asked_at, CheckedLink.id).limit(SEEN).with_for_update(skip_locked=True)
    before = len(hosts)
    for row in session.scalars(look).all():
        if row.host not in hosts and len(hosts) < before + AT_ONCE:
            hosts.add(row.host)
            yield row


def _found(fetcher: Fetcher, address: str) -> tuple[Trouble | None, int]:
    """The trouble with an address (None if it answers) and its HTTP status (0 if none)."""
    try:
        status = fetcher.status(address)
    except NotFetched as error:
        return error.trouble, 0
    if status < 400:
        return None, status
    if status in (404, 410):
        return Trouble.GONE, status
    return (Trouble.REFUSED if status in _REFUSED else Trouble.STATUS), status
