"""Campaign: one article sent to many people, now or at a time the owner chooses."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, String, false
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.articles import Article, Revision
from newsletter.brand import Brand
from newsletter.campaigns.left_out import LEFT_OUT, RIVALS, day_of, none_of
from newsletter.db import Base, Id
from newsletter.languages import marked, said
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, Reason, State
from newsletter.mail.ledger.contents import RevisionImpact, has_no_claimed_batch, revision_impact
from newsletter.mail.ledger.counts import count_by_state
from newsletter.mail.ledger.opening import open_all
from newsletter.mail.ledger.queue import cancel_next_batch
from newsletter.mail.render import Content
from newsletter.subscribers import LONGEST_TAG, PLACES, Segment, Slice
from newsletter.subscribers.segments import Rules, SavedSegment, stored_rules

AT_ONCE = 3
"""Batches of a cancelled campaign whose rows are cancelled at once; the others follow (`cancel_more`)."""


class CampaignState(StrEnum):
    """Where a campaign stands; PAUSED is derived from its dispatch."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


TO_COME = (CampaignState.SCHEDULED, CampaignState.SENDING)


class Part(StrEnum):
    """Which part of an A/B test a campaign is."""

    A = "a"
    B = "b"
    REST = "rest"
    """The winner, sent to everybody else."""


class NotNow(ValueError):
    """A campaign cannot do this in its state, or is not ready to be sent; the message says why and what to do."""


