"""The stride of a worker: how much of a lot it begins at once."""

from dataclasses import dataclass

from newsletter.mail import outbox


@dataclass
class Stride:
    """How many letters of a lot are begun in one commit: about as many as go out in a fifth of a second.

    Each commit costs as much as several letters; but what was begun on a host that is then lost for good is uncertain.
    """

    size: int = 100

    def learn(self, letters: int, seconds: float) -> None:
        """So many went out in so many seconds."""
        pace = letters / max(seconds, 0.001)
        self.size = int(min(max(pace / 5, self.size / 2, 20), self.size * 2, outbox.LOT))
