"""Keeps campaigns consistent when their segment is deleted, or when an address in their rules is erased."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.campaigns.campaign import Campaign, CampaignState, NotNow
from newsletter.db import without_inside
from newsletter.languages import joined, said
from newsletter.subscribers.segments import SavedSegment


def delete_segment(session: Session, segment: SavedSegment) -> None:
    """Delete a saved segment; launched campaigns keep its rules. Raises NotNow if one not yet launched uses it."""
    its = or_(Campaign.segment_id == segment.id, Campaign.left_out.any(SavedSegment.id == segment.id))
    users = session.scalars(select(Campaign).where(its).with_for_update()).all()
    to_come = [one for one in users if one.stored_state in (CampaignState.DRAFT, CampaignState.SCHEDULED)]
    if to_come:
        listed = joined((said("“%(title)s” (%(state)s)", title=one.article.title, state=one.state)
                         for one in to_come[:5]), ", ")  # fmt: skip
        raise NotNow(
            said(
                "A campaign is still to go to “%(name)s”, or leaves it out: %(listed)s. Cancel it first.",
                name=segment.name,
                listed=listed,
            )
        )
    for one in users:
        one.keep_rules()
        one.saved_segment = None if one.saved_segment is segment else one.saved_segment
        one.left_out = [other for other in one.left_out if other is not segment]
    session.delete(segment)


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from the rules stored with campaigns."""
    for one in session.scalars(select(Campaign).where(Campaign.segment_rules.is_not(None))):
        one.segment_rules = without_inside(address, one.segment_rules)
    for one in session.scalars(select(Campaign).where(Campaign.left_out_rules.is_not(None))):
        one.left_out_rules = without_inside(address, one.left_out_rules)
