"""Processes one incoming mail. Only mails with our own signature have any effect."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum

import structlog
from sqlalchemy.orm import Session

from newsletter import feedback, journey
from newsletter.events import By, Press
from newsletter.feedback import Report
from newsletter.links import BadLink, Purpose, Signer
from newsletter.mail.incoming import Claims, Incoming, Kind, read
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber

BY_MAIL = Press(By.ONE_CLICK, "unsubscribe", "mailto")
log = structlog.get_logger()


class Taken(StrEnum):
    """The result of processing a mail."""

    DONE = "done"
    """Ours, and its effect is stored, now or earlier."""
    LATER = "later"
    """Ours, but the message is not recorded as sent yet: retry later."""
    LEFT = "left"
    """Not ours, or not provably so."""


def take(rt: Runtime, raw: bytes) -> Taken:
    """Parse a mail and store its effect. Idempotent."""
    mail = read(raw)
    if mail.kind is Kind.LEAVING:
        return _leave(rt, mail)
    if mail.kind not in (Kind.BOUNCE, Kind.COMPLAINT):
        return Taken.LEFT
    message_id = proven(rt.signer, mail.claims)
    if message_id is None:
        log.info("a report without our signature changes nothing", kind=mail.kind.value)
        return Taken.LEFT
    return _store(rt, mail, message_id)


def take_report(rt: Runtime, told: Incoming) -> Taken:
    """Store the effect of a report sent to a sending service's secret address.

    The secret address authenticates it. Some services only report the recipient; then the newest message to that
    recipient is meant.
    """
    message_id = proven(rt.signer, told.claims)
    if message_id is None:
        with rt.database.reading() as session:
            message_id = feedback.newest_to(session, told.address)
    return Taken.LEFT if message_id is None else _store(rt, told, message_id)


def _store(rt: Runtime, mail: Incoming, message_id: int) -> Taken:
    with rt.database.transaction() as session:
        report = _report(session, rt, mail, message_id)
    log.info("report", kind=mail.kind.value, message=message_id, outcome=report.value)
    return Taken.LATER if report is Report.TOO_EARLY else Taken.DONE


def _report(session: Session, rt: Runtime, mail: Incoming, message_id: int) -> Report:
    if mail.kind is Kind.COMPLAINT:
        return feedback.complained(session, message_id, rt.clock.now())
    return feedback.bounced(session, message_id, mail.failures, rt.clock.now())


def _leave(rt: Runtime, mail: Incoming) -> Taken:
    """Unsubscribe as by one click (RFC 2369 §3.2), whatever the sender's address: programs use aliases."""
    try:
        subscriber_id, message_id = rt.signer.numbers(Purpose.UNSUBSCRIBE, mail.token)
    except BadLink:
        log.info("a wish to leave without our signature changes nothing")
        return Taken.LEFT
    with rt.database.transaction() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        if subscriber is not None:
            press = replace(BY_MAIL, message=message_id)
            journey.unsubscribe(session, subscriber, rt.clock.now(), goodbye=False, press=press)
    return Taken.DONE


def proven(signer: Signer, claims: Claims) -> int | None:
    """The id of the message a report is about, from the first valid signature in it; None if there is none.

    Checks the return path it was sent to first, then what it quotes of the returned mail.
    """
    tries = (
        (signer.returned_number, _with_suffixes(claims.returned_to)),
        (signer.message_number, _with_suffixes(claims.tags)),
        (signer.returned_number, _with_suffixes(claims.tags)),
        (lambda token: signer.numbers(Purpose.UNSUBSCRIBE, token)[1], claims.tokens),
    )
    return next((found for number, claimed in tries if (found := _first(number, claimed)) is not None), None)


def _with_suffixes(tags: Sequence[str]) -> list[str]:
    """Each tag and its suffixes, because the configured return path may end in hex digits itself."""
    return [tag[cut:] for tag in tags for cut in range(tag.find("-"))]


def _first(number: Callable[[str], int], claims: Sequence[str]) -> int | None:
    for claim in claims:
        with suppress(BadLink):
            return number(claim)
    return None
