"""Looking at what came with the product: what of it nobody has made their own, or got anything of."""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from newsletter.accounts import AuditEntry
from newsletter.approval import Approval
from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign, CampaignState
from newsletter.drafts import Draft
from newsletter.examples.planted import ARTICLES, GUIDES, TOPICS, Example, Kind, Stays
from newsletter.feeds import Feed
from newsletter.forms import Form, Sighting
from newsletter.guides import BadGuide, Files, Guide, GuideRequest, inspect
from newsletter.mail.ledger import Message
from newsletter.networks import is_loopback
from newsletter.sequences import Enrollment, Sequence, Step
from newsletter.subscribers import Consent, ConsentTopic, Subscription
from newsletter.subscribers.segments import What, naming
from newsletter.topics import Topic

CHOSEN = Subscription.topic_id, ConsentTopic.topic_id
UNPLANNED = (CampaignState.DRAFT, CampaignState.CANCELLED)
OF_GUIDES = ("guide saved", "guide's page saved", "guide's PDF replaced", "form saved")
"""What the audit log says of an owner who makes one theirs."""


def are_there(session: Session) -> bool:
    """Whether anything of what came with the product may still be there: a look that costs little."""
    looks = select(Article.id).where(Article.slug.in_(ARTICLES)), select(Guide.id).where(_shown_guides())
    return any(session.scalar(look.limit(1)) for look in looks)


def listed(session: Session, files: Files) -> list[Example]:
    """What there is of the examples, and which of it stays."""
    rows = _planted(session)
    changed, unsaved = _changed(session, rows), _unsaved(session, rows)
    own = changed | unsaved
    series = list(_series(session, {one.id for one in rows}, own))
    emptied = {one.id for one in series if one.stays is None}
    drafts = list(_campaigns(session, rows, own))
    dropped = {one.id for one in drafts if one.stays is None}
    why = dict.fromkeys(_tried(session, rows), Stays.TRIED)
    why |= dict.fromkeys(_ids(session, Campaign.article_id, Campaign.id.not_in(dropped)), Stays.IN_CAMPAIGN)
    why |= dict.fromkeys(_ids(session, Step.article_id, Step.sequence_id.not_in(emptied)), Stays.IN_SERIES)
    why |= dict.fromkeys(unsaved, Stays.UNSAVED) | dict.fromkeys(changed, Stays.CHANGED)
    texts = [Example(Kind.ARTICLE, one.id, one.title, stays=why.get(one.id)) for one in rows]
    gone = {one.id for one in texts if one.stays is None}
    return [*series, *drafts, *texts, *_topics(session, gone), *_guides(session, files)]


def _planted(session: Session) -> list[Article]:
    """Articles with a slug of ours, but for one that somebody has written under it since ours was taken away."""
    first = select(Revision.article_id).where(Revision.number == 1, Revision.author_id.is_(None))
    look = select(Article).where(Article.slug.in_(ARTICLES), Article.id.in_(first))
    return list(session.scalars(look.order_by(Article.id).execution_options(populate_existing=True)))


def _ids(session: Session, column: Any, condition: Any) -> set[int]:
    return set(session.scalars(select(column).where(condition, column.is_not(None))))


def _changed(session: Session, rows: Collection[Article]) -> set[int]:
    """Those that have other words, or that somebody has saved: a title alone makes no revision."""
    ids = {one.id for one in rows}
    revised = _ids(session, Revision.article_id, Revision.article_id.in_(ids) & (Revision.number > 1))
    noted = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "article saved"))
    saved = {int(first) for first in (detail.partition(" ")[0] for detail in noted) if first.isdecimal()}
    return revised | (saved & ids)


def _unsaved(session: Session, rows: Collection[Article]) -> set[int]:
    ids = [one.id for one in rows]
    return _ids(session, Draft.article_id, Draft.article_id.in_(ids) & Draft.closed_at.is_(None))


def _tried(session: Session, rows: Collection[Article]) -> set[int]:
    """Those of which a test was sent. Readers get an article by a series or a campaign alone, which are asked for
    themselves, so that no look goes through all of their mail."""
    words = select(Revision.id).where(Revision.article_id.in_([one.id for one in rows]))
    tests = Message.owner_id.is_not(None) & Message.revision_id.in_(words)
    return _ids(session, Revision.article_id, Revision.id.in_(select(Message.revision_id).where(tests)))


