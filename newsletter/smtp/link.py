"""One connection on its socket, with its deadlines."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from newsletter.smtp.channel import Address, Channel
from newsletter.smtp.connection import Connection
from newsletter.smtp.relay import Relay
from newsletter.smtp.session import Phase
from newsletter.smtp.timeouts import Timeouts

STALLED = 1.0
"""Seconds without a reply after which other relays stop waiting for this one."""
LAST_WORDS = 64
"""Reads after a failed write: replies may still be in the socket."""


class Link:
    """Moves octets between a Connection and a Channel. Every failure ends in `connection.lose`."""

    def __init__(
        self,
        relay: Relay,
        connection: Connection,
        *,
        addresses: Sequence[Address],
        timeouts: Timeouts,
        context: Callable[[bool], ssl.SSLContext],
        on_connected: Callable[[Address], None],
        on_greeted: Callable[[float, bool], None],
        now: float,
    ) -> None:
        """Start connecting to the first address; raises OSError if every address fails at once.

        `on_connected` gets the address that answered; `on_greeted` the time, and whether the session is encrypted.
        """
        self.connection = connection
        self.connecting = True
        self.blocked = False
        """Whether the kernel takes no more octets for now."""
        self.begun_at = self.since = now
        """`since`: monotonic time of the last whole reply or the last octet written."""
        self.noted = False
        """Whether the relay's refusal has been recorded, though other replies are still due."""
        self._greeted = False
        self.events = 0
        """The selector's event mask, kept by the poller."""
        self._addresses = list(addresses)
        self._timeouts = timeouts
        self._context = context
        self._relay = relay
        self._on_connected, self._on_greeted = on_connected, on_greeted
        self.channel = self._connect()

    def _connect(self) -> Channel:
        problem = OSError("the relay has no address")
        while self._addresses:
            try:
                self._address = self._addresses.pop(0)
                return Channel(self._address)
            except OSError as error:
                problem = error
        raise problem

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self.connection.phase is Phase.CLOSED

    @property
    def finished(self) -> bool:
        """Whether it is of no more use: ended, or idle with a relay that is unusable or will soon hang up."""
        connection = self.connection
        return connection.phase is Phase.CLOSED or (
            not connection.busy and (connection.failure is not None or (connection.tired and not connection.waits_for))
        )

    @property
    def let_in(self) -> bool:
        """Whether the relay has greeted us."""
        connection = self.connection
        return not self.connecting and (connection.phase is Phase.READY or connection.waits_for not in ("", "banner"))

    def is_silent(self, now: float) -> bool:
        """Whether the relay keeps us waiting for its greeting."""
        return self.connection.phase is Phase.GREETING and now - self.since >= STALLED

    @property
    def free(self) -> bool:
        """Whether it can take an envelope, or soon will."""
        return self.connection.wants or self.connection.phase is Phase.GREETING

    @property
    def writes(self) -> bool:
        """Whether there is something to write that the kernel may accept."""
        if self.blocked or self.connecting or self.closed:  # a lost connection may still hold encrypted octets
            return False
        return bool(self.connection.out or self.channel.pending)

    @property
    def unsettled(self) -> bool:
        """Whether the socket must be polled for writing."""
        return self.connecting or self.blocked

    def connected(self, now: float) -> None:
        """Finish a connect. If it failed, `channel` becomes a new one to the next address, if there is one."""
        self.since = now
        try:
            self.channel.connected()
        except OSError as error:
            self.channel.close()
            self._connect_elsewhere(error)
            return
        self.connecting = False
        self._on_connected(self._address)
        if self._relay.implicit_tls:
            self._start_tls()

    def hung(self, why: str, now: float) -> None:
        """Treat a connect that takes too long as failed: the next address may answer."""
        self.since = now
        self.channel.close()
        self._connect_elsewhere(TimeoutError(why))

    def _connect_elsewhere(self, error: OSError) -> None:
        try:
            self.channel = self._connect() if self._addresses else self.channel
        except OSError as problem:
            error = problem
        if self.channel.closed:
            self.connection.lose(f"cannot connect: {reason(error)}", "connect")

    def read(self, now: float) -> None:
        """Read the socket and handle what came in."""
        shaking = self.channel.shaking
        try:
            data = self.channel.read()
            if shaking and not self.channel.shaking:
                self.since = now
                if self.connection.wants_tls:
                    self.connection.secured()
        except OSError as error:
            step = "TLS" if shaking else ""
            self.connection.lose(reason(error), step, by_relay=True, broken=not (shaking and _is_about_tls(error)))
            return
        if data:
            self._receive(data, now)
        elif data is not None:
            self.connection.lose("connection closed by the relay", "TLS" if shaking else "", by_relay=True)

    def _receive(self, data: bytes, now: float) -> None:
        if self.connection.receive(data):
            self.since = now
        if self.connection.wants_tls and not self.channel.shaking:
            self._start_tls()
        if not self._greeted and self.connection.phase is Phase.READY:
            self._greeted = True
            self._on_greeted(now, self.channel.encrypted)

    def _start_tls(self) -> None:
        try:
            self.channel.start_tls(self._context(self._relay.verified), self._relay.host.rstrip("."))
        except (OSError, ValueError) as error:
            self.connection.lose(f"TLS: {error}", "TLS", broken=False)

    def flush(self, now: float) -> None:
        """Write as much as the kernel accepts."""
        connection, channel = self.connection, self.channel
        try:
            if channel.encrypted:
                self._flush_tls(now)
            elif connection.out:
                count = channel.write(connection.out)
                if count:
                    connection.wrote(count)
                    self.since = now
                self.blocked = bool(connection.out)
        except OSError as error:
            self._last_words(reason(error), now)

    def _flush_tls(self, now: float) -> None:
        connection, channel = self.connection, self.channel
        while channel.pending or (connection.out and not channel.shaking):
            before = channel.pending
            count = channel.write(() if channel.shaking else connection.out)
            if count:
                connection.wrote(count)
                self.since = now
            elif channel.pending or not before:
                break
        self.blocked = channel.pending

    def _last_words(self, why: str, now: float) -> None:
        """Read replies sent before the connection broke: an accepted message must not be called uncertain."""
        for _ in range(LAST_WORDS):
            if self.closed:
                return
            try:
                data = self.channel.read()
            except OSError:
                break
            if not data:
                break
            self._receive(data, now)
        self.connection.lose(why, by_relay=True)

    def overdue(self, now: float) -> str:
        """Why the connection has waited too long, "" if it has not."""
        if self.connecting:
            what, limit = "connecting", self._timeouts.connect
        elif self.channel.shaking:
            what, limit = "the TLS handshake", self._timeouts.connect
        elif self.blocked:
            what, limit = "the relay to take data", self._timeouts.block
        elif self.connection.waits_for:
            what = f"the reply to {self.connection.waits_for}"
            limit = self._timeouts.waiting_for(self.connection.waits_for)
        else:
            return ""
        return f"timed out after {limit:g} s waiting for {what}" if now - self.since > limit else ""

    def close(self) -> None:
        """Close the socket."""
        self.channel.close()


def _is_about_tls(error: OSError) -> bool:
    """Whether TLS itself failed; a connection that merely ends during the handshake does not count."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)


def reason(error: OSError) -> str:
    """Describe an error in one line that holds no secret."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: certificate not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    return error.strerror or str(error) or type(error).__name__
