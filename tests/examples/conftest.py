"""The house as a new install finds it."""

from collections.abc import Callable

import pytest

from newsletter.examples import Kind, Stays, listed
from newsletter.runtime import Runtime

Standing = dict[tuple[Kind, str], Stays | None]


@pytest.fixture
def standing(runtime: Runtime) -> Callable[[], Standing]:
    """What is left of the examples: by kind and name, why each stays."""

    def now() -> Standing:
        with runtime.database.reading() as session:
            return {(one.kind, one.name): one.stays for one in listed(session, runtime.guides)}

    return now
