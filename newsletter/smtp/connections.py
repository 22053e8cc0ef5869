"""Opens, checks and closes one process's connections to all relays."""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from collections.abc import Callable, Sequence

from newsletter.smtp.connection import Connection
from newsletter.smtp.greeting import Refused, greet
from newsletter.smtp.link import Link, reason
from newsletter.smtp.poller import Poller
from newsletter.smtp.relay_state import RelayState
from newsletter.smtp.session import Phase
from newsletter.smtp.timeouts import Timeouts
from newsletter.smtp.tls import by_san_only, unverified_context, verified_context
from newsletter.smtp.transaction import Round

IDLE_LIMIT = 5.0
"""Seconds after which an idle connection is closed: others may need it, and firewalls drop it silently."""
IDLE_LIMIT_CROWDED = 0.3
"""The same where the relay limits connections."""


class Connections:
    """Links to relays. `touched` holds those with news: only they can take an envelope or need to write."""

    def __init__(
        self,
        states: Sequence[RelayState],
        *,
        helo: str,
        timeouts: Timeouts,
        ssl_context: ssl.SSLContext | None,
        clock: Callable[[], float],
    ) -> None:
        """`ssl_context` is for relays whose certificate is checked."""
        self._states = states
        self._helo = helo
        self._timeouts = timeouts
        self._clock = clock
        self._contexts = {True: by_san_only(ssl_context)} if ssl_context else {}
        self.begin()

    def begin(self) -> None:
        """Start with no connections."""
        self._process = os.getpid()
        self.poller = Poller()
        self.round = Round()
        self.links: dict[Link, RelayState] = {}
        """The open connections, and the relay each one leads to."""
        self.touched: list[Link] = []
        self.lock = threading.Lock()
        """Held by whoever uses the connections: a call of `send`, or the thread that closes idle ones."""
        self._tidying = False
        for state in self._states:
            state.links = []

    def open(self, state: RelayState, now: float) -> None:
        """Start connecting to a relay."""
        relay = state.relay
        greeting = greet(relay, relay.helo or self._helo, encrypt=state.encryption.is_used(now))
        state.pace.look(now)
        connection = Connection(relay.name, greeting, round_=self.round, pace=state.pace)
        try:
            link = Link(
                relay, connection, addresses=state.resolver.addresses(now), timeouts=self._timeouts,
                context=self._context, on_connected=state.resolver.prefer, on_greeted=state.greeted, now=now,
            )  # fmt: skip
        except OSError as error:
            state.failed(Refused(0, f"cannot connect: {reason(error)}", "connect"), now)
            return
        self.links[link] = state
        self.touched.append(link)
        state.links.append(link)
        self.poller.add(link)

    def _context(self, verified: bool) -> ssl.SSLContext:
        if verified not in self._contexts:
            self._contexts[verified] = verified_context() if verified else unverified_context()
        return self._contexts[verified]

    def wake(self) -> None:
        """Drop connections that died or idled too long since the last call, before they cost a message an attempt."""
        now, heard = self._clock(), [link for link, _, _ in self.poller.wait(0.0)]
        for link, state in list(self.links.items()):
            connection = link.connection
            if link.is_silent(now) and link not in heard:  # not merely unread since the last call
                connection.lose("no answer")
                self.drop(link)
                state.ended(link, now)
            elif connection.phase is not Phase.READY or now - link.since > IDLE_LIMIT:
                self.part(link)
            else:
                connection.was_idle()
                link.read(now)
                link.since = now
                if link.closed:
                    self.drop(link)
        self.touched = list(self.links)

    def know_process(self) -> None:
        """In a forked child, close the inherited sockets without QUIT: the sessions are the parent's."""
        if self._process != os.getpid():
            for link in self.links:
                link.close()
            self.poller.close()
            self.begin()

    def reap(self) -> None:
        """Close finished connections, and record a relay's refusal at once."""
        for link in [link for link in self.touched if link.connection.failure or link.finished]:
            now, state = self._clock(), self.links[link]
            if not link.finished:
                state.note(link, now)
                continue
            self.part(link)
            state.ended(link, now)
            if state.crowded:
                state.look(now, wants=True, at_once=True)

    def part(self, link: Link) -> None:
        """Send QUIT if the session is open, and close."""
        link.connection.leave()
        if link.writes:
            link.flush(self._clock())
        link.connection.lose("closed by us")
        self.drop(link)

    def drop(self, link: Link) -> None:
        """Close a link and forget it."""
        if not link.channel.closed:
            self.poller.drop(link)
            link.close()
        self.links.pop(link).links.remove(link)
        if link in self.touched:
            self.touched.remove(link)

    # Idle connections

    def rest(self) -> None:
        """Start closing idle connections, now that nothing is being sent.

        Where the relay limits connections, those that carried urgent mail are closed at once.
        """
        now = self._clock()
        for state in self._states:
            if state.crowded:
                if state.urgent:
                    for link in list(state.links):
                        self.part(link)
                state.look(now, wants=False, at_once=True)
        if self.links and not self._tidying:
            self._tidying = True
            threading.Thread(target=_tidy, args=(weakref.ref(self), self.lock), daemon=True).start()

    def tidy(self) -> float | None:
        """Close connections idle for too long; return seconds until the next check, None if none is left."""
        now = self._clock()
        for link, state in list(self.links.items()):
            if now - link.since >= (IDLE_LIMIT_CROWDED if state.crowded else IDLE_LIMIT):
                self.part(link)
                state.look(now, wants=False, at_once=True)
        self._tidying = bool(self.links)
        if not self._tidying:
            return None
        return IDLE_LIMIT_CROWDED if any(state.crowded for state in self.links.values()) else IDLE_LIMIT / 4


def _tidy(those: weakref.ref[Connections], lock: threading.Lock) -> None:
    """Close idle connections in the background while nothing is sent; ends with the last one."""
    pause: float | None = IDLE_LIMIT_CROWDED
    while pause is not None:
        threading.Event().wait(pause)
        if not lock.acquire(blocking=False):
            continue  # they are in use
        try:
            connections = those()
            pause = connections.tidy() if connections and connections.lock is lock else None
            del connections
        finally:
            lock.release()
