"""The extensions a server offers in its reply to EHLO."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Features:
    """The service extensions that matter here; a server that knows only HELO has none."""

    pipelining: bool = False
    """RFC 2920."""
    chunking: bool = False
    """RFC 3030."""
    eight_bit: bool = False
    """RFC 6152."""
    smtputf8: bool = False
    """RFC 6531."""
    starttls: bool = False
    """RFC 3207."""
    size: int = -1
    """Octets a message may have (RFC 1870); 0: no fixed limit, -1: SIZE is not offered."""
    auth: frozenset[str] = frozenset()
    """SASL mechanisms in capitals (RFC 4954)."""

    @classmethod
    def parse(cls, text: bytes) -> Features:
        """Read the text of an EHLO reply: a line for the greeting, then one for each extension."""
        offered: dict[str, list[str]] = {}
        for line in text.decode("ascii", "replace").split("\n")[1:]:
            # Some old servers write "AUTH=PLAIN LOGIN".
            words = line.strip().upper().replace("AUTH=", "AUTH ", 1).split()
            if words:
                offered.setdefault(words[0], []).extend(words[1:])
        size = offered.get("SIZE")
        return cls(
            pipelining="PIPELINING" in offered,
            chunking="CHUNKING" in offered,
            eight_bit="8BITMIME" in offered,
            smtputf8="SMTPUTF8" in offered,
            starttls="STARTTLS" in offered,
            size=-1 if size is None else int(size[0]) if size and size[0].isdecimal() else 0,
            auth=frozenset(offered.get("AUTH", ())),
        )
