"""Continuation: what was called off while it went out, to those whose turn had not come.

It is a campaign of its own, of the same article to the same audience, without those who were sent the first, or may
have been. It can be drafted once nothing of the first is on the wire any more, and a campaign that was cancelled never
goes on by itself: so whoever is not among these then gets it from nowhere else. All parts of an A/B test are one
mailing.
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
    """Which campaign goes to the others of a cancelled one. The database refuses the second."""

    __tablename__ = "continuations"

    original_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    created_at: Mapped[datetime]


def continued_by(session: Session, campaign: Campaign) -> Campaign | None:
    """The campaign that goes to the others of this one; None where there is none, or it was thrown away before it went
    out."""
    found = session.get(Continuation, campaign.id)
    other = session.get_one(Campaign, found.campaign_id) if found else None
    is_thrown_away = other and other.stored_state is CampaignState.CANCELLED and other.launched_at is None
    return None if is_thrown_away else other


def continues(session: Session, campaign: Campaign) -> Campaign | None:
    """The cancelled campaign to whose others this one goes."""
    id = session.scalar(select(Continuation.original_id).where(Continuation.campaign_id == campaign.id))
    return session.get_one(Campaign, id) if id else None


def why_not(session: Session, campaign: Campaign) -> str:
    """Why it cannot be sent to the others now, in a sentence; "" where it can."""
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
    """Whether nothing of it is on the wire any more, so that it is known who was sent it."""
    return all(is_at_rest(session, one.dispatch_id) for one in _parts(session, campaign) if one.dispatch_id)


def _parts(session: Session, campaign: Campaign) -> list[Campaign]:
    """The campaigns that went out as this mailing."""
    test = ab_test_of(session, campaign)
    return [one for one in test.parts if one.launched_at is not None] if test else [campaign]


def others(session: Session, campaign: Campaign, now: datetime) -> Segment:
    """Who would get it: the same audience, without those who were sent it, or may have been."""
    return _draft(session, campaign, now).audience(now)


def _draft(session: Session, campaign: Campaign, now: datetime) -> Campaign:
    """A campaign to the others, not yet kept."""
    sent = tuple(WasSent(one.id) for one in _parts(session, campaign))
    made = Campaign(article=campaign.article, zone=campaign.zone, created_at=now)
    made.to_the_same(campaign)
    made.one_a_day = False  # its day is another one
    told = as_json(Rules(sent[0] if len(sent) == 1 else Group(How.ANY, sent), campaign.zone))
    made.left_out_rules = [*(campaign.left_out_rules or []), told]
    return made


def continue_(session: Session, campaign: Campaign, now: datetime) -> Campaign:
    """A draft of it to the others. Raises NotNow. The campaign's row must be locked."""
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
