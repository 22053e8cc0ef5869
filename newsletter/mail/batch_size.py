"""Adapts how many messages of a batch a worker marks as sending in one commit."""

from dataclasses import dataclass

from newsletter.mail.ledger.queue import BATCH_SIZE


@dataclass
class AdaptiveBatchSize:
    """The number of messages that go out in about a fifth of a second.

    Each commit costs as much as several messages, but if the host is lost for good, all that was marked is uncertain.
    """

    size: int = 100

    def learn(self, messages: int, seconds: float) -> None:
        """Adapt to the pace of `messages` sent in `seconds`, by at most a factor of two."""
        pace = messages / max(seconds, 0.001)
        self.size = int(min(max(pace / 5, self.size / 2, 20), self.size * 2, BATCH_SIZE))
