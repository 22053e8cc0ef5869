"""Approval: a writer's finished campaign waits until somebody who may send has looked at it.

To approve is to send: the one who may presses the usual button, with its checks. What may reach readers with nobody's
further press is not a writer's to change either (`reaches_readers`).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import ForeignKey, Index, String, exists, func, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter import accounts
from newsletter.accounts import Owner, Permission
from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign, CampaignState, NotNow, Part, ab_test_of, plan
from newsletter.db import Base, Id, holds, one_of
from newsletter.languages import marked, said
from newsletter.mail import ledger
from newsletter.mail.notice import notice
from newsletter.sequences import Step
from newsletter.subscribers import Stream

LONGEST_NOTE = 500
_WAITS = text("state = 'waiting'")


class ApprovalState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    HANDED_BACK = "handed-back"
    """To whoever asked, with a word about what is missing."""
    TAKEN_BACK = "taken-back"
    """By whoever asked."""
    APPROVED = "approved"


class Approval(Base):
    """One request for a campaign. The database refuses a second that waits."""

    __tablename__ = "approvals"
    __table_args__ = (
        one_of("state", ApprovalState),
        Index("uq_approvals_waiting", "campaign_id", unique=True, postgresql_where=_WAITS, sqlite_where=_WAITS),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    state: Mapped[ApprovalState] = mapped_column(default=ApprovalState.WAITING)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))
    asked_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(LONGEST_NOTE), default="")
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    """Its words then."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of all that would have gone out then: an A/B test has more words than these."""
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    answered_at: Mapped[datetime | None] = mapped_column()
    answer: Mapped[str] = mapped_column(String(LONGEST_NOTE), default="")

    campaign: Mapped[Campaign] = relationship()
    revision: Mapped[Revision] = relationship()
    asked_by: Mapped[Owner] = relationship(foreign_keys=[asked_by_id])
    answered_by: Mapped[Owner | None] = relationship(foreign_keys=[answered_by_id])

    def close(self, state: ApprovalState, by: Owner, now: datetime, answer: str = "") -> None:
        """It does not wait any more."""
        self.state, self.answered_by, self.answered_at, self.answer = state, by, now, answer


def fingerprint(session: Session, campaign: Campaign) -> str:
    """Of all that would go out now, and who is left out: other words have another one."""
    words, test = [str(campaign.revision.id)], ab_test_of(session, campaign)
    if test is not None:
        words += [str(test.b.revision.id), test.subject, test.preheader, str(plan(test))]
    if campaign.left_out or campaign.leaves_out_had:
        words += [*(str(one.id) for one in campaign.left_out), str(campaign.leaves_out_had)]
    return sha256("\n".join(words).encode()).hexdigest()


def current(session: Session, campaign: Campaign) -> Approval | None:
    """What was asked for this draft last, if it waits or was handed back."""
    if campaign.stored_state is not CampaignState.DRAFT:
        return None
    look = select(Approval).where(Approval.campaign_id == campaign.id).order_by(Approval.id.desc()).limit(1)
    found = session.scalar(look)
    return found if found and found.state in (ApprovalState.WAITING, ApprovalState.HANDED_BACK) else None


def open_ones(session: Session) -> Sequence[Approval]:
    """Every draft for which something was asked that waits or was handed back, the one asked first first."""
    newest = select(func.max(Approval.id)).group_by(Approval.campaign_id)
    look = select(Approval).join(Campaign, Campaign.id == Approval.campaign_id).where(Approval.id.in_(newest))
    states = (ApprovalState.WAITING, ApprovalState.HANDED_BACK)
    look = look.where(Approval.state.in_(states), Campaign.stored_state == CampaignState.DRAFT)
    return session.scalars(look.order_by(Approval.id)).all()


