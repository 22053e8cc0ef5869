"""Fills an installation with years of history: subscribers, messages, and a series everybody is in."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from bench import people
from newsletter import articles
from newsletter.campaigns import Campaign, CampaignState
from newsletter.db import Base, Database
from newsletter.events import By, Event, EventKind
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.ledger.dispatch import Batch, BatchState, Dispatch
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Sequence
from newsletter.subscribers import Consent, Status, Stream, Subscriber, tag_all
from newsletter.wordings import wording_id

CAMPAIGNS = 4
"""Campaigns to everybody; with the guide's mail, five messages a person."""
BATCH = 1_000
DAYS = 3 * 365
"""Days over which people signed up."""


def fill(database: Database, url: str, number: int, now: datetime) -> None:
    """Give an empty, seeded installation `number` people with five messages each, and up-to-date statistics."""
    people.add(url, 1, number + 1)
    with database.transaction() as session:
        _grow_up(session, now)
        _sign_up(session, now)
        for each in range(CAMPAIGNS):
            _send(session, f"Newsletter {each}", now - timedelta(days=7 * each + 1))
        _write_one_more(session, now)
        _enroll(session, now)
        tag_all(session, "runners", Subscriber.id % 10 == 3)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)"))


def _grow_up(session: Session, now: datetime) -> None:
    """Make some unsubscribed, bounced or pending, and spread some sign-up dates, mostly over the last month."""
    for status, places in ((Status.UNSUBSCRIBED, 4), (Status.BOUNCED, 1), (Status.PENDING, 2)):
        changed = {"status": status, "confirmed_at": None} if status is Status.PENDING else {"status": status}
        of_these = Subscriber.id % 100 // 10 == 7, Subscriber.id % 10 < places, Subscriber.status == Status.CONFIRMED
        session.execute(update(Subscriber).where(*of_these).values(**changed))
    for day in (*range(30), DAYS // 2, DAYS):
        came = {"created_at": now - timedelta(days=day)}
        session.execute(update(Subscriber).where(Subscriber.id % 400 == day).values(**came))


def _copy(session: Session, row: type[Base], /, *where: Any, **values: Any) -> None:
    """Insert a row for each matching subscriber; `values` are Subscriber columns or constants."""
    columns = row.__table__.c
    given = {
        name: value if hasattr(value, "compare") else literal(value, columns[name].type)
        for name, value in values.items()
    }
    rows = select(*given.values()).select_from(Subscriber).where(*where).order_by(Subscriber.id)
    session.execute(insert(row).from_select(list(given), rows))


def _sign_up(session: Session, now: datetime) -> None:
    guide = session.scalars(select(Guide).order_by(Guide.id)).first()
    assert guide is not None
    long_ago = now - timedelta(days=40)
    _copy(session, Consent, subscriber_id=Subscriber.id, guide=guide.slug, newsletter=True,
          wording_id=wording_id(session, "Yes."), page="/", form=guide.slug, first_name=Subscriber.first_name,
          given_at=long_ago, confirmed_at=long_ago)  # fmt: skip
    _copy(session, GuideRequest, subscriber_id=Subscriber.id, guide_id=guide.id, requested_at=long_ago,
          fetched_at=long_ago)  # fmt: skip
    for kind in (EventKind.NEWSLETTER_ON, EventKind.SERIES_STARTED):
        _copy(session, Event, subscriber_id=Subscriber.id, at=long_ago, kind=kind, by=By.MAIL, page="")
    _copy(session, Message, subscriber_id=Subscriber.id, stream=Stream.GUIDE, idempotency_key=f"guide:{guide.slug}:1",
          lane=Lane.TRANSACTIONAL, state=State.SENT, created_at=long_ago, settled_at=long_ago, attempts=1)  # fmt: skip


def _send(session: Session, title: str, at: datetime) -> None:
    """A campaign sent to everybody, of which one message in five hundred failed."""
    written = articles.write(session, at, title=title, subject=title, body="Hello {{ first_name }}.")
    campaign = Campaign(article=written, created_at=at)
    session.add(campaign)
    session.flush()
    newest = session.scalar(select(func.max(Subscriber.id))) or 0
    dispatch = Dispatch(revision_id=written.current.id, idempotency_key=f"campaign:{campaign.id}", created_at=at,
                        filled_to=newest, fill_until=newest, filled_at=at)  # fmt: skip
    session.add(dispatch)
    session.flush()
    campaign.stored_state, campaign.dispatch_id = CampaignState.SENT, dispatch.id
    campaign.scheduled_at = campaign.launched_at = campaign.finished_at = at
    first = (session.scalar(select(func.max(Message.id))) or 0) + 1
    _copy(session, Message, subscriber_id=Subscriber.id, stream=Stream.CAMPAIGN,
          idempotency_key=dispatch.idempotency_key, lane=Lane.BULK, state=State.SENT, created_at=at, settled_at=at,
          attempts=1, dispatch_id=dispatch.id, revision_id=written.current.id)  # fmt: skip
    last = session.scalar(select(func.max(Message.id))) or 0
    failed = {"state": State.FAILED, "troubled_at": at, "reply_code": 550, "reply": "5.7.1 no"}
    session.execute(update(Message).where(Message.id.between(first, last), Message.id % 500 == 0).values(**failed))
    for begin in range(first, last + 1, BATCH):
        end = min(begin + BATCH - 1, last)
        bad = end // 500 - (begin - 1) // 500
        session.add(Batch(dispatch_id=dispatch.id, first_id=begin, last_id=end, state=BatchState.DONE, sending_to=end,
                          counts={"sent": end - begin + 1 - bad, "failed": bad}))  # fmt: skip
    session.flush()


def _write_one_more(session: Session, now: datetime) -> None:
    """A draft campaign."""
    written = articles.write(session, now, title="Next", subject="Next", body="Hello.")
    session.add(Campaign(article=written, created_at=now))


def _enroll(session: Session, now: datetime) -> None:
    sequence = Sequence(slug="years", name="Years", created_at=now, live=True)
    session.add(sequence)
    for number in range(3):
        words = articles.write(session, now, title=f"Step {number}", subject="Step", body="Hello.")
        sequence.append(words, Delay.parse("1 day"))
    session.flush()
    _copy(session, Enrollment, Subscriber.status == Status.CONFIRMED, subscriber_id=Subscriber.id,
          sequence_id=sequence.id, status=EnrollmentStatus.ACTIVE, started_at=now, anchor_at=now,
          due_at=now + timedelta(days=30), tries=0, pauses=timedelta())  # fmt: skip
