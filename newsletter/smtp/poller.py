"""Finds the sockets that have something to read, or room to write."""

from __future__ import annotations

import selectors

from newsletter.smtp.link import Link


class Poller:
    """A selector over links. Each is polled for reading; for writing only while it connects or the kernel is full."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, link: Link) -> None:
        """Poll its socket from now on."""
        link.events = _events(link)
        self._selector.register(link.channel.socket, link.events, link)

    def adjust(self, link: Link) -> None:
        """Start or stop polling it for writing, as it needs now."""
        events = _events(link)
        if events != link.events and not link.closed:
            link.events = events
            self._selector.modify(link.channel.socket, events, link)

    def drop(self, link: Link) -> None:
        """Stop polling its socket; call this before the socket is closed."""
        if link.channel.socket in self._selector.get_map():
            self._selector.unregister(link.channel.socket)

    def wait(self, seconds: float) -> list[tuple[Link, bool, bool]]:
        """Wait at most `seconds`; return the links that are ready, and whether each can read and write."""
        return [
            (key.data, bool(mask & selectors.EVENT_READ), bool(mask & selectors.EVENT_WRITE))
            for key, mask in self._selector.select(seconds)
        ]

    def close(self) -> None:
        """Close the selector."""
        self._selector.close()


def _events(link: Link) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if link.unsettled else 0)
