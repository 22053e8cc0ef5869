"""Sends over several connections to several relays, with one loop over non-blocking sockets."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext

from newsletter.smtp.allowance import Allowances, OwnAllowances
from newsletter.smtp.connections import Connections
from newsletter.smtp.envelope import Envelope, Journal, Quotas, RelayRefusal, SmtpResult, never
from newsletter.smtp.feed import Feed
from newsletter.smtp.link import Link
from newsletter.smtp.relay import Relay, is_helo
from newsletter.smtp.relay_state import RelayState
from newsletter.smtp.shares import Shares
from newsletter.smtp.timeouts import Timeouts

GOODBYE = 2.0
"""Seconds `close` waits for the replies to QUIT."""
UNUSABLE_BATCH = 100
"""Envelopes answered in one round while no relay is usable."""
SHORTEST_WAIT = 0.01
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
        allowances: Allowances | None = None,
    ) -> None:
        """`helo` is our own host name; `ssl_context` is for relays whose certificate is checked.

        `allowances` shares the connections of a relay that limits them; without it each process learns alone.
        """
        if not relays:
            raise ValueError("no relay given")
        if not is_helo(helo):
            raise ValueError(f"helo must be a host name or an address in [brackets], not {helo!r}")
        self._timeouts = timeouts
        self._clock = clock
        counts = allowances or OwnAllowances(clock)
        self._states = [RelayState(relay, counts) for relay in relays]
        self._shares = Shares(self._states)
        self._connections = Connections(
            self._states, helo=helo, timeouts=timeouts, ssl_context=ssl_context, clock=clock
        )
        self._sending = False
        self._look_at = 0.0

    def send(
        self, envelopes: Iterator[Envelope] | Iterable[Envelope], journal: Journal, *,
        stop: Callable[[], bool] = never, quotas: Quotas | None = None, urgent: bool = False,
    ) -> Iterator[list[SmtpResult]]:  # fmt: skip
        """Deliver the envelopes; see `Transport.send`."""
        if self._sending:
            raise RuntimeError("this transport is already sending")
        self._sending = True
        feed = Feed(envelopes, stop)
        self._connections.know_process()
        with self._connections.lock:
            self._prepare(quotas, urgent=urgent)
            try:
                while True:
                    feed.look()
                    self._supply(feed, self._clock())
                    done = self._commit(journal)
                    if done:
                        yield done
                    if feed.exhausted and not self._busy():
                        return
                    self._wait(feed)
            finally:
                self._sending = False
                self._abandon(journal)
                self._connections.rest()

    def refusals(self) -> Sequence[RelayRefusal]:
        """The relays that take no mail at the moment."""
        return [
            RelayRefusal(state.relay.name, why.trouble, f"{why.code or ''} {why.text}".strip())
            for state in self._states
            if state.troubled and (why := state.refusal)
        ]

    def close(self) -> None:
        """Send QUIT on every idle connection and wait briefly for the replies."""
        connections = self._connections
        connections.know_process()
        with nullcontext() if self._sending else connections.lock:  # an unfinished `send` still holds it
            self._say_goodbye()
        connections.begin()

    def _say_goodbye(self) -> None:
        connections = self._connections
        for link in connections.links:
            link.connection.leave()
            if not link.connection.parting:
                link.connection.lose("closed by us")
        connections.touched = list(connections.links)
        until = self._clock() + GOODBYE
        while connections.links and self._clock() < until:
            self._write()
            connections.reap()
            self._wait(None)
        for link in list(connections.links):
            connections.drop(link)
        connections.rest()
        connections.poller.close()

    # One round: connections are opened and fed, the journal is written, then the sockets.

    def _prepare(self, quotas: Quotas | None, *, urgent: bool) -> None:
        for state in self._states:
            state.quotas, state.urgent = quotas, urgent
        self._look_at = 0.0
        self._connections.round.forget()
        self._connections.wake()

    def _supply(self, feed: Feed, now: float) -> None:
        """Give an envelope to every connection that can take one, opening connections where more are needed."""
        connections, shares = self._connections, self._shares
        connections.reap()
        self._requeue(feed)
        self._look(feed, now)
        self._turn_away(feed, now)
        self._open(feed, now)
        if feed.waiting or shares.several:
            connections.touched = list(connections.links)
        for link in connections.touched:
            if not (connection := link.connection).wants:
                continue
            state = connections.links[link]
            while connection.wants and shares.take(state, now):
                envelope = feed.take()
                if envelope is None:
                    shares.give_back(state)
                    break
                connection.give(envelope)

    def _requeue(self, feed: Feed) -> None:
        requeued = self._connections.round.requeued
        if requeued:
            feed.waiting.extendleft(reversed(requeued))
            requeued.clear()

    def _look(self, feed: Feed, now: float) -> None:
        """Learn how many connections are allowed, and retire those that others need."""
        for state in self._states:
            state.look(now, wants=not feed.exhausted)
            if state.crowded and state.shrink():
                self._connections.touched = list(self._connections.links)

    def _turn_away(self, feed: Feed, now: float) -> None:
        """Answer envelopes that would wait in vain: every relay is unusable or out of quota."""
        for _ in range(UNUSABLE_BATCH):
            # Checked again because the envelope pulled here may have added quota.
            if self._shares.open(now) or not feed.peek(1) or self._shares.open(now):
                return
            if any(state.is_worth_waiting_for(now) for state in self._states):
                return
            latest = max(self._states, key=lambda state: state.retry_at)
            self._connections.round.done.append(latest.answer(feed.waiting.popleft(), now))

    def _open(self, feed: Feed, now: float) -> None:
        """Open as many connections as envelopes need, within each relay's room."""
        room = sum(state.room(now) for state in self._states)
        if not room:
            return
        free = sum(
            link.free and not link.is_silent(now) and self._shares.turn(state, now)
            for link, state in self._connections.links.items()
        )
        lack = feed.peek(room + free) - free
        for state in self._shares.order():
            opened = 0
            while lack > 0 and state.room(now):
                self._connections.open(state, now)
                lack, opened = lack - 1, opened + 1
            if opened:
                state.look(now, wants=True, at_once=True)

    def _commit(self, journal: Journal) -> list[SmtpResult]:
        """Write the journal, then the sockets, never the other way round; return the new results."""
        round_ = self._connections.round
        done = round_.done
        if round_.requeued_keys:
            journal.requeued(round_.requeued_keys)
            round_.requeued_keys = []
        if round_.sending:
            journal.sending(round_.sending)
            round_.sending = []
        if done:
            journal.results(done)
            round_.done = []
        self._write()
        return done

    def _write(self) -> None:
        now = self._clock()
        for link in self._connections.touched:
            if link.writes:
                link.flush(now)
                self._connections.poller.adjust(link)

    def _wait(self, feed: Feed | None) -> None:
        """Wait for the sockets no longer than deadlines allow, and read them."""
        connections = self._connections
        touched = connections.touched = [link for link in connections.touched if link.closed]
        events = connections.poller.wait(0.0 if touched or connections.round.done else self._poll_timeout(feed))
        now = self._clock()
        for link, reads, writes in events:
            if link.closed:
                continue
            connections.touched.append(link)
            if link.connecting:
                self._connected(link, now)
                continue
            if writes:
                link.blocked = False
            if reads:
                link.read(now)
        if now >= self._look_at:
            self._look_at = now + self._timeouts.tick
            connections.touched = list(connections.links)
            for link in connections.links:
                if why := link.overdue(now):
                    self._give_up(link, why, now)

    def _poll_timeout(self, feed: Feed | None) -> float:
        """The seconds until anything but a socket needs attention."""
        tick = self._timeouts.tick
        if feed is None or not feed.waiting:
            return tick if self._connections.links else 0.0
        now = self._clock()
        wakes = min(state.wakes_at(now) for state in self._states)
        return min(tick, max(SHORTEST_WAIT, wakes - now))

    def _connected(self, link: Link, now: float) -> None:
        self._connections.poller.drop(link)
        link.connected(now)
        if not link.closed:
            self._connections.poller.add(link)

    def _give_up(self, link: Link, why: str, now: float) -> None:
        if not link.connecting:
            link.connection.lose(why, "TLS" if link.channel.shaking else "")
            return
        self._connections.poller.drop(link)
        link.hung(why, now)
        if not link.closed:
            self._connections.poller.add(link)

    def _busy(self) -> bool:
        """Whether results are still to come."""
        round_ = self._connections.round
        return bool(round_.done or round_.requeued) or any(link.connection.busy for link in self._connections.links)

    def _abandon(self, journal: Journal) -> None:
        """End what is in flight when the caller stops early, and journal the results."""
        connections = self._connections
        for link in connections.links:
            if link.connection.busy:
                link.connection.lose("abandoned by the sender")
        round_ = connections.round
        round_.sending = []
        done, round_.done = round_.done, []
        requeued, round_.requeued_keys = round_.requeued_keys, []
        round_.requeued.clear()
        connections.touched = list(connections.links)
        connections.reap()
        if requeued:
            journal.requeued(requeued)
        if done:
            journal.results(done)
