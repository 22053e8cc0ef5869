"""Campaign: one article to many people, now or at a time of the owner's choosing."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, exists, false, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.articles import Article
from newsletter.brand import Brand, current
from newsletter.db import Base, Id
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, Reason, State
from newsletter.mail.ledger.contents import RevisionImpact, has_no_claimed_batch, revision_impact
from newsletter.mail.ledger.counts import count_by_state
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.queue import cancel_late, cancel_next_batch, fill
from newsletter.mail.ledger.waiting import is_unsettled
from newsletter.mail.render import Content
from newsletter.subscribers import LONGEST_TAG, Mailing, Segment, Subscriber
from newsletter.subscribers.segments import Rules, SavedSegment, stored_rules

CHUNK = 10_000
"""Recipients written in one transaction: about a tenth of a second of the database's time."""
AT_ONCE = 3
"""Batches of a cancelled campaign whose rows say so in the same moment; the others follow (`cancel_more`)."""


class CampaignState(StrEnum):
    """Where a campaign stands; `paused` is told by its dispatch."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class NotNow(ValueError):
    """The campaign cannot do that in its state, or is not fit to go; the message says why and what to do."""


class Campaign(Base):
    """Its recipients are rows of the ledger. Its article's words are fixed at the launch, until it is given others."""

    __tablename__ = "campaigns"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    segment_guide: Mapped[str | None] = mapped_column(String(64))
    segment_tag: Mapped[str | None] = mapped_column(String(LONGEST_TAG))
    """By its name: a tag that nobody has any more is an audience of nobody."""
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("saved_segments.id"))
    segment_rules: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The rules of its saved segment as they were at the launch: all its recipients are chosen by the same."""
    stored_state: Mapped[CampaignState] = mapped_column("state", default=CampaignState.DRAFT, index=True)
    scheduled_at: Mapped[datetime | None] = mapped_column()
    scheduled_revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"))
    """Its article's words when it was scheduled last. It goes out in the newest."""
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    """The zone in which the owner chose the time."""
    created_at: Mapped[datetime]
    launched_at: Mapped[datetime | None] = mapped_column()
    finished_at: Mapped[datetime | None] = mapped_column()
    dispatch_id: Mapped[int | None] = mapped_column(ForeignKey("dispatches.id"))
    counted_clicks: Mapped[bool] = mapped_column(default=False, server_default=false())  # when it was launched

    article: Mapped[Article] = relationship()
    dispatch: Mapped[Dispatch | None] = relationship()
    saved_segment: Mapped[SavedSegment | None] = relationship()

    @property
    def rules(self) -> Rules | None:
        """The rules of its saved segment; None when it goes to none."""
        if self.segment_rules is not None:
            return stored_rules(self.segment_rules)
        return self.saved_segment.rules if self.saved_segment else None

    def audience(self, now: datetime) -> Segment:
        """Who it goes to. "The last 30 days" of a rule end when it goes out; of a draft, now."""
        rules, at = self.rules, self.launched_at or max(self.scheduled_at or now, now)
        return Segment(self.segment_guide, self.segment_tag, rules.on(at) if rules else None)

    def keep_rules(self) -> None:
        """Write down the rules of its saved segment as they are: what becomes of that no longer matters."""
        if self.saved_segment is not None and self.segment_rules is None:
            self.segment_rules = self.saved_segment.stored

    @property
    def state(self) -> CampaignState:
        """Where it stands, as a person reads it."""
        held = self.dispatch is not None and self.dispatch.hold is Hold.PAUSED
        return CampaignState.PAUSED if held and self.stored_state is CampaignState.SENDING else self.stored_state

    def schedule(self, at: datetime, brand: Brand) -> None:
        """Send it at this time (aware); a time that has passed means now. Raises NotNow."""
        if self.stored_state not in (CampaignState.DRAFT, CampaignState.SCHEDULED):
            raise NotNow(f"This campaign is {self.state} already; make a new one to send it again.")
        if not brand.address_lines:
            raise NotNow("Bulk mail must carry your postal address: add it under Settings, then schedule again.")
        if not self.article.current.subject.strip() or not self.article.current.body.strip():
            raise NotNow("The article needs a subject and a text before it can be sent.")
        self.stored_state, self.scheduled_at = CampaignState.SCHEDULED, at
        self.scheduled_revision_id = self.article.current.id

    def unschedule(self) -> None:
        """Back to a draft; nothing has left yet. Raises NotNow."""
        if self.stored_state is not CampaignState.SCHEDULED:
            raise NotNow(f"Only a scheduled campaign can go back to draft; this one is {self.state}.")
        self.stored_state, self.scheduled_at = CampaignState.DRAFT, None

    def pause(self, reason: str = "By the owner.") -> None:
        """Hold what has not left. Raises NotNow."""
        if self.state is not CampaignState.SENDING or self.dispatch is None:
            raise NotNow(f"Only a campaign that is going out can be paused; this one is {self.state}.")
        self.dispatch.pause(reason)

    def resume(self) -> None:
        """Go on with everybody who has not been sent to. Raises NotNow."""
        if self.state is not CampaignState.PAUSED or self.dispatch is None:
            raise NotNow(f"Only a paused campaign can be resumed; this one is {self.state}.")
        self.dispatch.resume()

    def turn(self, session: Session) -> RevisionImpact | None:
        """Where other words would begin, were it given them now; None before the launch."""
        return self._impact(session, self.dispatch) if self.dispatch else None

    def revisable(self, session: Session, words: Content) -> RevisionImpact:
        """Who would get these words, as things stand; no resume comes before the end of the transaction.

        Raises NotNow when it is not held, while a worker still holds some of it, and for words that change nothing.
        """
        dispatch = self._locked(session)
        if dispatch.hold is Hold.OPEN:
            raise NotNow("It is going out. Pause it first, so that it can be said who gets which words.")
        if not has_no_claimed_batch(session, dispatch):
            raise NotNow("A few are still on the wire; try again in a few seconds.")
        turn = self._impact(session, dispatch)
        if not turn.to_come:
            raise NotNow("Nobody is left to get other words: everybody has had their turn.")
        if not words.subject.strip() or not words.body.strip():
            raise NotNow("The mail needs a subject and a text.")
        newest = dispatch.revision
        if words.words == (newest.subject, newest.preheader, newest.body):
            raise NotNow("These are the words it has already.")
        return turn

    def _impact(self, session: Session, dispatch: Dispatch) -> RevisionImpact:
        return revision_impact(session, dispatch, self.audience(dispatch.created_at).condition())

    def _locked(self, session: Session) -> Dispatch:
        if self.dispatch_id is None:
            raise NotNow(f"Nothing of it has been sent, it is {self.state}: edit its article instead.")
        dispatch = session.get_one(Dispatch, self.dispatch_id, with_for_update=True, populate_existing=True)
        if self.stored_state is not CampaignState.SENDING or dispatch.hold is Hold.CANCELLED:
            raise NotNow(f"Only a campaign that is going out can be given other words; this one is {self.state}.")
        return dispatch

    def revise(self, session: Session, words: Content, now: datetime, by: int | None = None) -> RevisionImpact:
        """Make these its article's newest words and give them to everybody it has not tried yet; who they are.

        It stays held. Raises NotNow, and then nothing has changed.
        """
        turn = self.revisable(session, words)
        # Locked, as an editor in another window locks it: two new revisions do not get one number.
        article = session.get_one(Article, self.article_id, with_for_update=True, populate_existing=True)
        fresh = article.revise(now, subject=words.subject, preheader=words.preheader, body=words.body, by=by)
        session.get_one(Dispatch, self.dispatch_id).revision = fresh
        return turn

    def cancel(self, session: Session, now: datetime) -> None:
        """Call off what has not left; what was sent stays sent. Raises NotNow."""
        if self.stored_state in (CampaignState.SENT, CampaignState.CANCELLED):
            raise NotNow(f"This campaign is {self.state} already; there is nothing left to cancel.")
        self.stored_state, self.finished_at = CampaignState.CANCELLED, now
        if self.dispatch is not None:
            self.dispatch.hold = Hold.CANCELLED
            session.flush()
            by_itself = (
                Message.dispatch_id == self.dispatch_id, Message.lane == Lane.BULK, Message.due_at.is_not(None),
            )  # fmt: skip
            ledger.cancel(session, now, Reason.CAMPAIGN_CANCELLED, *by_itself)
            for _ in range(AT_ONCE):
                cancel_next_batch(session, now, Reason.CAMPAIGN_CANCELLED)

    def counts(self, session: Session) -> dict[State, int]:
        """How many recipients stand where; all zero before the launch."""
        return count_by_state(session, self.dispatch) if self.dispatch else dict.fromkeys(State, 0)


