"""Size: how much is measured, fully or in about ten minutes."""

from dataclasses import dataclass

CHUNKING = " (relay with CHUNKING)"
"""Suffix of a database's name for a relay that offers BDAT (RFC 3030)."""


@dataclass(frozen=True)
class Size:
    """Numbers of recipients, rounds and samples."""

    is_quick: bool
    people: int
    """Recipients of a campaign to a local relay."""
    people_far: int
    yardstick_far: int
    """Mails of smtp-source to a relay 10 ms away, where it sends 700 a second."""
    rounds: int
    databases_far: tuple[str, ...]
    growth: tuple[int, ...]
    """Sizes for launch and ledger."""
    samples: int
    """Guides requested, idle and again during a campaign."""
    tasks: int
    people_meanwhile: int
    """Recipients of the campaign during which guides are requested."""


def full(people: int) -> Size:
    """Everything: about 25 minutes."""
    return Size(
        is_quick=False, people=people, people_far=min(people, 20_000), yardstick_far=4_000, rounds=3,
        databases_far=("PostgreSQL", f"PostgreSQL{CHUNKING}", "SQLite"), growth=(10_000, 100_000, 1_000_000),
        samples=200, tasks=2_000, people_meanwhile=10 * people,
    )  # fmt: skip


def quick(people: int) -> Size:
    """One round each, and nothing above 100,000."""
    return Size(
        is_quick=True, people=people, people_far=min(people, 5_000), yardstick_far=2_000, rounds=1,
        databases_far=("PostgreSQL",), growth=(10_000, 100_000), samples=100, tasks=500, people_meanwhile=people,
    )  # fmt: skip
