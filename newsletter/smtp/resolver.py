"""Caches a relay's addresses, and keeps old ones while DNS fails."""

from __future__ import annotations

from newsletter.smtp.channel import Address, resolve

TTL = 300.0
"""Seconds before a relay's addresses are looked up again."""


class Resolver:
    """The addresses of one host. Times are monotonic seconds."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._addresses: list[Address] = []
        self._fresh_until = float("-inf")

    def addresses(self, now: float) -> list[Address]:
        """The host's addresses, the last known ones while DNS fails. Raises OSError if there are none."""
        if now >= self._fresh_until:
            try:
                self._addresses = resolve(self._host, self._port)
            except OSError:
                if not self._addresses:
                    raise
            self._fresh_until = now + TTL
        return self._addresses

    def prefer(self, address: Address) -> None:
        """Try this address first from now on: it answers."""
        if address in self._addresses:
            self._addresses.sort(key=lambda one: one != address)
