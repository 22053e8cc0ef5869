"""Sends over several connections to several relays, with one loop over non-blocking sockets."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from newsletter.mail.transport.connection import Connection
from newsletter.mail.transport.envelope import Envelope, Journal, Outcome, Quotas, never
from newsletter.mail.transport.feed import Feed
from newsletter.mail.transport.greeting import Refused, greet
from newsletter.mail.transport.health import Health, Shares, unverified_context
from newsletter.mail.transport.link import Link, reason
from newsletter.mail.transport.relay import Relay, is_helo
from newsletter.mail.transport.session import State
from newsletter.mail.transport.timeouts import Timeouts
from newsletter.mail.transport.transaction import Round
from newsletter.mail.transport.watch import Watch

IDLE_LIMIT = 30.0
"""Seconds after which an idle connection is not trusted any more: firewalls forget it without a word."""
GOODBYE = 2.0
"""Seconds `close` waits for the answers to QUIT."""
UNUSABLE_BATCH = 100
"""Envelopes answered at once while no relay is usable."""
DEFAULT = Timeouts()


class SmtpTransport:
    """Delivers envelopes to relays. Connections stay open between calls of `send`; for one thread at a time."""

    def __init__(
        self,
        relays: Sequence[Relay],
        *,
        helo: str,
        timeouts: Timeouts = DEFAULT,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`helo` is our own host name; `ssl_context` is for relays whose certificate is checked."""
        if not relays:
            raise ValueError("no relay given")
        if not is_helo(helo):
            raise ValueError(f"helo must be a host name or an address in [brackets], not {helo!r}")
        self._helo = helo
        self._timeouts = timeouts
        self._clock = clock
        self._contexts = {True: ssl_context} if ssl_context else {}
        self._healths = [Health(relay) for relay in relays]
        self._shares = Shares(self._healths)
        self._sending = False
        self._begin()

    def _begin(self) -> None:
        """Start with no connection."""
        self._process = os.getpid()
        self._watch = Watch()
        self._round = Round()
        self._links: list[Link] = []
        self._touched: list[Link] = []
        """Connections that something happened to in this round: only they may have become free, or have to write."""
        self._look_at = 0.0
        for health in self._healths:
            health.links = []

    def send(
        self, envelopes: Iterator[Envelope] | Iterable[Envelope], journal: Journal, *,
        stop: Callable[[], bool] = never, quotas: Quotas | None = None,
    ) -> Iterator[list[Outcome]]:  # fmt: skip
        """Deliver the envelopes; see `Transport.send`."""
        if self._sending:
            raise RuntimeError("this transport is already sending")
        self._sending = True
        feed = Feed(envelopes, stop)
        for health in self._healths:
            health.quotas = quotas
        try:
            self._wake()
            while True:
                feed.look()
                self._supply(feed, self._clock())
                done = self._commit(journal)
                if done:
                    yield done
                if feed.exhausted and not self._busy():
                    return
                self._wait()
        finally:
            self._sending = False
            self._abandon(journal)

    def close(self) -> None:
        """Say QUIT on every idle connection and wait briefly for the answers."""
        self._know_process()
        for link in self._links:
            link.connection.leave()
            if not link.connection.parting:
                link.connection.lose("closed by us")
        self._touched = list(self._links)
        until = self._clock() + GOODBYE
        while self._links and self._clock() < until:
            self._write()
            self._reap()
            self._wait()
        for link in list(self._links):
            self._drop(link)
        self._watch.close()
        self._begin()

    # One round: connections are opened and fed, the journal is written, then the sockets.

    def _supply(self, feed: Feed, now: float) -> None:
        """Give every connection that can take one an envelope, opening connections where they lack."""
        shares = self._shares
        self._reap()
        if self._round.returned:
            feed.waiting.extendleft(reversed(self._round.returned))
            self._round.returned.clear()
        self._turn_away(feed, now)
        self._open(feed, now)
        if feed.waiting or shares.several:
            self._touched = list(self._links)
        for link in self._touched:
            connection = link.connection
            while connection.wants and shares.take(link.health, now):
                envelope = feed.take()
                if envelope is None:
                    shares.give_back(link.health)
                    break
                connection.give(envelope)

    def _turn_away(self, feed: Feed, now: float) -> None:
        """Answer, for relays that cannot be used or have had their quota, what would wait in vain for them."""
        for _ in range(UNUSABLE_BATCH):
            # Looked at twice, since the envelope pulled here may bring quota with it: then it goes.
            if self._shares.open(now) or not feed.peek(1) or self._shares.open(now):
                return
            latest = max(self._healths, key=lambda health: health.retry_at)
            self._round.done.append(latest.answer(feed.waiting.popleft()))

    def _open(self, feed: Feed, now: float) -> None:
        """Open as many connections as envelopes wait for one."""
        room = sum(health.room(now) for health in self._healths)
        if not room:
            return
        free = sum(
            link.free and not link.is_silent(now) and self._shares.turn(link.health, now) for link in self._links
        )
        lack = feed.peek(room + free) - free
        for health in self._shares.order():
            while lack > 0 and health.room(now):
                self._connect(health, now)
                lack -= 1

    def _commit(self, journal: Journal) -> list[Outcome]:
        """Write the journal, then the sockets: never the other way round. Return what became known."""
        round_ = self._round
        done = round_.done
        if round_.handed:
            journal.handed_over(round_.handed)
            round_.handed = []
        if done:
            journal.outcomes(done)
            round_.done = []
        self._write()
        return done

    def _write(self) -> None:
        now = self._clock()
        for link in self._touched:
            if link.writes:
                link.flush(now)
                self._watch.adjust(link)

    def _wait(self) -> None:
        """Wait for the sockets, but no longer than deadlines allow, and read them."""
        self._touched = [link for link in self._touched if link.closed]
        patience = 0.0 if self._touched or self._round.done or not self._links else self._timeouts.tick
        events = self._watch.wait(patience)
        now = self._clock()
        for link, reads, writes in events:
            if link.closed:
                continue
            self._touched.append(link)
            if link.connecting:
                self._watch.drop(link)
                link.connected(now)
                if not link.closed:
                    self._watch.add(link)
                continue
            if writes:
                link.blocked = False
            if reads:
                link.read(now)
        if now >= self._look_at:
            self._look_at = now + self._timeouts.tick
            self._touched = list(self._links)
            for link in self._links:
                if why := link.overdue(now):
                    self._give_up(link, why, now)

    def _give_up(self, link: Link, why: str, now: float) -> None:
        if not link.connecting:
            link.connection.lose(why, "TLS" if link.channel.shaking else "")
            return
        self._watch.drop(link)
        link.hung(why, now)
        if not link.closed:
            self._watch.add(link)

    # Connections

    def _connect(self, health: Health, now: float) -> None:
        relay = health.relay
        greeting = greet(relay, relay.helo or self._helo, encrypt=health.encrypts(now))
        connection = Connection(relay.name, greeting, self._round, relay.pipeline)
        try:
            link = Link(health, connection, health.addresses(now), self._timeouts, self._context, now)
        except OSError as error:
            health.failed(Refused(0, f"cannot connect: {reason(error)}", "connect"), now)
            return
        self._links.append(link)
        self._touched.append(link)
        health.links.append(link)
        self._watch.add(link)

    def _context(self, verified: bool) -> ssl.SSLContext:
        if verified not in self._contexts:
            self._contexts[verified] = ssl.create_default_context() if verified else unverified_context()
        return self._contexts[verified]

    def _wake(self) -> None:
        """Look after what the last call left: connections that died or rested too long cost nobody an attempt."""
        self._know_process()
        now, heard = self._clock(), [link for link, _, _ in self._watch.wait(0.0)]
        for link in list(self._links):
            connection = link.connection
            if link.is_silent(now) and link not in heard:  # not only because nobody has listened since
                connection.lose("no answer")
                self._drop(link)
                link.health.ended(link, now)
            elif connection.state is not State.READY or now - link.since > IDLE_LIMIT:
                self._part(link)
            else:
                connection.rested()
                link.read(now)
                link.since = now
                if link.closed:
                    self._drop(link)
        self._touched = list(self._links)

    def _know_process(self) -> None:
        """In a forked child, let go of the parent's sockets without a word to the server."""
        if self._process != os.getpid():
            for link in self._links:
                link.close()
            self._watch.close()
            self._begin()

    def _reap(self) -> None:
        """Put away connections that are of no more use."""
        for link in [link for link in self._touched if link.spent]:
            self._touched.remove(link)
            self._part(link)
            link.health.ended(link, self._clock())

    def _part(self, link: Link) -> None:
        """Say QUIT if there is somebody to hear it, and close."""
        link.connection.leave()
        if link.writes:
            link.flush(self._clock())
        link.connection.lose("closed by us")
        self._drop(link)

    def _drop(self, link: Link) -> None:
        if not link.channel.closed:
            self._watch.drop(link)
            link.close()
        self._links.remove(link)
        link.health.links.remove(link)

    def _busy(self) -> bool:
        """Return whether outcomes are still to come."""
        return bool(self._round.done or self._round.returned) or any(link.connection.busy for link in self._links)

    def _abandon(self, journal: Journal) -> None:
        """End what is in flight when the caller leaves early, and write down what that makes of it."""
        for link in self._links:
            if link.connection.busy:
                link.connection.lose("abandoned by the sender")
        self._round.handed = []
        done, self._round.done = self._round.done, []
        self._round.returned.clear()
        self._touched = list(self._links)
        self._reap()
        if done:
            journal.outcomes(done)