def delete_segment(session: Session, segment: SavedSegment) -> None:
    """Delete a saved segment; what went to it keeps its rules. Raises NotNow while a campaign is still to go to it."""
    users = session.scalars(select(Campaign).where(Campaign.segment_id == segment.id).with_for_update()).all()
    to_come = [one for one in users if one.stored_state in (CampaignState.DRAFT, CampaignState.SCHEDULED)]
    if to_come:
        listed = ", ".join(f"“{one.article.title}” ({one.state})" for one in to_come[:5])
        raise NotNow(f"A campaign is still to go to “{segment.name}”: {listed}. Cancel it first.")
    for one in users:
        one.keep_rules()
        one.saved_segment = None
    session.delete(segment)


def planned(session: Session) -> list[Mailing]:
    """The campaigns to come, and those whose recipients are not all written yet: series give way to them."""
    coming = select(Campaign).where(Campaign.stored_state == CampaignState.SCHEDULED)
    filling = (
        select(Campaign)
        .join(Dispatch, Dispatch.id == Campaign.dispatch_id)
        .where(Campaign.stored_state == CampaignState.SENDING, Dispatch.filled_at.is_(None), Dispatch.hold == Hold.OPEN)
    )
    rows = [*session.scalars(coming), *session.scalars(filling)]
    return [Mailing(at, one.audience(at)) for one in rows if (at := one.scheduled_at or one.launched_at)]


