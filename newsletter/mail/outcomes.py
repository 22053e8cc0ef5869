"""Turns what servers said into outcomes for the ledger, and suppresses addresses that are dead."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.mail.ledger import Attempt, ClaimedMessage, Lane, Message, Outcome, State
from newsletter.mail.ledger.record import detach_guide
from newsletter.mail.ledger.row_claims import first_try, was_uncertain
from newsletter.mail.replies import MAILBOX_FULL, BounceClass, Classification, classify, is_too_large
from newsletter.smtp import SmtpResult, Stage
from newsletter.subscribers import Status, Subscriber

REFUSALS = (BounceClass.POLICY, BounceClass.HARD_BOUNCE)
"""What the breaker counts. Unknown addresses too: a misconfigured relay reports everybody as unknown."""
Suppress = Callable[[Session, Subscriber, Status, datetime], None]
"""Ends everything for a person whose address is dead (`feedback.suppress`); injected because mail knows no series."""
SOFT_BOUNCES = 3
SOFT_BOUNCE_SPAN = timedelta(days=14)


def interpret(session: Session, messages: Mapping[int, ClaimedMessage], lane: Lane, results: Sequence[SmtpResult],
              now: datetime, suppress: Suppress) -> tuple[list[Outcome], list[str | None]]:  # fmt: skip
    """The outcome of each result, and for each the server's words if it refused permanently, else None.

    A subscriber whose address does not exist, or keeps bouncing, is suppressed at once.
    """
    outcomes: list[Outcome] = []
    refusals: list[str | None] = []
    bounces: list[tuple[int, int, BounceClass]] = []
    for result in results:
        message = messages[result.key]
        if result.stage is Stage.ACCEPTED:
            outcomes.append(Outcome(result.key, State.SENT, result.code, result.text, result.relay))
            refusals.append(None)
            continue
        if is_too_large(result) and detach_guide(session, message.id):
            # Retried at once without its attachment: the mail has the link in any case.
            outcomes.append(Outcome(result.key, State.DEFERRED, result.code, result.text, result.relay, now))
            refusals.append(None)
            continue
        tries, again, first = message.attempts, False, None
        if tries:
            again, first = was_uncertain(session, message.id), first_try(session, message.id, tries)
        classified = classify(result, lane, tries, first or now, now, uncertain_before=again)
        outcomes.append(_outcome(result, classified))
        refusals.append(result.text if classified.bounce in REFUSALS else None)
        if message.subscriber_id and classified.bounce in (BounceClass.HARD_BOUNCE, BounceClass.SOFT_BOUNCE):
            bounces.append((message.subscriber_id, message.id, classified.bounce))
    for subscriber_id, message_id, bounce in sorted(bounces):  # subscribers are locked by id, to avoid deadlocks
        _bounce(session, subscriber_id, message_id, bounce, now, suppress)
    return outcomes, refusals


def _outcome(result: SmtpResult, classified: Classification) -> Outcome:
    return Outcome(
        result.key, classified.state, result.code, result.text[:500], result.relay, classified.due_at,
        classified.is_attempt, uncertain=result.stage is Stage.LOST_AFTER, enhanced=result.enhanced,
    )  # fmt: skip


def _bounce(session: Session, subscriber_id: int, message_id: int, bounce: BounceClass, now: datetime,
            suppress: Suppress) -> None:  # fmt: skip
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)  # makes an erasure wait
    if subscriber is None:
        return
    if bounce is BounceClass.HARD_BOUNCE or keeps_bouncing(session, subscriber_id, message_id, now):
        suppress(session, subscriber, Status.BOUNCED, now)


def keeps_bouncing(session: Session, subscriber_id: int, message_id: int, now: datetime) -> bool:
    """Whether this is at least the third soft bounce, and the first was at least 14 days ago."""
    count, oldest = session.execute(
        select(func.count(), func.min(Attempt.at))
        .join(Message, Message.id == Attempt.message_id)
        .where(Message.subscriber_id == subscriber_id, Message.id != message_id)
        .where(Attempt.enhanced == MAILBOX_FULL)
    ).one()
    return count + 1 >= SOFT_BOUNCES and oldest is not None and now - oldest >= SOFT_BOUNCE_SPAN
