"""Checks whether another campaign is about to send the same article to some of the same people."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.campaigns import Campaign, CampaignState
from newsletter.figures import figure
from newsletter.languages import Number, counted, said
from newsletter.preflight.check import Check, Level, Mend
from newsletter.subscribers import Segment, Subscriber

COMING = (CampaignState.SCHEDULED, CampaignState.SENDING)
MOST = 5
"""Campaigns of one article considered."""


def sent_twice(session: Session, campaign: Campaign, now: datetime) -> Iterator[Check]:
    """A check for each other campaign of its article, scheduled or going out, with the number of shared recipients.

    People who have had the article are reported separately (`had_it`). The parts of one A/B test share nobody.
    """
    look = select(Campaign).where(
        Campaign.article_id == campaign.article_id, Campaign.id != campaign.id, Campaign.stored_state.in_(COMING)
    )
    if campaign.lot is not None:
        look = look.where(Campaign.lot.is_distinct_from(campaign.lot))
    mine = replace(campaign.audience(now), slice=None)
    for other in session.scalars(look.order_by(Campaign.scheduled_at, Campaign.id).limit(MOST)):
        if both := _in_both(session, mine, other.audience(now)):
            found = counted(
                "Another campaign sends the same article, and %(num)s person of this audience would get it twice.",
                "Another campaign sends the same article, and %(num)s people of this audience would get it twice.",
                both, num=Number(both),
            )  # fmt: skip
            yield Check(said("Sent twice"), Level.WARNING, found, other=other, mend=Mend.OTHER_CAMPAIGN)


def _in_both(session: Session, one: Segment, other: Segment) -> int:
    look = select(func.count()).select_from(Subscriber).where(one.condition(), other.condition())
    return figure(session, ("in both", one, other), lambda it: it.scalar(look) or 0)
