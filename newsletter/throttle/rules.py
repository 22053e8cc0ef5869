"""Throttle rules: how much may be sent in how long, to a domain, through a relay, in all, and by a new sender."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import idna
from sqlalchemy import ColumnElement, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.subscribers import Subscriber

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
DAY = UNITS["day"]
READ_BY_ALL = timedelta(seconds=2)
"""Every worker has read a changed rule within this time."""
LEFT = (State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED, State.FAILED, State.UNCERTAIN)
Used = tuple[str, str, int, float, int]
"""Kind ("all", "relay", "domain"), name and span (seconds) of a rule; age (seconds) and number of messages."""
MOST = 1_000_000_000
LONGEST_WARM_UP = 366
"""Days."""
LONGEST_DOMAIN = 253
EVERY_DOMAIN = "*"
"""The name of the rule for each domain without one of its own."""
WARM_UP = (50, 100, 200, 400, 800, 1_500, 3_000, 6_000, 12_000, 25_000, 50_000, 100_000)
"""A usual schedule of a new sender: about twice as many messages each day."""


class BadRule(ValueError):
    """A rule cannot be read; the message says what it should look like."""


class Scope(StrEnum):
    """What a rule applies to."""

    ALL = "all"
    RELAY = "relay"
    DOMAIN = "domain"
    WARMUP = "warmup"
    """`name` is a number n: the n-th day since `since`. After the last day no such rule applies."""


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """At most `count` messages in any `seconds`."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read "100/hour", "5/second" or "1000/10 minutes". Raises BadRule."""
        match = re.fullmatch(
            r"([1-9][0-9]{0,9})\s*/\s*([1-9][0-9]{0,2})?\s*(second|minute|hour|day)s?", text.strip().lower()
        )
        if match is None or int(match[1]) > MOST:
            raise BadRule("should read like 100/hour: a number, then second, minute, hour or day")
        return cls(int(match[1]), int(match[2] or 1) * UNITS[match[3]])

    def __str__(self) -> str:
        """It as `parse` reads it."""
        many, unit = self.span
        return f"{self.count}/{unit}" if many == 1 else f"{self.count}/{many} {unit}s"

    @property
    def span(self) -> tuple[int, str]:
        """The time span as a number and the largest unit that fits."""
        unit, length = next((u, s) for u, s in reversed(UNITS.items()) if self.seconds % s == 0)
        return self.seconds // length, unit


