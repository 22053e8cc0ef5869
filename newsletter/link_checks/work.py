"""A worker's part. Nothing is open in the database while a site answers.

Politeness: no site is asked by two at once, and none twice within one tick; what is asked is the head of an answer.
No mail waits for it: while bulk mail is to be sent, nothing is fetched.
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
"""Seconds after which no further site is asked; the next tick goes on."""
AT_ONCE = 4
"""Sites that are asked at the same time."""
SEEN = 200
"""Rows among which the next are chosen."""
_REFUSED = frozenset({401, 403, 405, 406, 407, 429, 451, 999})
"""What sites answer to programs they do not know; 999 is LinkedIn's own."""


class Place(Protocol):
    """What the work needs to know of the installation; Runtime is one."""

    @property
    def database(self) -> Database:
        """Where it is written down."""

    @property
    def clock(self) -> Clock:
        """By which it is time."""

    @property
    def fetcher(self) -> Fetcher:
        """By which sites are asked."""

    @property
    def renderer(self) -> Renderer:
        """Who knows which links a text has."""


def gather(rt: Place) -> int:
    """Ask for what is in use, where its time has come; how many addresses that is."""
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
    """Fetch what was asked for; how much that was."""
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
                    if row is not None:  # else it was forgotten meanwhile
                        row.note(trouble, status, rt.clock.now())
            done += len(rows)
    return done


def _taken(rt: Place, hosts: set[str]) -> list[tuple[int, str]]:
    """The next addresses, each of another site that was not asked yet, for this worker alone; `hosts` grows by them."""
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
    """What is wrong with an address, and what its site answered."""
    try:
        status = fetcher.status(address)
    except NotFetched as error:
        return error.trouble, 0
    if status < 400:
        return None, status
    if status in (404, 410):
        return Trouble.GONE, status
    return (Trouble.REFUSED if status in _REFUSED else Trouble.STATUS), status
