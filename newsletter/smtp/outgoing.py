"""The octets a connection has yet to write, and its position in the stream."""

from __future__ import annotations


class Outgoing:
    """Buffers in the order they go out. Positions count from the connection's first octet."""

    def __init__(self) -> None:
        self.out: list[bytes | memoryview] = []
        self.queued = 0
        """Octets ever queued."""
        self.sent = 0
        """Octets the kernel has taken."""

    def queue(self, data: bytes) -> None:
        """Append without copying."""
        self.out.append(data)
        self.queued += len(data)

    def wrote(self, count: int) -> None:
        """Drop the first `count` octets of `out`: the kernel has taken them."""
        self.sent += count
        out = self.out
        if self.sent == self.queued:
            out.clear()
            return
        gone = 0
        while count >= len(out[gone]):
            count -= len(out[gone])
            gone += 1
        del out[:gone]
        if count:
            out[0] = memoryview(out[0])[count:]