def is_time(session: Session, now: datetime) -> bool:
    """Whether a campaign is to be launched."""
    due = select(Campaign.id).where(Campaign.stored_state == CampaignState.SCHEDULED, Campaign.scheduled_at <= now)
    return session.scalar(due.limit(1)) is not None


def is_under_way(session: Session, _now: datetime) -> bool:
    """Whether a campaign has recipients to be written, or may have come to its end, or its counts are to be made."""
    going = (
        select(Campaign.id)
        .join(Dispatch, Dispatch.id == Campaign.dispatch_id)
        .where(Campaign.stored_state == CampaignState.SENDING, Dispatch.hold == Hold.OPEN)
    )
    if session.scalar(going.limit(1)) is not None:
        return True
    return is_unsettled(session)


def launch_due(session: Session, now: datetime) -> list[Campaign]:
    """Launch every campaign whose time has come. Two beats launch it once: the UPDATE names the state it begins in."""
    due = session.scalars(
        update(Campaign)
        .where(Campaign.stored_state == CampaignState.SCHEDULED, Campaign.scheduled_at <= now)
        .values(stored_state=CampaignState.SENDING, launched_at=now)
        .returning(Campaign.id)
    ).all()
    campaigns = [session.get_one(Campaign, id, populate_existing=True) for id in due]
    for campaign in campaigns:
        campaign.keep_rules()
        campaign.counted_clicks = current(session).counts_clicks and campaign.article.counts_clicks
        newest = session.scalar(select(func.max(Subscriber.id))) or 0
        campaign.dispatch = Dispatch(
            revision_id=campaign.article.current.id,
            idempotency_key=f"campaign:{campaign.id}",
            created_at=now,
            fill_until=newest,
        )
    session.flush()
    return campaigns


def fill_next(session: Session, now: datetime, chunk: int = CHUNK) -> bool:
    """Write one chunk of recipients of one campaign; False when none is left to write. One call is one transaction."""
    campaign = session.scalars(
        select(Campaign)
        .join(Dispatch, Dispatch.id == Campaign.dispatch_id)
        .where(Campaign.stored_state == CampaignState.SENDING, Dispatch.filled_at.is_(None), Dispatch.hold == Hold.OPEN)
        .order_by(Campaign.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Campaign)
    ).first()
    if campaign is None or campaign.dispatch is None:
        return False
    fill(session, campaign.dispatch, campaign.audience(now).condition(), now, chunk)
    return True


def cancel_more(session: Session, now: datetime) -> bool:
    """Bring the rows of one more batch of a cancelled campaign in line; False when none is left. One transaction."""
    return cancel_next_batch(session, now, Reason.CAMPAIGN_CANCELLED)


def cancel_stragglers(session: Session, now: datetime) -> int:
    """Cancel what was on the wire when its campaign was cancelled, and did not arrive; return how many."""
    return cancel_late(session, now, Reason.CAMPAIGN_CANCELLED)


def finish_done(session: Session, now: datetime) -> int:
    """Mark as sent every campaign whose recipients all have an outcome; how many."""
    # Two looks that stay cheap with a million rows: batches under way, and messages that wait by themselves.
    open_batches = exists().where(Batch.dispatch_id == Campaign.dispatch_id, Batch.state != BatchState.DONE)
    open_rows = exists().where(
        Message.dispatch_id == Campaign.dispatch_id, Message.lane == Lane.BULK, Message.due_at.is_not(None)
    )
    filled = select(Dispatch.id).where(Dispatch.id == Campaign.dispatch_id, Dispatch.filled_at.is_not(None)).exists()
    done = session.execute(
        update(Campaign)
        .where(Campaign.stored_state == CampaignState.SENDING, filled, ~open_batches, ~open_rows)
        .values(stored_state=CampaignState.SENT, finished_at=now)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
