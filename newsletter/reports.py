"""Reports: what became of campaigns and of the mails of series, in numbers of people.

Whatever would take a look at every message is a figure (`newsletter.figures`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import clicks
from newsletter.articles import Article, Revision
from newsletter.brand import current
from newsletter.campaigns import Campaign
from newsletter.clicks import Click, Clicks
from newsletter.events import Event, EventKind
from newsletter.figures import figure, figure_if_kept
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import ACCEPTED, Dispatch, Message, State
from newsletter.mail.ledger.counts import count_by_state
from newsletter.mail.render import BadArticle, Renderer
from newsletter.mail.render.counted import Counted
from newsletter.mail.render.names import of_brand
from newsletter.sequences import Sequence as Series
from newsletter.subscribers import Stream


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mailing."""

    sent: int
    """A server accepted it for them."""
    failed: int
    bounced: int
    """It came back later."""
    complained: int
    left: int
    """They left by the link of this mail."""
    clicked: int | None
    """They followed a link of it; None: that was not counted."""
    machines: int = 0
    """Of whom only machines did."""

    @classmethod
    def of(cls, states: dict[State, int], left: int, seen: tuple[int, int] | None) -> "Result":
        """From how many messages are in which state, and how many people and machines followed a link."""
        people, machines = seen if seen is not None else (None, 0)
        sent = sum(states.get(one, 0) for one in ACCEPTED)
        return cls(
            sent=sent, failed=states.get(State.FAILED, 0), bounced=states.get(State.BOUNCED, 0),
            complained=states.get(State.COMPLAINED, 0), left=left, clicked=people, machines=machines,
        )  # fmt: skip


def of_campaigns(session: Session, campaigns: Sequence[Campaign]) -> list[tuple[Campaign, Result]]:
    """Each of these campaigns with its result."""
    dispatches = tuple(sorted(one.dispatch_id for one in campaigns if one.dispatch_id))
    left = figure(session, ("left by", dispatches), lambda it: _left(it, dispatches))
    seen = figure(session, ("clicked in", dispatches), lambda it: _clicked(it, dispatches))
    return [
        (one, Result.of(one.counts(session), left.get(one.dispatch_id or 0, 0), _seen(one, seen))) for one in campaigns
    ]


@dataclass(frozen=True, slots=True)
class Went:
    """What became of one mailing, in the numbers that a list tells."""

    accepted: int
    """A server accepted it for them."""
    clicked: int | None
    """People who followed a link of it; None: that was not counted."""


def went_out(session: Session, campaigns: Sequence[Campaign]) -> dict[int, Went] | None:
    """What became of these, by their numbers; None while that is being counted beside the page."""
    dispatches = tuple(sorted(one.dispatch_id for one in campaigns if one.dispatch_id))
    if not dispatches:
        return {}
    found = figure_if_kept(session, ("went out", dispatches), lambda it: _accepted_and_clicked(it, dispatches))
    if found is None:
        return None
    accepted, seen = found
    went = {}
    for one in campaigns:
        people = _seen(one, seen)
        went[one.id] = Went(accepted.get(one.dispatch_id or 0, 0), people[0] if people else None)
    return went


def _accepted_and_clicked(session: Session, dispatches: Collection[int]
                          ) -> tuple[dict[int, int], dict[int, tuple[int, int]]]:  # fmt: skip
    accepted = {}
    for one in session.scalars(select(Dispatch).where(Dispatch.id.in_(dispatches))):
        states = count_by_state(session, one)
        accepted[one.id] = sum(states[state] for state in ACCEPTED)
    return accepted, _clicked(session, dispatches)


def _seen(campaign: Campaign, seen: dict[int, tuple[int, int]]) -> tuple[int, int] | None:
    found = seen.get(campaign.dispatch_id or 0)
    return found or ((0, 0) if campaign.counted_clicks else None)


def _left(session: Session, dispatches: Collection[int]) -> dict[int, int]:
    look = (
        select(Message.dispatch_id, func.count(Event.subscriber_id.distinct()))
        .join(Message, Message.id == Event.message_id)
        .where(Event.message_id.is_not(None), Event.kind == EventKind.LEFT, Message.dispatch_id.in_(dispatches))
        .group_by(Message.dispatch_id)
    )
    return {dispatch: people for dispatch, people in session.execute(look) if dispatch}


_REAL = (func.count(Click.person_at) > 0).label("real")
"""Of one reader's clicks: whether any was a person's."""


def _clicked(session: Session, dispatches: Collection[int]) -> dict[int, tuple[int, int]]:
    readers = (
        select(Click.dispatch_id, _REAL)
        .where(Click.dispatch_id.is_not(None), Click.dispatch_id.in_(dispatches))
        .group_by(Click.dispatch_id, Click.subscriber_id)
        .subquery()
    )
    look = select(readers.c.dispatch_id, readers.c.real, func.count())
    look = look.group_by(readers.c.dispatch_id, readers.c.real)
    return _people_and_machines(session.execute(look).all())


