"""SentAs: the kind of mail that a text is sent as, which determines the variables it may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from newsletter.subscribers import Stream


@dataclass(frozen=True, slots=True)
class SentAs:
    """A stream and the context that its mails have besides the reader; a step of a series has its guide."""

    stream: Stream
    context: Mapping[str, Any] = field(default_factory=dict)


CAMPAIGN = SentAs(Stream.CAMPAIGN)