def _series(session: Session, planted: Collection[int], own: Collection[int]) -> Iterator[Example]:
    look = select(Sequence).where(Sequence.slug.in_(GUIDES)).order_by(Sequence.id)
    for one in session.scalars(look.execution_options(populate_existing=True)):
        steps = session.execute(select(Step.id, Step.article_id).where(Step.sequence_id == one.id)).all()
        if not steps:
            continue
        changed = AuditEntry.action.startswith("step ") & AuditEntry.detail.startswith(f"{one.slug}: ")
        why: Stays | None = None
        if _is(session, select(Enrollment.id).where(Enrollment.sequence_id == one.id)):
            why = Stays.STARTED
        elif any(id not in planted or id in own for _, id in steps) or _is(
            session, select(AuditEntry.id).where(changed)
        ):
            why = Stays.CHANGED
        elif _is(session, select(Form.id).where(Form.sequence_id == one.id)):
            why = Stays.IN_FORM
        elif any(naming(session, What.STEP, id) for id, _ in steps):
            why = Stays.IN_SEGMENT
        yield Example(Kind.SERIES, one.id, one.name, stays=why)


def _campaigns(session: Session, rows: Collection[Article], own: Collection[int]) -> Iterator[Example]:
    """The draft that was planted with its article, in one moment."""
    planted = {one.id: one for one in rows}
    look = select(Campaign).where(Campaign.article_id.in_(planted)).order_by(Campaign.id)
    for one in session.scalars(look.execution_options(populate_existing=True)):
        if one.created_at != planted[one.article_id].created_at or one.drafted_by_id is not None:
            continue
        asked = select(Approval.id).where(Approval.campaign_id == one.id)
        audience = one.segment_guide, one.segment_tag, one.segment_id, one.part, one.leaves_out_had or None
        is_used = (
            one.stored_state not in UNPLANNED or one.scheduled_revision_id is not None or one.dispatch_id is not None
        )
        why: Stays | None = None
        if is_used or _is(session, asked):
            why = Stays.PLANNED
        elif one.article_id in own or any(part is not None for part in audience) or one.left_out:
            why = Stays.CHANGED
        elif naming(session, What.CAMPAIGN, one.id):
            why = Stays.IN_SEGMENT
        yield Example(Kind.CAMPAIGN, one.id, planted[one.article_id].title, stays=why)


def _topics(session: Session, gone: Collection[int]) -> Iterator[Example]:
    look = select(Topic).where(Topic.name.in_(TOPICS), Topic.archived_at.is_(None)).order_by(Topic.id)
    for one in session.scalars(look.execution_options(populate_existing=True)):
        why: Stays | None = None
        if any(_is(session, select(column).where(column == one.id)) for column in CHOSEN):
            why = Stays.CHOSEN
        elif _is(session, select(Article.id).where(Article.topic_id == one.id, Article.id.not_in(gone))) or _is(
            session, select(Feed.id).where(Feed.topic_id == one.id)
        ):
            why = Stays.USED
        elif naming(session, What.TOPIC, one.id):
            why = Stays.IN_SEGMENT
        yield Example(Kind.TOPIC, one.id, one.name, stays=why)


def _shown_guides() -> Any:
    return Guide.slug.in_(GUIDES) & Guide.hidden.is_(False)


def forms_of(guide: Guide) -> Select[Form]:
    """The form that was planted with a guide."""
    return select(Form).where(Form.slug == guide.slug, Form.guide_slug == guide.slug, Form.archived_at.is_(None))


def _guides(session: Session, files: Files) -> Iterator[Example]:
    for one in session.scalars(select(Guide).where(_shown_guides()).order_by(Guide.position, Guide.id)):
        yield Example(Kind.GUIDE, one.id, one.title, stays=_guide_stays(session, files, one))


def _guide_stays(session: Session, files: Files, guide: Guide) -> Stays | None:
    slug, own = guide.slug, [form.id for form in session.scalars(forms_of(guide))]
    asked = select(GuideRequest.id).where(GuideRequest.guide_id == guide.id)
    agreed = select(Consent.id).where(or_(Consent.guide == slug, Consent.form_id.in_(own)))
    if _is(session, asked) or _is(session, agreed):
        return Stays.ASKED
    detail = or_(AuditEntry.detail == slug, AuditEntry.detail.startswith(f"{slug},"))
    noted = select(AuditEntry.id).where(AuditEntry.action.in_(OF_GUIDES), detail)
    if guide.landing is not None or _is_signed(files, guide) or _is(session, noted):
        return Stays.CHANGED
    others = select(Form.id).where(Form.guide_slug == slug, Form.archived_at.is_(None), Form.id.not_in(own))
    if _is(session, others):
        return Stays.IN_FORM
    seen = session.scalars(select(Sighting.origin).where(Sighting.form_id.in_(own)))
    if any(not is_loopback(urlsplit(origin).hostname or "") for origin in seen):
        return Stays.ON_SITE
    return None


def _is_signed(files: Files, guide: Guide) -> bool:
    """Whether its file is an owner's own, or says who has written it."""
    try:
        return guide.file(files).parent == files.own or not inspect(guide.file(files)).unfilled
    except BadGuide:
        return False


def _is(session: Session, look: Select[Any]) -> bool:
    return session.scalar(look.limit(1)) is not None
