"""How long each stage of a session may take."""

from __future__ import annotations

from dataclasses import dataclass

NEVER = float("-inf")
"""A monotonic time that is always past."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each stage; the defaults are those of RFC 5321 §4.5.3.2 (connect: our own)."""

    connect: float = 30.0
    banner: float = 300.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0
    final: float = 600.0
    look_every: float = 1.0
    """Longest time between two checks of the deadlines."""

    def waiting_for(self, step: str) -> float:
        """The seconds allowed for the reply to `step` (a name as in `SmtpResult.at_command`)."""
        match step:
            case "." | "BDAT" | "void":
                return self.final
            case "DATA":
                return self.data
            case "banner":
                return self.banner
            case "connect" | "TLS":
                return self.connect
            case _:
                return self.command

    @property
    def tick(self) -> float:
        """The seconds between checks of the deadlines, so that none is missed by more than a quarter."""
        return min(self.look_every, min(self.connect, self.banner, self.command, self.data, self.block, self.final) / 4)
