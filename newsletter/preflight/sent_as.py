"""SentAs: as what words are to go out, which decides what they may name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from newsletter.subscribers import Stream


@dataclass(frozen=True, slots=True)
class SentAs:
    """A stream, and what its mails know besides their reader: a step of a series has its guide."""

    stream: Stream
    context: Mapping[str, Any] = field(default_factory=dict)


CAMPAIGN = SentAs(Stream.CAMPAIGN)