class Rule(Base):
    """One limit set by the owner; several with different spans may apply to one thing."""

    __tablename__ = "throttle_rules"
    __table_args__ = (UniqueConstraint("scope", "name", "seconds"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scope: Mapped[Scope]
    name: Mapped[str] = mapped_column(String(255))
    """The relay ("host:port"), the domain, or the day; empty for all."""
    count: Mapped[int]
    seconds: Mapped[int]
    since: Mapped[datetime]
    """When it was set; for a warm-up, when its first day began."""

    @property
    def rate(self) -> Rate:
        """Its rate."""
        return Rate(self.count, self.seconds)


@dataclass(frozen=True)
class Rules:
    """All rules in force at one moment."""

    everything: tuple[Rate, ...] = ()
    relays: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    domains: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return bool(self.everything or self.relays or self.domains)

    def of(self, domain: str) -> tuple[Rate, ...]:
        """The rules of a domain, or those of every domain without its own."""
        return self.domains.get(domain) or self.domains.get(EVERY_DOMAIN, ())


def domain_named(typed: str) -> str:
    """A typed domain as addresses carry it: lower case, A-labels (RFC 5890). Raises BadRule."""
    plain = typed.strip().rstrip(".").rpartition("@")[2].lower()
    if plain == EVERY_DOMAIN:
        return plain
    if len(plain) > LONGEST_DOMAIN:  # idna is slow on longer input
        raise BadRule("should be a domain, for example gmail.com")
    try:
        return idna.encode(plain, uts46=True).decode()
    except idna.IDNAError:
        raise BadRule("should be a domain, for example gmail.com") from None


def schedule_of(typed: str) -> list[int]:
    """Read the daily counts of a warm-up from "50,100,200". Raises BadRule."""
    counts = [one.strip() for one in typed.split(",")]
    if len(counts) > LONGEST_WARM_UP or not all(re.fullmatch(r"[0-9]{1,10}", one) for one in counts):
        raise BadRule("should read like 50,100,200")
    return [int(one) for one in counts]


def listed(session: Session) -> Sequence[Rule]:
    """Every rule, in reading order."""
    rows = session.scalars(select(Rule)).all()
    return sorted(rows, key=lambda one: (one.scope, one.name.zfill(4), one.seconds))


def current(session: Session, now: datetime) -> Rules:
    """The rules in force at `now`."""
    found: dict[Scope, dict[str, tuple[Rate, ...]]] = {scope: {} for scope in Scope}
    for one in listed(session):
        if one.scope is not Scope.WARMUP:
            found[one.scope][one.name] = (*found[one.scope].get(one.name, ()), one.rate)
        elif int(one.name) == _day(one.since, now):
            found[Scope.ALL][""] = (*found[Scope.ALL].get("", ()), one.rate)
    # A daily rule and a warm-up day have the same span and share a counter: the smaller one applies.
    least = {rate.seconds: rate for rate in sorted(found[Scope.ALL].get("", ()), key=lambda one: -one.count)}
    return Rules(tuple(least.values()), found[Scope.RELAY], found[Scope.DOMAIN])


def _day(since: datetime, now: datetime) -> int:
    """The day of a warm-up, from 1; also 1 if the clock was set back before its start."""
    return max(0, (now - since) // timedelta(days=1)) + 1


def used(session: Session, rules: Rules, now: datetime) -> list[Used]:
    """What the ledger says was sent under these rules, reading no more messages than each rule allows.

    The rule for every other domain is left out: it would take one query per domain.
    """
    found: list[Used] = []
    for rate in rules.everything:
        found += _ages(session, "all", "", rate, now)
    for name, rates in rules.relays.items():
        for rate in rates:
            found += _ages(session, "relay", name, rate, now, Message.relay == name)
    for name, rates in rules.domains.items():
        theirs = select(Subscriber.id).where(Subscriber.email_key.endswith(f"@{name}", autoescape=True))
        for rate in rates if name != EVERY_DOMAIN else ():
            found += _ages(session, "domain", name, rate, now, Message.subscriber_id.in_(theirs))
    return found


def _ages(session: Session, kind: str, name: str, rate: Rate, now: datetime,
          *which: ColumnElement[bool]) -> list[Used]:  # fmt: skip
    look = select(Message.settled_at).where(Message.settled_at > now - timedelta(seconds=rate.seconds))
    rows = session.scalars(
        look.where(Message.state.in_(LEFT), *which).order_by(Message.settled_at.desc()).limit(rate.count)
    )
    ages = Counter(int((now - at).total_seconds()) for at in rows if at)
    return [(kind, name, rate.seconds, float(max(0, age)), count) for age, count in ages.items()]


def put(session: Session, scope: Scope, name: str, rate: Rate, now: datetime) -> Rule:
    """Set a rule, replacing one with the same scope, name and span."""
    same = (Rule.scope == scope, Rule.name == name, Rule.seconds == rate.seconds)
    session.execute(delete(Rule).where(*same))
    made = Rule(scope=scope, name=name, count=rate.count, seconds=rate.seconds, since=now)
    session.add(made)
    _look_again(session, now)
    return made


def warm_up(session: Session, counts: Sequence[int], now: datetime, since: datetime | None = None) -> None:
    """Set a new sender's schedule: the n-th count for the n-th day from `since` (default: now). Raises BadRule."""
    if not counts or any(not 0 < count <= MOST for count in counts) or list(counts) != sorted(counts):
        raise BadRule("should be one number for each day, none smaller than the one before it: 50,100,200")
    remove(session, Scope.WARMUP, now)
    for day, count in enumerate(counts, 1):
        session.add(Rule(scope=Scope.WARMUP, name=str(day), count=count, seconds=DAY, since=since or now))


def remove(session: Session, scope: Scope, now: datetime, name: str | None = None) -> int:
    """Remove the rules of a scope (or only the named one's); return how many there were."""
    named = () if name is None else (Rule.name == name,)
    gone = session.execute(delete(Rule).where(Rule.scope == scope, *named))
    _look_again(session, now)
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _look_again(session: Session, now: datetime) -> None:
    """Make batches that wait under the old rules due once every worker has read the new ones."""
    soon = now + READ_BY_ALL
    waiting = select(Batch.id).where(Batch.state == BatchState.OPEN, Batch.not_before > soon)
    session.execute(
        update(Batch)
        .where(Batch.id.in_(session.scalars(waiting.order_by(Batch.id).with_for_update()).all()))
        .values(not_before=soon)
        .execution_options(synchronize_session=False)
    )
