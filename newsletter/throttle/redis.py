"""A worker's throttle: Redis counts for all workers; while it is down, each keeps to its own share."""

import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from newsletter.clock import Clock
from newsletter.db import Database
from newsletter.mail.ledger import Lane
from newsletter.mail.throttle import Budget
from newsletter.settings import Settings
from newsletter.smtp import parse_relays
from newsletter.throttle.budget import CountedBudget, Grant
from newsletter.throttle.client import ALONE, client
from newsletter.throttle.fallback import SLOW_SPAN, OwnCount
from newsletter.throttle.request import Reply, Request, request
from newsletter.throttle.rules import Rules, Used, current, used
from newsletter.throttle.script import Scripts, script

FRESH = 1.0
"""Seconds before the rules are read again."""
LEAST_SHARE = 4
"""Without Redis a worker assumes at least this many workers."""
LEAST_PACE, MOST_PACE = 10.0, 100.0
"""Bounds, in messages a second, of the pace a domain is assumed to have had before it is slowed down."""
SHUT = 10.0
"""Longest time in seconds before a shut lane is tried again."""
TAKE, ADD, SLOW, LOOK = script("take"), script("add"), script("slow"), script("look")
log = structlog.get_logger()


class SharedThrottle:
    """A `mail.throttle.Throttle` counted in Redis. `read` returns the rules in force; `relays` names every relay.

    `used` returns from the ledger what was sent before the product started. `monotonic` is this process's clock;
    `redis_clock` replaces Redis's own (tests).
    """

    def __init__(self, redis: Scripts, read: Callable[[], Rules], relays: Sequence[str], *,
                 prefix: str = "{newsletter:throttle}:", monotonic: Callable[[], float] = time.monotonic,
                 redis_clock: Callable[[], float] | None = None,
                 used: Callable[[Rules], Sequence[Used]] = lambda _: ()) -> None:  # fmt: skip
        self._redis, self._read, self._names, self._prefix = redis, read, relays, prefix
        self._used = used
        self._monotonic, self._redis_clock = monotonic, redis_clock
        self._worker = secrets.token_hex(8)
        self._own = OwnCount(monotonic)
        self._rules, self._slow = Rules(), set[str]()
        self._look_at = self._try_at = self._shut_until = float("-inf")
        self._workers, self._epoch, self._down, self._version = 1, "", False, 0
        self._owes = False
        """Whether Redis has yet to be given what the ledger says was sent."""

    def is_active(self) -> bool:
        """Whether any rule or slow-down is in force, rereading them once FRESH seconds are over."""
        if self._monotonic() >= self._look_at:
            self._look()
        return bool(self._rules) or bool(self._slow)

    def is_shut(self, lane: Lane) -> bool:
        """Whether a claim would get nothing now; never for mail that people wait for."""
        return self.is_active() and lane is Lane.BULK and self._monotonic() < self._shut_until

    def budget(self, lane: Lane) -> Budget:
        """The budget of a new claim."""
        return CountedBudget(self, lane)

    def relays(self) -> Collection[str]:
        """The relays that have rules."""
        return self._rules.relays.keys() & set(self._names) if self.is_active() else ()

    def take(self, lane: Lane, wanted: Mapping[str, int]) -> Grant:
        """Take budget from Redis, or from this worker's own share while Redis is down."""
        self.is_active()
        slow = dict.fromkeys(self._slow)
        asked, free = request(self._rules, slow, self._names, wanted, binding=lane is Lane.BULK)
        reply = self._shared(asked) or self._own.take(asked, self._share)
        if reply.common and not sum(reply.granted):
            self._shut_until = self._monotonic() + min(reply.common, SHUT)
        return _grant(asked, free, wanted, reply, self._version)

    def give_back(self, grant: Grant, domains: Mapping[str, int], relays: Mapping[str, int]) -> None:
        """Give back what was not used. Rules changed meanwhile do no harm: no count falls below zero."""
        self._shut_until = float("-inf")
        asked, _ = request(self._rules, dict.fromkeys(self._slow), self._names, domains, binding=True)
        bound = {group.name: domains.get(group.name, 0) for group in asked.groups}
        bound[""] = sum(domains.values()) - sum(bound.values())
        uses = [(kind, name, span, -count) for kind, name, span, count in asked.uses(bound, relays)]
        self._own.note(uses, reported=True)
        if not self._down:
            self._ask(ADD, uses=[[kind, name, span, grant.at, count] for kind, name, span, count in uses])

    def is_outdated(self, grant: Grant) -> bool:
        """Reread the rules, and return whether they have changed since the grant."""
        self._look()
        return grant.version != self._version

    def slow_down(self, domain: str, pace: float) -> None:
        """Slow a domain down for all workers; `pace` is messages a second so far."""
        base = min(max(pace, LEAST_PACE), MOST_PACE) * SLOW_SPAN
        self._slow.add(domain)
        self._own.slow_down(domain, base)
        if self._ask(SLOW, name=domain, base=base):
            log.info("a domain asks to slow down", domain=domain, pace=round(pace, 1))

    @property
    def _share(self) -> int:
        return max(LEAST_SHARE, self._workers)

    def _look(self) -> None:
        """Read the rules, and register this worker as alive."""
        self._look_at = self._monotonic() + FRESH
        try:
            rules = self._read()
        except SQLAlchemyError as error:  # keep the rules of a second ago
            log.warning("throttle rules could not be read", error=type(error).__name__)
            rules = self._rules
        if rules != self._rules:
            self._rules, self._shut_until = rules, float("-inf")
            self._version += 1
        if answer := self._ask(LOOK, worker=self._worker):
            self._workers = int(answer["workers"])
            self._slow = set(answer["slow"])
            self._report(str(answer["epoch"]), first=answer["fresh"])
        else:
            self._slow = set(self._own.slow())

    def _report(self, epoch: str, *, first: bool) -> None:
        """Report to Redis what it has not counted or has forgotten; the first worker adds what the ledger says."""
        forgot = self._epoch not in ("", epoch)
        uses = self._own.to_report(everything=forgot)
        self._owes = self._owes or (first and not self._epoch)  # Redis says `first` only once
        if self._owes and self._rules:
            try:
                uses += self._used(self._rules)
            except SQLAlchemyError as error:
                log.warning("what was sent before is told to Redis later", error=type(error).__name__)
                return
        if uses:
            self._ask(ADD, uses=uses, ago=True)
        if self._down:
            return
        self._own.reported()
        self._epoch, self._owes = epoch, False

    def _shared(self, asked: Request) -> Reply | None:
        answer = None if self._owes else self._ask(TAKE, **asked.data())
        if not answer:
            return None
        granted, reserved = [int(n) for n in answer["granted"]], [int(n) for n in answer["reserved"]]
        domains = {group.name: count for group, count in zip(asked.groups, granted, strict=True)}
        self._own.note(asked.uses(domains, dict(zip(asked.relays, reserved, strict=True))), reported=True)
        return Reply(
            granted=granted,
            waits=list(answer["waits"]),
            reserved=reserved,
            common=float(answer["common"]),
            at=float(answer["at"]),
        )

    def _ask(self, script: str, **data: object) -> Any:
        """Run a script and return its answer, None while Redis does not answer."""
        if self._monotonic() < self._try_at:
            return None
        data["now"] = self._redis_clock() if self._redis_clock else False
        try:
            answer = self._redis.eval(script, 1, self._prefix, json.dumps(data))
        except (RedisError, OSError) as error:
            self._try_at = self._monotonic() + ALONE
            if not self._down:
                log.warning("Redis does not answer: each worker keeps to its own share of the limits",
                            share=f"1/{self._share}", error=type(error).__name__)  # fmt: skip
            self._down = True
            return None
        if self._down:
            log.warning("Redis answers again: limits are counted together")
        self._down = False
        return json.loads(answer) if isinstance(answer, bytes | str) else answer


def _grant(asked: Request, free: Sequence[str], wanted: Mapping[str, int], reply: Reply, version: int) -> Grant:
    granted = {group.name: count for group, count in zip(asked.groups, reply.granted, strict=True)}
    waits = {group.name: wait for group, wait in zip(asked.groups, reply.waits, strict=True)}
    left, wait = granted.pop(""), waits.pop("")
    for domain in free:
        granted[domain] = min(wanted[domain], left)
        left -= granted[domain]
        waits[domain] = wait
    return Grant(
        granted=granted,
        waits=waits,
        relays=dict(zip(asked.relays, reply.reserved, strict=True)),
        at=reply.at,
        version=version,
    )


def connect(settings: Settings, database: Database, clock: Clock) -> SharedThrottle:
    """This process's throttle on the product's Redis. Connects on first use."""

    def read() -> Rules:
        with database.reading() as session:
            return current(session, clock.now())

    def sent_before(rules: Rules) -> Sequence[Used]:
        with database.reading() as session:
            return used(session, rules, clock.now())

    relays = [relay.name for relay in parse_relays(settings.relays)]
    return SharedThrottle(client(settings), read, relays, used=sent_before)
