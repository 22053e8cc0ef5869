"""Resend: a campaign once more, under another subject, to those who followed no link of it. Once, and not at once.

It is a campaign of its own, with everything that belongs to one; its rules are asked when it goes out, so whoever has
followed a link by then does not get it. All parts of an A/B test are one mailing: it goes once more in the words that
won.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter import characters
from newsletter.articles import Article, Revision, write
from newsletter.campaigns import Campaign, CampaignState, NotNow, Part, Phase, ab_test_of
from newsletter.db import Base
from newsletter.languages import said
from newsletter.subscribers import Segment
from newsletter.subscribers.segments import Rules, as_json
from newsletter.subscribers.segments.rules import ClickedNothing, Group, How

PATIENCE = timedelta(days=2)
"""Most of those who follow a link at all have done so by then."""


class Resend(Base):
    """Which campaign is another one once more. The database refuses the second."""

    __tablename__ = "resends"

    original_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    created_at: Mapped[datetime]


def resent_as(session: Session, campaign: Campaign) -> Campaign | None:
    """The campaign that is this one once more; None where there is none, or it was thrown away before it went out."""
    found = session.get(Resend, campaign.id)
    again = session.get_one(Campaign, found.campaign_id) if found else None
    return None if again is None or _is_thrown_away(again) else again


def original_of(session: Session, campaign: Campaign) -> Campaign | None:
    """The campaign that this one is once more."""
    id = session.scalar(select(Resend.original_id).where(Resend.campaign_id == campaign.id))
    return session.get_one(Campaign, id) if id else None


def _is_thrown_away(campaign: Campaign) -> bool:
    return campaign.stored_state is CampaignState.CANCELLED and campaign.launched_at is None


def why_not(session: Session, campaign: Campaign, now: datetime) -> str:
    """Why it cannot be sent once more now, in a sentence; "" where it can."""
    return _never(session, campaign) or (
        said("It has gone out less than two days ago: leave your readers the time to open it.")
        if now < _ripe_at(session, campaign)
        else ""
    )


def waits_until(session: Session, campaign: Campaign, now: datetime) -> datetime | None:
    """From when on it can be sent once more; None where it can now, or never."""
    if _never(session, campaign):
        return None
    ripe = _ripe_at(session, campaign)
    return ripe if now < ripe else None


def _ripe_at(session: Session, campaign: Campaign) -> datetime:
    """When the last part of a mailing that has gone out was old enough."""
    return max(one.finished_at for one in _parts(session, campaign) if one.finished_at) + PATIENCE


def _never(session: Session, campaign: Campaign) -> str:
    """Why no passing of time lets it be sent once more, in a sentence; "" where only that is needed, if anything."""
    if campaign.part not in (None, Part.A):
        return said("It is a part of an A/B test, which is sent once more as a whole, from the page of A.")
    if campaign.stored_state is not CampaignState.SENT or campaign.finished_at is None:
        return said(
            "Only a campaign that has gone out can be sent once more; this one is %(state)s.", state=campaign.state
        )
    if told := _not_ended(session, campaign):
        return told
    if not all(one.counted_clicks for one in _parts(session, campaign)):
        return said("Clicks were not counted in it, so nobody knows who followed no link.")
    if original_of(session, campaign) is not None:
        return said("It is one that was sent once more already; a third time would be too much.")
    if resent_as(session, campaign) is not None:
        return said("It has been sent once more already, and that is enough.")
    return ""


def _not_ended(session: Session, campaign: Campaign) -> str:
    test = ab_test_of(session, campaign)
    if test is None or test.phase is Phase.STOPPED:
        return ""
    over = test.rest is not None and test.rest.stored_state in (CampaignState.SENT, CampaignState.CANCELLED)
    return "" if over else said("Its A/B test has not ended: what wins has not gone to the rest yet.")


def _parts(session: Session, campaign: Campaign) -> list[Campaign]:
    """The campaigns that went out as this mailing."""
    test = ab_test_of(session, campaign)
    return [one for one in test.parts if one.launched_at is not None] if test else [campaign]


def words_of(session: Session, campaign: Campaign) -> Revision:
    """The words that went out; of an A/B test, those that won."""
    test = ab_test_of(session, campaign)
    sent = test.b if test and test.winner is Part.B else campaign
    return sent.dispatch.revision if sent.dispatch else sent.revision


def readers(session: Session, campaign: Campaign, now: datetime) -> Segment:
    """Who would get it: who takes the newsletter, was sent it, and followed no link of it."""
    without = tuple(one.on(now) for one in campaign.excluded)
    return Segment(rules=_rules(session, campaign).on(now), topic=campaign.article.topic_id, without=without)


def _rules(session: Session, campaign: Campaign) -> Rules:
    nothing = tuple(ClickedNothing(one.id) for one in _parts(session, campaign))
    return Rules(nothing[0] if len(nothing) == 1 else Group(How.ANY, nothing), campaign.zone)


def resend(session: Session, campaign: Campaign, subject: str, now: datetime, preheader: str | None = None) -> Campaign:
    """A draft of it once more: the words that went out, under this subject. Raises NotNow.

    `preheader`: None leaves it as it was. The campaign's row must be locked.
    """
    if reason := why_not(session, campaign, now):
        raise NotNow(reason)
    if campaign.dispatch is None:
        raise NotNow(said("It has no words: nothing of it has gone out."))
    words, subject = words_of(session, campaign), characters.line(subject)
    if not subject or subject.casefold() == words.subject.casefold():
        raise NotNow(said("Give it another subject: under the same one they would pass it over again."))
    if thrown := session.get(Resend, campaign.id):
        session.delete(thrown)
        session.flush()
    article = write(
        session, now, title=f"{campaign.article.title[:180]} (once more)", subject=subject, body=words.body,
        preheader=words.preheader if preheader is None else preheader, topic=campaign.article.topic,
    )  # fmt: skip
    article.counts_clicks = campaign.article.counts_clicks
    again = _draft(session, campaign, article, now)
    try:
        with session.begin_nested():
            session.add(Resend(original_id=campaign.id, campaign_id=again.id, created_at=now))
    except IntegrityError:
        raise NotNow(said("It has been sent once more already, and that is enough.")) from None
    return again


def _draft(session: Session, campaign: Campaign, article: Article, now: datetime) -> Campaign:
    rules = as_json(_rules(session, campaign))
    again = Campaign(article=article, zone=campaign.zone, created_at=now, segment_rules=rules,
                     left_out_rules=campaign.left_out_rules)  # fmt: skip
    again.left_out = list(campaign.left_out)
    session.add(again)
    session.flush()
    return again
