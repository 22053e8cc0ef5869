"""Which sockets have something to read, or room to write to."""

from __future__ import annotations

import selectors

from newsletter.smtp.link import Link


class Poller:
    """A selector that knows links. Each is polled for reading, and for writing only while the kernel takes no more."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, link: Link) -> None:
        """Poll its socket from now on."""
        link.events = _events(link)
        self._selector.register(link.channel.socket, link.events, link)

    def adjust(self, link: Link) -> None:
        """Poll it for writing, or no longer, as it needs now."""
        events = _events(link)
        if events != link.events and not link.closed:
            link.events = events
            self._selector.modify(link.channel.socket, events, link)

    def drop(self, link: Link) -> None:
        """Stop polling its socket; call this before the socket is closed."""
        if link.channel.socket in self._selector.get_map():
            self._selector.unregister(link.channel.socket)

    def wait(self, seconds: float) -> list[tuple[Link, bool, bool]]:
        """Return what can go on, after so many seconds at most: the link, whether to read, whether to write."""
        return [
            (key.data, bool(mask & selectors.EVENT_READ), bool(mask & selectors.EVENT_WRITE))
            for key, mask in self._selector.select(seconds)
        ]

    def close(self) -> None:
        """Close the selector."""
        self._selector.close()


def _events(link: Link) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if link.unsettled else 0)
