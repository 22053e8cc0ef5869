"""Continuation: sends the rest of a campaign that was cancelled while it went out.

It is a new campaign with the same article and audience, without those who were sent the first one or may have been.
It can be drafted only when nothing of the first is in transit, and a cancelled campaign never resumes, so nobody gets
the mail from both. All parts of an A/B test count as one mailing.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.campaigns import Campaign, CampaignState, NotNow, Part, ab_test_of
from newsletter.db import Base
from newsletter.languages import said
from newsletter.mail.ledger.waiting import is_at_rest
from newsletter.subscribers import Segment
from newsletter.subscribers.segments import Rules, as_json
from newsletter.subscribers.segments.rules import Group, How, WasSent


class Continuation(Base):
    """Links a cancelled campaign to the one that sends its rest. The primary key prevents a second one."""

    __tablename__ = "continuations"

    original_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    created_at: Mapped[datetime]


def continued_by(session: Session, campaign: Campaign) -> Campaign | None:
    """The campaign that sends the rest of this one; None if there is none, or if it was cancelled before launch."""
    found = session.get(Continuation, campaign.id)
    other = session.get_one(Campaign, found.campaign_id) if found else None
    is_thrown_away = other and other.stored_state is CampaignState.CANCELLED and other.launched_at is None
    return None if is_thrown_away else other


def continues(session: Session, campaign: Campaign) -> Campaign | None:
    """The cancelled campaign whose rest this one sends, or None."""
    id = session.scalar(select(Continuation.original_id).where(Continuation.campaign_id == campaign.id))
    return session.get_one(Campaign, id) if id else None


def why_not(session: Session, campaign: Campaign) -> str:
    """Why the rest of it cannot be sent now, as a sentence; "" if it can."""
    if campaign.part is Part.B:
        return said("It is B of an A/B test; both are continued from the page of A.")
    if campaign.stored_state is not CampaignState.CANCELLED or campaign.dispatch is None:
        return said(
            "Only a campaign that was cancelled while it went out has others left; this one is %(state)s.",
            state=campaign.state,
        )
    if continued_by(session, campaign) is not None:
        return said("There is a campaign to the others already.")
    return ""


def is_settled(session: Session, campaign: Campaign) -> bool:
    """Whether nothing of it is in transit, so that its recipients are known."""
    return all(is_at_rest(session, one.dispatch_id) for one in _parts(session, campaign) if one.dispatch_id)


def _parts(session: Session, campaign: Campaign) -> list[Campaign]:
    """The launched campaigns of this mailing: more than one for an A/B test."""
    test = ab_test_of(session, campaign)
    return [one for one in test.parts if one.launched_at is not None] if test else [campaign]


def others(session: Session, campaign: Campaign, now: datetime) -> Segment:
    """The remaining recipients: the same audience without those who were sent it or may have been."""
    return _draft(session, campaign, now).audience(now)


def _draft(session: Session, campaign: Campaign, now: datetime) -> Campaign:
    """An unsaved campaign to the remaining recipients."""
    sent = tuple(WasSent(one.id) for one in _parts(session, campaign))
    made = Campaign(article=campaign.article, zone=campaign.zone, created_at=now)
    made.to_the_same(campaign)
    made.one_a_day = False  # it goes out on another day
    told = as_json(Rules(sent[0] if len(sent) == 1 else Group(How.ANY, sent), campaign.zone))
    made.left_out_rules = [*(campaign.left_out_rules or []), told]
    return made


def continue_(session: Session, campaign: Campaign, now: datetime) -> Campaign:
    """Draft a campaign to the remaining recipients. The campaign's row must be locked. Raises NotNow."""
    if reason := why_not(session, campaign):
        raise NotNow(reason)
    if not is_settled(session, campaign):
        raise NotNow(said("A few are still on the wire, or are being called off; try again in a minute."))
    if thrown := session.get(Continuation, campaign.id):
        session.delete(thrown)
        session.flush()
    made = _draft(session, campaign, now)
    session.add(made)
    session.flush()
    try:
        with session.begin_nested():
            session.add(Continuation(original_id=campaign.id, campaign_id=made.id, created_at=now))
    except IntegrityError:
        raise NotNow(said("There is a campaign to the others already.")) from None
    return made
