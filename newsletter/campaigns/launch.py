"""What happens to campaigns on a beat tick: they are launched, filled with recipients, and finished."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from newsletter.brand import current
from newsletter.campaigns.ab_choice import has_next_step, newest_reader, to_come
from newsletter.campaigns.ab_setup import write_b
from newsletter.campaigns.campaign import Campaign, CampaignState
from newsletter.campaigns.digest import in_digests
from newsletter.campaigns.one_a_day import give_way
from newsletter.campaigns.own_time import look_again, own_time_of
from newsletter.db import Moment
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, Reason
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.opening import has_waiting, is_opening, open_due
from newsletter.mail.ledger.queue import cancel_late, cancel_next_batch, fill
from newsletter.mail.ledger.waiting import is_unsettled
from newsletter.subscribers import Mailing, Subscriber

CHUNK = 10_000
"""Recipients written in one transaction: about a tenth of a second of the database's time."""


def planned(session: Session) -> list[Mailing]:
    """What series must give way to: scheduled campaigns, undecided rests of A/B tests, and campaigns whose
    recipients are not all written yet."""
    filling = and_(
        Campaign.stored_state == CampaignState.SENDING, Dispatch.filled_at.is_(None), Dispatch.hold == Hold.OPEN
    )
    rows = session.scalars(
        select(Campaign)
        .outerjoin(Dispatch, Dispatch.id == Campaign.dispatch_id)
        .where(or_(Campaign.stored_state == CampaignState.SCHEDULED, filling))
        .order_by(Campaign.id)
        .options(joinedload(Campaign.article), selectinload(Campaign.left_out))
    )
    mailings = [
        Mailing(at, one.audience(at), own_time_of(session, one))
        for one in rows
        if (at := one.scheduled_at or one.launched_at)
    ]
    return mailings + [Mailing(at, rest.audience(at)) for at, _, rest in to_come(session)]


def is_time(now: Moment) -> ColumnElement[bool]:
    """The condition that a campaign is due to be launched, or to be checked for it."""
    has_come = or_(Campaign.scheduled_at <= now, Campaign.next_look_at <= now)
    return select(Campaign.id).where(Campaign.stored_state == CampaignState.SCHEDULED, has_come).exists()


def is_under_way(now: Moment) -> ColumnElement[bool]:
    """The condition that a campaign has recipients to write, may be finished, or has batches to open or count,
    or that an A/B test may be due for its next step.

    A campaign is not finished while some of it waits for its readers' hour, which may take a day.
    """
    going = (
        select(Campaign.id)
        .join(Dispatch, Dispatch.id == Campaign.dispatch_id)
        .where(Campaign.stored_state == CampaignState.SENDING, Dispatch.hold == Hold.OPEN)
        .where(or_(Dispatch.filled_at.is_(None), Campaign.own_time.is_(None), ~has_waiting(Dispatch.id.expression)))
    )
    return or_(going.exists(), is_opening(now), has_next_step(now), is_unsettled())


def launch_due(session: Session, now: datetime) -> list[Campaign]:
    """Launch every campaign that is due, and open the batches whose readers' own hour has come.

    Two beats launch a campaign once: the UPDATE names the state it starts from.
    """
    open_due(session, now)
    look_again(session, now)
    due = session.scalars(
        update(Campaign)
        .where(Campaign.stored_state == CampaignState.SCHEDULED, Campaign.scheduled_at <= now)
        .values(stored_state=CampaignState.SENDING, launched_at=now)
        .returning(Campaign.id)
    ).all()
    campaigns = [session.get_one(Campaign, id, populate_existing=True) for id in due]
    for campaign in campaigns:
        campaign.keep_rules()
        give_way(session, campaign)
        write_b(session, campaign, now)
        campaign.counted_clicks = current(session).counts_clicks and campaign.article.counts_clicks
        newest = newest_reader(session, campaign) or session.scalar(select(func.max(Subscriber.id))) or 0
        campaign.dispatch = Dispatch(
            revision_id=campaign.revision.id, topic_id=campaign.article.topic_id,
            idempotency_key=f"campaign:{campaign.id}", created_at=now, fill_until=newest,
        )  # fmt: skip
    session.flush()
    return campaigns


def fill_next(session: Session, now: datetime, chunk: int = CHUNK) -> bool:
    """Write one chunk of one campaign's recipients; return False if none is left. One call is one transaction."""
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
    own = own_time_of(session, campaign)
    fill(session, campaign.dispatch, campaign.audience(now).condition(), now, chunk, own)
    return True


def cancel_more(session: Session, now: datetime) -> bool:
    """Cancel the rows of one more batch of a cancelled campaign; return False if none is left. One transaction."""
    return cancel_next_batch(session, now, Reason.CAMPAIGN_CANCELLED)


def cancel_stragglers(session: Session, now: datetime) -> int:
    """Cancel messages that were on the wire when their campaign was cancelled and did not arrive; return how many."""
    return cancel_late(session, now, Reason.CAMPAIGN_CANCELLED)


def finish_done(session: Session, now: datetime) -> int:
    """Mark as sent every campaign whose recipients all have an outcome; return how many.

    A paused one that is still to come in weekly mails stays open: it can be resumed or cancelled.
    """
    # Two conditions that stay cheap with a million rows: batches under way, and messages that wait by themselves.
    open_batches = exists().where(Batch.dispatch_id == Campaign.dispatch_id, Batch.state != BatchState.DONE)
    open_rows = exists().where(
        Message.dispatch_id == Campaign.dispatch_id, Message.lane == Lane.BULK, Message.due_at.is_not(None)
    )
    goes_on = or_(Dispatch.hold != Hold.PAUSED, ~in_digests(Campaign.dispatch_id.expression))
    is_filled = (Dispatch.id == Campaign.dispatch_id, Dispatch.filled_at.is_not(None), goes_on)
    filled = select(Dispatch.id).where(*is_filled).exists()
    done = session.execute(
        update(Campaign)
        .where(Campaign.stored_state == CampaignState.SENDING, filled, ~open_batches, ~open_rows)
        .values(stored_state=CampaignState.SENT, finished_at=now)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
