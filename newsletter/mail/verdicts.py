"""From what a transport told of a batch to what the ledger writes down, and what it means for the people in it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.mail import outbox
from newsletter.mail.outbox import Attempt, Lane, Letter, Message, Verdict
from newsletter.mail.replies import MAILBOX_FULL, Consequence, Meaning, classify, is_too_large
from newsletter.smtp import SmtpResult, Stage
from newsletter.subscribers import Status, Subscriber

REFUSALS = (Consequence.POLICY, Consequence.HARD_BOUNCE)
"""What the breaker counts. Addresses that are not there too: a relay that is set up wrongly says that of everybody."""
Suppress = Callable[[Session, Subscriber, Status, datetime], None]
"""Ends everything for a person whose address is dead (`feedback.suppress`): mail knows nothing of series."""
SOFT_BOUNCES = 3
SOFT_BOUNCE_SPAN = timedelta(days=14)


def judge(session: Session, letters: Mapping[int, Letter], lane: Lane, outcomes: Sequence[SmtpResult],
          now: datetime, suppress: Suppress) -> tuple[list[Verdict], list[str | None]]:  # fmt: skip
    """The verdicts for these outcomes, and for each the server's words where it refused for good.

    An address that does not exist (any more) ends its subscriber's mail here and now.
    """
    verdicts: list[Verdict] = []
    refusals: list[str | None] = []
    bounces: list[tuple[int, int, Consequence]] = []
    for outcome in outcomes:
        letter = letters[outcome.key]
        if outcome.stage is Stage.ACCEPTED:
            verdicts.append(Verdict(outcome.key, outbox.State.SENT, outcome.code, outcome.text, outcome.relay))
            refusals.append(None)
            continue
        if is_too_large(outcome) and outbox.take_off_guide(session, letter.id):
            # Lighter by its attachment it goes out again at once; the mail has had the link all along.
            verdicts.append(Verdict(outcome.key, outbox.State.DEFERRED, outcome.code, outcome.text, outcome.relay, now))
            refusals.append(None)
            continue
        tries, again, first = letter.attempts, False, None
        if tries:
            again, first = outbox.was_uncertain(session, letter.id), outbox.first_try(session, letter.id, tries)
        meaning = classify(outcome, lane, tries, first or now, now, uncertain_before=again)
        verdicts.append(_verdict(outcome, meaning))
        refusals.append(outcome.text if meaning.consequence in REFUSALS else None)
        if meaning.consequence in (Consequence.HARD_BOUNCE, Consequence.SOFT_BOUNCE) and letter.subscriber_id:
            bounces.append((letter.subscriber_id, letter.id, meaning.consequence))
    for subscriber, message, consequence in sorted(bounces):  # people are locked in the order of their ids
        _bounce(session, subscriber, message, consequence, now, suppress)
    return verdicts, refusals


def _verdict(outcome: SmtpResult, meaning: Meaning) -> Verdict:
    return Verdict(
        outcome.key, meaning.state, outcome.code, outcome.text[:500], outcome.relay, meaning.due_at, meaning.counts,
        uncertain=outcome.stage is Stage.LOST_AFTER,
    )  # fmt: skip


def _bounce(session: Session, subscriber_id: int, message_id: int, consequence: Consequence, now: datetime,
            suppress: Suppress) -> None:  # fmt: skip
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)  # who is erased in this moment waits
    if subscriber is None:
        return
    if consequence is Consequence.HARD_BOUNCE or _keeps_bouncing(session, subscriber_id, message_id, now):
        suppress(session, subscriber, Status.BOUNCED, now)


def _keeps_bouncing(session: Session, subscriber_id: int, message_id: int, now: datetime) -> bool:
    """Whether this soft bounce is the third, and the first of them at least 14 days old."""
    count, oldest = session.execute(
        select(func.count(), func.min(Attempt.at))
        .join(Message, Message.id == Attempt.message_id)
        .where(Message.subscriber_id == subscriber_id, Message.id != message_id)
        .where(Attempt.reply.startswith(MAILBOX_FULL))
    ).one()
    return count + 1 >= SOFT_BOUNCES and oldest is not None and now - oldest >= SOFT_BOUNCE_SPAN