class Campaign(Base):
    """One article to an audience. Recipients are ledger rows; the content is fixed at launch, unless it is revised."""

    __tablename__ = "campaigns"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    segment_guide: Mapped[str | None] = mapped_column(String(64))
    segment_tag: Mapped[str | None] = mapped_column(String(LONGEST_TAG))
    """By name: a tag that nobody has any more means an empty audience."""
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("saved_segments.id"))
    segment_rules: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The rules of its saved segment at launch, so that all recipients are chosen by the same ones."""
    stored_state: Mapped[CampaignState] = mapped_column("state", default=CampaignState.DRAFT, index=True)
    scheduled_at: Mapped[datetime | None] = mapped_column()
    scheduled_revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"))
    """The article's revision when it was last scheduled. It goes out with the newest."""
    own_time: Mapped[datetime | None] = mapped_column(DateTime())
    """The naive local time at which each reader gets it (`campaigns.own_time`); `scheduled_at` is the earliest."""
    next_look_at: Mapped[datetime | None] = mapped_column()
    """When to check next whether somebody's own time has come: a new subscriber may be the first."""
    left_out_rules: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """Rules of the segments it leaves out: fixed at launch, or copied from a campaign that it continues or resends."""
    leaves_out_had: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it leaves out readers who have had its article."""
    one_a_day: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it leaves out readers who get another marketing mail that day: from a series, or one of its `rivals`."""
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    """The zone in which the owner chose the time."""
    created_at: Mapped[datetime]
    launched_at: Mapped[datetime | None] = mapped_column()
    finished_at: Mapped[datetime | None] = mapped_column()
    dispatch_id: Mapped[int | None] = mapped_column(ForeignKey("dispatches.id"))
    counted_clicks: Mapped[bool] = mapped_column(default=False, server_default=false())  # at launch
    part: Mapped[Part | None] = mapped_column()
    """In an A/B test (`ab_test`); with the test's lot and share (percent) it determines who gets it."""
    lot: Mapped[int | None] = mapped_column(BigInteger)
    share: Mapped[int | None] = mapped_column()
    settled_revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"))
    """The winning revision it goes out with, even if the article changes. None: the article's newest."""
    drafted_by_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    """The team member who drafted it; None if a command or a feed did, or if it is no longer known."""

    article: Mapped[Article] = relationship()
    settled_revision: Mapped[Revision | None] = relationship(foreign_keys=settled_revision_id)
    dispatch: Mapped[Dispatch | None] = relationship()
    saved_segment: Mapped[SavedSegment | None] = relationship()
    left_out: Mapped[list[SavedSegment]] = relationship(secondary=LEFT_OUT, order_by=SavedSegment.id)
    rivals: Mapped[list["Campaign"]] = relationship(
        secondary=RIVALS, primaryjoin=lambda: Campaign.id == RIVALS.c.campaign_id,
        secondaryjoin=lambda: Campaign.id == RIVALS.c.other_id, order_by=lambda: Campaign.id,
    )  # fmt: skip

    @property
    def rules(self) -> Rules | None:
        """The rules of its saved segment, if it has one."""
        if self.segment_rules is not None:
            return stored_rules(self.segment_rules)
        return self.saved_segment.rules if self.saved_segment else None

    def audience(self, now: datetime) -> Segment:
        """Its audience. A rule's "last 30 days" end when it goes out; for a draft, now."""
        whole = self.whole_audience(now)
        if not self.one_a_day:
            return whole
        others = tuple(one.whole_audience(now) for one in self.rivals if one.stored_state in TO_COME)
        begin, _ = day_of(self.launched_at or self.scheduled_at or now, self.own_time, self.zone)
        return replace(whole, besides=others, quiet_since=begin)

    def whole_audience(self, now: datetime) -> Segment:
        """Its audience, including those who get another mail that day."""
        rules, at = self.rules, self.launched_at or max(self.scheduled_at or now, now)
        article: Article | None = self.article  # None for a campaign made only to compute an audience
        return Segment(
            guide=self.segment_guide, tag=self.segment_tag, rules=rules.on(at) if rules else None, topic=self.topic_id,
            slice=self.slice, without=tuple(one.on(at) for one in self.excluded),
            had=article.id if article and self.leaves_out_had else None,
        )  # fmt: skip

    @property
    def excluded(self) -> list[Rules]:
        """Its exclusions as rules, all of which a recipient must match."""
        return none_of(self.left_out if self.left_out_rules is None else self.left_out_rules)

    def to_the_same(self, of: "Campaign") -> None:
        """Give it another campaign's audience: the same choices, and the rules fixed at that one's launch, if any."""
        self.segment_guide, self.segment_tag, self.saved_segment = of.segment_guide, of.segment_tag, of.saved_segment
        self.segment_rules, self.left_out_rules = of.segment_rules, of.left_out_rules
        self.left_out, self.leaves_out_had, self.one_a_day = list(of.left_out), of.leaves_out_had, of.one_a_day

    @property
    def slice(self) -> Slice | None:
        """Its slice of an A/B test's audience: A and B split the test's share, REST gets what is left."""
        if self.part is None or self.lot is None or self.share is None:
            return None
        tested = self.share * PLACES // 100
        begin, end = {Part.A: (0, tested // 2), Part.B: (tested // 2, tested), Part.REST: (tested, PLACES)}[self.part]
        return Slice(self.lot, begin, end)

    @property
    def revision(self) -> Revision:
        """The revision it would go out with now."""
        return self.settled_revision or self.article.current

    @property
    def is_new(self) -> bool:
        """Whether it is a draft or scheduled."""
        return self.stored_state in (CampaignState.DRAFT, CampaignState.SCHEDULED)

    @property
    def is_tested(self) -> bool:
        """Whether it is A or B of an A/B test."""
        return self.part in (Part.A, Part.B)

    @property
    def topic_id(self) -> int | None:
        """Its topic: the article's, and from launch on the one it had then."""
        article: Article | None = self.article  # None for a campaign made only to compute an audience
        return self.dispatch.topic_id if self.dispatch else article.topic_id if article else None

    def keep_rules(self) -> None:
        """Store the rules of its saved segments, so that later changes do not matter."""
        if self.saved_segment is not None and self.segment_rules is None:
            self.segment_rules = self.saved_segment.stored
        if self.left_out and self.left_out_rules is None:
            self.left_out_rules = [one.stored for one in self.left_out]

    @property
    def state(self) -> CampaignState:
        """Its state as shown to people."""
        held = self.dispatch is not None and self.dispatch.hold is Hold.PAUSED
        return CampaignState.PAUSED if held and self.stored_state is CampaignState.SENDING else self.stored_state

    def schedule(self, at: datetime, brand: Brand) -> None:
        """Schedule it for this time (aware); a past time means now. Raises NotNow."""
        if not self.is_new:
            raise NotNow(said("This campaign is %(state)s already; make a new one to send it again.", state=self.state))
        if not brand.address_lines:
            raise NotNow(said("Bulk mail must carry your postal address: add it under Settings, then schedule again."))
        if not self.revision.subject.strip() or not self.revision.body.strip():
            raise NotNow(said("The article needs a subject and a text before it can be sent."))
        self.stored_state, self.scheduled_at = CampaignState.SCHEDULED, at
        self.own_time = self.next_look_at = None
        self.scheduled_revision_id = self.revision.id

    def unschedule(self) -> None:
        """Make it a draft again, while nothing has left. Raises NotNow."""
        if self.stored_state is not CampaignState.SCHEDULED:
            raise NotNow(
                said("Only a scheduled campaign can go back to draft; this one is %(state)s.", state=self.state)
            )
        self.stored_state, self.scheduled_at = CampaignState.DRAFT, None
        self.own_time = self.next_look_at = None

    def pause(self, reason: str = marked("By the owner.")) -> None:
        """Pause it: hold what has not left. Raises NotNow."""
        if self.state is not CampaignState.SENDING or self.dispatch is None:
            raise NotNow(
                said("Only a campaign that is going out can be paused; this one is %(state)s.", state=self.state)
            )
        self.dispatch.pause(reason)

    def resume(self) -> None:
        """Resume it for everybody not sent to yet. Raises NotNow."""
        if self.state is not CampaignState.PAUSED or self.dispatch is None:
            raise NotNow(said("Only a paused campaign can be resumed; this one is %(state)s.", state=self.state))
        self.dispatch.resume()

    def turn(self, session: Session) -> RevisionImpact | None:
        """Who would get new content if it were revised now; None before launch."""
        return self._impact(session, self.dispatch) if self.dispatch else None

    def revisable(self, session: Session, words: Content) -> RevisionImpact:
        """Who would get this content now. It cannot be resumed before the transaction ends.

        Raises NotNow if it is not paused, while a worker still holds some of it, and if the content changes nothing.
        """
        dispatch = self._locked(session)
        if dispatch.hold is Hold.OPEN:
            raise NotNow(said("It is going out. Pause it first, so that it can be said who gets which words."))
        if not has_no_claimed_batch(session, dispatch):
            raise NotNow(said("A few are still on the wire; try again in a few seconds."))
        turn = self._impact(session, dispatch)
        if not turn.to_come:
            raise NotNow(said("Nobody is left to get other words: everybody has had their turn."))
        if not words.subject.strip() or not words.body.strip():
            raise NotNow(said("The mail needs a subject and a text."))
        newest = dispatch.revision
        if words.words == (newest.subject, newest.preheader, newest.body):
            raise NotNow(said("These are the words it has already."))
        return turn

    def _impact(self, session: Session, dispatch: Dispatch) -> RevisionImpact:
        return revision_impact(session, dispatch, self.audience(dispatch.created_at).condition())

    def _locked(self, session: Session) -> Dispatch:
        if self.dispatch_id is None:
            raise NotNow(
                said("Nothing of it has been sent, it is %(state)s: edit its article instead.", state=self.state)
            )
        if self.is_tested:
            raise NotNow(said("It is in an A/B test, which would compare nothing any more. Cancel it, or let it be."))
        dispatch = session.get_one(Dispatch, self.dispatch_id, with_for_update=True, populate_existing=True)
        if self.stored_state is not CampaignState.SENDING or dispatch.hold is Hold.CANCELLED:
            raise NotNow(
                said(
                    "Only a campaign that is going out can be given other words; this one is %(state)s.",
                    state=self.state,
                )
            )
        return dispatch

    def revise(self, session: Session, words: Content, now: datetime, by: int | None = None) -> RevisionImpact:
        """Make this its article's newest revision, for everybody not tried yet; return who they are.

        It stays paused. Raises NotNow, and then nothing has changed.
        """
        turn = self.revisable(session, words)
        # Locked, as an editor in another window does: two new revisions must not get the same number.
        article = session.get_one(Article, self.article_id, with_for_update=True, populate_existing=True)
        fresh = article.revise(now, subject=words.subject, preheader=words.preheader, body=words.body, by=by)
        session.get_one(Dispatch, self.dispatch_id).revision = fresh
        return turn

    def cancel(self, session: Session, now: datetime) -> None:
        """Cancel what has not left; what was sent stays sent. Raises NotNow."""
        if self.stored_state in (CampaignState.SENT, CampaignState.CANCELLED):
            raise NotNow(said("This campaign is %(state)s already; there is nothing left to cancel.", state=self.state))
        self.stored_state, self.finished_at = CampaignState.CANCELLED, now
        if self.dispatch is not None:
            self.dispatch.hold = Hold.CANCELLED
            session.flush()
            open_all(session, self.dispatch)
            by_itself = (
                Message.dispatch_id == self.dispatch_id, Message.lane == Lane.BULK, Message.due_at.is_not(None),
            )  # fmt: skip
            ledger.cancel(session, now, Reason.CAMPAIGN_CANCELLED, *by_itself)
            for _ in range(AT_ONCE):
                cancel_next_batch(session, now, Reason.CAMPAIGN_CANCELLED)

    def counts(self, session: Session) -> dict[State, int]:
        """Its recipients by state; all zero before launch."""
        return count_by_state(session, self.dispatch) if self.dispatch else dict.fromkeys(State, 0)
