"""The state of one relay: whether it may be used now, and how many connections it may have."""

from __future__ import annotations

from newsletter.smtp.allowance import Allowances, Report
from newsletter.smtp.encryption import Encryption
from newsletter.smtp.envelope import Envelope, Quotas, SmtpResult, Stage
from newsletter.smtp.greeting import Refused
from newsletter.smtp.link import Link
from newsletter.smtp.pace import Pace
from newsletter.smtp.relay import Relay
from newsletter.smtp.reply import enhanced_status
from newsletter.smtp.resolver import Resolver
from newsletter.smtp.timeouts import NEVER
from newsletter.smtp.troubles import Trouble

BACKOFF = 1.0
BACKOFF_LOGIN = 30.0
BACKOFF_LIMIT = 60.0
"""Seconds a relay is left alone: after the first failure, after one that a person must fix, and at most."""
BACKOFF_QUOTA = 300.0
"""The same if the account's quota is used up, or the account is suspended."""
SHORTEST, SHARE_OF_WAIT = 0.25, 0.1
"""Wait for an overloaded relay: these seconds, or this share of the time since it last took a message if longer."""
HOLD = 10.0
"""Seconds after a busy relay last took a message for which envelopes wait for it here, not in the database."""
STRIKES = 3
"""Connections in a row that may die without handling a message before the relay counts as failed."""
CROWDED, CROWDED_LIMIT, CROWDED_URGENT = 0.1, 2.0, 0.2
"""Seconds before a relay that had too many connections is asked for another: at first (doubles), at most, if urgent."""
LOOK, LOOK_LIMITED = 1.0, 0.1
"""Seconds between requests for the number of connections allowed: without a known limit, and with one."""
SLOWED = 60.0
"""Seconds for which a relay that asked to slow down gets no more than its weight."""
OPENING = ("connect", "banner", "EHLO")
"""Steps at which a server over its connection limit says so, or just hangs up."""


