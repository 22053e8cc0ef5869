"""How much is measured: all of it, or as much as four minutes allow."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Numbers of people, rounds and samples."""

    is_quick: bool
    people: int
    """Recipients of a campaign to a relay on this machine."""
    people_far: int
    yardstick_far: int
    """Mails of smtp-source to a relay 10 ms away: it does 700 a second."""
    rounds: int
    databases_far: tuple[str, ...]
    growth: tuple[int, ...]
    """Sizes at which the launch and the ledger are measured."""
    samples: int
    """Guides asked for, each idle and under a campaign."""
    tasks: int
    people_meanwhile: int
    """Recipients of the campaign under which guides are asked for."""


def full(people: int) -> Size:
    """Everything: about 20 minutes."""
    return Size(
        False,
        people,
        min(people, 20_000),
        4_000,
        3,
        (("PostgreSQL", "PostgreSQL (relay with CHUNKING)", "SQLite")),
        (10_000, 100_000, 1_000_000),
        200,
        2_000,
    )


def quick(people: int) -> Size:
    """One round of each, and nothing above 100,000."""
    return Size(True, people, min(people, 5_000), 2_000, 1, ("PostgreSQL",), (10_000, 100_000), 100, 500, people)
