"""Sealed: each part's settings, kept where only that part reads them.

`newsletter up` reads all settings, writes those each part needs into a file in memory, and then executes the
supervisor, which therefore starts, like all its forks, without a secret in memory.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass

VARIABLE = "NEWSLETTER_SEALED"
"""The environment variable that tells the supervisor what its open files are."""


@dataclass(frozen=True)
class Sealed:
    """The supervisor's open files. `lock`: the data folder's. `environments`: by part name."""

    lock: int
    parts: int
    """The lock that all parts share."""
    has_redis: bool
    """Whether the product runs its own Redis."""
    environments: Mapping[str, int]

    @classmethod
    def found(cls) -> "Sealed | None":
        """What this process was given; None if it is not the supervisor."""
        value = os.environ.get(VARIABLE)
        return cls(**json.loads(value)) if value else None

    @property
    def as_variable(self) -> str:
        """The value of VARIABLE for the supervisor's environment."""
        return json.dumps(asdict(self))

    def open(self, name: str) -> dict[str, str]:
        """In a fork: return its own environment, and close the other files, including its copy of the lock."""
        mine = self.environments[name]
        read: dict[str, str] = json.loads(os.pread(mine, os.fstat(mine).st_size, 0))
        for number in (self.lock, *self.environments.values()):
            os.close(number)
        return read


def seal(environment: Mapping[str, str]) -> int:
    """An anonymous open file with this environment, which survives exec."""
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
