"""What Redis does in one step (Lua): nothing can come between reading a count and adding to it.

A window is a hash: slot number → messages, a slot being a sixtieth of the span. A slot counts until all of it is
certainly older than the span, so no span of that length, wherever it begins, ever holds more than the rule allows.
Keys are made from the prefix KEYS[1], whose {braces} keep them together on one node of a cluster.
"""

from pathlib import Path
from typing import Any, Protocol

_FOLDER = Path(__file__).with_name("scripts")


class Scripts(Protocol):
    """What is asked of the Redis client."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Run a script."""


def script(name: str, **constants: float) -> str:
    """Return a script of the folder `scripts`, with what all of them share and these constants before it."""
    shared = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
    given = "".join(f"local {constant} = {value:g}\n" for constant, value in constants.items())
    return shared + given + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