def ask(session: Session, campaign: Campaign, by: Owner, note: str, now: datetime) -> Approval:
    """Ask those who may send to look at it; a mail tells them. The campaign must be locked. Raises NotNow."""
    if campaign.stored_state is not CampaignState.DRAFT or campaign.part is Part.B:
        raise NotNow(said("Only a draft can wait for approval; this one is %(state)s.", state=campaign.state))
    known = current(session, campaign)
    if known is not None and known.state is ApprovalState.WAITING:
        raise NotNow(said("It waits for approval already."))
    made = Approval(
        campaign_id=campaign.id, asked_by_id=by.id, asked_at=now, note=_line(note), revision_id=campaign.revision.id,
        fingerprint=fingerprint(session, campaign),
    )  # fmt: skip
    session.add(made)
    session.flush()
    accounts.note(session, by, now, marked("approval asked for"), f"{campaign.id} {campaign.article.title}")
    lines = [said("%(email)s has finished it, and asks you to look at it and send it.", email=by.email), *_said(note)]
    told = _notice(campaign, said("“%(title)s” waits for approval", title=campaign.article.title), lines)
    for one in accounts.with_permission(session, Permission.SEND):
        if one.id != by.id:
            ledger.queue(session, one, Stream.NOTICE, f"approval:{made.id}", now, context=told)
    return made


def take_back(session: Session, campaign: Campaign, by: Owner, now: datetime) -> None:
    """It waits no more: whoever asked goes on with it. The campaign must be locked. Raises NotNow."""
    found = _waiting(session, campaign)
    if found.asked_by_id != by.id:
        raise NotNow(said("Only %(email)s, who asked, can take that back.", email=found.asked_by.email))
    found.close(ApprovalState.TAKEN_BACK, by, now)
    accounts.note(session, by, now, marked("approval taken back"), str(campaign.id))


def hand_back(session: Session, campaign: Campaign, by: Owner, answer: str, now: datetime) -> None:
    """Say what is missing; a mail tells whoever asked. The campaign must be locked. Raises NotNow."""
    found = _waiting(session, campaign)
    found.close(ApprovalState.HANDED_BACK, by, now, _line(answer))
    accounts.note(session, by, now, marked("campaign handed back"), f"{campaign.id} to {found.asked_by.email}")
    lines = [said("%(email)s has looked at it, and hands it back to you.", email=by.email), *_said(answer)]
    _tell(session, found, now, said("“%(title)s” was handed back", title=campaign.article.title), lines)


def approve(session: Session, campaign: Campaign, by: Owner, now: datetime) -> None:
    """It was scheduled by somebody who may: whoever asked is told. Nothing where nobody had asked."""
    look = select(Approval).where(Approval.campaign_id == campaign.id, Approval.state == ApprovalState.WAITING)
    found = session.scalar(look)
    if found is None:
        return
    found.close(ApprovalState.APPROVED, by, now)
    lines = [said("%(email)s has approved it: it goes out.", email=by.email)]
    _tell(session, found, now, said("“%(title)s” was approved", title=campaign.article.title), lines)


def reaches_readers(session: Session, article: Article) -> bool:
    """Whether other words of this article would reach readers with nobody's further press.

    That is so while a campaign with it is scheduled, while it is a step of a series, and in the archive.
    """
    is_scheduled = exists().where(Campaign.article_id == article.id, Campaign.stored_state == CampaignState.SCHEDULED)
    is_step = exists().where(Step.article_id == article.id, Step.deleted_at.is_(None))
    return article.published_at is not None or holds(session, or_(is_scheduled, is_step))


def _waiting(session: Session, campaign: Campaign) -> Approval:
    found = current(session, campaign)
    if found is None or found.state is not ApprovalState.WAITING:
        raise NotNow(said("It does not wait for approval any more; it is %(state)s.", state=campaign.state))
    return found


def _line(typed: str) -> str:
    return " ".join(typed.split())[:LONGEST_NOTE]


def _said(typed: str) -> list[str]:
    return [said("They say: %(words)s", words=_line(typed))] if _line(typed) else []


def _tell(session: Session, approval: Approval, now: datetime, title: str, lines: Sequence[str]) -> None:
    whom = approval.asked_by
    if whom.removed_at is None and whom is not approval.answered_by:
        key = f"approval:{approval.id}:{approval.state}"
        ledger.queue(session, whom, Stream.NOTICE, key, now, context=_notice(approval.campaign, title, lines))


def _notice(campaign: Campaign, title: str, lines: Sequence[str]) -> dict[str, object]:
    return notice(title, lines, said("Look at it"), f"/owner/campaigns/{campaign.id}")
