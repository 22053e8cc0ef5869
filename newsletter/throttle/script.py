"""The Lua scripts, which Redis runs atomically: nothing comes between reading a count and adding to it.

A window is a hash: slot number → messages, a slot being a sixtieth of the span. A slot counts until all of
it is older than the span, so no span of that length, wherever it starts, holds more than the rule allows.
Keys are made from the prefix KEYS[1], whose {braces} keep them together on one node of a cluster.
"""

from pathlib import Path
from typing import Any, Protocol

_FOLDER = Path(__file__).with_name("scripts")


class Scripts(Protocol):
    """The part of the Redis client used here."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Run a script."""


def script(name: str, **constants: float) -> str:
    """A script from the folder `scripts`, prefixed with the shared prelude and these constants."""
    shared = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
    given = "".join(f"local {constant} = {value:g}\n" for constant, value in constants.items())
    return shared + given + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
