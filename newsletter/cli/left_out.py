"""Whom a campaign leaves out, on the command line; and the rest of one that was called off."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from newsletter.campaigns import Campaign, NotNow
from newsletter.cli.opened import opened
from newsletter.continuation import continue_
from newsletter.subscribers import segments
from newsletter.subscribers.segments import SavedSegment

F = TypeVar("F", bound=Callable[..., Any])


def options(command: F) -> F:
    """Who is left out."""
    for option in (
        click.option("--one-a-day", is_flag=True,
                     help="Leave out who gets another campaign, or a mail of a series, on the same day."),
        click.option("--without", multiple=True, metavar="SEGMENT",
                     help="Leave out those of this saved segment (its name). May be given several times."),
    ):  # fmt: skip
        command = option(command)
    return command


def named(session: Session, names: Iterable[str]) -> list[SavedSegment]:
    """The segments of these names, each once."""
    return list(dict.fromkeys(segment(session, name) for name in names))


def segment(session: Session, name: str) -> SavedSegment:
    """The segment of this name."""
    found = segments.named(session, name)
    if found is None:
        known = ", ".join(f"“{one.name}”" for one in segments.every(session)[:20]) or "none"
        raise click.ClickException(f"There is no segment “{name}”. Segments that exist: {known}.")
    return found


@click.command()
@click.argument("id", type=int)
def rest(id: int) -> None:
    """Draft a campaign to the rest of one that was called off while it went out. The last word is its id.

    It is sent from its page: whoever was sent the first, or may have been, does not get it.
    """
    with opened() as rt, rt.database.transaction() as session:
        now, found = rt.clock.now(), session.get(Campaign, id, with_for_update=True)
        if found is None:
            raise click.ClickException(f"There is no campaign {id}.")
        try:
            made = continue_(session, found, now)
        except NotNow as error:
            raise click.ClickException(str(error)) from None
        people = made.audience(now).size(session)
        click.echo(f"Drafted for the other {people} people: campaign {made.id}")
