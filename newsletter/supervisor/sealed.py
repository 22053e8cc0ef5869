"""Sealed: what each part of the product is told, put where only that part reads it.

`newsletter up` reads all the settings, writes for each part those that it needs into a file in memory, and then becomes
another program, the supervisor: it, and all that are forks of it, start without a secret in their memory.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass

VARIABLE = "NEWSLETTER_SEALED"
"""In the supervisor's environment: which of its open files is what."""


@dataclass(frozen=True)
class Sealed:
    """Open files of the supervisor. `lock`: that of the data folder. `environments`: by the name of a part."""

    lock: int
    parts: int
    """The lock that all parts hold together."""
    has_redis: bool
    """Whether a Redis of our own belongs to the product."""
    environments: Mapping[str, int]

    @classmethod
    def found(cls) -> "Sealed | None":
        """What this process was given; None: it is not the supervisor."""
        told = os.environ.get(VARIABLE)
        return cls(**json.loads(told)) if told else None

    @property
    def told(self) -> str:
        """For the environment of who becomes the supervisor."""
        return json.dumps(asdict(self))

    def open(self, name: str) -> dict[str, str]:
        """In a fork: its own environment. The other files are closed, and the lock is left to the supervisor."""
        mine = self.environments[name]
        read: dict[str, str] = json.loads(os.pread(mine, os.fstat(mine).st_size, 0))
        for number in (self.lock, *self.environments.values()):
            os.close(number)
        return read


def seal(environment: Mapping[str, str]) -> int:
    """An open file that holds it and goes with its last reader; a program that this one becomes still has it."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("environment", 0)
    else:
        with tempfile.TemporaryFile() as file:
            number = os.dup(file.fileno())
    os.set_inheritable(number, True)
    text = json.dumps(dict(environment)).encode()
    if os.write(number, text) != len(text):
        raise OSError("the settings could not be handed on")
    return number