def _people_and_machines(rows: Iterable[Sequence[object]]) -> dict[int, tuple[int, int]]:
    people, machines = Counter[int](), Counter[int]()
    for of, real, count in rows:
        (people if real else machines)[int(str(of))] += int(str(count))
    return {of: (people[of], machines[of]) for of in people | machines}


@dataclass(frozen=True, slots=True)
class SeriesMail:
    """An article as a mail of series, with what became of it."""

    article: Article
    series: tuple[str, ...]
    """The names of those in which it stands now."""
    result: Result

    @property
    def has_gone_out(self) -> bool:
        """Whether it went to anybody, or was refused."""
        return bool(self.result.sent or self.result.failed)


def of_series(session: Session) -> list[SeriesMail]:
    """Every article that series send now, in their order, and behind them those that were sent by one."""
    places: dict[int, list[str]] = {}
    for series in session.scalars(select(Series).order_by(Series.id)):
        for step in series.current_steps:
            places.setdefault(step.article_id, []).append(series.name)
    states = figure(session, "mails of series by state", _states)
    left, seen = figure(session, "left by series", _left_by), figure(session, "clicked in series", _clicked_in)
    ids = [*places, *(id for id in states if id not in places)]
    articles = {one.id: one for one in session.scalars(select(Article).where(Article.id.in_(ids)))}
    counting = current(session).counts_clicks
    found = []
    for id in ids:
        article = articles[id]
        known = seen.get(id) or ((0, 0) if counting and article.counts_clicks else None)
        result = Result.of(states.get(id, {}), left.get(id, 0), known)
        found.append(SeriesMail(article, tuple(places.get(id, ())), result))
    return found


def _states(session: Session) -> dict[int, dict[State, int]]:
    look = select(Message.revision_id, Message.state, func.count()).where(Message.stream == Stream.STEP)
    rows = session.execute(look.group_by(Message.revision_id, Message.state)).all()
    articles = _articles(session, {id for id, _, _ in rows if id})
    found: dict[int, dict[State, int]] = {}
    for revision, state, count in rows:
        if article := articles.get(revision or 0):
            its = found.setdefault(article, {})
            its[state] = its.get(state, 0) + count
    return found


def _articles(session: Session, revisions: Collection[int]) -> dict[int, int]:
    """The article of each of these revisions."""
    look = select(Revision.id, Revision.article_id).where(Revision.id.in_(revisions))
    return dict(session.execute(look).all())


def _left_by(session: Session) -> dict[int, int]:
    look = (
        select(Revision.article_id, func.count(Event.subscriber_id.distinct()))
        .join(Message, Message.id == Event.message_id)
        .join(Revision, Revision.id == Message.revision_id)
        .where(Event.message_id.is_not(None), Event.kind == EventKind.LEFT, Message.stream == Stream.STEP)
        .group_by(Revision.article_id)
    )
    return dict(session.execute(look).all())


def _clicked_in(session: Session) -> dict[int, tuple[int, int]]:
    readers = (
        select(Revision.article_id, _REAL)
        .join(Revision, Revision.id == Click.revision_id)
        .where(Click.dispatch_id.is_(None))
        .group_by(Revision.article_id, Click.subscriber_id)
        .subquery()
    )
    look = select(readers.c.article_id, readers.c.real, func.count())
    look = look.group_by(readers.c.article_id, readers.c.real)
    return _people_and_machines(session.execute(look).all())


def clicks_of_campaign(session: Session, campaign: Campaign, renderer: Renderer) -> Clicks | None:
    """Who followed which of its links, those that nobody has followed among them; None: that was not counted."""
    if campaign.dispatch is None:
        return None
    found = clicks.of_dispatch(session, campaign.dispatch.id)
    if not campaign.counted_clicks and not found.links:
        return None
    return found.with_links(_links(session, campaign.dispatch.revision, renderer))


def clicks_of_article(session: Session, article: Article, renderer: Renderer) -> Clicks | None:
    """The same of the mails of series that carry an article."""
    found = clicks.of_revisions(session, [one.id for one in article.revisions])
    if not found.links and not (current(session).counts_clicks and article.counts_clicks):
        return None
    return found.with_links(_links(session, article.current, renderer))


def _links(session: Session, words: Revision, renderer: Renderer) -> list[str]:
    """Where the links of these words lead whose clicks are counted."""
    try:
        compiled = renderer.compiled(content_of(session, words))
        every = compiled.every_destination(of_brand(current(session), renderer.site))
    except BadArticle:
        return []
    return list(filter(Counted(signer=renderer.signer, site=renderer.site, revision=words.id, message=0).counts, every))
