"""Trials: an owner's test mails to an address of their choosing, filled in as for a reader of their choosing.

Both stand in the message's context, the reader by their number alone: what is held of them is read when it goes out,
and nothing of it when they have been erased since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.subscribers import Stream, Subscriber

TO, LIKE, SUBJECT, PREHEADER, PRINT = "to", "like", "tried_subject", "tried_preheader", "tried_print"
"""The keys of the context."""


ELSEWHERE = (Stream.TEST, Stream.INVITATION, Stream.LOGIN)
"""What an owner sends that may go to another address than their own, or to the one that was theirs."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Where a test goes, and like whom it is filled in; "" and 0: to its owner, like nobody."""

    to: str = ""
    like: int = 0
    subject: str = ""
    """With its preheader in place of its revision's: B of an A/B test has no words of its own until it goes out."""
    preheader: str = ""
    fingerprint: str = ""
    """Of the mail as it stood when the test was asked for (`preflight.print_of`); "" in tests of older versions."""

    @classmethod
    def of(cls, stream: Stream, context: Mapping[str, Any] | None) -> "Trial":
        """What the context of a message says. An address that was erased since is none."""
        if stream not in ELSEWHERE or not context:
            return NO_TRIAL
        to = str(context.get(TO, ""))
        subject, preheader = str(context.get(SUBJECT, "")), str(context.get(PREHEADER, ""))
        seen = str(context.get(PRINT, ""))
        return cls(to if "@" in to else "", int(context.get(LIKE, 0)), subject, preheader, seen)

    @property
    def context(self) -> dict[str, Any]:
        """As it stands in a message."""
        words = {SUBJECT: self.subject, PREHEADER: self.preheader} if self.subject else {}
        words |= {PRINT: self.fingerprint} if self.fingerprint else {}
        return ({TO: self.to} if self.to else {}) | ({LIKE: self.like} if self.like else {}) | words


NO_TRIAL = Trial()


def alike(session: Session, trials: Iterable[Trial]) -> dict[int, tuple[str, str | None]]:
    """The first names and languages of those like whom they are filled in."""
    ids = {one.like for one in trials if one.like}
    if not ids:
        return {}
    look = select(Subscriber.id, Subscriber.first_name, Subscriber.language).where(Subscriber.id.in_(ids))
    return {id: (name, language) for id, name, language in session.execute(look)}
