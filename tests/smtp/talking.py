"""A connection without a socket: what it writes, and what it makes of what it is told."""

from newsletter.smtp import Envelope, Relay, SmtpResult, Stage
from newsletter.smtp.connection import Connection
from newsletter.smtp.greeting import greet
from newsletter.smtp.pace import Pace
from newsletter.smtp.session import Phase
from newsletter.smtp.transaction import Round

PIPELINING = b"250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
CHUNKING = b"250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n"
NOTHING = b"250 mx\r\n"


class Talk:
    """A connection and what it says."""

    def __init__(self, ehlo: bytes, depth: int = 16) -> None:
        self.round = Round()
        self.pace = Pace(depth, depth=depth)
        self.connection = Connection("mx:25", greet(Relay.parse("smtp://mx"), "me.example"), self.round, self.pace)
        self.says(b"220 mx\r\n")
        assert self.wrote() == b"EHLO me.example\r\n"
        self.says(ehlo)
        assert self.connection.phase is Phase.READY

    def says(self, data: bytes) -> None:
        self.connection.receive(data)

    def wrote(self, octets: int | None = None) -> bytes:
        """Take what it wants to write, or only so many octets of it."""
        data = b"".join(self.connection.out)[:octets]
        if data:
            self.connection.wrote(len(data))
        return data

    def give(self, *keys: int) -> None:
        for key in keys:
            assert self.connection.wants
            self.connection.give(Envelope(key, "s@x.org", f"r{key}@y.org", b"A: %d\r\n\r\n.x\r\n" % key))

    def requeued(self) -> list[int]:
        """Keys of the messages that go out once more."""
        back, self.round.requeued = self.round.requeued, []
        return [envelope.key for envelope in back]

    def results(self) -> list[SmtpResult]:
        done, self.round.done = self.round.done, []
        return done

    def stages(self) -> list[tuple[int, Stage]]:
        return [(result.key, result.stage) for result in self.results()]


def commands(key: int) -> bytes:
    return b"MAIL FROM:<s@x.org>\r\nRCPT TO:<r%d@y.org>\r\nDATA\r\n" % key