class RelayState:
    """What is known about one relay: failures, quota, connections. Times are monotonic seconds."""

    def __init__(self, relay: Relay, allowances: Allowances) -> None:
        self.relay = relay
        self.resolver = Resolver(relay.host, relay.port)
        self.links: list[Link] = []
        self.pace = Pace(relay.pipeline)
        self.encryption = Encryption(relay)
        self.refusal: Refused | None = None
        """Why it was last unusable."""
        self.retry_at = NEVER
        self.troubled = False
        """Whether it has failed, and handled no message since."""
        self.credit = 0
        """Messages it may still take before the others have had their share."""
        self.quotas: Quotas | None = None
        """How many more messages each relay may be given (see `Transport.send`)."""
        self.urgent = False
        """Whether people are waiting for what is being sent."""
        self.slowed_until = NEVER
        self.unwaited_until = NEVER
        """Until when other relays do not wait for this one, because it is much slower than its weight says."""
        self.round_began = self.blocked_since = NEVER
        """When it last got credit, and since when it has had none and waits for others."""
        self.waited_since = NEVER
        """Since when messages wait for a connection that others hold."""
        self._allowances = allowances
        self._allowed: int | None = None
        self._look_at = self._room_at = self._greeted_at = self._well_at = NEVER
        self._failures = self._strikes = self._crowds = self._served = 0

    # What it may be given

    @property
    def is_out_of_quota(self) -> bool:
        """Whether its quota is used up."""
        return self.quotas is not None and self.quotas.get(self.relay.name, 1) < 1

    def count(self, messages: int) -> None:
        """Take messages off its quota."""
        if self.quotas and self.relay.name in self.quotas:
            self.quotas[self.relay.name] -= messages

    def usable(self, now: float) -> bool:
        """Whether it has a connection that works, or may be tried."""
        return now >= self.retry_at or (bool(self.links) and not self.troubled)

    def may_take(self, now: float) -> bool:
        """Whether it may be given a message, now or when it has a connection."""
        return self.usable(now) and not self.is_out_of_quota and (bool(self.links) or self._may_open(now))

    def feeds(self, now: float) -> bool:
        """Whether its connections may be given envelopes; a relay that has failed gets one, as a test."""
        if not self.troubled:
            return True
        if now < self.retry_at:
            return False
        if any(link.connection.answered for link in self.links):
            self.recovered(now)
            return True
        return not any(link.connection.busy for link in self.links)

    def is_worth_waiting_for(self, now: float) -> bool:
        """Whether messages should wait for it here: it is merely overloaded, and should soon take more."""
        if self.is_out_of_quota:
            return False
        if self.troubled:
            passes = self.refusal is not None and self.refusal.trouble.passes
            return passes and self.retry_at - now <= HOLD / 4 and now - self._well_at <= HOLD
        if not self._may_open(now):
            self.waited_since = now if self.waited_since == NEVER else self.waited_since
            return now - self.waited_since <= (HOLD if self.urgent else HOLD / 2)
        return False

    def wakes_at(self, now: float) -> float:
        """When to reconsider what waits for it here."""
        if self.troubled:
            return self.retry_at
        return max(self._room_at, self._look_at) if self._allowed is not None else now + LOOK

    # Connections

    def room(self, now: float) -> int:
        """How many more connections may be opened: only one to a relay that has failed, none to a silent one."""
        if now < self.retry_at or now < self._room_at or self.is_out_of_quota:
            return 0
        if self.links and all(link.is_silent(now) for link in self.links):
            return 0
        if self.troubled:
            if self.feeds(now) and not self.troubled:
                return self.room(now)
            return 0 if self.links else min(1, self._may_have())
        return max(0, self._may_have() - len(self.links))

    def shrink(self) -> bool:
        """Retire connections that others need, idle ones first, to close once nothing is in flight; return whether any.

        Those still waiting for a greeting may be refused: retiring others in their favour could leave none.
        """
        staying = [link for link in self.links if link.let_in and not link.connection.retired]
        surplus = max(0, len(staying) - self._may_have())
        for link in sorted(staying, key=lambda link: link.connection.busy)[:surplus]:
            link.connection.retired = True
        return surplus > 0

    def _may_open(self, now: float) -> bool:
        return now >= self._room_at and self._may_have() > 0

    @property
    def crowded(self) -> bool:
        """Whether it allows fewer connections than we might have."""
        return self._allowed is not None

    def _may_have(self) -> int:
        most = self.relay.connections
        return most if self._allowed is None else min(most, self._allowed)

    def look(self, now: float, *, wants: bool, at_once: bool = False) -> None:
        """Ask how many connections are allowed, if it is time to."""
        if at_once or now >= self._look_at:
            self._report(now, wants=wants)

    def _report(self, now: float, *, wants: bool, refused: float | None = None) -> int:
        report = Report(held=len(self.links), wants=wants, urgent=self.urgent, refused=refused)
        allowed = self._allowances.report(self.relay.name, report)
        self._allowed = allowed.connections
        limited = LOOK_LIMITED / 2 if self.urgent else LOOK_LIMITED
        self._look_at = now + (LOOK if self._allowed is None else limited)
        return allowed.others

    # What became of a connection

    def greeted(self, now: float, encrypted: bool) -> None:
        """Record that the relay let us in."""
        self._crowds, self.waited_since = 0, NEVER
        self._greeted_at = now
        if encrypted:
            self.encryption.worked(now)

    def note(self, link: Link, now: float) -> None:
        """Record a refusal that concerns every connection at once, without waiting for this one to end."""
        refusal = link.connection.failure
        if refusal and not link.noted and refusal.trouble is not Trouble.CONNECTIONS:
            link.noted = True
            self.failed(refusal, now)

    def ended(self, link: Link, now: float) -> None:
        """Record that a connection, already removed from `links`, has ended."""
        connection = link.connection
        if connection.answered:
            self.recovered(now)
        if connection.ended_by is not None:
            self.pace.ended(connection.served, connection.ended_by, now)
        refusal = connection.failure
        if link.noted:
            return
        if refusal is None or self._is_accident(refusal, now):
            if (connection.fruitless or refusal) and self._strike():
                words = connection.ended_by or "connections end before any message is answered"
                self.failed(refusal or Refused(421 if connection.ended_by else 0, words, "MAIL"), now)
        elif not (self._is_crowd(refusal, link, now) or self.encryption.gives_up(refusal, now)):
            self.failed(refusal, now)

    def _strike(self) -> bool:
        """Count a connection that died without handling a message; return whether there were too many in a row."""
        served = sum(link.connection.served for link in self.links)
        self._strikes = 1 if served > self._served else self._strikes + 1
        self._served = served
        return self._strikes >= STRIKES

    def _is_accident(self, refusal: Refused, now: float) -> bool:
        """Whether a connection that had been let in merely broke, while others worked."""
        if not refusal.broken or refusal.at_command in OPENING or self.relay.implicit_tls:
            return False
        return now - self._greeted_at <= HOLD

    def _is_crowd(self, refusal: Refused, link: Link, now: float) -> bool:
        """Whether it was merely one connection too many; if so, learn the limit."""
        opening = refusal.at_command in OPENING or (refusal.broken and refusal.at_command == "TLS")
        named = refusal.trouble is Trouble.CONNECTIONS
        if not (opening or named) or (opening and refusal.code >= 500 and not named and not self.links):
            return False
        # With a reply, connections not greeted yet count too: the relay will let them in or refuse them likewise.
        ours = any(other.let_in or refusal.code for other in self.links)
        if not ours and (refusal.code == 0 or not self._report(now, wants=True)):
            return False
        self._report(now, wants=True, refused=now - link.begun_at)
        self._crowds += 1
        longest = CROWDED_URGENT if self.urgent else CROWDED_LIMIT
        self._room_at = now + min(longest, CROWDED * 2 ** min(self._crowds - 1, 10))
        return True

    def recovered(self, now: float) -> None:
        """Forget failures: the relay has handled a message."""
        if not (self.troubled and now < self.retry_at):
            self.troubled = False
            self._failures = 0
        self._strikes = 0
        self._well_at = now

    def failed(self, refusal: Refused, now: float) -> None:
        """Leave the relay alone for a while. Connections that end meanwhile belong to the same failure."""
        self.refusal = refusal
        if now < self.retry_at:
            return
        if any(link.connection.answered for link in self.links):
            self.recovered(now)  # how long to wait depends on when it last took a message
        if refusal.code == 530:
            self.encryption.insist()
        self._failures += 1
        self._strikes = 0
        self.troubled = True
        for link in self.links:
            link.connection.answered = False
        self.retry_at = now + self._wait(refusal.trouble, now)
        if refusal.trouble in (Trouble.RATE, Trouble.BUSY):
            self.slowed_until = now + SLOWED

    def _wait(self, trouble: Trouble, now: float) -> float:
        if trouble.passes and self._well_at > NEVER:
            return min(BACKOFF_LIMIT, max(SHORTEST, SHARE_OF_WAIT * (now - self._well_at)))
        if trouble in (Trouble.QUOTA, Trouble.ACCOUNT):
            return BACKOFF_QUOTA
        first = BACKOFF_LOGIN if trouble.needs_owner else BACKOFF
        return float(min(BACKOFF_LIMIT, first * 2 ** min(self._failures - 1, 10)))

    def answer(self, envelope: Envelope, now: float) -> SmtpResult:
        """The result of an envelope that no relay can take, in the words of this one's failure."""
        why = self.refusal if self.troubled or not self.crowded else None
        if why is None:
            words = "all connections that the relay allows are in use" if self.crowded else "no relay is usable"
            why = Refused(421 if self.crowded else 0, words, "connect")
        status = enhanced_status(why.code, why.text)
        return SmtpResult(
            key=envelope.key,
            stage=Stage.RELAY,
            code=why.code,
            enhanced=status,
            text=why.text[:500],
            relay=self.relay.name,
            at_command=why.at_command,
        )
