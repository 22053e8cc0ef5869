"""Trials: an owner's test mails, to an address of their choice, filled in as for a reader of their choice.

Both are in the message's context, the reader only by id: their data is read when the test goes out, so nothing of an
erased reader is used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.subscribers import Stream, Subscriber

TO, LIKE, SUBJECT, PREHEADER, PRINT = "to", "like", "tried_subject", "tried_preheader", "tried_print"
"""Keys in the message's context."""


ELSEWHERE = (Stream.TEST, Stream.INVITATION, Stream.LOGIN)
"""Mail to an owner that may go to an address other than their current one."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Where a test goes, and the id of the reader it is filled in for; "" and 0: to its owner, for nobody."""

    to: str = ""
    like: int = 0
    subject: str = ""
    """Replaces the revision's, as `preheader` does: B of an A/B test has no revision until it goes out."""
    preheader: str = ""
    fingerprint: str = ""
    """Of the mail as it stood when the test was asked for (`preflight.print_of`); "" in tests of older versions."""

    @classmethod
    def of(cls, stream: Stream, context: Mapping[str, Any] | None) -> "Trial":
        """Read a message's context. An address that was erased since counts as none."""
        if stream not in ELSEWHERE or not context:
            return NO_TRIAL
        to = str(context.get(TO, ""))
        subject, preheader = str(context.get(SUBJECT, "")), str(context.get(PREHEADER, ""))
        seen = str(context.get(PRINT, ""))
        return cls(to if "@" in to else "", int(context.get(LIKE, 0)), subject, preheader, seen)

    @property
    def context(self) -> dict[str, Any]:
        """It as stored in a message."""
        words = {SUBJECT: self.subject, PREHEADER: self.preheader} if self.subject else {}
        words |= {PRINT: self.fingerprint} if self.fingerprint else {}
        return ({TO: self.to} if self.to else {}) | ({LIKE: self.like} if self.like else {}) | words


NO_TRIAL = Trial()


def alike(session: Session, trials: Iterable[Trial]) -> dict[int, tuple[str, str | None]]:
    """The first names and languages of the readers they are filled in for, by id."""
    ids = {one.like for one in trials if one.like}
    if not ids:
        return {}
    look = select(Subscriber.id, Subscriber.first_name, Subscriber.language).where(Subscriber.id.in_(ids))
    return {id: (name, language) for id, name, language in session.execute(look)}
